// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Task<T>: a lazy coroutine that ends with a value, an error, or cancelled.
//
//   tractor::Task<int> Answer() {
//     co_await tractor::Sleep(absl::Seconds(1));
//     co_return 42;
//   }
//   int n = co_await Answer();
//
// Rules.
// - A Task runs when it is awaited, once, as part of the task that awaits it.
//   A Task that is never awaited does nothing. Only a Nursery starts new tasks.
// - An error is an exception: it comes out of the co_await.
// - A cancellation is no exception. It destroys the frames between the
//   checkpoint and the scope that owns it, innermost first: destructors run,
//   `catch (...)` does not, and nothing after a co_await is sure to run. Put
//   rollback in a guard or in Finally(), never in a catch block.
// - Give bodies as lambdas that capture [&], or name them first: g++ 12
//   destroys temporaries with non-trivial captures in a co_await expression
//   twice.
#ifndef TRACTOR_RUNTIME_TASK_TASK_H_
#define TRACTOR_RUNTIME_TASK_TASK_H_

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

#include "runtime/task/internal/error_trace.h"
#include "runtime/task/internal/frame.h"
#include "runtime/task/internal/frame_allocator.h"
#include "runtime/task/internal/task_node.h"

namespace tractor {

template <class T = void>
class Task;

namespace internal {

// Throws std::logic_error: the Task was awaited before, or moved from.
[[noreturn]] void AwaitedTwice();

struct FinalAwaiter {
  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> frame) const noexcept {
    FrameBase& base = frame.promise();
    if (base.awaited_by_loop) base.task->finished = &base;
  }
  void await_resume() const noexcept {}
};

// An awaitable by reference. await_transform() cannot simply give a reference
// back, because g++ 12 then copies what it refers to. The awaitable itself
// lives to the end of the co_await expression.
template <class A>
struct AwaitRef {
  A& awaitable;

  bool await_ready() const noexcept { return awaitable.await_ready(); }
  template <class P>
  auto await_suspend(std::coroutine_handle<P> frame) {
    return awaitable.await_suspend(frame);
  }
  decltype(auto) await_resume() { return awaitable.await_resume(); }
};

struct PromiseBase : FrameBase {
  static void* operator new(size_t size) { return AllocateFrame(size); }
  static void operator delete(void* frame, size_t size) {
    FreeFrame(frame, size);
  }

  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }

  void unhandled_exception() {
    error = std::current_exception();
    completion = Completion::kError;
    RecordErrorPlace(*this);
  }

  // Notes where the frame waits, for the task tree and for error traces.
  template <class A>
  AwaitRef<std::remove_reference_t<A>> await_transform(
      A&& awaitable,
      std::source_location where = std::source_location::current()) {
    place = where;
    has_place = true;
    return {awaitable};
  }
};

template <class T>
struct Promise : PromiseBase {
  Task<T> get_return_object();
  template <class U>
    requires std::constructible_from<T, U&&>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
    completion = Completion::kValue;
  }
  T Take() {
    if (error) std::rethrow_exception(std::move(error));
    return std::move(*value);
  }

  std::optional<T> value;
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object();
  void return_void() { completion = Completion::kValue; }
  void Take() {
    if (error) std::rethrow_exception(std::move(error));
  }
};

}  // namespace internal

template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = internal::Promise<T>;
  using value_type = T;

  Task() = default;
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      Destroy();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  ~Task() { Destroy(); }

  // True until it has been awaited to its end or moved from.
  bool valid() const { return static_cast<bool>(handle_); }

  // ---- the awaitable protocol: used by co_await only ----
  bool await_ready() const noexcept { return false; }
  template <class P>
  bool await_suspend(std::coroutine_handle<P> awaiting) {
    if (!handle_ || handle_.promise().task != nullptr) internal::AwaitedTwice();
    internal::FrameBase& me = handle_.promise();
    me.task = awaiting.promise().task;
    me.parent = &awaiting.promise();
    me.task->leaf = &me;
    handle_.resume();
    if (me.completion != internal::Completion::kPending) {
      me.task->leaf = me.parent;
      return false;
    }
    me.awaited_by_loop = true;
    return true;
  }
  T await_resume() { return handle_.promise().Take(); }

  // ---- for boundaries ----
  // The frame of the body, for internal use only.
  promise_type& promise() const { return handle_.promise(); }
  // Destroys the frames of the body, innermost first.
  void Destroy() {
    if (handle_) std::exchange(handle_, {}).destroy();
  }

 private:
  friend promise_type;
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {
    handle_.promise().handle = handle;
  }

  std::coroutine_handle<promise_type> handle_;
};

template <class T>
Task<T> internal::Promise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<Promise>::from_promise(*this));
}

inline Task<void> internal::Promise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<Promise>::from_promise(*this));
}

namespace internal {
// Whether an argument of type F&& is named or has a trivial destructor.
template <class F>
inline constexpr bool kMayBeInlineInAwait =
    std::is_lvalue_reference_v<F> ||
    std::is_trivially_destructible_v<std::remove_cvref_t<F>>;
}  // namespace internal

template <class T>
inline constexpr bool kIsTask = false;
template <class T>
inline constexpr bool kIsTask<Task<T>> = true;

// A callable that makes a Task and may be written inline in a co_await: a named
// callable, or a temporary that captures nothing but references. Anything else
// meets a fault of g++ 12 (docs/traps.md), so it is refused with both
// compilers.
template <class F, class... A>
concept Body =
    std::invocable<F&, A...> && kIsTask<std::invoke_result_t<F&, A...>> &&
    internal::kMayBeInlineInAwait<F>;

template <class F, class... A>
using BodyResult = typename std::invoke_result_t<F&, A...>::value_type;

namespace internal {

// How a boundary keeps its body: by reference when it was named, else by value.
template <class F>
using StoredBody = std::conditional_t<std::is_lvalue_reference_v<F>, F,
                                      std::remove_cvref_t<F>>;

// Starts `body` as the body of `boundary`, in the middle of `outer`'s
// await_suspend. True when it has suspended, false when it is already done.
template <class T>
bool StartBody(const Task<T>& body, Boundary* boundary, TaskNode* task) {
  if (!body.valid() || body.promise().task != nullptr) AwaitedTwice();
  FrameBase& frame = body.promise();
  frame.task = task;
  frame.boundary = boundary;
  task->leaf = &frame;
  frame.handle.resume();
  if (frame.completion != Completion::kPending) {
    task->leaf = boundary->outer();
    return false;
  }
  frame.awaited_by_loop = true;
  return true;
}

}  // namespace internal
}  // namespace tractor

#endif  // TRACTOR_RUNTIME_TASK_TASK_H_
