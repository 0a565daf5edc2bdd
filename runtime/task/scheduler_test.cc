// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/task/scheduler.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/task/checkpoint.h"
#include "runtime/task/event.h"
#include "runtime/task/nursery.h"
#include "runtime/task/testing/run_test.h"
#include "runtime/task/testing/virtual_time.h"
#include "runtime/task/timeouts.h"

namespace tractor {
namespace {

using testing::RunTest;
using testing::VirtualTime;

// The order in which ten tasks run, round by round.
std::string OrderWith(const SchedulerOptions& options) {
  Scheduler scheduler(options);
  std::string order;
  auto body = [&]() -> Task<> {
    co_await WithNursery([&](Nursery& n) -> Task<> {
      for (char name = 'a'; name < 'k'; ++name) {
        auto work = [&order](char letter) -> Task<> {
          for (int i = 0; i < 3; ++i) {
            order += letter;
            co_await Checkpoint();
          }
        };
        n.StartSoon(work, name);
      }
      co_return;
    });
  };
  EXPECT_TRUE(scheduler.Run(body).has_value());
  return order;
}

TEST(Scheduler, GivesEveryTaskOneTurnARound) {
  // An empty seed would be taken from the environment.
  const std::string order = OrderWith(SchedulerOptions().set_shuffle_seed(1));
  ASSERT_EQ(order.size(), 30u);
  for (int round = 0; round < 3; ++round) {
    std::string names = order.substr(round * 10, 10);
    std::sort(names.begin(), names.end());
    EXPECT_EQ(names, "abcdefghij");
  }
}

TEST(Scheduler, SameSeedGivesTheSameOrderAnotherSeedAnotherOne) {
  const std::string one = OrderWith(SchedulerOptions().set_shuffle_seed(1));
  EXPECT_EQ(one, OrderWith(SchedulerOptions().set_shuffle_seed(1)));
  EXPECT_NE(one, OrderWith(SchedulerOptions().set_shuffle_seed(2)));
}

TEST(Scheduler, RunGivesTheValueOfTheMainTask) {
  Scheduler scheduler;
  auto body = [&]() -> Task<std::unique_ptr<int>> {
    co_await Checkpoint();
    co_return std::make_unique<int>(4);
  };
  EXPECT_EQ(*scheduler.Run(body).Unwrap(), 4);
  // It can be used again.
  EXPECT_EQ(*scheduler.Run(body).Unwrap(), 4);
}

TEST(Scheduler, OneRunsOnAThreadAtATime) {
  RunTest([&]() -> Task<> {
    Scheduler second;
    EXPECT_THROW(second.Run([]() -> Task<> { co_return; }), std::logic_error);
    co_await Checkpoint();
  });
  EXPECT_THROW(Scheduler::Current(), std::logic_error);
  EXPECT_EQ(Scheduler::CurrentOrNull(), nullptr);
}

TEST(Scheduler, ThreadsMayEachRunOne) {
  std::atomic<int> done = 0;
  auto run = [&] {
    Scheduler scheduler;
    auto body = [&]() -> Task<> {
      for (int i = 0; i < 1000; ++i) co_await Checkpoint();
      ++done;
    };
    EXPECT_TRUE(scheduler.Run(body).has_value());
  };
  std::thread a(run), b(run);
  a.join();
  b.join();
  EXPECT_EQ(done, 2);
}

TEST(Scheduler, PostRunsOnItsThreadAndWakesIt) {
  Scheduler scheduler;  // with its own driver, which really waits
  const std::thread::id here = std::this_thread::get_id();
  Event event;
  bool same = false;
  std::thread other;
  auto body = [&]() -> Task<> {
    other = std::thread([&] {
      scheduler.Post([&] {
        same = std::this_thread::get_id() == here;
        event.Set();
      });
    });
    co_await event.Wait();
  };
  EXPECT_TRUE(scheduler.Run(body).has_value());
  other.join();
  EXPECT_TRUE(same);
}

// Also while tasks keep the loop busy.
TEST(Scheduler, PostReachesABusyLoop) {
  Scheduler scheduler;
  bool posted = false;
  std::thread other;
  auto body = [&]() -> Task<> {
    other = std::thread([&] { scheduler.Post([&] { posted = true; }); });
    while (!posted) co_await Checkpoint();
  };
  EXPECT_TRUE(scheduler.Run(body).has_value());
  other.join();
}

TEST(Scheduler, RemotePostTellsWhenTheLoopIsGone) {
  std::shared_ptr<RemoteScheduler> remote;
  {
    Scheduler scheduler;
    remote = scheduler.remote();
    EXPECT_TRUE(remote->Post([] {}));
  }
  EXPECT_FALSE(remote->Post([] {}));
}

TEST(Scheduler, ABusyLoopLooksAtTheWorldOutside) {
  class CountingDriver : public Driver {
   public:
    bool Wait(int64_t) override { return false; }
    void Poll() override { ++polls; }
    void Wake() noexcept override {}
    int polls = 0;
  } driver;
  Scheduler scheduler(SchedulerOptions().set_driver(driver));
  auto body = [&]() -> Task<> {
    for (int i = 0; i < 10 * Scheduler::kPollEvery; ++i) co_await Checkpoint();
  };
  EXPECT_TRUE(scheduler.Run(body).has_value());
  EXPECT_EQ(driver.polls, 10);
}

TEST(Scheduler, RunsIdleHooksBeforeItWaits) {
  RunTest([&]() -> Task<> {
    struct Hook final : IdleHook {
      int calls = 0;
      void BeforeIdle() override { ++calls; }
    } hook;
    Scheduler::Current().AddIdleHook(hook);
    co_await Checkpoint();
    EXPECT_EQ(hook.calls, 0);
    co_await Sleep(absl::Seconds(1));
    EXPECT_EQ(hook.calls, 1);
  });
}

TEST(Scheduler, DeadlinesFireInABusyLoop) {
  VirtualTime time;
  Scheduler scheduler(SchedulerOptions().set_clock(time).set_driver(time));
  auto body = [&]() -> Task<> {
    CancelScope scope(Now() + absl::Seconds(1));
    co_await scope.Run([&]() -> Task<> {
      for (int i = 0; i < 1000; ++i) {
        time.Advance(absl::Milliseconds(100));
        co_await Checkpoint();
      }
    });
    EXPECT_TRUE(scope.cancelled_caught());
  };
  EXPECT_TRUE(scheduler.Run(body).has_value());
  EXPECT_LT(time.NowNanos() - VirtualTime::kStartNanos, 2'000'000'000);
}

// ---- deadlock ----

TEST(Scheduler, DeadlockCancelsTheMainTaskAndIsItsError) {
  bool unwound = false;
  const auto end = testing::RunVirtual([&]() -> Task<> {
    struct Flag {
      bool& flag;
      ~Flag() { flag = true; }
    } flag{unwound};
    co_await SleepForever();
  });
  EXPECT_TRUE(end.has_error());
  EXPECT_TRUE(unwound);
  EXPECT_THROW(std::rethrow_exception(end.error()), DeadlockError);
}

TEST(Scheduler, WorkOutsideIsNoDeadlock) {
  std::thread other;
  RunTest([&]() -> Task<> {
    Scheduler& scheduler = Scheduler::Current();
    scheduler.AddExternalWork(1);
    Event event;
    // The loop may end, and its scheduler die, before Post() has returned.
    other = std::thread([&, remote = scheduler.remote()] {
      remote->Post([&] {
        scheduler.AddExternalWork(-1);
        event.Set();
      });
    });
    co_await event.Wait();
  });
  other.join();
}

}  // namespace
}  // namespace tractor
