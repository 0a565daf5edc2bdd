// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Semaphore: at most n at a time.
//
//   tractor::Semaphore slots(3);
//   tractor::Semaphore::Permit permit = co_await slots.Acquire();
//   ...                                  // given back when `permit` dies
//
// Rules. Acquire() is always a checkpoint. Tasks get their turn in the order in
// which they came. A permit is an object because a cancellation runs nothing
// but destructors. The semaphore must outlive its permits.
#ifndef TRACTOR_RUNTIME_TASK_SEMAPHORE_H_
#define TRACTOR_RUNTIME_TASK_SEMAPHORE_H_

#include <coroutine>
#include <cstddef>
#include <optional>
#include <utility>

#include "runtime/task/internal/intrusive_list.h"
#include "runtime/task/operation.h"

namespace tractor {

class Semaphore {
 public:
  class Permit;
  class Waiter;

  // `max`: Release() beyond it throws std::logic_error; nullopt: no limit.
  explicit Semaphore(size_t initial, std::optional<size_t> max = std::nullopt);
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;

  [[nodiscard]] Waiter Acquire();
  // Nullopt when there is none left. Not a checkpoint.
  std::optional<Permit> TryAcquire();
  // Gives one back without a Permit: for permits that were Detach()ed, or to
  // use the semaphore as a counter of events.
  void Release();

  size_t value() const { return value_; }
  size_t waiting() const { return waiting_; }

 private:
  struct Tag {};

  // Serves `waiter` at once, or queues it.
  void Enter(Waiter& waiter);

  size_t value_;
  const std::optional<size_t> max_;
  size_t waiting_ = 0;
  internal::IntrusiveList<Waiter, Tag> waiters_;
};

class [[nodiscard]] Semaphore::Permit {
 public:
  Permit(Permit&& other) noexcept
      : semaphore_(std::exchange(other.semaphore_, nullptr)) {}
  Permit& operator=(Permit&& other) noexcept {
    std::swap(semaphore_, other.semaphore_);
    return *this;
  }
  ~Permit() { Release(); }

  // Gives it back now. Idempotent.
  void Release() {
    if (semaphore_ != nullptr) std::exchange(semaphore_, nullptr)->Release();
  }
  // Somebody else will call Semaphore::Release().
  void Detach() { semaphore_ = nullptr; }

 private:
  friend class Semaphore;
  explicit Permit(Semaphore* semaphore) : semaphore_(semaphore) {}

  Semaphore* semaphore_;
};

class [[nodiscard]] Semaphore::Waiter final : public Operation,
                                              private internal::ListLink<Tag> {
 public:
  explicit Waiter(Semaphore& semaphore) : semaphore_(semaphore) {}

  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> frame) {
    if (Park(frame)) semaphore_.Enter(*this);
  }
  Permit await_resume() const noexcept { return Permit(&semaphore_); }

 private:
  friend class Semaphore;
  template <class T, class U>
  friend class internal::IntrusiveList;

  bool Abort() noexcept override {
    Unlink();
    --semaphore_.waiting_;
    return true;
  }
  const char* Describe() const noexcept override { return "semaphore"; }

  Semaphore& semaphore_;
};

}  // namespace tractor

#endif  // TRACTOR_RUNTIME_TASK_SEMAPHORE_H_
