// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// ToThread: runs a function that blocks in a thread, and waits for it as a task
// does. FromThread: from such a thread back into the loop.
//
//   std::string text = co_await tractor::ToThread::Run([&] {
//     std::string content = ReadAll("/some/file");            // may block
//     tractor::FromThread::Run([&] { progress.Add(content); });  // in the loop
//     return content;
//   });
//
// Rules (trio's).
// - What f throws comes out of Run(). A cancel does not stop a thread: Run()
//   waits for f and gives its result; the next checkpoint cancels.
// - abandon_on_cancel: a cancel ends Run() at once; f runs on, its result is
//   thrown away. It must then not refer to anything of the caller ([=], never
//   [&]); with captures that own something it has a name first.
// - Each Run() holds a token of a CapacityLimiter, by default of one per loop
//   with 40, until its thread is done (also when abandoned).
// - Threads are used again, and end when idle; none is left when main() ends,
//   except those abandoned ones that still run.
#ifndef TRACTOR_RUNTIME_TASK_TO_THREAD_H_
#define TRACTOR_RUNTIME_TASK_TO_THREAD_H_

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <variant>

#include "runtime/task/capacity_limiter.h"
#include "runtime/task/internal/exceptions.h"
#include "runtime/task/internal/thread_call.h"
#include "runtime/task/outcome.h"
#include "runtime/task/task.h"

namespace tractor {

class ToThreadOptions {
 public:
  ToThreadOptions() = default;
  ToThreadOptions& set_limiter(CapacityLimiter& limiter) {
    limiter_ = &limiter;
    return *this;
  }
  ToThreadOptions& set_abandon_on_cancel(bool abandon) {
    abandon_on_cancel_ = abandon;
    return *this;
  }
  CapacityLimiter* limiter() const { return limiter_; }
  bool abandon_on_cancel() const { return abandon_on_cancel_; }

 private:
  CapacityLimiter* limiter_ = nullptr;  // not owned; null: the default one
  bool abandon_on_cancel_ = false;
};

// What a thread may be given inside of a co_await: something named, or a
// temporary that captures references and numbers only (docs/traps.md, 1).
template <class F>
concept ThreadWork = std::invocable<F&> && internal::kMayBeInlineInAwait<F>;

class ToThread {
 public:
  // The limiter that is used when none is given: one for each thread that runs
  // loops.
  static CapacityLimiter& DefaultLimiter();

  // A checkpoint. Keeps a copy of f, until its thread is done.
  template <ThreadWork F>
  static Task<std::invoke_result_t<F&>> Run(F&& f,
                                            ToThreadOptions options = {}) {
    return RunCopy<std::decay_t<F>>(std::forward<F>(f), options);
  }

 private:
  template <class F>
  static Task<std::invoke_result_t<F&>> RunCopy(F f, ToThreadOptions options);
};

// FromThread was called where it cannot work: not in a thread of ToThread, or
// its task has been cancelled and is gone.
class FromThreadError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// All of these block the calling thread; call them from f, in its thread.
class FromThread {
 public:
  // Calls f() in the loop's thread, between tasks. Gives what it gives, throws
  // what it throws.
  template <class F>
  static std::invoke_result_t<F&> Run(F f);

  // Runs the task that body() makes in the task that waits in ToThread::Run(),
  // under its scopes. Throws FromThreadError when that was cancelled.
  template <class F>
  static typename std::invoke_result_t<F&>::value_type RunTask(F body);

  // Whether the task that waits in ToThread::Run() is cancelled: for functions
  // that take long and can stop.
  static bool Cancelled() {
    return internal::ThreadCall::Current().Cancelled();
  }
};

namespace internal {

// What a call of `f` ends with, carried from one thread to another.
template <class T>
class Delivery {
 public:
  template <class F>
  void Fill(F& f) {
    error_ = Catch([&] {
      if constexpr (std::is_void_v<T>) {
        f();
        value_.emplace();
      } else {
        value_.emplace(f());
      }
    });
  }
  T Take() {
    if (error_) std::rethrow_exception(std::move(error_));
    if constexpr (!std::is_void_v<T>) return std::move(*value_);
  }

 private:
  std::optional<std::conditional_t<std::is_void_v<T>, std::monostate, T>>
      value_;
  std::exception_ptr error_;
};

}  // namespace internal

template <class F>
Task<std::invoke_result_t<F&>> ToThread::RunCopy(F f, ToThreadOptions options) {
  using T = std::invoke_result_t<F&>;
  CapacityLimiter& limiter =
      options.limiter() != nullptr ? *options.limiter() : DefaultLimiter();
  auto call = std::make_shared<internal::ThreadCall>();
  auto result = std::make_shared<internal::Delivery<T>>();
  // Dies in the thread, with the captures of f.
  auto shared_f = std::make_shared<F>(std::move(f));
  CapacityLimiter::Token token = co_await limiter.AcquireOnBehalfOf(call.get());
  std::function<void()> job = [shared_f, result] { result->Fill(*shared_f); };
  shared_f.reset();
  const internal::ThreadCall::Guard guard(call, std::move(token),
                                          std::move(job));
  while (true) {
    if (options.abandon_on_cancel()) {
      co_await call->NextEvent();
    } else {
      co_await call->NextEventShielded();
    }
    std::function<Task<>()> body = call->TakeBody();
    if (!body) break;
    co_await body();
  }
  if constexpr (std::is_void_v<T>) {
    result->Take();
  } else {
    co_return result->Take();
  }
}

template <class F>
std::invoke_result_t<F&> FromThread::Run(F f) {
  internal::Delivery<std::invoke_result_t<F&>> result;
  internal::ThreadCall::Current().RunInLoop([&] { result.Fill(f); });
  return result.Take();
}

template <class F>
typename std::invoke_result_t<F&>::value_type FromThread::RunTask(F body) {
  using T = typename std::invoke_result_t<F&>::value_type;
  std::optional<Outcome<T>> end;
  auto observe = [&]() -> Task<> { end.emplace(co_await Observe(body)); };
  internal::ThreadCall::Current().RunInTask(observe);
  if (!end.has_value() || end->cancelled()) {
    throw FromThreadError("FromThread::RunTask: it was cancelled");
  }
  return std::move(*end).Unwrap();
}

}  // namespace tractor

#endif  // TRACTOR_RUNTIME_TASK_TO_THREAD_H_
