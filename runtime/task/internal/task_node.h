// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// A task as the scheduler sees it: where it stands in the cancel tree, which
// frame is its leaf, what it is parked in.
#ifndef TRACTOR_RUNTIME_TASK_INTERNAL_TASK_NODE_H_
#define TRACTOR_RUNTIME_TASK_INTERNAL_TASK_NODE_H_

#include <cstdint>
#include <string>
#include <typeinfo>

#include "runtime/task/internal/cancel_status.h"
#include "runtime/task/internal/frame.h"

namespace tractor {
class Nursery;
class Operation;
class Scheduler;
}  // namespace tractor

namespace tractor::internal {

class TaskNode : public ListLink<StatusTaskTag> {
 public:
  explicit TaskNode(Scheduler& scheduler);
  TaskNode(const TaskNode&) = delete;
  TaskNode& operator=(const TaskNode&) = delete;
  virtual ~TaskNode() = default;

  // First run: makes the body and returns its frame, ready to be resumed.
  virtual Next Begin() = 0;

  // The user's name for it, or one made from the type of its function.
  std::string Name() const;

  // Moves the task below `status` in the cancel tree (null: nowhere). A cancel
  // that is in force there is delivered at once.
  void Activate(CancelStatus* status) {
    Unlink();
    status_ = status;
    if (status == nullptr) return;
    status->tasks().PushBack(*this);
    if (status->effective()) DeliverCancel();
  }

  // Aborts what the task is parked in; queues the task when that worked.
  void DeliverCancel();

  bool cancelled() const { return status_ != nullptr && status_->effective(); }

  CancelStatus* status() const { return status_; }
  Scheduler& scheduler() const { return scheduler_; }
  uint64_t id() const { return id_; }

  // ---- run state, written by the scheduler and by operations ----
  FrameBase* leaf = nullptr;       // the frame to resume; null before Begin()
  Operation* operation = nullptr;  // what an abort must be sent to
  // The nursery whose children it waits for, for the task tree.
  const Boundary* waits_for_children = nullptr;
  Boundary* wake = nullptr;       // call OnWake() instead of resuming the leaf
  FrameBase* finished = nullptr;  // set by a final suspend, read by the loop
  const Operation* parked_in = nullptr;  // for the task tree
  bool queued = false;
  bool unwind = false;  // when it runs, the leaf is to be cancelled
  bool is_checkpoint =
      false;  // when it runs, look whether a cancel is in force
  Nursery* nursery = nullptr;  // whose child it is; null for the main task
  const std::type_info* body_type = nullptr;
  std::string name;  // empty: made from body_type

 private:
  Scheduler& scheduler_;
  CancelStatus* status_ = nullptr;
  const uint64_t id_;
};

}  // namespace tractor::internal

#endif  // TRACTOR_RUNTIME_TASK_INTERNAL_TASK_NODE_H_
