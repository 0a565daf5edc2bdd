// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The rules of cancel scopes. Names in brackets are those of trio's own tests
// (trio/_core/_tests/test_run.py) that a test was ported from.
//
// Long: one small test for each rule.
#include "runtime/task/cancel_scope.h"

#include <stdexcept>
#include <string>

#include "gtest/gtest.h"
#include "runtime/task/checkpoint.h"
#include "runtime/task/nursery.h"
#include "runtime/task/outcome.h"
#include "runtime/task/testing/run_test.h"
#include "runtime/task/timeouts.h"

namespace tractor {
namespace {

using testing::RunTest;
using testing::RunVirtual;

Task<> OneCheckpoint() { co_await Checkpoint(); }

// Whether a checkpoint, here and now, cancels.
Task<bool> CheckpointCancels() {
  const Outcome<> end = co_await Observe(OneCheckpoint());
  co_return end.cancelled();
}

TEST(CancelScope, RunGivesTrueWhenTheBodyCameToItsEnd) {
  RunTest([&]() -> Task<> {
    CancelScope scope;
    const bool completed = co_await scope.Run(OneCheckpoint);
    EXPECT_TRUE(completed);
    EXPECT_FALSE(scope.cancel_called());
    EXPECT_FALSE(scope.cancelled_caught());
    EXPECT_EQ(scope.reason().source, CancelReason::kNone);
  });
}

TEST(CancelScope, RunGivesTheValueOfTheBody) {
  RunTest([&]() -> Task<> {
    CancelScope whole;
    auto seven = [&]() -> Task<int> {
      co_await Checkpoint();
      co_return 7;
    };
    const std::optional<int> value = co_await whole.Run(seven);
    EXPECT_EQ(value, 7);
    CancelScope cut;
    cut.Cancel();
    const std::optional<int> none = co_await cut.Run(seven);
    EXPECT_EQ(none, std::nullopt);
  });
}

TEST(CancelScope, ErrorOfTheBodyComesOut) {
  RunTest([&]() -> Task<> {
    for (const bool suspends : {false, true}) {
      CancelScope scope;
      std::string text;
      auto fail = [&]() -> Task<> {
        if (suspends) co_await Checkpoint();
        throw std::runtime_error("boom");
      };
      try {
        co_await scope.Run(fail);
      } catch (const std::runtime_error& e) {
        text = e.what();
      }
      EXPECT_EQ(text, "boom");
      EXPECT_FALSE(scope.is_open());
    }
    co_await Checkpoint();
  });
}

// [test_cancel_edge_cases] An error wins over the cancellation.
TEST(CancelScope, ErrorInACancelledScopeComesOut) {
  RunTest([&]() -> Task<> {
    CancelScope scope;
    bool thrown = false;
    try {
      co_await scope.Run([&]() -> Task<> {
        scope.Cancel();
        throw std::runtime_error("boom");
        co_return;
      });
    } catch (const std::runtime_error&) {
      thrown = true;
    }
    EXPECT_TRUE(thrown);
    EXPECT_FALSE(scope.cancelled_caught());
  });
}

// [test_cancel_edge_cases] Two cancels are one; a body without a checkpoint
// behind the cancel comes to its end.
TEST(CancelScope, CancelWithoutACheckpointCutsNothingShort) {
  RunTest([&]() -> Task<> {
    CancelScope scope;
    const bool completed = co_await scope.Run([&]() -> Task<> {
      scope.Cancel();
      scope.Cancel();
      co_return;
    });
    EXPECT_TRUE(completed);
    EXPECT_TRUE(scope.cancel_called());
    EXPECT_FALSE(scope.cancelled_caught());
  });
}

TEST(CancelScope, IsLevelTriggered) {
  RunTest([&]() -> Task<> {
    CancelScope scope;
    int cancelled = 0;
    const bool completed = co_await scope.Run([&]() -> Task<> {
      scope.Cancel();
      for (int i = 0; i < 3; ++i) cancelled += co_await CheckpointCancels();
    });
    EXPECT_EQ(cancelled, 3);
    EXPECT_TRUE(completed);
    EXPECT_FALSE(scope.cancelled_caught());
    const bool outside = co_await CheckpointCancels();
    EXPECT_FALSE(outside);
  });
}

// [test_cancel_scope_nesting]
TEST(CancelScope, OutermostCancelledScopeCatches) {
  RunTest([&]() -> Task<> {
    CancelScope outermost, middle, inner;
    bool behind_inner = false, behind_middle = false;
    co_await outermost.Run([&]() -> Task<> {
      co_await middle.Run([&]() -> Task<> {
        co_await inner.Run([&]() -> Task<> {
          inner.Cancel();
          middle.Cancel();
          co_await SleepForever();
        });
        behind_inner = true;
      });
      behind_middle = true;
    });
    EXPECT_FALSE(behind_inner);
    EXPECT_TRUE(behind_middle);
    EXPECT_FALSE(inner.cancelled_caught());
    EXPECT_TRUE(middle.cancelled_caught());
    EXPECT_FALSE(outermost.cancel_called());
  });
}

// [test_cancel_scope_nesting] The inner one catches its own, and the outer one
// is cancelled later.
TEST(CancelScope, InnerScopeCatchesWhenOnlyItIsCancelled) {
  RunTest([&]() -> Task<> {
    CancelScope outer, inner;
    bool between = false;
    co_await outer.Run([&]() -> Task<> {
      co_await inner.Run([&]() -> Task<> {
        inner.Cancel();
        co_await SleepForever();
      });
      between = true;
      outer.Cancel();
      co_await SleepForever();
    });
    EXPECT_TRUE(between);
    EXPECT_TRUE(inner.cancelled_caught());
    EXPECT_TRUE(outer.cancelled_caught());
  });
}

// [test_cancel_shielding]
TEST(CancelScope, CancelShielding) {
  RunTest([&]() -> Task<> {
    CancelScope outer, inner;
    bool reached_end = false;
    co_await outer.Run([&]() -> Task<> {
      co_await inner.Run([&]() -> Task<> {
        co_await Checkpoint();
        outer.Cancel();
        EXPECT_TRUE(co_await CheckpointCancels());

        inner.set_shield(true);
        EXPECT_FALSE(co_await CheckpointCancels());

        // A cancel of its own goes through a shield around it.
        CancelScope innerest;
        co_await innerest.Run([&]() -> Task<> {
          innerest.Cancel();
          EXPECT_TRUE(co_await CheckpointCancels());
        });
        EXPECT_FALSE(co_await CheckpointCancels());

        inner.set_shield(false);
        EXPECT_TRUE(co_await CheckpointCancels());
        inner.set_shield(true);
        co_await Checkpoint();

        // A shield does not stop a scope's own cancel.
        inner.Cancel();
        EXPECT_TRUE(co_await CheckpointCancels());
        co_await Checkpoint();
        reached_end = true;
      });
      EXPECT_TRUE(inner.cancelled_caught());
    });
    EXPECT_FALSE(reached_end);
  });
}

// [test_cancel_inheritance]
TEST(CancelScope, ChildrenInheritTheScopeOfTheirNursery) {
  RunTest([&]() -> Task<> {
    CancelScope outer;
    int cut = 0;
    struct Cut {
      int& count;
      ~Cut() { ++count; }
    };
    auto leaf = [&]() -> Task<> {
      Cut guard{cut};
      co_await SleepForever();
    };
    auto outer_leaf = [&]() -> Task<> {
      co_await WithNursery([&](Nursery& inner) -> Task<> {
        inner.StartSoon(leaf);
        co_return;
      });
    };
    co_await outer.Run([&]() -> Task<> {
      co_await WithNursery([&](Nursery& n) -> Task<> {
        n.StartSoon(leaf);
        n.StartSoon(outer_leaf);
        co_await Checkpoint();
        outer.Cancel();
      });
    });
    EXPECT_EQ(cut, 2);
    EXPECT_TRUE(outer.cancelled_caught());
  });
}

// [test_cancel_shield_abort] A task is waiting when the shield goes away.
TEST(CancelScope, TakingTheShieldAwayLetsInWhatWaitsOutside) {
  RunTest([&]() -> Task<> {
    CancelScope outer, shielded(absl::InfiniteFuture(), /*shield=*/true);
    bool cut = false;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      auto sleeper = [&]() -> Task<> {
        co_await outer.Run([&]() -> Task<> {
          const auto end = co_await Observe([&]() -> Task<> {
            co_await shielded.Run([&]() -> Task<> { co_await SleepForever(); });
          });
          cut = end.cancelled();
          co_await Checkpoint();
          ADD_FAILURE() << "the outer scope is cancelled here";
        });
      };
      n.StartSoon(sleeper);
      co_await Sleep(absl::Seconds(1));
      outer.Cancel();
      co_await Sleep(absl::Seconds(1));
      EXPECT_FALSE(cut);
      EXPECT_EQ(n.size(), 1u);
      shielded.set_shield(false);
    });
    EXPECT_TRUE(cut);
    EXPECT_FALSE(shielded.cancelled_caught());
    EXPECT_TRUE(outer.cancelled_caught());
  });
}

