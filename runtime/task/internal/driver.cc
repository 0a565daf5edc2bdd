// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/task/internal/driver.h"

#include <chrono>

namespace tractor::internal {

bool IdleDriver::Wait(int64_t deadline_nanos) {
  std::unique_lock lock(mutex_);
  if (deadline_nanos == kNever) {
    changed_.wait(lock, [this] { return woken_; });
  } else {
    const int64_t left = deadline_nanos - clock_.NowNanos();
    if (left > 0) {
      changed_.wait_for(lock, std::chrono::nanoseconds(left),
                        [this] { return woken_; });
    }
  }
  woken_ = false;
  return true;
}

void IdleDriver::Wake() noexcept {
  std::lock_guard lock(mutex_);
  woken_ = true;
  changed_.notify_one();
}

}  // namespace tractor::internal
