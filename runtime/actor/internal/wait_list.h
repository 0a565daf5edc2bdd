// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Tasks that wait for a condition of the runtime's own objects to change.
//
//   while (!ready_) co_await changed_.Wait();
//   ... elsewhere: ready_ = true; changed_.NotifyAll();
#ifndef TRACTOR_RUNTIME_ACTOR_INTERNAL_WAIT_LIST_H_
#define TRACTOR_RUNTIME_ACTOR_INTERNAL_WAIT_LIST_H_

#include <coroutine>

#include "runtime/task/internal/intrusive_list.h"
#include "runtime/task/operation.h"

namespace tractor::internal {

struct WaitTag {};

class WaitList {
 public:
  class [[nodiscard]] Waiter final : public Operation,
                                     public ListLink<WaitTag> {
   public:
    Waiter(WaitList& list, const char* what) : list_(list), what_(what) {}

    bool await_ready() const noexcept { return false; }
    template <class P>
    void await_suspend(std::coroutine_handle<P> frame) {
      if (Park(frame)) list_.waiters_.PushBack(*this);
    }
    void await_resume() const noexcept {}

    // What it would wait for holds already.
    void CompleteIfWaiting() {
      if (!linked()) return;
      Unlink();
      Complete();
    }

   private:
    friend class WaitList;
    bool Abort() noexcept override {
      Unlink();
      return true;
    }
    const char* Describe() const noexcept override { return what_; }

    WaitList& list_;
    const char* const what_;
  };

  // A checkpoint. `what` is for the task tree, and must live for ever.
  Waiter Wait(const char* what) { return Waiter(*this, what); }

  void NotifyAll() {
    while (Waiter* waiter = waiters_.PopFront()) waiter->Complete();
  }

  bool empty() const { return waiters_.empty(); }
  // `task` waits here.
  bool Contains(const TaskNode* task) const {
    for (const Waiter* waiter = waiters_.front(); waiter != nullptr;
         waiter = waiters_.Next(*waiter)) {
      if (waiter->task() == task) return true;
    }
    return false;
  }

 private:
  IntrusiveList<Waiter, WaitTag> waiters_;
};

}  // namespace tractor::internal

#endif  // TRACTOR_RUNTIME_ACTOR_INTERNAL_WAIT_LIST_H_
