// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The seam between tractor and Linux: a table of function pointers. Everything
// in os/ (and whoever else calls the kernel) goes through it:
//
//   int fd = os::Sys().openat(dir, "x", O_RDONLY | O_CLOEXEC, 0);
//
// A test replaces the table (ScopedSyscallTable below, FailNth in
// "os/fail_nth.h") and so makes any call fail that would not fail by itself.
//
// Rules:
// - Every entry follows the libc convention: -1 (mmap: MAP_FAILED) and errno.
// - Variadic calls have their full argument list here (open: mode; fcntl: arg).
// - `waitid` is the raw system call: a fifth argument takes the rusage.
// - The table is read without a lock: one pointer load. Replace it while other
//   threads run only if they may see either table.

#ifndef TRACTOR_OS_SYSCALLS_H_
#define TRACTOR_OS_SYSCALLS_H_

#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

#include <atomic>

struct itimerspec;
struct statfs;

namespace tractor::os {

// X(name, (parameters), (arguments)): calls that return int.
#define TRACTOR_OS_INT_SYSCALLS(X)                                             \
  X(open, (const char* path, int flags, mode_t mode), (path, flags, mode))     \
  X(openat, (int dir, const char* path, int flags, mode_t mode),               \
    (dir, path, flags, mode))                                                  \
  X(close, (int fd), (fd))                                                     \
  X(close_range, (unsigned first, unsigned last, int flags),                   \
    (first, last, flags))                                                      \
  X(fcntl, (int fd, int command, long argument), (fd, command, argument))      \
  X(dup3, (int fd, int to, int flags), (fd, to, flags))                        \
  X(pipe2, (int* fds, int flags), (fds, flags))                                \
  X(ftruncate, (int fd, off_t size), (fd, size))                               \
  X(fstat, (int fd, struct stat* st), (fd, st))                                \
  X(fstatat, (int dir, const char* path, struct stat* st, int flags),          \
    (dir, path, st, flags))                                                    \
  X(fstatfs, (int fd, struct statfs* st), (fd, st))                            \
  X(faccessat, (int dir, const char* path, int mode, int flags),               \
    (dir, path, mode, flags))                                                  \
  X(fchmod, (int fd, mode_t mode), (fd, mode))                                 \
  X(mkdirat, (int dir, const char* path, mode_t mode), (dir, path, mode))      \
  X(unlinkat, (int dir, const char* path, int flags), (dir, path, flags))      \
  X(poll, (struct pollfd * fds, nfds_t count, int timeout_ms),                 \
    (fds, count, timeout_ms))                                                  \
  X(epoll_create1, (int flags), (flags))                                       \
  X(epoll_ctl, (int ep, int op, int fd, struct epoll_event* event),            \
    (ep, op, fd, event))                                                       \
  X(epoll_wait, (int ep, struct epoll_event* events, int max, int timeout_ms), \
    (ep, events, max, timeout_ms))                                             \
  X(eventfd, (unsigned value, int flags), (value, flags))                      \
  X(timerfd_create, (int clock, int flags), (clock, flags))                    \
  X(timerfd_settime,                                                           \
    (int fd, int flags, const struct itimerspec* value,                        \
     struct itimerspec* old),                                                  \
    (fd, flags, value, old))                                                   \
  X(signalfd, (int fd, const sigset_t* set, int flags), (fd, set, flags))      \
  X(sigprocmask, (int how, const sigset_t* set, sigset_t* old),                \
    (how, set, old))                                                           \
  X(sigaction,                                                                 \
    (int signal, const struct sigaction* action, struct sigaction* old),       \
    (signal, action, old))                                                     \
  X(socket, (int domain, int type, int protocol), (domain, type, protocol))    \
  X(socketpair, (int domain, int type, int protocol, int* fds),                \
    (domain, type, protocol, fds))                                             \
  X(bind, (int fd, const struct sockaddr* address, socklen_t size),            \
    (fd, address, size))                                                       \
  X(listen, (int fd, int backlog), (fd, backlog))                              \
  X(connect, (int fd, const struct sockaddr* address, socklen_t size),         \
    (fd, address, size))                                                       \
  X(accept4, (int fd, struct sockaddr* address, socklen_t* size, int flags),   \
    (fd, address, size, flags))                                                \
  X(shutdown, (int fd, int how), (fd, how))                                    \
  X(getsockopt, (int fd, int level, int option, void* value, socklen_t* size), \
    (fd, level, option, value, size))                                          \
  X(setsockopt,                                                                \
    (int fd, int level, int option, const void* value, socklen_t size),        \
    (fd, level, option, value, size))                                          \
  X(pidfd_open, (pid_t pid, unsigned flags), (pid, flags))                     \
  X(pidfd_send_signal,                                                         \
    (int pidfd, int signal, siginfo_t* info, unsigned flags),                  \
    (pidfd, signal, info, flags))                                              \
  X(waitid,                                                                    \
    (int id_type, int id, siginfo_t* info, int options, struct rusage* usage), \
    (id_type, id, info, options, usage))                                       \
  X(prctl,                                                                     \
    (int option, unsigned long a, unsigned long b, unsigned long c,            \
     unsigned long d),                                                         \
    (option, a, b, c, d))                                                      \
  X(memfd_create, (const char* name, unsigned flags), (name, flags))           \
  X(munmap, (void* address, size_t size), (address, size))                     \
  X(setpgid, (pid_t pid, pid_t group), (pid, group))                           \
  X(chdir, (const char* path), (path))                                         \
  X(setrlimit, (int resource, const struct rlimit* limit), (resource, limit))  \
  X(execve, (const char* path, char* const* argv, char* const* envp),          \
    (path, argv, envp))                                                        \
  X(execveat,                                                                  \
    (int dir, const char* path, char* const* argv, char* const* envp,          \
     int flags),                                                               \
    (dir, path, argv, envp, flags))

// The same with another return type: X(type, name, (parameters), (arguments)).
#define TRACTOR_OS_OTHER_SYSCALLS(X)                                           \
  X(ssize_t, read, (int fd, void* to, size_t size), (fd, to, size))            \
  X(ssize_t, write, (int fd, const void* from, size_t size), (fd, from, size)) \
  X(off_t, lseek, (int fd, off_t offset, int whence), (fd, offset, whence))    \
  X(ssize_t, getdents64, (int fd, void* to, size_t size), (fd, to, size))      \
  X(ssize_t, readlinkat, (int dir, const char* path, char* to, size_t size),   \
    (dir, path, to, size))                                                     \
  X(ssize_t, getrandom, (void* to, size_t size, unsigned flags),               \
    (to, size, flags))                                                         \
  X(ssize_t, sendmsg, (int fd, const struct msghdr* message, int flags),       \
    (fd, message, flags))                                                      \
  X(ssize_t, recvmsg, (int fd, struct msghdr* message, int flags),             \
    (fd, message, flags))                                                      \
  X(pid_t, fork, (), ())                                                       \
  X(pid_t, setsid, (), ())                                                     \
  X(pid_t, clone3, (struct clone_args * args, size_t size), (args, size))

// The same for calls that return a pointer, MAP_FAILED for an error.
#define TRACTOR_OS_POINTER_SYSCALLS(X)                              \
  X(void*, mmap,                                                    \
    (void* address, size_t size, int protection, int flags, int fd, \
     off_t offset),                                                 \
    (address, size, protection, flags, fd, offset))

struct SyscallTable {
#define TRACTOR_OS_ENTRY(name, params, args) int(*name) params;
  TRACTOR_OS_INT_SYSCALLS(TRACTOR_OS_ENTRY)
#undef TRACTOR_OS_ENTRY
#define TRACTOR_OS_ENTRY(type, name, params, args) type(*name) params;
  TRACTOR_OS_OTHER_SYSCALLS(TRACTOR_OS_ENTRY)
  TRACTOR_OS_POINTER_SYSCALLS(TRACTOR_OS_ENTRY)
#undef TRACTOR_OS_ENTRY
};

// The table that goes straight to libc and the kernel.
extern const SyscallTable kRealSyscalls;

namespace internal {
extern std::atomic<const SyscallTable*> current_table;
}  // namespace internal

// The table in force.
inline const SyscallTable& Sys() {
  return *internal::current_table.load(std::memory_order_relaxed);
}

// Puts `table` in force until its end; for tests. Nest them like brackets.
// `table` must outlive this object.
//
//   os::SyscallTable table = os::Sys();
//   table.fork = [] { errno = EAGAIN; return pid_t{-1}; };
//   os::ScopedSyscallTable scope(&table);
class ScopedSyscallTable {
 public:
  explicit ScopedSyscallTable(const SyscallTable* table);
  ~ScopedSyscallTable();

  ScopedSyscallTable(const ScopedSyscallTable&) = delete;
  ScopedSyscallTable& operator=(const ScopedSyscallTable&) = delete;

 private:
  const SyscallTable* const previous_;
};

}  // namespace tractor::os

#endif  // TRACTOR_OS_SYSCALLS_H_
