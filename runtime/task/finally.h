// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Finally(body, grace, cleanup): cleanup that waits, on every way out.
//
//   co_await tractor::Finally(
//       [&]() -> tractor::Task<> { co_await Serve(session); },
//       absl::Seconds(2),
//       [&]() -> tractor::Task<> { co_await session.SayGoodbye(); });
//
// Rules.
// - cleanup() runs when body() has ended: with a value, an error or cancelled.
//   It is shielded from outside, for at most `grace`; what it has not done by
//   then is cut short.
// - Then the body's own end goes on: value, error or cancellation. An error of
//   the cleanup wins over a cancellation; together with an error of the body it
//   makes an ExceptionGroup, body first.
#ifndef TRACTOR_RUNTIME_TASK_FINALLY_H_
#define TRACTOR_RUNTIME_TASK_FINALLY_H_

#include <exception>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "runtime/task/cancel_scope.h"
#include "runtime/task/exception_group.h"
#include "runtime/task/outcome.h"
#include "runtime/task/scheduler.h"
#include "runtime/task/task.h"

namespace tractor {

namespace internal {

template <class F, class G>
Task<BodyResult<F>> FinallyCopies(F body, absl::Duration grace, G cleanup) {
  auto end = co_await Observe(body);
  CancelScope scope(Now() + grace, /*shield=*/true);
  auto bounded = [&]() -> Task<> { co_await scope.Run(cleanup); };
  auto cleaned = co_await Observe(bounded);
  if (cleaned.has_error()) {
    std::vector<std::exception_ptr> errors;
    if (end.has_error()) errors.push_back(end.error());
    errors.push_back(cleaned.error());
    ThrowCollapsed("errors in a body and in its cleanup", std::move(errors));
  }
  co_return co_await std::move(end).Get();
}

}  // namespace internal

// Keeps copies of both.
template <Body F, Body G>
Task<BodyResult<F>> Finally(F&& body, absl::Duration grace, G&& cleanup) {
  return internal::FinallyCopies<std::decay_t<F>, std::decay_t<G>>(
      std::forward<F>(body), grace, std::forward<G>(cleanup));
}

}  // namespace tractor

#endif  // TRACTOR_RUNTIME_TASK_FINALLY_H_
