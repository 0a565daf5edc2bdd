// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// CapacityLimiter: at most n borrowers at a time, and it knows who they are.
// What keeps ToThread from starting a thousand threads.
//
//   tractor::CapacityLimiter limiter(4);
//   tractor::CapacityLimiter::Token token = co_await limiter.Acquire();
//
// Rules (trio's). A borrower holds at most one token: a second Acquire() throws
// std::logic_error, for it would wait for itself. The number of tokens may be
// changed at any time; below the number borrowed it takes effect as tokens come
// back. Acquire() is always a checkpoint; tasks are served in order. A token
// may outlive its limiter.
#ifndef TRACTOR_RUNTIME_TASK_CAPACITY_LIMITER_H_
#define TRACTOR_RUNTIME_TASK_CAPACITY_LIMITER_H_

#include <coroutine>
#include <cstddef>
#include <memory>
#include <optional>
#include <unordered_set>
#include <utility>

#include "runtime/task/internal/intrusive_list.h"
#include "runtime/task/operation.h"

namespace tractor {

class CapacityLimiter {
 public:
  class Token;
  class Waiter;
  // Who borrows: anything with an address of its own; a task by default.
  using Borrower = const void*;

  static constexpr size_t kNoLimit = static_cast<size_t>(-1);

  explicit CapacityLimiter(size_t total_tokens);
  CapacityLimiter(const CapacityLimiter&) = delete;
  CapacityLimiter& operator=(const CapacityLimiter&) = delete;
  ~CapacityLimiter();

  // On behalf of the task that awaits.
  [[nodiscard]] Waiter Acquire();
  [[nodiscard]] Waiter AcquireOnBehalfOf(Borrower borrower);
  // Nullopt when there is none left, or somebody waits. Not a checkpoint.
  std::optional<Token> TryAcquire();
  std::optional<Token> TryAcquireOnBehalfOf(Borrower borrower);

  void set_total_tokens(size_t total_tokens);
  size_t total_tokens() const;
  size_t borrowed_tokens() const;
  size_t available_tokens() const;
  size_t waiting() const;

 private:
  struct Tag {};
  struct State;

  const std::shared_ptr<State> state_;
};

// Gives itself back when it dies.
class [[nodiscard]] CapacityLimiter::Token {
 public:
  Token(Token&&) noexcept = default;
  Token& operator=(Token&& other) noexcept {
    std::swap(state_, other.state_);
    std::swap(borrower_, other.borrower_);
    return *this;
  }
  ~Token() { Release(); }

  // Gives it back now. Idempotent.
  void Release();
  // It is never given back.
  void Lose() { state_ = nullptr; }

 private:
  friend class CapacityLimiter;
  Token(std::shared_ptr<State> state, Borrower borrower)
      : state_(std::move(state)), borrower_(borrower) {}

  std::shared_ptr<State> state_;  // null: given back
  Borrower borrower_;
};

class [[nodiscard]] CapacityLimiter::Waiter final
    : public Operation,
      private internal::ListLink<Tag> {
 public:
  Waiter(std::shared_ptr<State> state, Borrower borrower)
      : state_(std::move(state)), borrower_(borrower) {}

  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> frame) {
    if (borrower_ == nullptr) borrower_ = frame.promise().task;
    CheckBorrower();
    if (Park(frame)) Enter();
  }
  Token await_resume() { return Token(std::move(state_), borrower_); }

 private:
  friend struct State;
  template <class T, class U>
  friend class internal::IntrusiveList;

  void CheckBorrower() const;
  void Enter();
  bool Abort() noexcept override;
  const char* Describe() const noexcept override { return "capacity limiter"; }

  std::shared_ptr<State> state_;
  Borrower borrower_;  // null: the task
};

}  // namespace tractor

#endif  // TRACTOR_RUNTIME_TASK_CAPACITY_LIMITER_H_
