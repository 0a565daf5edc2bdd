// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/task/task_tree.h"

#include <functional>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/task/checkpoint.h"
#include "runtime/task/event.h"
#include "runtime/task/nursery.h"
#include "runtime/task/outcome.h"
#include "runtime/task/scheduler.h"
#include "runtime/task/testing/run_test.h"
#include "runtime/task/testing/wait_all_tasks_blocked.h"
#include "runtime/task/timeouts.h"

namespace tractor {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using testing::RunTest;
using testing::WaitAllTasksBlocked;

TEST(TaskTree, IsEmptyWhenNothingRuns) {
  EXPECT_EQ(DumpTaskTree(), "no task runs\n");
  const Scheduler scheduler;
  EXPECT_EQ(InspectTasks(scheduler).name, "");
}

TEST(TaskTree, ShowsTasksNurseriesScopesAndWhatTheyWaitFor) {
  RunTest([&]() -> Task<> {
    Event event;
    NurseryOptions options;
    options.set_name("workers");
    co_await WithNursery(options, [&](Nursery& n) -> Task<> {
      n.StartSoon(TaskName("sleeper"),
                  []() -> Task<> { co_await Sleep(absl::Seconds(1)); });
      n.StartSoon(TaskName("waiter"), [&]() -> Task<> {
        CancelScope scope;
        scope.set_name("request");
        co_await scope.Run([&]() -> Task<> {
          co_await WithNursery([&](Nursery& inner) -> Task<> {
            inner.StartSoon(TaskName("leaf"),
                            [&]() -> Task<> { co_await event.Wait(); });
            co_return;  // its children are shown all the same
          });
        });
      });
      co_await WaitAllTasksBlocked();

      const TaskInfo main = InspectTasks(Scheduler::Current());
      EXPECT_EQ(main.name, "main");
      EXPECT_EQ(main.state, "running");
      EXPECT_EQ(main.nurseries.size(), 1u);
      const NurseryInfo& workers = main.nurseries.at(0);
      EXPECT_EQ(workers.name, "workers");
      EXPECT_FALSE(workers.cancelled);
      EXPECT_EQ(workers.children.size(), 2u);
      EXPECT_EQ(workers.children.at(0).name, "sleeper");
      EXPECT_EQ(workers.children.at(0).state, "waits: sleep");
      const TaskInfo& waiter = workers.children.at(1);
      EXPECT_EQ(waiter.state, "waits: children");
      EXPECT_EQ(waiter.frames.size(), 2u);
      EXPECT_EQ(waiter.frames.at(0).kind, FrameInfo::kScope);
      EXPECT_EQ(waiter.frames.at(0).name, "request");
      EXPECT_EQ(waiter.frames.at(1).kind, FrameInfo::kNursery);
      EXPECT_EQ(waiter.nurseries.at(0).children.at(0).state, "waits: event");

      const std::string text = DumpTaskTree();
      EXPECT_THAT(text, HasSubstr("main #"));
      EXPECT_THAT(text, HasSubstr("\n  nursery workers\n"));
      EXPECT_THAT(text, ContainsRegex("  \\|- sleeper #[0-9]+ .waits: sleep. "
                                      "at task/task_tree_test.cc:[0-9]+\n"));
      EXPECT_THAT(text, HasSubstr("(request)"));
      EXPECT_THAT(text,
                  ContainsRegex("  \\|    \\|- leaf #[0-9]+ .waits: event."));
      event.Set();
    });
  });
}

TEST(TaskTree, ShowsCancelsWithTheirReason) {
  RunTest([&]() -> Task<> {
    std::string text;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(TaskName("stubborn"), []() -> Task<> {
        CancelScope shield(absl::InfiniteFuture(), /*shield=*/true);
        co_await shield.Run(
            [&]() -> Task<> { co_await Sleep(absl::Seconds(1)); });
        co_await ShieldedCheckpoint();
        co_await ShieldedCheckpoint();
      });
      n.StartSoon(TaskName("new"), []() -> Task<> { co_return; });
      n.cancel_scope().Cancel(CancelReason::kPeer, "too old", "root");
      text = DumpTaskTree();
      co_return;
    });
    EXPECT_THAT(text, HasSubstr("[not started, cancelled (peer by root: too "
                                "old)]"));
    EXPECT_THAT(text, HasSubstr(" [cancelled]\n"));
  });
}

TEST(TaskTree, NamesAChildByItsFunctionWhenItHasNoName) {
  RunTest([&]() -> Task<> {
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([]() -> Task<> { co_return; });
      const TaskInfo main = InspectTasks(Scheduler::Current());
      EXPECT_THAT(main.nurseries.at(0).children.at(0).name,
                  HasSubstr("lambda"));
      co_return;
    });
  });
}

// Destructors may look at it, while frames are destroyed below them.
TEST(TaskTree, CanBeDumpedFromDestructors) {
  RunTest([&]() -> Task<> {
    std::string dumps;
    struct Dump {
      std::string& text;
      ~Dump() { text += DumpTaskTree() + "----\n"; }
    };
    std::function<Task<>(int)> deep = [&](int depth) -> Task<> {
      Dump dump{dumps};
      if (depth == 0) co_await SleepForever();
      CancelScope scope;
      co_await scope.Run([&]() -> Task<> {
        Dump inner{dumps};
        co_await WithNursery([&](Nursery& n) -> Task<> {
          Dump body{dumps};
          n.StartSoon(TaskName("child"), deep, depth - 1);
          co_await SleepForever();
        });
      });
    };
    auto body = [&]() -> Task<> { co_await deep(3); };
    co_await MoveOnAfter(absl::Seconds(1), body);
    EXPECT_THAT(dumps, HasSubstr("child"));
    EXPECT_THAT(dumps, HasSubstr("main #"));
  });
}

TEST(TaskTree, DeadlockShowsIt) {
  const auto end = testing::RunVirtual([&]() -> Task<> {
    Event never;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(TaskName("stuck"),
                  [&]() -> Task<> { co_await never.Wait(); });
      co_return;
    });
  });
  EXPECT_TRUE(end.has_error());
  try {
    std::rethrow_exception(end.error());
  } catch (const DeadlockError& e) {
    EXPECT_THAT(e.what(), HasSubstr("deadlock"));
    EXPECT_THAT(e.what(), HasSubstr("stuck"));
    EXPECT_THAT(e.what(), HasSubstr("waits: event"));
  }
}

}  // namespace
}  // namespace tractor
