// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Whether something is a checkpoint, as every leaf must be.
//
//   const bool cancels = co_await tractor::testing::IsCancelPoint(acquire);
//   EXPECT_TRUE(cancels);
//
// Rules. `body` is called by each of them once.
#ifndef TRACTOR_RUNTIME_TASK_TESTING_EXPECT_CHECKPOINT_H_
#define TRACTOR_RUNTIME_TASK_TESTING_EXPECT_CHECKPOINT_H_

#include "runtime/task/cancel_scope.h"
#include "runtime/task/outcome.h"
#include "runtime/task/scheduler.h"
#include "runtime/task/task.h"

namespace tractor::testing {

// True when body() is cut short in a scope that is cancelled already.
template <Body F>
Task<bool> IsCancelPoint(F body) {
  CancelScope scope;
  scope.Cancel();
  co_await scope.Run(body);
  co_return scope.cancelled_caught();
}

// True when body() lets other tasks run before it ends.
template <Body F>
Task<bool> IsSchedulePoint(F body) {
  const uint64_t before = Scheduler::Current().steps();
  co_await body();
  co_return Scheduler::Current().steps() != before;
}

}  // namespace tractor::testing

#endif  // TRACTOR_RUNTIME_TASK_TESTING_EXPECT_CHECKPOINT_H_
