// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "os/fail_nth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <string_view>
#include <type_traits>

#include "os/syscalls.h"

namespace tractor::os {
namespace {

std::atomic<FailNth*> innermost{nullptr};

void Die(std::string_view message) {
  (void)!::write(STDERR_FILENO, message.data(), message.size());
  abort();
}

bool IsCallName(std::string_view name) {
  if (name == FailNth::kAnyCall) return true;
#define TRACTOR_OS_NAME(entry, params, args) \
  if (name == #entry) return true;
  TRACTOR_OS_INT_SYSCALLS(TRACTOR_OS_NAME)
#undef TRACTOR_OS_NAME
#define TRACTOR_OS_NAME(type, entry, params, args) \
  if (name == #entry) return true;
  TRACTOR_OS_OTHER_SYSCALLS(TRACTOR_OS_NAME)
  TRACTOR_OS_POINTER_SYSCALLS(TRACTOR_OS_NAME)
#undef TRACTOR_OS_NAME
  return false;
}

// Linux frees the descriptor or the pages before it reports a failure.
bool WorksThoughItFails(std::string_view name) {
  return name == "close" || name == "munmap";
}

}  // namespace

// What the failing table needs of the private parts.
class FailNthAccess {
 public:
  // Counts the call in every FailNth; the errno to fail it with, or 0.
  static int Hit(const char* name) {
    int err = 0;
    for (FailNth* f = innermost.load(); f != nullptr; f = f->outer_) {
      if (f->Hit(name) && err == 0) err = f->err_;
    }
    return err;
  }

  // Another thread may be in here while the last FailNth ends.
  static const SyscallTable& Base() {
    const FailNth* f = innermost.load();
    return f == nullptr ? kRealSyscalls : *f->base_;
  }

  template <typename Result, typename Call>
  static Result Run(const char* name, Call call) {
    const int err = Hit(name);
    if (err == 0) return call(Base());
    if (WorksThoughItFails(name)) call(Base());
    errno = err;
    if constexpr (std::is_pointer_v<Result>) {
      return MAP_FAILED;
    } else {
      return -1;
    }
  }
};

namespace {

constinit const SyscallTable kFailingTable = [] {
  SyscallTable table = {};
#define TRACTOR_OS_FAILING(type, name, params, args)                      \
  table.name = [] params -> type {                                        \
    return FailNthAccess::Run<type>(                                      \
        #name, [&](const SyscallTable& base) { return base.name args; }); \
  };
#define TRACTOR_OS_FAILING_INT(name, params, args) \
  TRACTOR_OS_FAILING(int, name, params, args)
  TRACTOR_OS_INT_SYSCALLS(TRACTOR_OS_FAILING_INT)
  TRACTOR_OS_OTHER_SYSCALLS(TRACTOR_OS_FAILING)
  TRACTOR_OS_POINTER_SYSCALLS(TRACTOR_OS_FAILING)
#undef TRACTOR_OS_FAILING_INT
#undef TRACTOR_OS_FAILING
  return table;
}();

}  // namespace

FailNth::FailNth(std::string_view call, int n, int err, bool repeat)
    : call_(call),
      n_(n),
      err_(err),
      repeat_(repeat),
      outer_(innermost.load()),
      base_(outer_ == nullptr ? &Sys() : outer_->base_),
      table_(&kFailingTable) {
  if (!IsCallName(call)) Die("FailNth: no such system call in the table\n");
  innermost.store(this);
}

FailNth::~FailNth() { innermost.store(outer_); }

bool FailNth::Hit(const char* name) {
  if (call_ != kAnyCall && call_ != name) return false;
  const int call = calls_.fetch_add(1) + 1;
  if (n_ == 0 || call < n_ || (call > n_ && !repeat_)) return false;
  if (!fired_.exchange(true)) failed_call_.store(name);
  return true;
}

std::string_view FailNth::failed_call() const {
  const char* name = failed_call_.load();
  return name == nullptr ? std::string_view() : std::string_view(name);
}

}  // namespace tractor::os
