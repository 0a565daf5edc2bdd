// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Nursery::Start() in all its corners (trio: test_nursery_start and around).
//
// Long: one small test for each rule.
#include <memory>
#include <stdexcept>
#include <string>

#include "gtest/gtest.h"
#include "runtime/task/checkpoint.h"
#include "runtime/task/event.h"
#include "runtime/task/exception_group.h"
#include "runtime/task/nursery.h"
#include "runtime/task/outcome.h"
#include "runtime/task/task_tree.h"
#include "runtime/task/testing/run_test.h"
#include "runtime/task/timeouts.h"

namespace tractor {
namespace {

using testing::RunTest;

// Reports `value` after one second, and lives for one more.
Task<> Serve(int value, TaskStatus<int> status) {
  co_await Sleep(absl::Seconds(1));
  status.Started(value);
  co_await Sleep(absl::Seconds(1));
}

// The text of the std::exception that `body` ends with.
template <class F>
Task<std::string> ErrorOf(F& body) {
  try {
    co_await body();
  } catch (const std::exception& e) {
    co_return e.what();
  }
  co_return "";
}

TEST(Start, GivesTheValueAndTheNurseryWaitsForTheChild) {
  RunTest([&]() -> Task<> {
    const absl::Time start = Now();
    co_await WithNursery([&](Nursery& n) -> Task<> {
      const int value = co_await n.Start<int>(Serve, 7);
      EXPECT_EQ(value, 7);
      EXPECT_EQ(Now() - start, absl::Seconds(1));
      EXPECT_EQ(n.size(), 1u);
    });
    EXPECT_EQ(Now() - start, absl::Seconds(2));
  });
}

TEST(Start, WithoutAValue) {
  RunTest([&]() -> Task<> {
    bool began = false;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      co_await n.Start([&](TaskStatus<void> status) -> Task<> {
        began = true;
        status.Started();
        co_return;
      });
      EXPECT_TRUE(began);
    });
  });
}

TEST(Start, MovesAValueThatCannotBeCopied) {
  RunTest([&]() -> Task<> {
    co_await WithNursery([&](Nursery& n) -> Task<> {
      using Value = std::unique_ptr<int>;
      auto give = [](TaskStatus<Value> status) -> Task<> {
        status.Started(std::make_unique<int>(3));
        co_return;
      };
      const Value value = co_await n.Start<Value>(give);
      EXPECT_EQ(*value, 3);
    });
  });
}

TEST(Start, NamesTheChild) {
  RunTest([&]() -> Task<> {
    co_await WithNursery([&](Nursery& n) -> Task<> {
      co_await n.Start<int>(TaskName("server"), Serve, 1);
      const TaskInfo tree = InspectTasks(Scheduler::Current());
      EXPECT_EQ(tree.nurseries.at(0).children.at(0).name, "server");
    });
  });
}

TEST(Start, ErrorBeforeStartedComesOutBare) {
  RunTest([&]() -> Task<> {
    co_await WithNursery([&](Nursery& n) -> Task<> {
      auto start = [&]() -> Task<> {
        co_await n.Start<int>([](TaskStatus<int>) -> Task<> {
          co_await Checkpoint();
          throw std::out_of_range("early");
        });
      };
      const std::string error = co_await ErrorOf(start);
      EXPECT_EQ(error, "early");
      // Nothing of it is left in the nursery.
      EXPECT_EQ(n.size(), 0u);
      EXPECT_FALSE(n.cancel_scope().cancel_called());
    });
  });
}

TEST(Start, ErrorAfterStartedIsTheNurserys) {
  RunTest([&]() -> Task<> {
    std::string error;
    try {
      co_await WithNursery([&](Nursery& n) -> Task<> {
        const int value =
            co_await n.Start<int>([](TaskStatus<int> status) -> Task<> {
              status.Started(1);
              co_await Sleep(absl::Seconds(1));
              throw std::runtime_error("late");
            });
        EXPECT_EQ(value, 1);
        co_await SleepForever();
      });
    } catch (const ExceptionGroup& group) {
      error = DescribeException(group.errors().at(0));
    }
    EXPECT_EQ(error, "std::runtime_error: late");
  });
}

// [test_nursery_start: "exits without calling started"]
TEST(Start, EndWithoutStartedIsAnError) {
  RunTest([&]() -> Task<> {
    co_await WithNursery([&](Nursery& n) -> Task<> {
      auto start = [&]() -> Task<> {
        co_await n.Start<int>([](TaskStatus<int>) -> Task<> { co_return; });
      };
      const std::string error = co_await ErrorOf(start);
      EXPECT_NE(error.find("without calling Started()"), std::string::npos)
          << error;
    });
  });
}

