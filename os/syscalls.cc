// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "os/syscalls.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/vfs.h>
#include <unistd.h>

// What libc has not, or has in another shape. In the global namespace, so that
// the lambdas below find these and libc's own by one name.
namespace {

// libc's waitid has no rusage; this one differs from it in its arguments.
int waitid(int id_type, int id, siginfo_t* info, int options,
           struct rusage* usage) {
  return static_cast<int>(
      syscall(SYS_waitid, id_type, id, info, options, usage));
}

// glibc 2.36 declares these two as C++ functions, and older ones not at all.
int pidfd_open(pid_t pid, unsigned flags) {
  return static_cast<int>(syscall(SYS_pidfd_open, pid, flags));
}

int pidfd_send_signal(int pidfd, int signal, siginfo_t* info, unsigned flags) {
  return static_cast<int>(
      syscall(SYS_pidfd_send_signal, pidfd, signal, info, flags));
}

pid_t clone3(struct clone_args* args, size_t size) {
  return static_cast<pid_t>(syscall(SYS_clone3, args, size));
}

}  // namespace

namespace tractor::os {

// Lambdas, since libc's functions are partly variadic, inline or noexcept and
// so have other types than the table's entries.
constinit const SyscallTable kRealSyscalls = [] {
  SyscallTable table = {};
#define TRACTOR_OS_REAL(name, params, args) \
  table.name = [] params -> int { return ::name args; };
  TRACTOR_OS_INT_SYSCALLS(TRACTOR_OS_REAL)
#undef TRACTOR_OS_REAL
#define TRACTOR_OS_REAL(type, name, params, args) \
  table.name = [] params -> type { return ::name args; };
  TRACTOR_OS_OTHER_SYSCALLS(TRACTOR_OS_REAL)
  TRACTOR_OS_POINTER_SYSCALLS(TRACTOR_OS_REAL)
#undef TRACTOR_OS_REAL
  return table;
}();

namespace internal {
constinit std::atomic<const SyscallTable*> current_table{&kRealSyscalls};
}  // namespace internal

ScopedSyscallTable::ScopedSyscallTable(const SyscallTable* table)
    : previous_(internal::current_table.exchange(table)) {}

ScopedSyscallTable::~ScopedSyscallTable() {
  internal::current_table.store(previous_);
}

}  // namespace tractor::os