// [test_unshield_while_cancel_propagating]
TEST(CancelScope, ShieldWhileCancelPropagates) {
  RunTest([&]() -> Task<> {
    CancelScope outer, inner;
    co_await outer.Run([&]() -> Task<> {
      co_await inner.Run([&]() -> Task<> {
        outer.Cancel();
        Outcome<> end = co_await Observe(OneCheckpoint());
        inner.set_shield(true);
        co_await std::move(end).Get();
      });
    });
    EXPECT_TRUE(outer.cancelled_caught());
    EXPECT_FALSE(inner.cancelled_caught());
  });
}

// [test_cancel_unbound] Cancelled before it is used.
TEST(CancelScope, PrecancelledScopeRunsUpToTheFirstCheckpoint) {
  RunTest([&]() -> Task<> {
    CancelScope scope;
    scope.Cancel(CancelReason::kPeer, "early", "root");
    bool before = false, after = false;
    const bool completed = co_await scope.Run([&]() -> Task<> {
      before = true;
      co_await Checkpoint();
      after = true;
    });
    EXPECT_FALSE(completed);
    EXPECT_TRUE(before);
    EXPECT_FALSE(after);
    EXPECT_TRUE(scope.cancelled_caught());
    EXPECT_EQ(ToString(scope.reason()), "peer by root: early");
  });
}

