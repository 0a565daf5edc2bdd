// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/task/lock.h"

#include <stdexcept>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/task/checkpoint.h"
#include "runtime/task/nursery.h"
#include "runtime/task/outcome.h"
#include "runtime/task/scheduler.h"
#include "runtime/task/testing/expect_checkpoint.h"
#include "runtime/task/testing/run_test.h"
#include "runtime/task/testing/wait_all_tasks_blocked.h"
#include "runtime/task/timeouts.h"

namespace tractor {
namespace {

using testing::RunTest;
using testing::WaitAllTasksBlocked;

TEST(Lock, KeepsOthersOutAcrossAwaits) {
  RunTest([&]() -> Task<> {
    Lock lock;
    int inside = 0, rounds = 0;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      for (int i = 0; i < 5; ++i) {
        n.StartSoon([&]() -> Task<> {
          for (int k = 0; k < 10; ++k) {
            const Lock::Held held = co_await lock.Acquire();
            EXPECT_EQ(++inside, 1);
            co_await Checkpoint();
            --inside;
            ++rounds;
          }
        });
      }
      co_return;
    });
    EXPECT_EQ(rounds, 50);
    EXPECT_FALSE(lock.locked());
  });
}

TEST(Lock, HandsOverInTheOrderOfArrivalAndNobodyBargesIn) {
  RunTest([&]() -> Task<> {
    Lock lock;
    std::vector<int> order;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      Lock::Held held = co_await lock.Acquire();
      for (int i = 0; i < 4; ++i) {
        auto wait = [&](int number) -> Task<> {
          const Lock::Held mine = co_await lock.Acquire();
          order.push_back(number);
        };
        n.StartSoon(wait, i);
        co_await WaitAllTasksBlocked();
      }
      EXPECT_EQ(lock.waiting(), 4u);
      held.Release();
      EXPECT_TRUE(lock.locked());
      EXPECT_NE(lock.owner(), Scheduler::Current().current_task());
      EXPECT_FALSE(lock.TryAcquire().has_value());
      const Lock::Held again = co_await lock.Acquire();
      order.push_back(99);
    });
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 99}));
  });
}

TEST(Lock, OwnerThatAcquiresAgainIsTold) {
  RunTest([&]() -> Task<> {
    Lock lock;
    const Lock::Held held = co_await lock.Acquire();
    EXPECT_EQ(lock.owner(), Scheduler::Current().current_task());
    bool refused = false;
    try {
      const Lock::Held second = co_await lock.Acquire();
    } catch (const std::logic_error&) {
      refused = true;
    }
    EXPECT_TRUE(refused);
    EXPECT_THROW((void)lock.TryAcquire(), std::logic_error);
  });
}

TEST(Lock, AcquireIsACheckpointAlsoWhenFree) {
  RunTest([&]() -> Task<> {
    Lock lock;
    auto acquire = [&]() -> Task<> {
      const Lock::Held held = co_await lock.Acquire();
    };
    const bool cancels = co_await testing::IsCancelPoint(acquire);
    EXPECT_TRUE(cancels);
    EXPECT_FALSE(lock.locked());
    const bool schedules = co_await testing::IsSchedulePoint(acquire);
    EXPECT_TRUE(schedules);
    EXPECT_FALSE(lock.locked());
  });
}

TEST(Lock, CancelledWaiterAndCancelledHolderLeaveItFree) {
  RunTest([&]() -> Task<> {
    Lock lock;
    auto hold = [&]() -> Task<> {
      const Lock::Held held = co_await lock.Acquire();
      co_await SleepForever();
    };
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(hold);
      co_await WaitAllTasksBlocked();
      const bool done = co_await MoveOnAfter(absl::Seconds(1), hold);
      EXPECT_FALSE(done);
      EXPECT_EQ(lock.waiting(), 0u);
      EXPECT_TRUE(lock.locked());
      n.cancel_scope().Cancel();
    });
    EXPECT_FALSE(lock.locked());
  });
}

// Owned already, cancelled before its turn.
TEST(Lock, CancelBehindTheHandOverFreesIt) {
  RunTest([&]() -> Task<> {
    Lock lock;
    std::optional<Lock::Held> held = lock.TryAcquire();
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> {
        const Lock::Held mine = co_await lock.Acquire();
        co_await SleepForever();
      });
      co_await WaitAllTasksBlocked();
      held.reset();
      EXPECT_TRUE(lock.locked());
      n.cancel_scope().Cancel();
    });
    EXPECT_FALSE(lock.locked());
  });
}

