// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// RunTest(body): runs a test's body as main task, in virtual time, with ready
// tasks shuffled.
//
//   TEST(Event, WakesEveryWaiter) {
//     tractor::testing::RunTest([&]() -> tractor::Task<> {
//       ...
//       EXPECT_EQ(woken, 2);
//     });
//   }
//
// Rules.
// - The order is another one in each run of the test program. Its seed stands
//   in every failure; TRACTOR_SCHEDULER_SEED=<number> repeats it.
// - A body that ends with an error or cancelled fails the test; so does a
//   deadlock, whose message shows the task tree.
// - In a body use EXPECT_..., for ASSERT_... returns, which a coroutine cannot.
#ifndef TRACTOR_RUNTIME_TASK_TESTING_RUN_TEST_H_
#define TRACTOR_RUNTIME_TASK_TESTING_RUN_TEST_H_

#include <cstdint>
#include <exception>
#include <source_location>
#include <utility>

#include "runtime/task/outcome.h"
#include "runtime/task/scheduler.h"
#include "runtime/task/task.h"
#include "runtime/task/testing/virtual_time.h"

namespace tractor::testing {

// One for the whole test program: TRACTOR_SCHEDULER_SEED, else random.
uint64_t SchedulerSeed();

namespace run_test_internal {

// Fails the test unless the body came to its end.
void CheckEnd(bool completed, const std::exception_ptr& error,
              std::source_location where);

// Puts the seed into every failure that is reported while it lives.
class SeedTrace {
 public:
  explicit SeedTrace(std::source_location where);
  SeedTrace(const SeedTrace&) = delete;
  SeedTrace& operator=(const SeedTrace&) = delete;
  ~SeedTrace();

 private:
  void* trace_;
};

}  // namespace run_test_internal

// Runs `body` as RunTest() does, and gives back how it ended.
template <Body F>
Outcome<BodyResult<F>> RunVirtual(
    F&& body, std::source_location where = std::source_location::current()) {
  const run_test_internal::SeedTrace trace(where);
  VirtualTime time;
  Scheduler scheduler(
      SchedulerOptions().set_clock(time).set_driver(time).set_shuffle_seed(
          SchedulerSeed()));
  return scheduler.Run(std::forward<F>(body));
}

template <Body F>
void RunTest(F&& body,
             std::source_location where = std::source_location::current()) {
  const auto end = RunVirtual(std::forward<F>(body), where);
  const run_test_internal::SeedTrace trace(where);
  run_test_internal::CheckEnd(end.has_value(), end.error(), where);
}

}  // namespace tractor::testing

#endif  // TRACTOR_RUNTIME_TASK_TESTING_RUN_TEST_H_
