// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The cancel tree: one node for each open cancel scope. Ported from trio's
// algorithm (trio/_core/_run.py, class CancelStatus): a node is *effectively*
// cancelled when its scope is, or when an enclosing one is and no shield stands
// between.
#ifndef TRACTOR_RUNTIME_TASK_INTERNAL_CANCEL_STATUS_H_
#define TRACTOR_RUNTIME_TASK_INTERNAL_CANCEL_STATUS_H_

#include <cstdint>

#include "runtime/task/internal/intrusive_list.h"

namespace tractor {
class CancelScope;
}  // namespace tractor

namespace tractor::internal {

class TaskNode;
struct StatusTag {};
struct StatusTaskTag {};

class CancelStatus : public ListLink<StatusTag> {
 public:
  explicit CancelStatus(CancelScope* scope) : scope_(scope) {}

  // Puts the node below `parent` (null: makes it a root), and delivers what
  // that changes to its tasks.
  void Attach(CancelStatus* parent);
  void Detach();

  // Works out `effective` anew, here and below, and delivers new cancels.
  void Recalculate();

  bool effective() const { return effective_; }
  bool parent_cancels() const;
  CancelStatus* parent() const { return parent_; }
  CancelScope* scope() const { return scope_; }

  // Nanoseconds of the scheduler's clock: the earliest deadline that counts
  // here; INT64_MIN once cancelled, INT64_MAX for none.
  int64_t EffectiveDeadline() const;

  // Moves all direct tasks and child nodes below `to` (TaskStatus::Started).
  void MoveContentsTo(CancelStatus& to);

  IntrusiveList<TaskNode, StatusTaskTag>& tasks() { return tasks_; }

 private:
  void InheritReason();

  CancelScope* const scope_;
  CancelStatus* parent_ = nullptr;
  bool effective_ = false;
  IntrusiveList<CancelStatus, StatusTag> children_;
  IntrusiveList<TaskNode, StatusTaskTag> tasks_;
};

}  // namespace tractor::internal

#endif  // TRACTOR_RUNTIME_TASK_INTERNAL_CANCEL_STATUS_H_
