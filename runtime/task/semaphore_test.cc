// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/task/semaphore.h"

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/task/nursery.h"
#include "runtime/task/testing/expect_checkpoint.h"
#include "runtime/task/testing/run_test.h"
#include "runtime/task/testing/wait_all_tasks_blocked.h"
#include "runtime/task/timeouts.h"

namespace tractor {
namespace {

using testing::RunTest;
using testing::WaitAllTasksBlocked;

TEST(Semaphore, LetsInSoManyAtATime) {
  RunTest([&]() -> Task<> {
    Semaphore semaphore(3);
    int inside = 0, most = 0, done = 0;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      for (int i = 0; i < 10; ++i) {
        n.StartSoon([&]() -> Task<> {
          const Semaphore::Permit permit = co_await semaphore.Acquire();
          most = std::max(most, ++inside);
          co_await Sleep(absl::Seconds(1));
          --inside;
          ++done;
        });
      }
      co_return;
    });
    EXPECT_EQ(most, 3);
    EXPECT_EQ(done, 10);
    EXPECT_EQ(semaphore.value(), 3u);
  });
}

TEST(Semaphore, ServesInTheOrderOfArrival) {
  RunTest([&]() -> Task<> {
    Semaphore semaphore(0);
    std::vector<int> order;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      for (int i = 0; i < 5; ++i) {
        auto wait = [&](int number) -> Task<> {
          Semaphore::Permit permit = co_await semaphore.Acquire();
          permit.Detach();
          order.push_back(number);
        };
        n.StartSoon(wait, i);
        co_await WaitAllTasksBlocked();
      }
      for (int i = 0; i < 5; ++i) {
        semaphore.Release();
        // A permit that is under way to a waiter cannot be snatched.
        EXPECT_FALSE(semaphore.TryAcquire().has_value());
        co_await WaitAllTasksBlocked();
      }
    });
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
  });
}

TEST(Semaphore, AcquireIsACheckpointAlsoWhenFree) {
  RunTest([&]() -> Task<> {
    Semaphore semaphore(1);
    auto acquire = [&]() -> Task<> {
      const Semaphore::Permit permit = co_await semaphore.Acquire();
    };
    const bool cancels = co_await testing::IsCancelPoint(acquire);
    EXPECT_TRUE(cancels);
    const bool schedules = co_await testing::IsSchedulePoint(acquire);
    EXPECT_TRUE(schedules);
    EXPECT_EQ(semaphore.value(), 1u);
  });
}

TEST(Semaphore, CancelledWaiterTakesNothing) {
  RunTest([&]() -> Task<> {
    Semaphore semaphore(0);
    auto acquire = [&]() -> Task<> {
      const Semaphore::Permit permit = co_await semaphore.Acquire();
    };
    const bool done = co_await MoveOnAfter(absl::Seconds(1), acquire);
    EXPECT_FALSE(done);
    EXPECT_EQ(semaphore.waiting(), 0u);
    semaphore.Release();
    EXPECT_EQ(semaphore.value(), 1u);
  });
}

TEST(Semaphore, CancelledHolderGivesBack) {
  RunTest([&]() -> Task<> {
    Semaphore semaphore(1);
    auto hold = [&]() -> Task<> {
      const Semaphore::Permit permit = co_await semaphore.Acquire();
      co_await SleepForever();
    };
    co_await MoveOnAfter(absl::Seconds(1), hold);
    EXPECT_EQ(semaphore.value(), 1u);
  });
}

// Cancelled between Release() and its turn: it gets the permit, and gives it
// back when its frames die.
TEST(Semaphore, CancelBehindReleaseLosesNoPermit) {
  RunTest([&]() -> Task<> {
    Semaphore semaphore(0);
    bool got = false;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> {
        const Semaphore::Permit permit = co_await semaphore.Acquire();
        got = true;
        co_await SleepForever();
      });
      co_await WaitAllTasksBlocked();
      semaphore.Release();
      n.cancel_scope().Cancel();
    });
    EXPECT_TRUE(got);
    EXPECT_EQ(semaphore.value(), 1u);
  });
}

TEST(Semaphore, RefusesToGoOverItsMaximum) {
  Semaphore semaphore(1, 1);
  EXPECT_THROW(semaphore.Release(), std::logic_error);
  std::optional<Semaphore::Permit> permit = semaphore.TryAcquire();
  EXPECT_TRUE(permit.has_value());
  EXPECT_FALSE(semaphore.TryAcquire().has_value());
  permit->Release();
  permit->Release();
  EXPECT_EQ(semaphore.value(), 1u);
  EXPECT_THROW(Semaphore(2, 1), std::logic_error);
}

}  // namespace
}  // namespace tractor
