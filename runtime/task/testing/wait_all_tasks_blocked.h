// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// WaitAllTasksBlocked(): goes on when no other task can run, which is what a
// test otherwise sleeps for.
//
//   n.StartSoon(Receive, &channel);
//   co_await tractor::testing::WaitAllTasksBlocked();
//   // now it waits in Receive()
//
// Rules. Always a checkpoint. Tasks that wait for a time or for a thread are
// blocked too: time does not pass in here. Several that wait go on in turn.
#ifndef TRACTOR_RUNTIME_TASK_TESTING_WAIT_ALL_TASKS_BLOCKED_H_
#define TRACTOR_RUNTIME_TASK_TESTING_WAIT_ALL_TASKS_BLOCKED_H_

#include <coroutine>

#include "runtime/task/operation.h"
#include "runtime/task/scheduler.h"

namespace tractor::testing {

class [[nodiscard]] WaitAllTasksBlocked final : public Operation,
                                                private IdleHook {
 public:
  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> frame) {
    if (Park(frame)) task()->scheduler().AddIdleHook(*this);
  }
  void await_resume() const noexcept {}

 private:
  bool Abort() noexcept override {
    Unlink();
    return true;
  }
  const char* Describe() const noexcept override {
    return "all other tasks to block";
  }
  // Also called in a busy loop, now and then.
  void BeforeIdle() override {
    if (task()->scheduler().HasReadyTasks()) return;
    Unlink();
    Complete();
  }
};

}  // namespace tractor::testing

#endif  // TRACTOR_RUNTIME_TASK_TESTING_WAIT_ALL_TASKS_BLOCKED_H_
