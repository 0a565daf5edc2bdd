// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Outcome<T>: how a task ended (value, error or cancelled), and Observe(), the
// only way to see a cancellation pass by.
//
//   tractor::Outcome<int> end = co_await tractor::Observe(Work());
//   if (end.cancelled()) counters.cancelled++;
//   int n = co_await std::move(end).Get();   // goes on with whatever it was
//
// Rules. Observing does not undo: the scope stays cancelled, and the next
// checkpoint cancels again. Who observes a cancellation should pass it on with
// Get(), or come to a checkpoint.
#ifndef TRACTOR_RUNTIME_TASK_OUTCOME_H_
#define TRACTOR_RUNTIME_TASK_OUTCOME_H_

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "runtime/task/internal/frame.h"
#include "runtime/task/task.h"

namespace tractor {

namespace internal {

// Continues a cancellation outwards, from the frame that awaits it.
void PropagateCancel(FrameBase& frame);

template <class T>
class GetAwaiter;

}  // namespace internal

template <class T = void>
class Outcome {
 public:
  using Value = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

  static Outcome Of(Value value) {
    Outcome outcome;
    outcome.value_ = std::move(value);
    return outcome;
  }
  static Outcome Error(std::exception_ptr error) {
    Outcome outcome;
    outcome.error_ = std::move(error);
    return outcome;
  }
  static Outcome Cancelled() { return Outcome(); }

  bool has_value() const { return value_.has_value(); }
  bool has_error() const { return error_ != nullptr; }
  bool cancelled() const { return !has_value() && !has_error(); }

  // Only with a value.
  Value& value() { return *value_; }
  const Value& value() const { return *value_; }
  // Null without an error.
  const std::exception_ptr& error() const { return error_; }

  // `co_await std::move(outcome).Get()`: gives the value, throws the error, or
  // goes on with the cancellation.
  internal::GetAwaiter<T> Get() && {
    return internal::GetAwaiter<T>(std::move(*this));
  }

  // Outside of tasks: gives the value or throws; a cancellation too is thrown,
  // as std::runtime_error.
  T Unwrap() &&;

 private:
  Outcome() = default;

  std::optional<Value> value_;
  std::exception_ptr error_;
};

// Runs `work` to its end and gives its outcome. Never throws what `work`
// throws.
template <class T>
[[nodiscard]] auto Observe(Task<T> work);
template <Body F>
[[nodiscard]] auto Observe(F&& body);

}  // namespace tractor

#include "runtime/task/internal/outcome_awaiters.h"  // IWYU pragma: export

#endif  // TRACTOR_RUNTIME_TASK_OUTCOME_H_
