// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The clocks, in nanoseconds, through the vDSO (20-40 ns a call).

#ifndef TRACTOR_OS_CLOCK_H_
#define TRACTOR_OS_CLOCK_H_

#include <time.h>

#include <cstdint>

namespace tractor::os {

inline int64_t ReadClockNanos(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// Never goes back, stands still in suspend; the same for all processes of a
// host, so a deadline may be handed from one to another.
inline int64_t MonotonicNanos() { return ReadClockNanos(CLOCK_MONOTONIC); }

// Since boot, suspend included: what start times in /proc count.
inline int64_t BootNanos() { return ReadClockNanos(CLOCK_BOOTTIME); }

// Since 1970, UTC; may jump.
inline int64_t UnixNanos() { return ReadClockNanos(CLOCK_REALTIME); }

}  // namespace tractor::os

#endif  // TRACTOR_OS_CLOCK_H_
