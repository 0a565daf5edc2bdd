// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/task/lock.h"

#include <stdexcept>

#include "runtime/task/scheduler.h"

namespace tractor {

Lock::Waiter Lock::Acquire() { return Waiter(*this); }

std::optional<Lock::Held> Lock::TryAcquire() {
  const internal::TaskNode* task = Scheduler::Current().current_task();
  CheckNotOwner(task);
  if (owner_ != nullptr) return std::nullopt;
  owner_ = task;
  return Held(this);
}

void Lock::CheckNotOwner(const internal::TaskNode* task) const {
  if (owner_ == nullptr || owner_ != task) return;
  throw std::logic_error(
      "Lock: this task holds the lock already, and would wait for itself");
}

void Lock::Enter(Candidate& candidate) {
  if (owner_ == nullptr) {
    owner_ = candidate.candidate_task();
    candidate.OnOwned();
    return;
  }
  candidates_.PushBack(candidate);
  ++waiting_;
}

void Lock::Leave(Candidate& candidate) {
  candidate.Unlink();
  --waiting_;
}

void Lock::Release() {
  Candidate* next = candidates_.PopFront();
  if (next == nullptr) {
    owner_ = nullptr;
    return;
  }
  --waiting_;
  owner_ = next->candidate_task();
  next->OnOwned();
}

Condition::Waiter Condition::Wait(Lock::Held& held) {
  return Waiter(*this, held);
}

void Condition::Notify(size_t count) {
  const internal::TaskNode* task = Scheduler::Current().current_task();
  if (task == nullptr || lock_.owner() != task) {
    throw std::logic_error("Condition: to notify, a task must hold the lock");
  }
  for (; count > 0; --count) {
    Waiter* waiter = waiters_.PopFront();
    if (waiter == nullptr) return;
    --waiting_;
    lock_.Enter(*waiter);
  }
}

void Condition::Waiter::CheckHeld(const internal::TaskNode* task) const {
  if (held_.lock_ == &condition_.lock_ && condition_.lock_.owner() == task) {
    return;
  }
  throw std::logic_error("Condition: to wait, a task must hold the lock");
}

void Condition::Waiter::Enter() {
  condition_.waiters_.PushBack(*this);
  ++condition_.waiting_;
  condition_.lock_.Release();
}

void Condition::Waiter::OnOwned() {
  if (cancelled_) {
    CompleteCancelled();
  } else {
    Complete();
  }
}

// Either way the lock has to be held again before any frame is destroyed: the
// Held of the caller says that it is.
bool Condition::Waiter::Abort() noexcept {
  if (!ConditionLink::linked()) return false;  // notified: waits for the lock
  ConditionLink::Unlink();
  --condition_.waiting_;
  cancelled_ = true;
  condition_.lock_.Enter(*this);
  return false;
}

}  // namespace tractor
