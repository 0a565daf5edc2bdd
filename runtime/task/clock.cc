// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/task/clock.h"

#include <time.h>

namespace tractor {
namespace {

int64_t Read(clockid_t id) {
  timespec now;
  clock_gettime(id, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

class MonotonicClock : public Clock {
 public:
  int64_t NowNanos() const override { return offset_ + Read(CLOCK_MONOTONIC); }

 private:
  const int64_t offset_ = Read(CLOCK_REALTIME) - Read(CLOCK_MONOTONIC);
};

}  // namespace

const Clock& SystemClock() {
  static const MonotonicClock* const clock = new MonotonicClock;
  return *clock;
}

}  // namespace tractor
