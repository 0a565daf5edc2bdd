// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/task/internal/cancel_status.h"

#include <algorithm>
#include <vector>

#include "runtime/task/cancel_scope.h"
#include "runtime/task/clock.h"
#include "runtime/task/internal/task_node.h"

namespace tractor::internal {

bool CancelStatus::parent_cancels() const {
  return parent_ != nullptr && !scope_->shield_ && parent_->effective_;
}

void CancelStatus::Attach(CancelStatus* parent) {
  Unlink();
  parent_ = parent;
  if (parent == nullptr) return;
  parent->children_.PushBack(*this);
  if (parent->effective_) Recalculate();
}

void CancelStatus::Detach() {
  Unlink();
  parent_ = nullptr;
}

// Depth first with a list of its own: scopes may be nested deeper than the
// stack is.
void CancelStatus::Recalculate() {
  std::vector<CancelStatus*> todo;
  CancelStatus* status = this;
  while (true) {
    const bool now = status->scope_->cancel_called_ || status->parent_cancels();
    if (now != status->effective_) {
      status->effective_ = now;
      if (now) {
        status->InheritReason();
        status->tasks_.ForEach([](TaskNode& task) { task.DeliverCancel(); });
      }
      status->children_.ForEach(
          [&todo](CancelStatus& child) { todo.push_back(&child); });
    }
    if (todo.empty()) return;
    status = todo.back();
    todo.pop_back();
  }
}

void CancelStatus::InheritReason() {
  if (scope_->reason_ == nullptr && parent_ != nullptr) {
    scope_->reason_ = parent_->scope_->reason_;
  }
}

int64_t CancelStatus::EffectiveDeadline() const {
  int64_t deadline = kNever;
  for (const CancelStatus* s = this; s != nullptr; s = s->parent_) {
    if (s->effective_) return kAlready;
    deadline = std::min(deadline, s->scope_->deadline_);
    if (s->scope_->shield_) break;
  }
  return deadline;
}

void CancelStatus::MoveContentsTo(CancelStatus& to) {
  children_.ForEach([&to](CancelStatus& child) {
    child.Attach(&to);
    child.Recalculate();
  });
  tasks_.ForEach([&to](TaskNode& task) { task.Activate(&to); });
}

}  // namespace tractor::internal
