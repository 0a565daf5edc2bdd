// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/io/process_exit.h"

#include <optional>

#include "runtime/io/fd_waiter.h"
#include "runtime/io/status_error.h"
#include "runtime/task/checkpoint.h"

namespace tractor::io {

// A descriptor number can be in an epoll set once, and several tasks may wait
// for one process: each takes a duplicate.
Task<> WaitUntilEnded(const os::Pidfd& process) {
  const os::Pidfd mine = OrThrow(process.Dup());
  FdWaiter waiter(mine.fd());
  co_await waiter.Readable();
}

Task<os::ExitStatus> WaitExit(const os::Pidfd& process) {
  co_await WaitUntilEnded(process);
  std::optional<os::ExitStatus> end = OrThrow(process.TryWait());
  if (!end.has_value()) {
    ThrowStatus(absl::InternalError("a pidfd is readable, and nobody ended"));
  }
  co_return *end;
}

}  // namespace tractor::io