TEST(Start, StartedTwiceIsAnError) {
  RunTest([&]() -> Task<> {
    bool refused = false;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      const int value =
          co_await n.Start<int>([&](TaskStatus<int> status) -> Task<> {
            status.Started(1);
            try {
              status.Started(2);
            } catch (const std::logic_error&) {
              refused = true;
            }
            co_return;
          });
      EXPECT_EQ(value, 1);
    });
    EXPECT_TRUE(refused);
  });
}

TEST(Start, CancelBeforeStartedTakesTheChildWithIt) {
  RunTest([&]() -> Task<> {
    bool cut = false;
    struct Cut {
      bool& flag;
      ~Cut() { flag = true; }
    };
    co_await WithNursery([&](Nursery& n) -> Task<> {
      auto start = [&]() -> Task<> {
        co_await n.Start<int>([&](TaskStatus<int> status) -> Task<> {
          Cut guard{cut};
          co_await Sleep(absl::Seconds(5));
          status.Started(1);
        });
      };
      const bool done = co_await MoveOnAfter(absl::Seconds(1), start);
      EXPECT_FALSE(done);
      EXPECT_TRUE(cut);
      EXPECT_EQ(n.size(), 0u);
      EXPECT_FALSE(n.cancel_scope().cancel_called());
    });
  });
}

TEST(Start, CancelAfterStartedLeavesTheChildAlone) {
  RunTest([&]() -> Task<> {
    bool whole = false;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      auto start_and_wait = [&]() -> Task<> {
        co_await n.Start([&](TaskStatus<void> status) -> Task<> {
          status.Started();
          co_await Sleep(absl::Seconds(5));
          whole = true;
        });
        co_await SleepForever();
      };
      const bool done = co_await MoveOnAfter(absl::Seconds(1), start_and_wait);
      EXPECT_FALSE(done);
      EXPECT_EQ(n.size(), 1u);
    });
    EXPECT_TRUE(whole);
  });
}

// [test_nursery_start: precancelled] The child runs, as any child does, up to
// its first checkpoint.
TEST(Start, InACancelledScopeStillRunsUpToTheFirstCheckpoint) {
  RunTest([&]() -> Task<> {
    bool began = false, behind = false;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      CancelScope scope;
      scope.Cancel();
      co_await scope.Run([&]() -> Task<> {
        co_await n.Start<int>([&](TaskStatus<int> status) -> Task<> {
          began = true;
          co_await Checkpoint();
          status.Started(1);
        });
        behind = true;
      });
      EXPECT_TRUE(scope.cancelled_caught());
    });
    EXPECT_TRUE(began);
    EXPECT_FALSE(behind);
  });
}

// [test_nursery_start: started() in a cancelled scope] The child stays with the
// caller, whose cancel it is under.
TEST(Start, StartedWhileCancelledLeavesTheChildWithTheCaller) {
  RunTest([&]() -> Task<> {
    bool cut = false;
    struct Cut {
      bool& flag;
      ~Cut() { flag = true; }
    };
    co_await WithNursery([&](Nursery& n) -> Task<> {
      CancelScope scope;
      co_await scope.Run([&]() -> Task<> {
        scope.Cancel();
        co_await n.Start<int>([&](TaskStatus<int> status) -> Task<> {
          Cut guard{cut};
          status.Started(1);
          co_await SleepForever();
        });
      });
      EXPECT_TRUE(cut);
      EXPECT_TRUE(scope.cancelled_caught());
      EXPECT_EQ(n.size(), 0u);
    });
  });
}

TEST(Start, InAClosedNurseryIsRefused) {
  RunTest([&]() -> Task<> {
    Nursery* closed = nullptr;
    auto body = [&](Nursery& n) -> Task<> {
      closed = &n;
      co_return;
    };
    auto nursery = WithNursery(body);
    co_await nursery;
    auto start = [&]() -> Task<> { co_await closed->Start<int>(Serve, 1); };
    const std::string error = co_await ErrorOf(start);
    EXPECT_NE(error.find("closed"), std::string::npos) << error;
  });
}

// [test_start_exception_preserves...] A nursery whose body has ended stays open
// for a Start() that is under way in another task.
TEST(Start, KeepsTheNurseryOpen) {
  RunTest([&]() -> Task<> {
    const absl::Time start = Now();
    bool whole = false;
    co_await WithNursery([&](Nursery& outer) -> Task<> {
      Event opened;
      Nursery* target = nullptr;
      outer.StartSoon([&]() -> Task<> {
        co_await opened.Wait();
        const int value = co_await target->Start<int>(Serve, 9);
        EXPECT_EQ(value, 9);
        whole = true;
      });
      co_await WithNursery([&](Nursery& n) -> Task<> {
        target = &n;
        opened.Set();
        co_await Sleep(absl::Milliseconds(500));
      });
      EXPECT_EQ(Now() - start, absl::Seconds(2));
    });
    EXPECT_TRUE(whole);
  });
}

