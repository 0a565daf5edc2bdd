// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The base of every leaf: something that a task can be parked in. Only authors
// of leaves need it (timers, events, sockets, ...).
//
//   class Wait : public Operation {
//    public:
//     bool await_ready() const noexcept { return false; }
//     template <class P>
//     void await_suspend(std::coroutine_handle<P> frame) {
//       if (!Park(frame)) return;   // a cancel was pending: nothing is started
//       ... start it; call Complete() once, later or now
//     }
//     void await_resume() {}
//
//    private:
//     bool Abort() noexcept override { ... forget it ...; return true; }
//     const char* Describe() const noexcept override { return "wait"; }
//   };
//
// Rules. Every leaf is a cancel point *and* a schedule point, always: also when
// it could go on at once, it parks and completes. A leaf that is cancelled did
// not happen: what an operation has finished is never thrown away, so Abort()
// may answer "no", and the result is then delivered; the next checkpoint
// cancels.
#ifndef TRACTOR_RUNTIME_TASK_OPERATION_H_
#define TRACTOR_RUNTIME_TASK_OPERATION_H_

#include <coroutine>

#include "runtime/task/internal/frame.h"
#include "runtime/task/internal/task_node.h"

namespace tractor {

class Operation {
 public:
  // A cancel has come while the task is parked here. True: it will not happen,
  // Complete() will not be called, the task is unwound. False: it cannot be
  // taken back, or not at once; Complete() or CompleteCancelled() will still be
  // called. Asked at most once. Must not resume or destroy anything.
  virtual bool Abort() noexcept = 0;

  // What the task waits for, for the task tree: "sleep", "channel receive".
  virtual const char* Describe() const noexcept { return "operation"; }

  // Works in every state: parked, completed but not yet resumed.
  internal::TaskNode* task() const { return task_; }

 protected:
  Operation() = default;
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;
  ~Operation() = default;

  // First thing in await_suspend. False: the task is cancelled and already
  // queued to be unwound; do nothing more.
  template <class P>
  [[nodiscard]] bool Park(std::coroutine_handle<P> frame) {
    return ParkFrame(frame.promise());
  }

  // The task goes on with await_resume() the next time round. Never call it
  // from another thread (Scheduler::Post is for that).
  void Complete();

  // After an Abort() that answered false: it did not happen after all.
  void CompleteCancelled();

  bool parked() const { return task_ != nullptr && parked_; }

 private:
  bool ParkFrame(internal::FrameBase& frame);

  internal::TaskNode* task_ = nullptr;
  bool parked_ = false;
};

}  // namespace tractor

#endif  // TRACTOR_RUNTIME_TASK_OPERATION_H_
