// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Sleeping, and deadlines that move.
#include "runtime/task/timeouts.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/task/checkpoint.h"
#include "runtime/task/nursery.h"
#include "runtime/task/outcome.h"
#include "runtime/task/testing/run_test.h"

namespace tractor {
namespace {

using testing::RunTest;

// How long `body` takes, in virtual seconds.
template <class F>
Task<double> SecondsOf(F& body) {
  const absl::Time start = Now();
  co_await body();
  co_return absl::ToDoubleSeconds(Now() - start);
}

TEST(Sleep, TakesItsTime) {
  RunTest([&]() -> Task<> {
    auto nap = [&]() -> Task<> { co_await Sleep(absl::Milliseconds(1500)); };
    const double seconds = co_await SecondsOf(nap);
    EXPECT_EQ(seconds, 1.5);
  });
}

TEST(Sleep, ForNoTimeOrTimePastIsASchedulePointOnly) {
  RunTest([&]() -> Task<> {
    const absl::Time start = Now();
    const uint64_t steps = Scheduler::Current().steps();
    co_await Sleep(absl::ZeroDuration());
    co_await Sleep(absl::Seconds(-5));
    co_await SleepUntil(absl::InfinitePast());
    EXPECT_EQ(Scheduler::Current().steps(), steps + 3);
    EXPECT_EQ(Now(), start);
  });
}

TEST(Sleep, EarlierDeadlinesWakeFirst) {
  RunTest([&]() -> Task<> {
    std::vector<int> order;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      for (const int seconds : {5, 1, 4, 2, 3}) {
        auto nap = [&order](int length) -> Task<> {
          co_await Sleep(absl::Seconds(length));
          order.push_back(length);
        };
        n.StartSoon(nap, seconds);
      }
      co_return;
    });
    EXPECT_EQ(order, (std::vector<int>{1, 2, 3, 4, 5}));
  });
}

TEST(Sleep, CancelledSleepLeavesNoTimer) {
  RunTest([&]() -> Task<> {
    const absl::Time start = Now();
    auto nap = [&]() -> Task<> { co_await Sleep(absl::Hours(1)); };
    const bool done = co_await MoveOnAfter(absl::Seconds(1), nap);
    EXPECT_FALSE(done);
    EXPECT_TRUE(Scheduler::Current().timers().empty());
    EXPECT_EQ(Now() - start, absl::Seconds(1));
  });
}

// Its time has come, and so has that of the one who cancels.
TEST(Sleep, CancelBehindItsEndComesTooLate) {
  RunTest([&]() -> Task<> {
    bool woke = false, behind = false;
    CancelScope scope;
    const absl::Time when = Now() + absl::Seconds(1);
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> {
        co_await scope.Run([&]() -> Task<> {
          co_await SleepUntil(when);
          woke = true;
          co_await Checkpoint();
          behind = true;
        });
      });
      co_await SleepUntil(when);
      scope.Cancel();
    });
    EXPECT_TRUE(woke);
    EXPECT_FALSE(behind);
  });
}

TEST(Deadline, CancelsWithItsReason) {
  RunTest([&]() -> Task<> {
    const absl::Time start = Now();
    CancelScope scope(start + absl::Seconds(5));
    co_await scope.Run([&]() -> Task<> { co_await SleepForever(); });
    EXPECT_TRUE(scope.cancelled_caught());
    EXPECT_EQ(scope.reason().source, CancelReason::kDeadline);
    EXPECT_EQ(ToString(scope.reason()), "deadline");
    EXPECT_EQ(Now() - start, absl::Seconds(5));
  });
}

TEST(Deadline, InThePastCutsAtTheFirstCheckpoint) {
  RunTest([&]() -> Task<> {
    CancelScope scope(Now() - absl::Seconds(1));
    bool began = false;
    co_await scope.Run([&]() -> Task<> {
      began = true;
      co_await Checkpoint();
      ADD_FAILURE() << "cut short here";
    });
    EXPECT_TRUE(began);
    EXPECT_TRUE(scope.cancelled_caught());
  });
}

TEST(Deadline, MovesEarlier) {
  RunTest([&]() -> Task<> {
    const absl::Time start = Now();
    CancelScope scope(start + absl::Seconds(10));
    co_await scope.Run([&]() -> Task<> {
      scope.set_deadline(start + absl::Seconds(2));
      co_await SleepForever();
    });
    EXPECT_EQ(Now() - start, absl::Seconds(2));
  });
}

TEST(Deadline, MovesLaterWhileATaskWaits) {
  RunTest([&]() -> Task<> {
    const absl::Time start = Now();
    CancelScope scope(start + absl::Seconds(2));
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> {
        co_await scope.Run([&]() -> Task<> { co_await SleepForever(); });
      });
      co_await Sleep(absl::Seconds(1));
      scope.set_deadline(start + absl::Seconds(10));
    });
    EXPECT_EQ(Now() - start, absl::Seconds(10));
  });
}

TEST(Deadline, MovedIntoThePastCancelsAtTheNextCheckpoint) {
  RunTest([&]() -> Task<> {
    const absl::Time start = Now();
    CancelScope scope;
    co_await scope.Run([&]() -> Task<> {
      scope.set_deadline(start - absl::Seconds(1));
      // The loop looks at its clock between two rounds.
      co_await Checkpoint();
      co_await Checkpoint();
      ADD_FAILURE() << "cut short above";
    });
    EXPECT_TRUE(scope.cancelled_caught());
    EXPECT_EQ(Now(), start);
  });
}

