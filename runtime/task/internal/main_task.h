// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The task that Scheduler::Run() begins with.
#ifndef TRACTOR_RUNTIME_TASK_INTERNAL_MAIN_TASK_H_
#define TRACTOR_RUNTIME_TASK_INTERNAL_MAIN_TASK_H_

#include <exception>
#include <utility>

#include "runtime/task/internal/frame.h"
#include "runtime/task/internal/task_node.h"
#include "runtime/task/outcome.h"
#include "runtime/task/task.h"

namespace tractor::internal {

class MainTask : public TaskNode, public Boundary {
 public:
  explicit MainTask(Scheduler& scheduler)
      : TaskNode(scheduler), Boundary(Kind::kTask) {
    name = "main";
  }
  bool done() const { return done_; }

 protected:
  bool done_ = false;
};

template <class F>
class MainTaskOf final : public MainTask {
 public:
  using T = BodyResult<F>;

  MainTaskOf(Scheduler& scheduler, F&& body)
      : MainTask(scheduler), make_body_(std::forward<F>(body)) {}

  Next Begin() override {
    try {
      body_ = make_body_();
    } catch (...) {
      outcome_ = Outcome<T>::Error(std::current_exception());
      done_ = true;
      return Next::Nothing();
    }
    FrameBase& frame = body_.promise();
    frame.task = this;
    frame.boundary = this;
    frame.awaited_by_loop = true;
    return Next::Resume(&frame);
  }

  Next OnBodyDone(Completion completion) override {
    outcome_ = OutcomeOf(body_, completion);
    body_.Destroy();
    done_ = true;
    return Next::Nothing();
  }

  Outcome<T> TakeOutcome() { return std::move(outcome_); }

 private:
  StoredBody<F> make_body_;
  Task<T> body_;
  Outcome<T> outcome_ = Outcome<T>::Cancelled();
};

}  // namespace tractor::internal

#endif  // TRACTOR_RUNTIME_TASK_INTERNAL_MAIN_TASK_H_
