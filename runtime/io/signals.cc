// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/io/signals.h"

#include <optional>

#include "runtime/io/status_error.h"
#include "runtime/task/checkpoint.h"

namespace tractor::io {
namespace {

os::Fd Open(const os::ScopedSignalBlock& block, const os::SignalSet& set) {
  OrThrow(block.status());
  return OrThrow(os::MakeSignalFd(set));
}

}  // namespace

SignalWatcher::SignalWatcher(const os::SignalSet& set)
    : block_(set), fd_(Open(block_, set)), waiter_(fd_.get()) {}

SignalWatcher::~SignalWatcher() = default;

Task<os::ReceivedSignal> SignalWatcher::Receive() {
  co_await Checkpoint();
  for (;;) {
    std::optional<os::ReceivedSignal> got = OrThrow(os::ReadSignal(fd_.get()));
    if (got.has_value()) co_return *got;
    co_await waiter_.Readable();
  }
}

}  // namespace tractor::io
