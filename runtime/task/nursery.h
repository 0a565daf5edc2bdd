// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Nursery: the only place where tasks are born, and the block that they cannot
// outlive.
//
//   co_await tractor::WithNursery([&](tractor::Nursery& n) -> tractor::Task<> {
//     n.StartSoon(Poll, "a");
//     n.StartSoon(Poll, "b");
//     int port = co_await n.Start<int>(Serve);   // waits for Started(port)
//   });                                          // waits for all three
//
// Rules.
// - The block ends when its body and every child have ended.
// - The first error cancels the rest (reason kSibling). All errors are kept and
//   come out together, as an ExceptionGroup, in the order in which they
//   happened.
// - A nursery never invents a cancellation, and an error wins over one.
// - What StartSoon() is given is copied or moved into the child: it may outlive
//   the caller's frame. The locals of the nursery's body die with the body,
//   *before* its children: a child that captures [&] may refer to what stands
//   around WithNursery(), not to what stands in its body.
// - Start<T>(f, args...) calls f(args..., TaskStatus<T>), and returns what f
//   gave to Started(). An error before that comes out of Start(), bare; an end
//   before that is a std::runtime_error; a cancel before that takes the child
//   with it.
#ifndef TRACTOR_RUNTIME_TASK_NURSERY_H_
#define TRACTOR_RUNTIME_TASK_NURSERY_H_

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "runtime/task/cancel_scope.h"
#include "runtime/task/internal/child_task.h"
#include "runtime/task/internal/frame.h"
#include "runtime/task/internal/intrusive_list.h"
#include "runtime/task/task.h"

namespace tractor {

template <class T = void>
class TaskStatus;

// `n.StartSoon(TaskName("poller"), Poll, 3)`: how the task is called in the
// task tree and in errors. Without it, the name is made from the function's
// type.
struct TaskName {
  explicit TaskName(std::string_view name) : text(name) {}
  std::string text;
};

class NurseryOptions {
 public:
  NurseryOptions() = default;
  // One error alone comes out as itself, not as a group of one.
  NurseryOptions& set_collapse(bool collapse) {
    collapse_ = collapse;
    return *this;
  }
  NurseryOptions& set_name(std::string_view name) {
    name_ = name;
    return *this;
  }
  bool collapse() const { return collapse_; }
  const std::string& name() const { return name_; }

 private:
  bool collapse_ = false;
  std::string name_;
};

class Nursery {
 public:
  Nursery(const Nursery&) = delete;
  Nursery& operator=(const Nursery&) = delete;

  // Encloses the body and every child.
  CancelScope& cancel_scope() { return cancel_scope_; }

  // Starts f(args...) as a child; it first runs in one of the next rounds.
  // Throws std::logic_error once the nursery has closed.
  template <class F, class... A>
    requires(!std::is_same_v<std::remove_cvref_t<F>, TaskName>)
  void StartSoon(F f, A... args) {
    Spawn(new internal::ChildTaskOf<F, A...>(scheduler(), std::move(f),
                                             std::move(args)...));
  }
  template <class F, class... A>
  void StartSoon(TaskName name, F f, A... args) {
    auto* child = new internal::ChildTaskOf<F, A...>(scheduler(), std::move(f),
                                                     std::move(args)...);
    child->name = std::move(name.text);
    Spawn(child);
  }

  // See above. A checkpoint. `f` is named, or captures nothing but references
  // (docs/traps.md, 1).
  template <class T = void, class F, class... A>
    requires(!std::is_same_v<std::remove_cvref_t<F>, TaskName> &&
             internal::kMayBeInlineInAwait<F>)
  Task<T> Start(F&& f, A... args) {
    return StartNamed<T, std::decay_t<F>>(TaskName({}), std::forward<F>(f),
                                          std::move(args)...);
  }
  template <class T = void, class F, class... A>
    requires(internal::kMayBeInlineInAwait<F>)
  Task<T> Start(TaskName name, F&& f, A... args) {
    return StartNamed<T, std::decay_t<F>>(std::move(name), std::forward<F>(f),
                                          std::move(args)...);
  }

  // Children that have not ended.
  size_t size() const { return size_; }
  bool closed() const { return closed_; }
  const std::string& name() const { return options_.name(); }

  // ---- for the task tree ----
  const internal::IntrusiveList<internal::ChildTask, internal::SiblingTag>&
  children() const {
    return children_;
  }

 private:
  friend class internal::ChildTask;
  friend class internal::NurseryBoundary;
  template <class T>
  friend class TaskStatus;
  template <class T>
  friend struct internal::StartState;

  explicit Nursery(NurseryOptions options) : options_(std::move(options)) {}

  template <class T, class F, class... A>
  Task<T> StartNamed(TaskName name, F f, A... args);

  Scheduler& scheduler() const { return owner_->scheduler(); }
  void Spawn(internal::ChildTask* child);
  void OnChildDone(std::exception_ptr error, bool cancelled,
                   const std::string& who);
  void OnBodyDone(std::exception_ptr error, bool cancelled);
  void AddError(std::exception_ptr error, const std::string& who);
  void CheckClosed();
  // Hands all children over to `to` (TaskStatus::Started).
  void MoveChildrenTo(Nursery& to);

  const NurseryOptions options_;
  CancelScope cancel_scope_;
  internal::IntrusiveList<internal::ChildTask, internal::SiblingTag> children_;
  size_t size_ = 0;
  size_t pending_starts_ = 0;  // Start() calls that keep the nursery open
  bool body_running_ = true;
  bool closed_ = false;
  bool any_cancelled_ = false;
  std::vector<std::exception_ptr> errors_;
  internal::TaskNode* owner_ = nullptr;
  internal::Boundary* boundary_ = nullptr;
};

// Opens a nursery, runs body(nursery) in it and leaves when everything in it
// has ended. A schedule point.
template <Body<Nursery&> F>
[[nodiscard]] internal::NurseryAwaiter<F> WithNursery(F&& body);
template <Body<Nursery&> F>
[[nodiscard]] internal::NurseryAwaiter<F> WithNursery(NurseryOptions options,
                                                      F&& body);

}  // namespace tractor

#include "runtime/task/internal/nursery_awaiter.h"  // IWYU pragma: export
#include "runtime/task/internal/task_status.h"      // IWYU pragma: export

#endif  // TRACTOR_RUNTIME_TASK_NURSERY_H_
