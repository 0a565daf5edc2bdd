// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The time that tasks see. It is injected, so that tests run in virtual time.
#ifndef TRACTOR_RUNTIME_TASK_CLOCK_H_
#define TRACTOR_RUNTIME_TASK_CLOCK_H_

#include <cstdint>
#include <limits>

#include "absl/time/time.h"

namespace tractor {

// Never goes back and never jumps with the wall clock. Deadlines are absl::Time
// for the sake of the reader; they are points of *this* clock, which started at
// the wall time at which the program started.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual int64_t NowNanos() const = 0;  // since the Unix epoch, see above
};

// The monotonic clock of the system. Lives for ever.
const Clock& SystemClock();

namespace internal {

inline constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
inline constexpr int64_t kAlready = std::numeric_limits<int64_t>::min();

inline int64_t ToNanos(absl::Time time) {
  if (time == absl::InfiniteFuture()) return kNever;
  if (time == absl::InfinitePast()) return kAlready;
  return absl::ToUnixNanos(time);
}

inline absl::Time FromNanos(int64_t nanos) {
  if (nanos == kNever) return absl::InfiniteFuture();
  if (nanos == kAlready) return absl::InfinitePast();
  return absl::FromUnixNanos(nanos);
}

// `base + span`, saturating at kNever.
inline int64_t AddNanos(int64_t base, absl::Duration span) {
  const int64_t add = absl::ToInt64Nanoseconds(span);
  if (add > 0 && base > kNever - add) return kNever;
  if (add < 0 && base < kAlready - add) return kAlready;
  return base + add;
}

}  // namespace internal
}  // namespace tractor

#endif  // TRACTOR_RUNTIME_TASK_CLOCK_H_
