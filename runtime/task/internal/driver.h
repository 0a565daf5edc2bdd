// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The driver of a scheduler that was given none: it waits on a condition
// variable, for deadlines and for Post().
#ifndef TRACTOR_RUNTIME_TASK_INTERNAL_DRIVER_H_
#define TRACTOR_RUNTIME_TASK_INTERNAL_DRIVER_H_

#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "runtime/task/clock.h"
#include "runtime/task/scheduler.h"

namespace tractor::internal {

class IdleDriver : public Driver {
 public:
  explicit IdleDriver(const Clock& clock) : clock_(clock) {}

  bool Wait(int64_t deadline_nanos) override;
  void Poll() override {}
  void Wake() noexcept override;

 private:
  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;  // guarded by mutex_
};

}  // namespace tractor::internal

#endif  // TRACTOR_RUNTIME_TASK_INTERNAL_DRIVER_H_
