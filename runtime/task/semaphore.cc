// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/task/semaphore.h"

#include <stdexcept>

namespace tractor {

Semaphore::Semaphore(size_t initial, std::optional<size_t> max)
    : value_(initial), max_(max) {
  if (max.has_value() && initial > *max) {
    throw std::logic_error("Semaphore: the initial value is over the maximum");
  }
}

Semaphore::Waiter Semaphore::Acquire() { return Waiter(*this); }

// While somebody waits the value is 0, so nobody is overtaken here.
void Semaphore::Enter(Waiter& waiter) {
  if (value_ > 0) {
    --value_;
    waiter.Complete();
    return;
  }
  waiters_.PushBack(waiter);
  ++waiting_;
}

std::optional<Semaphore::Permit> Semaphore::TryAcquire() {
  if (value_ == 0) return std::nullopt;
  --value_;
  return Permit(this);
}

void Semaphore::Release() {
  if (Waiter* waiter = waiters_.PopFront()) {
    --waiting_;
    waiter->Complete();
    return;
  }
  if (max_.has_value() && value_ >= *max_) {
    throw std::logic_error("Semaphore: released more often than acquired");
  }
  ++value_;
}

}  // namespace tractor
