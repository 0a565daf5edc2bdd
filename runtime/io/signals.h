// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Signals as something to wait for.
//
//   tractor::io::SignalWatcher watcher({SIGINT, SIGTERM});
//   os::ReceivedSignal got = co_await watcher.Receive();
//
// Rules.
// - The signals are blocked in this thread while the watcher lives, and are as
//   they were afterwards. Make it before other threads start, or they take the
//   signals.
// - What is pending and was not received when the watcher ends takes its usual
//   effect then: a signal is never lost.
// - Standard signals do not queue: several SIGCHLDs may be one.
#ifndef TRACTOR_RUNTIME_IO_SIGNALS_H_
#define TRACTOR_RUNTIME_IO_SIGNALS_H_

#include "os/fd.h"
#include "os/signals.h"
#include "runtime/io/fd_waiter.h"
#include "runtime/task/task.h"

namespace tractor::io {

class SignalWatcher {
 public:
  explicit SignalWatcher(const os::SignalSet& set);
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;
  ~SignalWatcher();

  // The next one: its number and its sender. A checkpoint; one task at a time.
  Task<os::ReceivedSignal> Receive();

 private:
  // In this order: a failure gives the mask back.
  os::ScopedSignalBlock block_;
  os::Fd fd_;
  FdWaiter waiter_;
};

}  // namespace tractor::io

#endif  // TRACTOR_RUNTIME_IO_SIGNALS_H_