// The same when that Start() fails: the nursery closes then.
TEST(Start, ThatFailsLetsTheNurseryClose) {
  RunTest([&]() -> Task<> {
    const absl::Time start = Now();
    co_await WithNursery([&](Nursery& outer) -> Task<> {
      Event opened;
      Nursery* target = nullptr;
      outer.StartSoon([&]() -> Task<> {
        co_await opened.Wait();
        auto fail = [&]() -> Task<> {
          co_await target->Start<int>([](TaskStatus<int>) -> Task<> {
            co_await Sleep(absl::Seconds(3));
            throw std::runtime_error("no");
          });
        };
        const std::string error = co_await ErrorOf(fail);
        EXPECT_EQ(error, "no");
      });
      co_await WithNursery([&](Nursery& n) -> Task<> {
        target = &n;
        opened.Set();
        co_await Checkpoint();
        co_await Checkpoint();
        co_await Checkpoint();
      });
      EXPECT_EQ(Now() - start, absl::Seconds(3));
    });
  });
}

// What a child has opened before Started() moves over with it.
TEST(Start, ReparentsScopesAndNurseriesThatTheChildHasOpened) {
  RunTest([&]() -> Task<> {
    int cut = 0;
    struct Cut {
      int& count;
      ~Cut() { ++count; }
    };
    CancelScope callers;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      auto nested = [&](TaskStatus<void> status) -> Task<> {
        CancelScope scope;
        co_await scope.Run([&]() -> Task<> {
          co_await WithNursery([&](Nursery& inner) -> Task<> {
            inner.StartSoon([&]() -> Task<> {
              Cut guard{cut};
              co_await SleepForever();
            });
            Cut guard{cut};
            co_await Checkpoint();
            status.Started();
            co_await SleepForever();
          });
        });
      };
      co_await callers.Run([&]() -> Task<> {
        co_await n.Start(nested);
        callers.Cancel();  // no longer theirs
        co_await Checkpoint();
      });
      EXPECT_TRUE(callers.cancelled_caught());
      co_await Sleep(absl::Seconds(1));
      EXPECT_EQ(cut, 0);
      EXPECT_EQ(n.size(), 1u);
      n.cancel_scope().Cancel();  // theirs now
      CancelScope shield(absl::InfiniteFuture(), /*shield=*/true);
      co_await shield.Run(
          [&]() -> Task<> { co_await Sleep(absl::Seconds(1)); });
      EXPECT_EQ(cut, 2);
    });
  });
}

TEST(Start, IntoACancelledNurseryCancelsTheChildAtStarted) {
  RunTest([&]() -> Task<> {
    bool cut = false;
    struct Cut {
      bool& flag;
      ~Cut() { flag = true; }
    };
    co_await WithNursery([&](Nursery& outer) -> Task<> {
      Nursery* target = nullptr;
      Event opened;
      outer.StartSoon([&]() -> Task<> {
        co_await opened.Wait();
        const int value =
            co_await target->Start<int>([&](TaskStatus<int> status) -> Task<> {
              Cut guard{cut};
              co_await Sleep(absl::Seconds(1));
              status.Started(5);
              co_await SleepForever();
            });
        EXPECT_EQ(value, 5);
      });
      co_await WithNursery([&](Nursery& n) -> Task<> {
        target = &n;
        opened.Set();
        co_await Sleep(absl::Milliseconds(100));
        n.cancel_scope().Cancel();
      });
    });
    EXPECT_TRUE(cut);
  });
}

// A TaskStatus may outlive everything; it does nothing then.
TEST(Start, StatusMayOutliveTheNursery) {
  RunTest([&]() -> Task<> {
    std::optional<TaskStatus<int>> kept;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      auto start = [&]() -> Task<> {
        co_await n.Start<int>([&](TaskStatus<int> status) -> Task<> {
          kept = status;
          co_await SleepForever();
        });
      };
      co_await MoveOnAfter(absl::Seconds(1), start);
    });
    kept->Started(1);
    EXPECT_THROW(kept->Started(2), std::logic_error);
  });
}

// [trio: test_nursery_start with nested start()s]
TEST(Start, NestsInAStartedChild) {
  RunTest([&]() -> Task<> {
    const absl::Time start = Now();
    co_await WithNursery([&](Nursery& n) -> Task<> {
      const int value =
          co_await n.Start<int>([&](TaskStatus<int> status) -> Task<> {
            const int inner = co_await n.Start<int>(Serve, 20);
            status.Started(inner + 1);
          });
      EXPECT_EQ(value, 21);
    });
    EXPECT_EQ(Now() - start, absl::Seconds(2));
  });
}

}  // namespace
}  // namespace tractor