// [test_precancelled_task] Every kind of leaf is cut short before it starts.
TEST(CancelScope, PrecancelledLeavesDoNotHappen) {
  RunTest([&]() -> Task<> {
    CancelScope scope;
    scope.Cancel();
    int cut = 0;
    co_await scope.Run([&]() -> Task<> {
      auto nap = [&]() -> Task<> { co_await Sleep(absl::Seconds(1)); };
      cut += (co_await Observe(nap)).cancelled();
      auto none = [&]() -> Task<> { co_await Sleep(absl::ZeroDuration()); };
      cut += (co_await Observe(none)).cancelled();
      auto ever = [&]() -> Task<> { co_await SleepForever(); };
      cut += (co_await Observe(ever)).cancelled();
      auto shielded = [&]() -> Task<> { co_await ShieldedCheckpoint(); };
      cut += (co_await Observe(shielded)).cancelled();
    });
    EXPECT_EQ(cut, 3);
  });
}

// [test_cancel_scope_misuse]
TEST(CancelScope, CannotBeUsedTwice) {
  RunTest([&]() -> Task<> {
    CancelScope scope;
    co_await scope.Run(OneCheckpoint);
    bool refused = false;
    try {
      co_await scope.Run(OneCheckpoint);
    } catch (const std::logic_error&) {
      refused = true;
    }
    EXPECT_TRUE(refused);
    // The scope tree is as it was.
    const bool cancels = co_await CheckpointCancels();
    EXPECT_FALSE(cancels);
  });
}

TEST(CancelScope, CannotBeOpenedInsideItself) {
  RunTest([&]() -> Task<> {
    CancelScope scope;
    bool refused = false;
    co_await scope.Run([&]() -> Task<> {
      try {
        co_await scope.Run(OneCheckpoint);
      } catch (const std::logic_error&) {
        refused = true;
      }
      co_await Checkpoint();
      scope.Cancel();
      co_await Checkpoint();
      ADD_FAILURE() << "the scope lost its hold";
    });
    EXPECT_TRUE(refused);
    EXPECT_TRUE(scope.cancelled_caught());
  });
}