// ---- Condition ----

TEST(Condition, NotifyWakesTheLongestWaitingFirst) {
  RunTest([&]() -> Task<> {
    Lock lock;
    Condition condition(lock);
    std::vector<int> order;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      for (int i = 0; i < 3; ++i) {
        auto wait = [&](int number) -> Task<> {
          Lock::Held held = co_await lock.Acquire();
          co_await condition.Wait(held);
          EXPECT_EQ(lock.owner(), Scheduler::Current().current_task());
          order.push_back(number);
        };
        n.StartSoon(wait, i);
        co_await WaitAllTasksBlocked();
      }
      EXPECT_EQ(condition.waiting(), 3u);
      {
        const Lock::Held held = co_await lock.Acquire();
        condition.Notify();
      }
      co_await WaitAllTasksBlocked();
      EXPECT_EQ(order, std::vector<int>{0});
      const Lock::Held held = co_await lock.Acquire();
      condition.NotifyAll();
    });
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
    EXPECT_FALSE(lock.locked());
  });
}

TEST(Condition, MustBeUsedWithItsLockHeld) {
  RunTest([&]() -> Task<> {
    Lock lock, other;
    Condition condition(lock);
    EXPECT_THROW(condition.Notify(), std::logic_error);
    Lock::Held wrong = co_await other.Acquire();
    bool refused = false;
    try {
      co_await condition.Wait(wrong);
    } catch (const std::logic_error&) {
      refused = true;
    }
    EXPECT_TRUE(refused);
    Lock::Held held = co_await lock.Acquire();
    held.Release();
    refused = false;
    try {
      co_await condition.Wait(held);
    } catch (const std::logic_error&) {
      refused = true;
    }
    EXPECT_TRUE(refused);
  });
}

TEST(Condition, CancelledWaitHoldsTheLockAgain) {
  RunTest([&]() -> Task<> {
    Lock lock;
    Condition condition(lock);
    Lock::Held held = co_await lock.Acquire();
    auto wait = [&]() -> Task<> { co_await condition.Wait(held); };
    const bool done = co_await MoveOnAfter(absl::Seconds(1), wait);
    EXPECT_FALSE(done);
    EXPECT_EQ(lock.owner(), Scheduler::Current().current_task());
    EXPECT_EQ(condition.waiting(), 0u);
  });
}

// The cancel is held up until whoever has the lock releases it.
TEST(Condition, CancelledWaitWaitsForTheLock) {
  RunTest([&]() -> Task<> {
    const absl::Time start = Now();
    Lock lock;
    Condition condition(lock);
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> {
        Lock::Held held = co_await lock.Acquire();
        auto wait = [&]() -> Task<> { co_await condition.Wait(held); };
        const bool done = co_await MoveOnAfter(absl::Seconds(2), wait);
        EXPECT_FALSE(done);
        EXPECT_EQ(lock.owner(), Scheduler::Current().current_task());
        EXPECT_EQ(Now() - start, absl::Seconds(3));
      });
      co_await Sleep(absl::Seconds(1));
      const Lock::Held held = co_await lock.Acquire();
      co_await Sleep(absl::Seconds(2));
    });
    EXPECT_FALSE(lock.locked());
  });
}

// A cancel that comes behind the notification: the wait has happened.
TEST(Condition, NotificationIsNotLostToACancel) {
  RunTest([&]() -> Task<> {
    Lock lock;
    Condition condition(lock);
    bool notified = false;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> {
        Lock::Held held = co_await lock.Acquire();
        co_await condition.Wait(held);
        notified = true;
        co_await SleepForever();
      });
      co_await WaitAllTasksBlocked();
      Lock::Held held = co_await lock.Acquire();
      condition.Notify();
      n.cancel_scope().Cancel();  // while it waits for the lock
      held.Release();
    });
    EXPECT_TRUE(notified);
    EXPECT_FALSE(lock.locked());
  });
}

TEST(Condition, WaitInACancelledScopeNeverReleases) {
  RunTest([&]() -> Task<> {
    Lock lock;
    Condition condition(lock);
    Lock::Held held = co_await lock.Acquire();
    auto wait = [&]() -> Task<> { co_await condition.Wait(held); };
    const bool cancels = co_await testing::IsCancelPoint(wait);
    EXPECT_TRUE(cancels);
    EXPECT_EQ(lock.owner(), Scheduler::Current().current_task());
  });
}

}  // namespace
}  // namespace tractor
