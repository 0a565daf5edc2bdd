// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Every leaf cancelled in every state. Two laws hold for all of them:
//
//   - a wait that was cut short did not happen, and takes nothing from the one
//     who waits next;
//   - what has happened is never thrown away: a cancel behind it comes too
//     late.
#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "gtest/gtest.h"
#include "runtime/task/cancel_scope.h"
#include "runtime/task/checkpoint.h"
#include "runtime/task/leaves.h"
#include "runtime/task/nursery.h"
#include "runtime/task/testing/run_test.h"
#include "runtime/task/testing/wait_all_tasks_blocked.h"
#include "runtime/task/timeouts.h"

namespace tractor::testing {
namespace {

struct LeafCase {
  std::string name;
  std::function<std::unique_ptr<Leaf>()> make;
};
void PrintTo(const LeafCase& leaf, std::ostream* out) { *out << leaf.name; }

template <class L, class... A>
LeafCase Case(const char* name, A... args) {
  return {name, [args...] { return std::make_unique<L>(args...); }};
}

class LeafCancelTest : public ::testing::TestWithParam<LeafCase> {
 protected:
  // Makes the leaf in a task, as locks want it, and looks at what is left.
  void RunWith(const std::function<Task<>(Leaf&)>& body) {
    RunTest([&]() -> Task<> {
      const std::unique_ptr<Leaf> leaf = GetParam().make();
      co_await body(*leaf);
      leaf->Check();
    });
  }
};

// In a scope of its own.
Task<> WaitIn(CancelScope& scope, Leaf& leaf) {
  auto wait = [&]() -> Task<> { return leaf.Wait(); };
  co_await scope.Run(wait);
}

// In a task of its own: this one may hold what the leaf waits for.
Task<> WaitInAChild(CancelScope& scope, Leaf& leaf) {
  co_await WithNursery([&](Nursery& n) -> Task<> {
    n.StartSoon([&]() -> Task<> { co_await WaitIn(scope, leaf); });
    co_return;
  });
}

// The next one gets what has happened, or what happens now. (In a task without
// a scope: a deadlock when it was lost.)
Task<> ExpectTheNextIsServed(Leaf& leaf, bool happened) {
  EXPECT_EQ(leaf.waited, 0);
  co_await WithNursery([&](Nursery& n) -> Task<> {
    auto wait = [&]() -> Task<> { return leaf.Wait(); };
    n.StartSoon(wait);
    co_await WaitAllTasksBlocked();
    if (!happened) leaf.Happen();
  });
  EXPECT_EQ(leaf.waited, 1);
}

TEST_P(LeafCancelTest, BeforeItsStart) {
  RunWith([](Leaf& leaf) -> Task<> {
    CancelScope scope;
    scope.Cancel();
    co_await WaitInAChild(scope, leaf);
    EXPECT_TRUE(scope.cancelled_caught());
    co_await ExpectTheNextIsServed(leaf, false);
  });
}

TEST_P(LeafCancelTest, BeforeItsStartThoughItCouldEndAtOnce) {
  RunWith([](Leaf& leaf) -> Task<> {
    if (!leaf.remembers) co_return;
    leaf.Happen();
    CancelScope scope;
    scope.Cancel();
    co_await WaitInAChild(scope, leaf);
    EXPECT_TRUE(scope.cancelled_caught());
    co_await ExpectTheNextIsServed(leaf, true);
  });
}

// It could go on at once, and gives way to others first: one of them cancels.
TEST_P(LeafCancelTest, WhileItGivesWay) {
  for (int rounds = 0; rounds < 4; ++rounds) {
    RunWith([rounds](Leaf& leaf) -> Task<> {
      if (!leaf.remembers) co_return;
      leaf.Happen();
      CancelScope scope;
      co_await WithNursery([&](Nursery& n) -> Task<> {
        n.StartSoon([&]() -> Task<> { co_await WaitIn(scope, leaf); });
        for (int i = 0; i < rounds; ++i) co_await Checkpoint();
        scope.Cancel();
      });
      EXPECT_EQ(leaf.waited, scope.cancelled_caught() ? 0 : 1);
      if (leaf.waited == 0) co_await ExpectTheNextIsServed(leaf, true);
    });
  }
}

TEST_P(LeafCancelTest, WhileParked) {
  RunWith([](Leaf& leaf) -> Task<> {
    CancelScope scope;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> { co_await WaitIn(scope, leaf); });
      co_await WaitAllTasksBlocked();
      scope.Cancel();
      co_await WaitAllTasksBlocked();
      EXPECT_EQ(n.size(), leaf.abortable ? 0u : 1u);
      if (!leaf.abortable) leaf.Happen();
    });
    EXPECT_EQ(scope.cancelled_caught(), leaf.abortable);
    EXPECT_EQ(leaf.waited, leaf.abortable ? 0 : 1);
    if (leaf.abortable) co_await ExpectTheNextIsServed(leaf, false);
  });
}

