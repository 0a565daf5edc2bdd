// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/task/event.h"

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

TEST(Event, WakesEveryWaiterAndStaysSet) {
  RunTest([&]() -> Task<> {
    Event event;
    int woken = 0;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      for (int i = 0; i < 3; ++i) {
        n.StartSoon([&]() -> Task<> {
          co_await event.Wait();
          ++woken;
        });
      }
      co_await WaitAllTasksBlocked();
      EXPECT_EQ(woken, 0);
      EXPECT_EQ(event.waiting(), 3u);
      event.Set();
      event.Set();
      EXPECT_EQ(event.waiting(), 0u);
      EXPECT_EQ(woken, 0);  // nobody runs inside of Set()
    });
    EXPECT_EQ(woken, 3);
    EXPECT_TRUE(event.is_set());
    co_await event.Wait();
  });
}

TEST(Event, WaitIsACheckpointAlsoWhenSet) {
  RunTest([&]() -> Task<> {
    Event event;
    event.Set();
    auto wait = [&]() -> Task<> { co_await event.Wait(); };
    const bool cancels = co_await testing::IsCancelPoint(wait);
    EXPECT_TRUE(cancels);
    const bool schedules = co_await testing::IsSchedulePoint(wait);
    EXPECT_TRUE(schedules);
  });
}

TEST(Event, CancelledWaiterIsForgotten) {
  RunTest([&]() -> Task<> {
    Event event;
    auto wait = [&]() -> Task<> { co_await event.Wait(); };
    const bool done = co_await MoveOnAfter(absl::Seconds(1), wait);
    EXPECT_FALSE(done);
    EXPECT_EQ(event.waiting(), 0u);
    event.Set();
  });
}

// Cancelled between Set() and its turn: it has happened.
TEST(Event, CancelBehindSetComesTooLate) {
  RunTest([&]() -> Task<> {
    Event event;
    bool woken = false;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> {
        co_await event.Wait();
        woken = true;
      });
      co_await WaitAllTasksBlocked();
      event.Set();
      n.cancel_scope().Cancel();
    });
    EXPECT_TRUE(woken);
  });
}

}  // namespace
}  // namespace tractor
