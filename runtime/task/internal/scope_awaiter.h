// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The boundary of a cancel scope. Include cancel_scope.h instead.
#ifndef TRACTOR_RUNTIME_TASK_INTERNAL_SCOPE_AWAITER_H_
#define TRACTOR_RUNTIME_TASK_INTERNAL_SCOPE_AWAITER_H_

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "runtime/task/cancel_scope.h"
#include "runtime/task/internal/frame.h"
#include "runtime/task/task.h"

namespace tractor::internal {

template <class F>
class [[nodiscard]] ScopeAwaiter final : public Boundary {
 public:
  using T = BodyResult<F>;

  ScopeAwaiter(CancelScope& scope, F&& body)
      : Boundary(Kind::kScope),
        scope_(scope),
        make_body_(std::forward<F>(body)) {}

  const CancelScope* opened_scope() const override { return &scope_; }

  bool await_ready() const noexcept { return false; }

  template <class P>
  bool await_suspend(std::coroutine_handle<P> awaiting) {
    outer_ = &awaiting.promise();
    TaskNode& task = *outer_->task;
    scope_.Open(task);
    try {
      body_ = make_body_();
    } catch (...) {
      scope_.Close(task, false);
      throw;
    }
    if (StartBody(body_, this, &task)) return true;
    TakeResult();
    scope_.Close(task, false);
    return false;
  }

  Next OnBodyDone(Completion completion) override {
    const bool cancelled = completion == Completion::kCancelled;
    TaskNode& task = *outer_->task;
    if (cancelled) {
      body_.Destroy();
    } else {
      TakeResult();
    }
    const bool caught = scope_.Close(task, cancelled);
    return cancelled && !caught ? Next::Unwind(outer_) : Next::Resume(outer_);
  }

  // True / the value: the body came to its end. False / nullopt: cut short.
  auto await_resume() {
    if (error_) std::rethrow_exception(std::move(error_));
    if constexpr (std::is_void_v<T>) {
      return completed_;
    } else {
      return std::move(value_);
    }
  }

 private:
  void TakeResult() {
    auto& frame = body_.promise();
    error_ = std::move(frame.error);
    completed_ = error_ == nullptr;
    if constexpr (!std::is_void_v<T>) value_ = std::move(frame.value);
    body_.Destroy();
  }

  struct NoValue {};
  CancelScope& scope_;
  StoredBody<F> make_body_;
  Task<T> body_;
  std::exception_ptr error_;
  bool completed_ = false;
  std::optional<std::conditional_t<std::is_void_v<T>, NoValue, T>> value_;
};

}  // namespace tractor::internal

template <tractor::Body F>
tractor::internal::ScopeAwaiter<F> tractor::CancelScope::Run(F&& body) {
  return internal::ScopeAwaiter<F>(*this, std::forward<F>(body));
}

#endif  // TRACTOR_RUNTIME_TASK_INTERNAL_SCOPE_AWAITER_H_
