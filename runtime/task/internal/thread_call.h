// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// One ToThread::Run(): what the task that waits and the thread that works
// share. Include to_thread.h instead.
//
// The thread speaks to the loop by posting; the task lies in NextEvent() and is
// told "run this body for the thread" or "the thread is done". An abandoned
// call has no task any more: what is posted then finds nobody, and whoever
// blocks in the thread for an answer is told so.
#ifndef TRACTOR_RUNTIME_TASK_INTERNAL_THREAD_CALL_H_
#define TRACTOR_RUNTIME_TASK_INTERNAL_THREAD_CALL_H_

#include <coroutine>
#include <functional>
#include <memory>
#include <optional>

#include "runtime/task/cancel_scope.h"
#include "runtime/task/capacity_limiter.h"
#include "runtime/task/operation.h"
#include "runtime/task/scheduler.h"
#include "runtime/task/task.h"

namespace tractor::internal {

class ThreadCall : public std::enable_shared_from_this<ThreadCall> {
 public:
  // Where the task waits; always the same call.
  class [[nodiscard]] EventWait final : public Operation {
   public:
    explicit EventWait(ThreadCall& call) : call_(call) {}
    bool await_ready() const noexcept { return false; }
    template <class P>
    void await_suspend(std::coroutine_handle<P> frame) {
      if (!Park(frame)) return;
      if (call_.HasEvent()) return Complete();
      call_.waiting_ = this;
    }
    void await_resume() const noexcept {}

   private:
    friend class ThreadCall;
    bool Abort() noexcept override {
      call_.waiting_ = nullptr;
      return true;
    }
    const char* Describe() const noexcept override { return "thread"; }

    ThreadCall& call_;
  };

  // Starts the thread's work; abandons the call when it dies before the end.
  class Guard {
   public:
    Guard(std::shared_ptr<ThreadCall> call, CapacityLimiter::Token token,
          std::function<void()> job);
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    ~Guard() { call_->Abandon(); }

   private:
    const std::shared_ptr<ThreadCall> call_;
  };

  ThreadCall() = default;

  // ---- in the loop's thread ----
  EventWait NextEvent() { return EventWait(*this); }
  // Whatever is cancelled meanwhile.
  Task<> NextEventShielded();
  // What the thread wants to have run; empty when the thread is done.
  std::function<Task<>()> TakeBody();

  // ---- in the working thread ----
  // The call that this thread works for; throws FromThreadError.
  static ThreadCall& Current();
  // Blocks until it has run. Throws FromThreadError when nobody will run it.
  void RunInLoop(std::function<void()> f);
  void RunInTask(std::function<Task<>()> body);
  bool Cancelled();

 private:
  class Answer;

  void Start(CapacityLimiter::Token token, std::function<void()> job);
  bool HasEvent() const { return done_ || body_; }
  void Wake();
  void Finish();
  void Abandon();

  // Written before the thread starts, constant then.
  std::shared_ptr<RemoteScheduler> loop_;
  // Used in the loop's thread only.
  Scheduler* scheduler_ = nullptr;  // null: finished or abandoned
  const TaskNode* task_ = nullptr;
  CancelScope* shield_ = nullptr;  // of NextEventShielded()
  std::optional<CapacityLimiter::Token> token_;
  EventWait* waiting_ = nullptr;
  std::function<Task<>()> body_;
  bool done_ = false;
};

}  // namespace tractor::internal

#endif  // TRACTOR_RUNTIME_TASK_INTERNAL_THREAD_CALL_H_
