// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/actor/internal/line_relay.h"

#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "os/fd.h"
#include "runtime/io/fd_waiter.h"
#include "runtime/log/log.h"
#include "runtime/task/cancel_scope.h"
#include "runtime/task/checkpoint.h"

namespace tractor::internal {
namespace {

// A line that is longer comes in pieces.
constexpr size_t kMaxLine = 8 << 10;

void LogLines(std::string& pending, std::string_view who, bool at_end) {
  size_t newline = 0;
  while ((newline = pending.find('\n')) != std::string::npos ||
         pending.size() >= kMaxLine) {
    const bool whole = newline != std::string::npos;
    TRACTOR_LOG(info) << who << ": "
                      << pending.substr(0, whole ? newline : kMaxLine);
    pending.erase(0, whole ? newline + 1 : kMaxLine);
  }
  if (!at_end || pending.empty()) return;
  TRACTOR_LOG(info) << who << ": " << pending;
  pending.clear();
}

Task<> Relay(os::Fd pipe, std::string who) {
  CancelScope shield(absl::InfiniteFuture(), /*shield=*/true);
  auto read_all = [&]() -> Task<> {
    io::FdWaiter waiter(pipe.get());
    std::string pending;
    char buffer[4096];
    while (true) {
      const ssize_t got = read(pipe.get(), buffer, sizeof(buffer));
      if (got > 0) {
        pending.append(buffer, static_cast<size_t>(got));
        LogLines(pending, who, false);
        co_await Checkpoint();  // who prints without end must not stop others
        continue;
      }
      if (got == 0 || (errno != EAGAIN && errno != EINTR)) break;
      co_await waiter.Readable();
    }
    LogLines(pending, who, true);
  };
  co_await shield.Run(read_all);
}

}  // namespace

void RelayOutput(Child& child, Nursery& nursery) {
  os::Fd& out = child.process->stdout_pipe();
  os::Fd& err = child.process->stderr_pipe();
  const std::string who = child.aid.name;
  if (out.valid()) {
    nursery.StartSoon(TaskName("stdout of " + who), &Relay, std::move(out),
                      who + " stdout");
  }
  if (err.valid()) {
    nursery.StartSoon(TaskName("stderr of " + who), &Relay, std::move(err),
                      who + " stderr");
  }
}

}  // namespace tractor::internal
