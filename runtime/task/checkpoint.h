// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Giving way without waiting for anything.
//
//   while (Busy()) { Work(); co_await tractor::Checkpoint(); }
#ifndef TRACTOR_RUNTIME_TASK_CHECKPOINT_H_
#define TRACTOR_RUNTIME_TASK_CHECKPOINT_H_

#include <coroutine>

#include "runtime/task/internal/frame.h"
#include "runtime/task/internal/task_node.h"
#include "runtime/task/scheduler.h"

namespace tractor {

// Lets every other ready task run once, then looks whether a cancel is in
// force: a schedule point and a cancel point.
class [[nodiscard]] Checkpoint {
 public:
  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> frame) const {
    internal::TaskNode& task = *frame.promise().task;
    task.leaf = &frame.promise();
    task.is_checkpoint = true;
    task.scheduler().Schedule(task);
  }
  void await_resume() const noexcept {}
};

// A schedule point only: a cancel that is in force stays outside.
class [[nodiscard]] ShieldedCheckpoint {
 public:
  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> frame) const {
    internal::TaskNode& task = *frame.promise().task;
    task.leaf = &frame.promise();
    task.scheduler().Schedule(task);
  }
  void await_resume() const noexcept {}
};

}  // namespace tractor

#endif  // TRACTOR_RUNTIME_TASK_CHECKPOINT_H_
