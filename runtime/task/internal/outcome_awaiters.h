// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The awaitables behind outcome.h, which is what to include.
#ifndef TRACTOR_RUNTIME_TASK_INTERNAL_OUTCOME_AWAITERS_H_
#define TRACTOR_RUNTIME_TASK_INTERNAL_OUTCOME_AWAITERS_H_

#include <coroutine>
#include <exception>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "runtime/task/internal/frame.h"
#include "runtime/task/outcome.h"
#include "runtime/task/task.h"

namespace tractor::internal {

template <class T>
class [[nodiscard]] GetAwaiter {
 public:
  explicit GetAwaiter(Outcome<T> outcome) : outcome_(std::move(outcome)) {}

  bool await_ready() const noexcept { return !outcome_.cancelled(); }
  template <class P>
  void await_suspend(std::coroutine_handle<P> awaiting) {
    PropagateCancel(awaiting.promise());
  }
  T await_resume() {
    if (outcome_.has_error()) std::rethrow_exception(outcome_.error());
    if constexpr (!std::is_void_v<T>) return std::move(outcome_.value());
  }

 private:
  Outcome<T> outcome_;
};

// Takes the end of a finished body.
template <class T>
Outcome<T> OutcomeOf(const Task<T>& body, Completion completion) {
  auto& frame = body.promise();
  if (completion == Completion::kCancelled) return Outcome<T>::Cancelled();
  if (frame.error) return Outcome<T>::Error(std::move(frame.error));
  if constexpr (std::is_void_v<T>) {
    return Outcome<T>::Of({});
  } else {
    return Outcome<T>::Of(std::move(*frame.value));
  }
}

template <class T>
class [[nodiscard]] ObserveAwaiter final : public Boundary {
 public:
  explicit ObserveAwaiter(Task<T> body)
      : Boundary(Kind::kObserve), body_(std::move(body)) {}

  bool await_ready() const noexcept { return false; }
  template <class P>
  bool await_suspend(std::coroutine_handle<P> awaiting) {
    outer_ = &awaiting.promise();
    if (StartBody(body_, this, outer_->task)) return true;
    outcome_ = OutcomeOf(body_, body_.promise().completion);
    body_.Destroy();
    return false;
  }
  Next OnBodyDone(Completion completion) override {
    outcome_ = OutcomeOf(body_, completion);
    body_.Destroy();
    return Next::Resume(outer_);
  }
  Outcome<T> await_resume() { return std::move(outcome_); }

 private:
  Task<T> body_;
  Outcome<T> outcome_ = Outcome<T>::Cancelled();
};

template <class F>
class [[nodiscard]] ObserveBodyAwaiter final : public Boundary {
 public:
  using T = BodyResult<F>;

  explicit ObserveBodyAwaiter(F&& body)
      : Boundary(Kind::kObserve), make_body_(std::forward<F>(body)) {}

  bool await_ready() const noexcept { return false; }
  template <class P>
  bool await_suspend(std::coroutine_handle<P> awaiting) {
    outer_ = &awaiting.promise();
    body_ = make_body_();
    if (StartBody(body_, this, outer_->task)) return true;
    outcome_ = OutcomeOf(body_, body_.promise().completion);
    body_.Destroy();
    return false;
  }
  Next OnBodyDone(Completion completion) override {
    outcome_ = OutcomeOf(body_, completion);
    body_.Destroy();
    return Next::Resume(outer_);
  }
  Outcome<T> await_resume() { return std::move(outcome_); }

 private:
  StoredBody<F> make_body_;
  Task<T> body_;
  Outcome<T> outcome_ = Outcome<T>::Cancelled();
};

}  // namespace tractor::internal

namespace tractor {

template <class T>
T Outcome<T>::Unwrap() && {
  if (has_error()) std::rethrow_exception(error_);
  if (cancelled()) throw std::runtime_error("the task was cancelled");
  if constexpr (!std::is_void_v<T>) return std::move(*value_);
}

template <class T>
auto Observe(Task<T> work) {
  return internal::ObserveAwaiter<T>(std::move(work));
}

template <Body F>
auto Observe(F&& body) {
  return internal::ObserveBodyAwaiter<F>(std::forward<F>(body));
}

}  // namespace tractor

#endif  // TRACTOR_RUNTIME_TASK_INTERNAL_OUTCOME_AWAITERS_H_
