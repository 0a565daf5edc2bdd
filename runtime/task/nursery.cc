// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/task/nursery.h"

#include <stdexcept>
#include <utility>

#include "runtime/task/exception_group.h"
#include "runtime/task/internal/exceptions.h"
#include "runtime/task/scheduler.h"

namespace tractor {

void Nursery::Spawn(internal::ChildTask* child) {
  if (closed_) {
    delete child;
    throw std::logic_error(
        "Nursery::StartSoon: the nursery has closed; nothing can be started in "
        "it any more");
  }
  child->nursery = this;
  children_.PushBack(*child);
  ++size_;
  child->Activate(&cancel_scope_.status());
  scheduler().Schedule(*child);
}

void Nursery::AddError(std::exception_ptr error, const std::string& who) {
  errors_.push_back(std::move(error));
  if (cancel_scope_.cancel_called()) return;
  cancel_scope_.Cancel(CancelReason::kSibling, DescribeBriefly(errors_.back()),
                       who);
}

void Nursery::OnChildDone(std::exception_ptr error, bool cancelled,
                          const std::string& who) {
  --size_;
  if (error) AddError(std::move(error), who);
  if (cancelled) any_cancelled_ = true;
  CheckClosed();
}

void Nursery::OnBodyDone(std::exception_ptr error, bool cancelled) {
  body_running_ = false;
  if (error) AddError(std::move(error), "the body of the nursery");
  if (cancelled) any_cancelled_ = true;
  CheckClosed();
}

void Nursery::CheckClosed() {
  if (body_running_ || size_ != 0 || pending_starts_ != 0 || closed_) return;
  closed_ = true;
  owner_->wake = boundary_;
  scheduler().Schedule(*owner_);
}

void Nursery::MoveChildrenTo(Nursery& to) {
  while (internal::ChildTask* child = children_.PopFront()) {
    child->nursery = &to;
    to.children_.PushBack(*child);
    --size_;
    ++to.size_;
  }
  cancel_scope_.status().MoveContentsTo(to.cancel_scope_.status());
  CheckClosed();
}

namespace internal {

Next ChildTask::Begin() {
  FrameBase* frame = nullptr;
  std::exception_ptr error = Catch([&] { frame = &MakeBody(); });
  if (error) return End(std::move(error), false);
  frame->task = this;
  frame->boundary = this;
  frame->awaited_by_loop = true;
  return Next::Resume(frame);
}

Next ChildTask::OnBodyDone(Completion completion) {
  const bool cancelled = completion == Completion::kCancelled;
  std::exception_ptr error;
  if (!cancelled) error = TakeError();
  DestroyBody();
  return End(std::move(error), cancelled);
}

Next ChildTask::End(std::exception_ptr error, bool cancelled) {
  Nursery* home = nursery;
  Activate(nullptr);
  ListLink<SiblingTag>::Unlink();
  const std::string who = error ? Name() : std::string();
  delete this;
  home->OnChildDone(std::move(error), cancelled, who);
  return Next::Nothing();
}

void NurseryBoundary::Open(FrameBase& outer) {
  outer_ = &outer;
  nursery_.owner_ = outer.task;
  nursery_.boundary_ = this;
  nursery_.cancel_scope_.Open(*outer.task);
}

void NurseryBoundary::BodyDone(std::exception_ptr error, bool cancelled) {
  nursery_.OnBodyDone(std::move(error), cancelled);
}

Next NurseryBoundary::OnWake() {
  outer_->task->waits_for_children = nullptr;
  const bool caught =
      nursery_.cancel_scope_.Close(*outer_->task, nursery_.any_cancelled_);
  const bool goes_on =
      nursery_.any_cancelled_ && !caught && nursery_.errors_.empty();
  return goes_on ? Next::Unwind(outer_) : Next::Resume(outer_);
}

void NurseryBoundary::ThrowErrors() {
  std::vector<std::exception_ptr>& errors = nursery_.errors_;
  if (errors.empty()) return;
  if (errors.size() == 1 && nursery_.options_.collapse()) {
    std::rethrow_exception(std::move(errors.front()));
  }
  throw ExceptionGroup("errors in a nursery", std::move(errors));
}

}  // namespace internal
}  // namespace tractor
