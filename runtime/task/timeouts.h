// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Sleeping, and scopes that end at a time.
//
//   const bool done = co_await tractor::MoveOnAfter(absl::Seconds(1), Work);
//   if (!done) ...                                       // it was cut short
//   co_await tractor::FailAfter(absl::Seconds(1), Work);  // or TooSlowError
//
// Rules. All of these are checkpoints, also for no time at all or a time past.
#ifndef TRACTOR_RUNTIME_TASK_TIMEOUTS_H_
#define TRACTOR_RUNTIME_TASK_TIMEOUTS_H_

#include <coroutine>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/time/time.h"
#include "runtime/task/cancel_scope.h"
#include "runtime/task/internal/timer_queue.h"
#include "runtime/task/operation.h"
#include "runtime/task/scheduler.h"
#include "runtime/task/task.h"

namespace tractor {

// FailAfter() or FailAt() ran out of time.
class TooSlowError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// `co_await Sleep(absl::Milliseconds(5))`.
class [[nodiscard]] SleepUntil final : public Operation,
                                       private internal::Timer {
 public:
  explicit SleepUntil(absl::Time when) : until_(internal::ToNanos(when)) {}

  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> frame) {
    if (!Park(frame) || until_ == internal::kNever) return;
    task()->scheduler().timers().Add(*this, until_);
  }
  void await_resume() const noexcept {}

 private:
  bool Abort() noexcept override {
    task()->scheduler().timers().Remove(*this);
    return true;
  }
  const char* Describe() const noexcept override { return "sleep"; }
  void OnTimer() override { Complete(); }

  const int64_t until_;
};

inline SleepUntil Sleep(absl::Duration span) {
  return SleepUntil(Now() + span);
}
inline SleepUntil SleepForever() { return SleepUntil(absl::InfiniteFuture()); }

namespace internal {
[[noreturn]] void ThrowTooSlow(const CancelScope& scope);

template <class F>
Task<bool> MoveOnAtCopy(absl::Time deadline, F body) {
  CancelScope scope(deadline);
  co_await scope.Run(body);
  co_return !scope.cancelled_caught();
}
template <class F>
Task<> FailAtCopy(absl::Time deadline, F body) {
  CancelScope scope(deadline);
  co_await scope.Run(body);
  if (scope.cancelled_caught()) ThrowTooSlow(scope);
}
}  // namespace internal

// Runs a copy of body() until it ends (true) or the time is up (false).
template <Body F>
Task<bool> MoveOnAt(absl::Time deadline, F&& body) {
  return internal::MoveOnAtCopy<std::decay_t<F>>(deadline,
                                                 std::forward<F>(body));
}
template <Body F>
Task<bool> MoveOnAfter(absl::Duration limit, F&& body) {
  return MoveOnAt(Now() + limit, std::forward<F>(body));
}

// The same; throws TooSlowError when the time was up.
template <Body F>
Task<> FailAt(absl::Time deadline, F&& body) {
  return internal::FailAtCopy<std::decay_t<F>>(deadline, std::forward<F>(body));
}
template <Body F>
Task<> FailAfter(absl::Duration limit, F&& body) {
  return FailAt(Now() + limit, std::forward<F>(body));
}

}  // namespace tractor

#endif  // TRACTOR_RUNTIME_TASK_TIMEOUTS_H_