TEST_P(LeafCancelTest, ByADeadlineWhileParked) {
  RunWith([](Leaf& leaf) -> Task<> {
    if (leaf.threaded) co_return;
    CancelScope scope(Now() + absl::Seconds(1));
    co_await WaitInAChild(scope, leaf);
    EXPECT_TRUE(scope.cancelled_caught());
    co_await ExpectTheNextIsServed(leaf, false);
  });
}

TEST_P(LeafCancelTest, BehindItsCompletion) {
  RunWith([](Leaf& leaf) -> Task<> {
    CancelScope scope;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> { co_await WaitIn(scope, leaf); });
      co_await WaitAllTasksBlocked();
      leaf.Happen();
      scope.Cancel();
    });
    // A thread may need longer than the cancel, when it may be abandoned.
    if (leaf.threaded && leaf.abortable && leaf.waited == 0) co_return;
    EXPECT_EQ(leaf.waited, 1);
    EXPECT_FALSE(scope.cancelled_caught());
  });
}

TEST_P(LeafCancelTest, BeforeItsCompletionInTheSameTurn) {
  RunWith([](Leaf& leaf) -> Task<> {
    CancelScope scope;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> { co_await WaitIn(scope, leaf); });
      co_await WaitAllTasksBlocked();
      scope.Cancel();
      leaf.Happen();
    });
    EXPECT_EQ(scope.cancelled_caught(), leaf.abortable);
    EXPECT_EQ(leaf.waited, leaf.abortable ? 0 : 1);
    if (leaf.abortable) {
      co_await ExpectTheNextIsServed(leaf, leaf.remembers);
    }
  });
}

// The one behind it in the queue moves up.
TEST_P(LeafCancelTest, InFrontOfAnother) {
  RunWith([](Leaf& leaf) -> Task<> {
    if (!leaf.abortable) co_return;
    CancelScope first, second;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> { co_await WaitIn(first, leaf); });
      co_await WaitAllTasksBlocked();
      n.StartSoon([&]() -> Task<> { co_await WaitIn(second, leaf); });
      co_await WaitAllTasksBlocked();
      first.Cancel();
      co_await WaitAllTasksBlocked();
      EXPECT_TRUE(first.cancelled_caught());
      leaf.Happen();
    });
    EXPECT_EQ(leaf.waited, 1);
    EXPECT_FALSE(second.cancelled_caught());
  });
}

INSTANTIATE_TEST_SUITE_P(
    All, LeafCancelTest,
    ::testing::Values(
        Case<EventLeaf>("Event"), Case<SemaphoreLeaf>("Semaphore"),
        Case<LimiterLeaf>("CapacityLimiter"), Case<LockLeaf>("Lock"),
        Case<ConditionLeaf>("Condition"), Case<ReceiveLeaf>("Receive", 4),
        Case<ReceiveLeaf>("ReceiveWithoutCapacity", 0),
        Case<SendLeaf>("Send", 2), Case<SendLeaf>("SendWithoutCapacity", 0),
        Case<BroadcastLeaf>("Broadcast"), Case<GatherLeaf>("Gather"),
        Case<ThreadTokenLeaf>("ToThreadForAToken"),
        Case<ThreadLeaf>("ToThread", false),
        Case<ThreadLeaf>("ToThreadAbandoned", true)),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace tractor::testing
