// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Event: something that happens once, and that any number of tasks wait for.
//
//   tractor::Event ready;
//   n.StartSoon(Serve, &ready);       // calls ready.Set()
//   co_await ready.Wait();
//
// Rules. Wait() is always a checkpoint, also when the event is set already. An
// event is never unset: make a new one for each occasion. It must outlive those
// that wait for it.
#ifndef TRACTOR_RUNTIME_TASK_EVENT_H_
#define TRACTOR_RUNTIME_TASK_EVENT_H_

#include <coroutine>
#include <cstddef>

#include "runtime/task/internal/intrusive_list.h"
#include "runtime/task/operation.h"

namespace tractor {

class Event {
 public:
  class Waiter;

  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  // Idempotent. Not a checkpoint.
  void Set();
  bool is_set() const { return set_; }
  [[nodiscard]] Waiter Wait();

  // How many tasks wait.
  size_t waiting() const { return waiting_; }

 private:
  struct Tag {};

  bool set_ = false;
  size_t waiting_ = 0;
  internal::IntrusiveList<Waiter, Tag> waiters_;
};

class [[nodiscard]] Event::Waiter final : public Operation,
                                          private internal::ListLink<Tag> {
 public:
  explicit Waiter(Event& event) : event_(event) {}

  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> frame) {
    if (!Park(frame)) return;
    if (event_.set_) return Complete();
    event_.waiters_.PushBack(*this);
    ++event_.waiting_;
  }
  void await_resume() const noexcept {}

 private:
  friend class Event;
  template <class T, class U>
  friend class internal::IntrusiveList;

  bool Abort() noexcept override {
    Unlink();
    --event_.waiting_;
    return true;
  }
  const char* Describe() const noexcept override { return "event"; }

  Event& event_;
};

inline Event::Waiter Event::Wait() { return Waiter(*this); }

inline void Event::Set() {
  set_ = true;
  waiting_ = 0;
  while (Waiter* waiter = waiters_.PopFront()) waiter->Complete();
}

}  // namespace tractor

#endif  // TRACTOR_RUNTIME_TASK_EVENT_H_
