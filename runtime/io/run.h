// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// A scheduler and its reactor in one call: for programs without actors, and
// for tests.
//
//   tractor::Outcome<int> end = tractor::io::Run(RootTask);
#ifndef TRACTOR_RUNTIME_IO_RUN_H_
#define TRACTOR_RUNTIME_IO_RUN_H_

#include <utility>

#include "runtime/io/reactor.h"
#include "runtime/task/outcome.h"
#include "runtime/task/scheduler.h"

namespace tractor::io {

// Blocks until `body()` and everything it started has ended. The driver of
// `options` is not used.
template <Body F>
Outcome<BodyResult<F>> Run(F&& body,
                           SchedulerOptions options = SchedulerOptions()) {
  Reactor reactor(options.clock());
  Scheduler scheduler(options.set_driver(reactor));
  return scheduler.Run(std::forward<F>(body));
}

}  // namespace tractor::io

#endif  // TRACTOR_RUNTIME_IO_RUN_H_
