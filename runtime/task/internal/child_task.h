// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// A child of a nursery: function, arguments and body in one allocation besides
// the frame. It deletes itself when its body has ended.
#ifndef TRACTOR_RUNTIME_TASK_INTERNAL_CHILD_TASK_H_
#define TRACTOR_RUNTIME_TASK_INTERNAL_CHILD_TASK_H_

#include <cstddef>
#include <functional>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "runtime/task/internal/frame.h"
#include "runtime/task/internal/frame_allocator.h"
#include "runtime/task/internal/intrusive_list.h"
#include "runtime/task/internal/task_node.h"
#include "runtime/task/task.h"

namespace tractor {
class Nursery;
}  // namespace tractor

namespace tractor::internal {

struct SiblingTag {};

class NurseryBoundary;
template <class F>
class NurseryAwaiter;
template <class T>
struct StartState;

class ChildTask : public TaskNode,
                  public Boundary,
                  public ListLink<SiblingTag> {
 public:
  explicit ChildTask(Scheduler& scheduler)
      : TaskNode(scheduler), Boundary(Kind::kTask) {}

  static void* operator new(size_t size) { return AllocateFrame(size); }
  static void operator delete(void* task, size_t size) {
    FreeFrame(task, size);
  }

  Next Begin() final;
  Next OnBodyDone(Completion completion) final;

 protected:
  // Calls the function; may throw what the function throws before it is a Task.
  virtual FrameBase& MakeBody() = 0;
  virtual std::exception_ptr TakeError() = 0;
  virtual void DestroyBody() = 0;

 private:
  Next End(std::exception_ptr error, bool cancelled);
};

template <class F, class... A>
class ChildTaskOf final : public ChildTask {
 public:
  using TaskType = std::invoke_result_t<F&, A&&...>;
  static_assert(kIsTask<TaskType>,
                "a nursery starts functions that make a Task");

  ChildTaskOf(Scheduler& scheduler, F&& f, A&&... args)
      : ChildTask(scheduler), f_(std::move(f)), args_(std::move(args)...) {
    body_type = &typeid(F);
  }

 private:
  FrameBase& MakeBody() override {
    body_ = std::apply(
        [this](A&... args) { return std::invoke(f_, std::move(args)...); },
        args_);
    return body_.promise();
  }
  std::exception_ptr TakeError() override {
    return std::move(body_.promise().error);
  }
  void DestroyBody() override { body_.Destroy(); }

  F f_;
  std::tuple<A...> args_;
  TaskType body_;
};

}  // namespace tractor::internal

#endif  // TRACTOR_RUNTIME_TASK_INTERNAL_CHILD_TASK_H_