TEST(CancelScope, ErrorOfABodyThatIsNoCoroutineYetComesOut) {
  RunTest([&]() -> Task<> {
    CancelScope scope;
    auto make = [&]() -> Task<> {
      return throw std::runtime_error("no body"), OneCheckpoint();
    };
    bool thrown = false;
    try {
      co_await scope.Run(make);
    } catch (const std::runtime_error&) {
      thrown = true;
    }
    EXPECT_TRUE(thrown);
    EXPECT_FALSE(scope.is_open());
    co_await Checkpoint();
  });
}

TEST(CancelScope, FirstReasonStays) {
  CancelScope scope;
  scope.Cancel(CancelReason::kExplicit, "first", "a");
  scope.Cancel(CancelReason::kPeer, "second", "b");
  EXPECT_EQ(ToString(scope.reason()), "cancelled by a: first");
}

TEST(CancelScope, ReasonOfAnOuterScopeIsSeenInside) {
  RunTest([&]() -> Task<> {
    CancelScope outer, inner;
    co_await outer.Run([&]() -> Task<> {
      co_await inner.Run([&]() -> Task<> {
        EXPECT_EQ(CurrentCancelReason().source, CancelReason::kNone);
        outer.Cancel(CancelReason::kShutdown, "signal 15");
        EXPECT_EQ(CurrentCancelReason().source, CancelReason::kShutdown);
        EXPECT_EQ(inner.reason().text, "signal 15");
        co_return;
      });
    });
    EXPECT_FALSE(inner.cancel_called());
  });
}

TEST(CancelScope, OwnReasonCountsBehindAShield) {
  RunTest([&]() -> Task<> {
    CancelScope outer, inner;
    co_await outer.Run([&]() -> Task<> {
      co_await inner.Run([&]() -> Task<> {
        outer.Cancel(CancelReason::kShutdown, "outer");
        inner.set_shield(true);
        inner.Cancel(CancelReason::kExplicit, "inner");
        EXPECT_EQ(CurrentCancelReason().text, "inner");
        co_return;
      });
    });
  });
}

// [test_cancel_scope_exit_doesnt_create_cyclic_garbage's sibling] A cancel of a
// scope that is done does nothing.
TEST(CancelScope, CancelAfterTheEndDoesNothing) {
  RunTest([&]() -> Task<> {
    CancelScope scope;
    co_await scope.Run(OneCheckpoint);
    scope.Cancel();
    EXPECT_TRUE(scope.cancel_called());
    EXPECT_FALSE(scope.cancelled_caught());
    const bool cancels = co_await CheckpointCancels();
    EXPECT_FALSE(cancels);
  });
}

TEST(CancelScope, MainScopeEndsTheRun) {
  const auto end = RunVirtual([&]() -> Task<> {
    Scheduler::Current().main_scope().Cancel();
    co_await Checkpoint();
    ADD_FAILURE() << "unreachable";
  });
  EXPECT_TRUE(end.cancelled());
}

TEST(CancelScope, DestructorsRunInnermostFirstAndNothingElseDoes) {
  RunTest([&]() -> Task<> {
    std::string order;
    struct OnExit {
      std::string& order;
      char letter;
      ~OnExit() { order += letter; }
    };
    auto leaf = [&]() -> Task<> {
      OnExit exit{order, 'c'};
      try {
        co_await SleepForever();
      } catch (...) {
        order += "catch";
      }
      order += "behind";
    };
    auto middle = [&]() -> Task<> {
      OnExit exit{order, 'b'};
      co_await leaf();
    };
    auto outermost = [&]() -> Task<> {
      OnExit exit{order, 'a'};
      co_await middle();
    };
    CancelScope scope(Now() + absl::Seconds(1));
    co_await scope.Run(outermost);
    EXPECT_EQ(order, "cba");
  });
}

}  // namespace
}  // namespace tractor
