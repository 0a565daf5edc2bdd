// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// What every coroutine frame of a task knows about itself, and the boundaries
// between frames.
//
// The frames of a task are a chain from the leaf, which is parked in an
// operation, up to the frame that the task began with. Most links are plain
// awaits (`parent`). Some are *boundaries*: a cancel scope, a nursery, an
// Observe(), the task itself. Three rules keep the whole small
// (docs/design.md):
//
//   1. A cancel only queues the task. Nothing is unwound on the caller's stack.
//   2. Only boundaries are told of a cancellation. Frames between the leaf and
//      the boundary are destroyed, innermost first; none of them is resumed.
//   3. A child is started by resume() inside a `bool await_suspend`, which
//      returns false when the child is already done. When it ends later, the
//      run loop resumes the parent. So the stack is flat with every compiler at
//      every level of optimisation, and no frame is destroyed on its own stack.
#ifndef TRACTOR_RUNTIME_TASK_INTERNAL_FRAME_H_
#define TRACTOR_RUNTIME_TASK_INTERNAL_FRAME_H_

#include <coroutine>
#include <cstdint>
#include <exception>
#include <source_location>

namespace tractor {
class CancelScope;
}  // namespace tractor

namespace tractor::internal {

class TaskNode;
struct FrameBase;

enum class Completion : uint8_t { kPending, kValue, kError, kCancelled };

// What the run loop does next for the same task.
struct Next {
  // The frame to resume, or from which the cancellation goes on outwards; null
  // when the task is parked, queued or gone.
  FrameBase* frame = nullptr;
  bool cancelled = false;

  static Next Nothing() { return {}; }
  static Next Resume(FrameBase* frame) { return {frame, false}; }
  static Next Unwind(FrameBase* frame) { return {frame, true}; }
};

// Stands between a body frame and the frame that awaits the boundary.
class Boundary {
 public:
  enum class Kind : uint8_t { kTask, kScope, kNursery, kObserve };

  explicit Boundary(Kind kind) : kind_(kind) {}
  Boundary(const Boundary&) = delete;
  Boundary& operator=(const Boundary&) = delete;

  // The body ended after it had been suspended at least once, or it is being
  // cancelled (`completion` says so). Called by the run loop, never from within
  // the body, which may therefore be destroyed.
  virtual Next OnBodyDone(Completion completion) = 0;

  // The boundary asked to be called by scheduling its task with itself as
  // target (TaskNode::wake). Only nurseries do.
  virtual Next OnWake() { return Next::Nothing(); }

  // The scope that it opens, for the task tree; null when it opens none.
  virtual const CancelScope* opened_scope() const { return nullptr; }

  Kind kind() const { return kind_; }
  // The frame that awaits this boundary; null for the task itself.
  FrameBase* outer() const { return outer_; }

 protected:
  ~Boundary() = default;

  FrameBase* outer_ = nullptr;

 private:
  const Kind kind_;
};

// The part of a promise that does not depend on the type of its value.
struct FrameBase {
  FrameBase() = default;
  FrameBase(const FrameBase&) = delete;
  FrameBase& operator=(const FrameBase&) = delete;

  TaskNode* task = nullptr;
  FrameBase* parent = nullptr;   // who awaits us; null for a boundary's body
  Boundary* boundary = nullptr;  // set for a boundary's body
  std::coroutine_handle<> handle;
  std::exception_ptr error;
  std::source_location place;  // of the await that we are, or were last, in
  Completion completion = Completion::kPending;
  bool has_place = false;
  // Started inline and then suspended: the run loop has to go on with the
  // parent.
  bool awaited_by_loop = false;
};

}  // namespace tractor::internal

#endif  // TRACTOR_RUNTIME_TASK_INTERNAL_FRAME_H_
