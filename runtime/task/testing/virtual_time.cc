// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/task/testing/virtual_time.h"

#include <algorithm>

namespace tractor::testing {

void VirtualTime::Advance(absl::Duration span) {
  now_ = internal::AddNanos(now_, span);
}

bool VirtualTime::Wait(int64_t deadline_nanos) {
  const Scheduler* scheduler = Scheduler::CurrentOrNull();
  const bool outside = scheduler != nullptr && scheduler->external_work() > 0;
  std::unique_lock lock(mutex_);
  if (outside) changed_.wait(lock, [this] { return woken_; });
  if (woken_) {
    woken_ = false;
    return true;
  }
  if (deadline_nanos == internal::kNever) return false;
  now_ = std::max(now_, deadline_nanos);
  return true;
}

void VirtualTime::Wake() noexcept {
  std::lock_guard lock(mutex_);
  woken_ = true;
  changed_.notify_one();
}

}  // namespace tractor::testing