TEST(Deadline, TakenAwayNeverFires) {
  RunTest([&]() -> Task<> {
    CancelScope scope(Now() + absl::Seconds(2));
    const bool completed = co_await scope.Run([&]() -> Task<> {
      scope.set_deadline(absl::InfiniteFuture());
      EXPECT_TRUE(Scheduler::Current().timers().empty());
      co_await Sleep(absl::Seconds(60));
    });
    EXPECT_TRUE(completed);
    EXPECT_FALSE(scope.cancel_called());
  });
}

TEST(Deadline, MovingItDoesNotTakeACancelBack) {
  RunTest([&]() -> Task<> {
    CancelScope scope(Now() - absl::Seconds(1));
    co_await scope.Run([&]() -> Task<> {
      scope.set_deadline(absl::InfiniteFuture());
      co_await Checkpoint();
      ADD_FAILURE() << "still cancelled";
    });
    EXPECT_TRUE(scope.cancelled_caught());
  });
}

TEST(Deadline, SetBeforeRunCounts) {
  RunTest([&]() -> Task<> {
    const absl::Time start = Now();
    CancelScope scope;
    scope.set_deadline(start + absl::Seconds(3));
    co_await scope.Run([&]() -> Task<> { co_await SleepForever(); });
    EXPECT_EQ(Now() - start, absl::Seconds(3));
  });
}

TEST(Deadline, OfAScopeThatIsDoneNeverFires) {
  RunTest([&]() -> Task<> {
    CancelScope scope(Now() + absl::Seconds(1));
    co_await scope.Run([&]() -> Task<> { co_return; });
    co_await Sleep(absl::Seconds(2));
    EXPECT_FALSE(scope.cancel_called());
  });
}

// [trio: test_current_effective_deadline]
TEST(Deadline, EffectiveOneIsTheEarliestInForce) {
  RunTest([&]() -> Task<> {
    const absl::Time start = Now();
    EXPECT_EQ(CurrentEffectiveDeadline(), absl::InfiniteFuture());
    CancelScope outer(start + absl::Seconds(10));
    CancelScope inner(start + absl::Seconds(20));
    co_await outer.Run([&]() -> Task<> {
      co_await inner.Run([&]() -> Task<> {
        EXPECT_EQ(CurrentEffectiveDeadline(), start + absl::Seconds(10));
        outer.set_deadline(start + absl::Seconds(30));
        EXPECT_EQ(CurrentEffectiveDeadline(), start + absl::Seconds(20));
        outer.set_deadline(start + absl::Seconds(5));
        inner.set_shield(true);
        EXPECT_EQ(CurrentEffectiveDeadline(), start + absl::Seconds(20));
        outer.Cancel();
        EXPECT_EQ(CurrentEffectiveDeadline(), start + absl::Seconds(20));
        inner.set_shield(false);
        EXPECT_EQ(CurrentEffectiveDeadline(), absl::InfinitePast());
        co_return;
      });
    });
    EXPECT_EQ(CurrentEffectiveDeadline(), absl::InfiniteFuture());
  });
}

// [trio: test_timeouts, move_on_after and fail_after]
TEST(MoveOnAfter, TellsWhetherTheBodyCameToItsEnd) {
  RunTest([&]() -> Task<> {
    auto nap = [&]() -> Task<> { co_await Sleep(absl::Seconds(2)); };
    const bool late = co_await MoveOnAfter(absl::Seconds(1), nap);
    EXPECT_FALSE(late);
    const bool whole = co_await MoveOnAfter(absl::Seconds(3), nap);
    EXPECT_TRUE(whole);
    const bool at = co_await MoveOnAt(Now() + absl::Seconds(1), nap);
    EXPECT_FALSE(at);
  });
}

TEST(MoveOnAfter, DoesNotCatchTheCancelOfAnOuterScope) {
  RunTest([&]() -> Task<> {
    CancelScope outer(Now() + absl::Seconds(1));
    bool behind = false;
    co_await outer.Run([&]() -> Task<> {
      auto nap = [&]() -> Task<> { co_await SleepForever(); };
      co_await MoveOnAfter(absl::Seconds(5), nap);
      behind = true;
    });
    EXPECT_FALSE(behind);
    EXPECT_TRUE(outer.cancelled_caught());
  });
}

TEST(FailAfter, ThrowsTooSlowError) {
  RunTest([&]() -> Task<> {
    auto nap = [&]() -> Task<> { co_await Sleep(absl::Seconds(2)); };
    std::string text;
    try {
      co_await FailAfter(absl::Seconds(1), nap);
    } catch (const TooSlowError& e) {
      text = e.what();
    }
    EXPECT_EQ(text, "ran out of time (deadline)");
    co_await FailAfter(absl::Seconds(3), nap);
    bool thrown = false;
    try {
      co_await FailAt(Now() - absl::Seconds(1), nap);
    } catch (const TooSlowError&) {
      thrown = true;
    }
    EXPECT_TRUE(thrown);
  });
}

// [trio: test_shield_and_timeouts] An error comes out as it is.
TEST(FailAfter, LetsAnErrorThrough) {
  RunTest([&]() -> Task<> {
    auto fail = [&]() -> Task<> {
      co_await Sleep(absl::Seconds(1));
      throw std::out_of_range("7");
    };
    bool thrown = false;
    try {
      co_await FailAfter(absl::Seconds(2), fail);
    } catch (const std::out_of_range&) {
      thrown = true;
    }
    EXPECT_TRUE(thrown);
  });
}

}  // namespace
}  // namespace tractor
