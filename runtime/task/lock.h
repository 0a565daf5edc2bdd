// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Lock: one task at a time, across awaits. And Condition, which gives a lock
// away until something has changed.
//
//   tractor::Lock lock;
//   tractor::Condition changed(lock);
//   {
//     tractor::Lock::Held held = co_await lock.Acquire();
//     while (queue.empty()) co_await changed.Wait(held);
//     ...
//   }                                    // released
//
// Rules (trio's).
// - Code between two awaits needs no lock: one thread runs all tasks.
// - First come, first served: a lock that is released belongs at once to the
//   task that has waited longest; nobody can barge in.
// - A task that acquires what it holds would wait for itself: std::logic_error.
// - Acquire() and Wait() are always checkpoints. Wait() holds the lock again
//   whichever way it ends, cancelled too; a notification that has reached it
//   is not lost: it then ends with a value, and the next checkpoint cancels.
#ifndef TRACTOR_RUNTIME_TASK_LOCK_H_
#define TRACTOR_RUNTIME_TASK_LOCK_H_

#include <coroutine>
#include <cstddef>
#include <optional>
#include <utility>

#include "runtime/task/internal/intrusive_list.h"
#include "runtime/task/operation.h"

namespace tractor {

class Condition;

class Lock {
 public:
  class Held;
  class Waiter;

  Lock() = default;
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

  [[nodiscard]] Waiter Acquire();
  // Nullopt when another task holds it. Not a checkpoint.
  std::optional<Held> TryAcquire();

  bool locked() const { return owner_ != nullptr; }
  // The task that holds it; null when nobody does.
  const internal::TaskNode* owner() const { return owner_; }
  size_t waiting() const { return waiting_; }

 private:
  friend class Condition;
  struct Tag {};
  // Something that waits for the lock.
  class Candidate : public internal::ListLink<Tag> {
   public:
    virtual void OnOwned() = 0;
    virtual internal::TaskNode* candidate_task() const = 0;

   protected:
    ~Candidate() = default;
  };

  void CheckNotOwner(const internal::TaskNode* task) const;
  // OnOwned() is called now or later.
  void Enter(Candidate& candidate);
  void Leave(Candidate& candidate);
  void Release();

  const internal::TaskNode* owner_ = nullptr;
  size_t waiting_ = 0;
  internal::IntrusiveList<Candidate, Tag> candidates_;
};

// Releases the lock when it dies. Belongs to the task that acquired it.
class [[nodiscard]] Lock::Held {
 public:
  Held(Held&& other) noexcept : lock_(std::exchange(other.lock_, nullptr)) {}
  Held& operator=(Held&& other) noexcept {
    std::swap(lock_, other.lock_);
    return *this;
  }
  ~Held() { Release(); }

  // Releases it now. Idempotent.
  void Release() {
    if (lock_ != nullptr) std::exchange(lock_, nullptr)->Release();
  }

 private:
  friend class Lock;
  friend class Condition;
  explicit Held(Lock* lock) : lock_(lock) {}

  Lock* lock_;
};

class [[nodiscard]] Lock::Waiter final : public Operation, private Candidate {
 public:
  explicit Waiter(Lock& lock) : lock_(lock) {}

  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> frame) {
    lock_.CheckNotOwner(frame.promise().task);
    if (Park(frame)) lock_.Enter(*this);
  }
  Held await_resume() const noexcept { return Held(&lock_); }

 private:
  void OnOwned() override { Complete(); }
  internal::TaskNode* candidate_task() const override { return task(); }
  bool Abort() noexcept override {
    lock_.Leave(*this);
    return true;
  }
  const char* Describe() const noexcept override { return "lock"; }

  Lock& lock_;
};

class Condition {
 public:
  class Waiter;

  // `lock` is not owned and must outlive the condition.
  explicit Condition(Lock& lock) : lock_(lock) {}
  Condition(const Condition&) = delete;
  Condition& operator=(const Condition&) = delete;

  // Releases, waits for a notification, acquires again. `held` must be of this
  // condition's lock and of the task that awaits, else std::logic_error.
  [[nodiscard]] Waiter Wait(Lock::Held& held);

  // Wakes the `count` tasks that have waited longest. The current task must
  // hold the lock, else std::logic_error.
  void Notify(size_t count = 1);
  void NotifyAll() { Notify(waiting_); }

  size_t waiting() const { return waiting_; }

 private:
  struct Tag {};

  Lock& lock_;
  size_t waiting_ = 0;
  internal::IntrusiveList<Waiter, Tag> waiters_;
};

class [[nodiscard]] Condition::Waiter final : public Operation,
                                              private Lock::Candidate,
                                              private internal::ListLink<Tag> {
 public:
  Waiter(Condition& condition, Lock::Held& held)
      : condition_(condition), held_(held) {}

  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> frame) {
    CheckHeld(frame.promise().task);
    if (Park(frame)) Enter();
  }
  void await_resume() const noexcept {}

 private:
  friend class Condition;
  template <class T, class U>
  friend class internal::IntrusiveList;
  using ConditionLink = internal::ListLink<Tag>;

  void CheckHeld(const internal::TaskNode* task) const;
  void Enter();
  void OnOwned() override;
  internal::TaskNode* candidate_task() const override { return task(); }
  bool Abort() noexcept override;
  const char* Describe() const noexcept override { return "condition"; }

  Condition& condition_;
  Lock::Held& held_;
  bool cancelled_ = false;
};

}  // namespace tractor

#endif  // TRACTOR_RUNTIME_TASK_LOCK_H_
