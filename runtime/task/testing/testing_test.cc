// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The test kit, which can itself fail a test.
#include <stdexcept>
#include <string>
#include <vector>

#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"
#include "runtime/task/checkpoint.h"
#include "runtime/task/event.h"
#include "runtime/task/nursery.h"
#include "runtime/task/outcome.h"
#include "runtime/task/testing/expect_checkpoint.h"
#include "runtime/task/testing/run_test.h"
#include "runtime/task/testing/sequencer.h"
#include "runtime/task/testing/virtual_time.h"
#include "runtime/task/testing/wait_all_tasks_blocked.h"
#include "runtime/task/timeouts.h"

namespace tractor::testing {
namespace {

TEST(RunTest, FailsOnAnErrorOfTheBody) {
  EXPECT_NONFATAL_FAILURE(RunTest([]() -> Task<> {
                            co_await Checkpoint();
                            throw std::runtime_error("boom");
                          }),
                          "std::runtime_error: boom");
}

TEST(RunTest, FailsOnACancelledBody) {
  EXPECT_NONFATAL_FAILURE(RunTest([]() -> Task<> {
                            Scheduler::Current().main_scope().Cancel();
                            co_await Checkpoint();
                          }),
                          "ended cancelled");
}

TEST(RunTest, FailsOnADeadlock) {
  EXPECT_NONFATAL_FAILURE(RunTest([]() -> Task<> { co_await SleepForever(); }),
                          "deadlock");
}

TEST(RunTest, FailuresShowTheSeed) {
  static const std::string seed =
      "TRACTOR_SCHEDULER_SEED=" + std::to_string(SchedulerSeed());
  ::testing::TestPartResultArray failures;
  {
    ::testing::ScopedFakeTestPartResultReporter reporter(
        ::testing::ScopedFakeTestPartResultReporter::
            INTERCEPT_ONLY_CURRENT_THREAD,
        &failures);
    RunTest([]() -> Task<> {
      ADD_FAILURE() << "in the body";
      co_return;
    });
  }
  ASSERT_EQ(failures.size(), 1);
  EXPECT_NE(std::string(failures.GetTestPartResult(0).message()).find(seed),
            std::string::npos);
}

TEST(VirtualTime, JumpsToTheNextDeadline) {
  RunTest([&]() -> Task<> {
    const absl::Time start = Now();
    co_await Sleep(absl::Hours(1000));
    EXPECT_EQ(Now() - start, absl::Hours(1000));
  });
}

TEST(VirtualTime, StandsStillWhileTasksRun) {
  RunTest([&]() -> Task<> {
    const absl::Time start = Now();
    for (int i = 0; i < 1000; ++i) co_await Checkpoint();
    EXPECT_EQ(Now(), start);
  });
}

TEST(WaitAllTasksBlocked, LetsOthersRunUntilTheyWait) {
  RunTest([&]() -> Task<> {
    const absl::Time start = Now();
    int rounds = 0;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> {
        for (; rounds < 200; ++rounds) co_await Checkpoint();
        co_await Sleep(absl::Seconds(1));
        ++rounds;
      });
      co_await WaitAllTasksBlocked();
      EXPECT_EQ(rounds, 200);
      EXPECT_EQ(Now(), start);
    });
    EXPECT_EQ(rounds, 201);
  });
}

TEST(WaitAllTasksBlocked, CanBeCancelledAndIsACheckpoint) {
  RunTest([&]() -> Task<> {
    auto wait = [&]() -> Task<> { co_await WaitAllTasksBlocked(); };
    const bool cancels = co_await IsCancelPoint(wait);
    EXPECT_TRUE(cancels);
    const bool schedules = co_await IsSchedulePoint(wait);
    EXPECT_TRUE(schedules);
    // Cancelled while it waits: by a task that never blocks before.
    CancelScope scope;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> { co_await scope.Run(wait); });
      co_await Checkpoint();
      co_await Checkpoint();
      scope.Cancel();
    });
    EXPECT_TRUE(scope.cancelled_caught());
  });
}

TEST(Sequencer, OrdersTheStepsOfTasks) {
  RunTest([&]() -> Task<> {
    Sequencer sequencer;
    std::vector<int> order;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      for (const int number : {3, 0, 2, 1}) {
        auto step = [&](int turn) -> Task<> {
          const Sequencer::Turn mine = co_await sequencer(turn);
          co_await Checkpoint();
          order.push_back(turn);
        };
        n.StartSoon(step, number);
      }
      co_return;
    });
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3}));
  });
}

TEST(Sequencer, IsBrokenByACancelledWait) {
  RunTest([&]() -> Task<> {
    Sequencer sequencer;
    int broken = 0;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      auto step = [&]() -> Task<> {
        try {
          const Sequencer::Turn mine = co_await sequencer(7);
        } catch (const std::runtime_error&) {
          ++broken;
        }
      };
      n.StartSoon(step);
      co_await WaitAllTasksBlocked();
      auto wait = [&]() -> Task<> {
        const Sequencer::Turn mine = co_await sequencer(5);
      };
      const bool done = co_await MoveOnAfter(absl::Seconds(1), wait);
      EXPECT_FALSE(done);
    });
    EXPECT_EQ(broken, 1);
    bool twice = false;
    try {
      const Sequencer::Turn mine = co_await sequencer(5);
    } catch (const std::logic_error&) {
      twice = true;
    }
    EXPECT_TRUE(twice);
  });
}

TEST(IsCancelPoint, KnowsWhatIsNone) {
  RunTest([&]() -> Task<> {
    auto nothing = [&]() -> Task<> { co_return; };
    const bool cancels = co_await IsCancelPoint(nothing);
    EXPECT_FALSE(cancels);
    const bool schedules = co_await IsSchedulePoint(nothing);
    EXPECT_FALSE(schedules);
  });
}

}  // namespace
}  // namespace tractor::testing
