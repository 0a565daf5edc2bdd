// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// VirtualTime: a clock and a driver in which waiting takes no time. When every
// task waits, the clock jumps to the next deadline.
//
//   tractor::testing::VirtualTime time;
//   tractor::Scheduler scheduler(
//       tractor::SchedulerOptions().set_clock(time).set_driver(time));
//
// Rules.
// - The clock moves only by jumps and by Advance(): a task sees one time until
//   all tasks wait.
// - While Scheduler::external_work() says that a thread is at work, the clock
//   stands still and the driver really waits, for Post().
// - No deadline and no work outside: Wait() answers false, a deadlock.
#ifndef TRACTOR_RUNTIME_TASK_TESTING_VIRTUAL_TIME_H_
#define TRACTOR_RUNTIME_TASK_TESTING_VIRTUAL_TIME_H_

#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "absl/time/time.h"
#include "runtime/task/clock.h"
#include "runtime/task/scheduler.h"

namespace tractor::testing {

class VirtualTime final : public Clock, public Driver {
 public:
  // Where every virtual clock starts: 2000-01-01T00:00:00Z.
  static constexpr int64_t kStartNanos = 946'684'800'000'000'000;

  int64_t NowNanos() const override { return now_; }

  // Moves the clock by hand; deadlines fire at the loop's next look. From the
  // scheduler's thread only.
  void Advance(absl::Duration span);

  bool Wait(int64_t deadline_nanos) override;
  void Poll() override {}
  void Wake() noexcept override;

 private:
  int64_t now_ = kStartNanos;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;  // guarded by mutex_
};

}  // namespace tractor::testing

#endif  // TRACTOR_RUNTIME_TASK_TESTING_VIRTUAL_TIME_H_
