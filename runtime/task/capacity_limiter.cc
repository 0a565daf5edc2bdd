// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/task/capacity_limiter.h"

#include <stdexcept>

#include "runtime/task/scheduler.h"

namespace tractor {

struct CapacityLimiter::State {
  size_t total;
  size_t waiting = 0;
  std::unordered_set<Borrower> borrowers;
  internal::IntrusiveList<Waiter, Tag> waiters;

  bool HasFree() const { return borrowers.size() < total; }

  void CheckBorrower(Borrower borrower) const {
    if (!borrowers.contains(borrower)) return;
    throw std::logic_error(
        "CapacityLimiter: this borrower holds a token already, and would wait "
        "for itself");
  }

  // Serves those that wait, as far as there are tokens.
  void Serve() {
    while (HasFree()) {
      Waiter* waiter = waiters.PopFront();
      if (waiter == nullptr) return;
      --waiting;
      borrowers.insert(waiter->borrower_);
      waiter->Complete();
    }
  }
};

CapacityLimiter::CapacityLimiter(size_t total_tokens)
    : state_(std::make_shared<State>()) {
  set_total_tokens(total_tokens);
}

CapacityLimiter::~CapacityLimiter() = default;

CapacityLimiter::Waiter CapacityLimiter::Acquire() {
  return Waiter(state_, nullptr);
}

CapacityLimiter::Waiter CapacityLimiter::AcquireOnBehalfOf(Borrower borrower) {
  return Waiter(state_, borrower);
}

std::optional<CapacityLimiter::Token> CapacityLimiter::TryAcquire() {
  return TryAcquireOnBehalfOf(Scheduler::Current().current_task());
}

std::optional<CapacityLimiter::Token> CapacityLimiter::TryAcquireOnBehalfOf(
    Borrower borrower) {
  state_->CheckBorrower(borrower);
  if (!state_->HasFree()) return std::nullopt;
  state_->borrowers.insert(borrower);
  return Token(state_, borrower);
}

void CapacityLimiter::set_total_tokens(size_t total_tokens) {
  if (total_tokens == 0) {
    throw std::logic_error("CapacityLimiter: at least one token is needed");
  }
  state_->total = total_tokens;
  state_->Serve();
}

size_t CapacityLimiter::total_tokens() const { return state_->total; }

size_t CapacityLimiter::borrowed_tokens() const {
  return state_->borrowers.size();
}

size_t CapacityLimiter::available_tokens() const {
  return state_->HasFree() ? state_->total - state_->borrowers.size() : 0;
}

size_t CapacityLimiter::waiting() const { return state_->waiting; }

void CapacityLimiter::Token::Release() {
  if (state_ == nullptr) return;
  const std::shared_ptr<State> state = std::move(state_);
  state_ = nullptr;
  state->borrowers.erase(borrower_);
  state->Serve();
}

void CapacityLimiter::Waiter::CheckBorrower() const {
  state_->CheckBorrower(borrower_);
}

void CapacityLimiter::Waiter::Enter() {
  state_->waiters.PushBack(*this);
  ++state_->waiting;
  state_->Serve();
}

bool CapacityLimiter::Waiter::Abort() noexcept {
  Unlink();
  --state_->waiting;
  return true;
}

}  // namespace tractor
