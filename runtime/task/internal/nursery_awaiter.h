// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The boundary of a nursery. Include nursery.h instead.
#ifndef TRACTOR_RUNTIME_TASK_INTERNAL_NURSERY_AWAITER_H_
#define TRACTOR_RUNTIME_TASK_INTERNAL_NURSERY_AWAITER_H_

#include <coroutine>
#include <exception>
#include <utility>

#include "runtime/task/internal/frame.h"
#include "runtime/task/nursery.h"
#include "runtime/task/task.h"

namespace tractor::internal {

// The part that does not depend on the type of the body.
class NurseryBoundary : public Boundary {
 public:
  Next OnWake() override;
  const Nursery& nursery() const { return nursery_; }

 protected:
  explicit NurseryBoundary(NurseryOptions options)
      : Boundary(Kind::kNursery), nursery_(std::move(options)) {}
  ~NurseryBoundary() = default;

  void Open(FrameBase& outer);
  // Undoes Open() when the body could not even be made.
  void CloseAtOnce() {
    nursery_.closed_ = true;
    nursery_.cancel_scope_.Close(*outer_->task, false);
  }
  void BodyDone(std::exception_ptr error, bool cancelled);
  // Throws the group of errors, or the only one when asked for.
  void ThrowErrors();

  Nursery nursery_;
};

template <class F>
class [[nodiscard]] NurseryAwaiter final : public NurseryBoundary {
 public:
  NurseryAwaiter(NurseryOptions options, F&& body)
      : NurseryBoundary(std::move(options)),
        make_body_(std::forward<F>(body)) {}

  bool await_ready() const noexcept { return false; }

  template <class P>
  void await_suspend(std::coroutine_handle<P> awaiting) {
    Open(awaiting.promise());
    try {
      body_ = make_body_(nursery_);
    } catch (...) {
      CloseAtOnce();
      throw;
    }
    if (!StartBody(body_, this, outer_->task)) {
      OnBodyDone(body_.promise().completion);
    }
  }

  Next OnBodyDone(Completion completion) override {
    std::exception_ptr error;
    const bool cancelled = completion == Completion::kCancelled;
    if (!cancelled) error = std::move(body_.promise().error);
    // Before destructors run, which may look at the task tree.
    outer_->task->leaf = outer_;
    outer_->task->waits_for_children = this;
    body_.Destroy();
    BodyDone(std::move(error), cancelled);
    return Next::Nothing();
  }

  void await_resume() { ThrowErrors(); }

 private:
  StoredBody<F> make_body_;
  Task<BodyResult<F, Nursery&>> body_;
};

}  // namespace tractor::internal

namespace tractor {

template <Body<Nursery&> F>
internal::NurseryAwaiter<F> WithNursery(F&& body) {
  return internal::NurseryAwaiter<F>(NurseryOptions(), std::forward<F>(body));
}

template <Body<Nursery&> F>
internal::NurseryAwaiter<F> WithNursery(NurseryOptions options, F&& body) {
  return internal::NurseryAwaiter<F>(std::move(options), std::forward<F>(body));
}

}  // namespace tractor

#endif  // TRACTOR_RUNTIME_TASK_INTERNAL_NURSERY_AWAITER_H_
