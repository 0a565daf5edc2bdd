// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The rules of nurseries; Start() has a file of its own.
//
// Long: one small test for each rule.
#include "runtime/task/nursery.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/task/checkpoint.h"
#include "runtime/task/exception_group.h"
#include "runtime/task/outcome.h"
#include "runtime/task/testing/run_test.h"
#include "runtime/task/timeouts.h"

namespace tractor {
namespace {

using testing::RunTest;

Task<> FailAfterSeconds(int seconds, std::string text) {
  co_await Sleep(absl::Seconds(seconds));
  throw std::runtime_error(text);
}

Task<> Forever(int* cut) {
  struct Count {
    int* cut;
    ~Count() { ++*cut; }
  } guard{cut};
  co_await SleepForever();
}

// The texts of the errors, in order, of the group that `body` ends with.
template <class F>
Task<std::vector<std::string>> ErrorsOf(F& body) {
  std::vector<std::string> texts;
  try {
    co_await body();
  } catch (const ExceptionGroup& group) {
    for (const std::exception_ptr& error : group.errors()) {
      texts.push_back(DescribeException(error));
    }
  }
  co_return texts;
}

TEST(Nursery, WaitsForEveryChild) {
  RunTest([&]() -> Task<> {
    const absl::Time start = Now();
    int done = 0;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      for (int i = 1; i <= 3; ++i) {
        n.StartSoon(
            [&done](int s) -> Task<> {
              co_await Sleep(absl::Seconds(s));
              ++done;
            },
            i);
      }
      EXPECT_EQ(n.size(), 3u);
      co_return;
    });
    EXPECT_EQ(done, 3);
    EXPECT_EQ(Now() - start, absl::Seconds(3));
  });
}

TEST(Nursery, StartSoonRunsNothingAtOnce) {
  RunTest([&]() -> Task<> {
    co_await WithNursery([&](Nursery& n) -> Task<> {
      bool ran = false;
      n.StartSoon([&]() -> Task<> {
        ran = true;
        co_return;
      });
      EXPECT_FALSE(ran);
      co_await Sleep(absl::Seconds(1));
      EXPECT_TRUE(ran);
    });
  });
}

TEST(Nursery, EmptyOneIsASchedulePoint) {
  RunTest([&]() -> Task<> {
    const uint64_t steps = Scheduler::Current().steps();
    co_await WithNursery([&](Nursery&) -> Task<> { co_return; });
    EXPECT_GT(Scheduler::Current().steps(), steps);
  });
}

TEST(Nursery, ChildrenMayStartSiblings) {
  RunTest([&]() -> Task<> {
    int born = 0;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      struct Breeder {
        static Task<> Run(Nursery* n, int* born, int depth) {
          ++*born;
          co_await Checkpoint();
          if (depth == 0) co_return;
          n->StartSoon(Run, n, born, depth - 1);
          n->StartSoon(Run, n, born, depth - 1);
        }
      };
      n.StartSoon(Breeder::Run, &n, &born, 5);
      co_return;
    });
    EXPECT_EQ(born, 63);
  });
}

TEST(Nursery, ArgumentsAreMovedIntoTheChild) {
  RunTest([&]() -> Task<> {
    int seen = 0;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      auto number = std::make_unique<int>(7);
      n.StartSoon(
          [&seen](std::unique_ptr<int> p) -> Task<> {
            co_await Checkpoint();
            seen = *p;
          },
          std::move(number));
      co_return;
    });
    EXPECT_EQ(seen, 7);
  });
}

// [trio: test_root_task_crash, test_main_and_task_both_crash]
TEST(Nursery, ErrorsOfBodyAndChildComeOutTogetherInTheirOrder) {
  RunTest([&]() -> Task<> {
    auto crash = [&]() -> Task<> {
      co_await WithNursery([&](Nursery& n) -> Task<> {
        n.StartSoon([]() -> Task<> {
          co_await ShieldedCheckpoint();
          throw std::runtime_error("child");
        });
        throw std::logic_error("body");
        co_return;
      });
    };
    const std::vector<std::string> errors = co_await ErrorsOf(crash);
    EXPECT_EQ(errors, (std::vector<std::string>{"std::logic_error: body",
                                                "std::runtime_error: child"}));
  });
}

// [trio: test_two_child_crashes]
TEST(Nursery, FirstErrorCancelsTheRestAndAllErrorsAreKept) {
  RunTest([&]() -> Task<> {
    const absl::Time start = Now();
    int cut = 0;
    auto crash = [&]() -> Task<> {
      co_await WithNursery([&](Nursery& n) -> Task<> {
        n.StartSoon(FailAfterSeconds, 1, "first");
        n.StartSoon(Forever, &cut);
        // Fails while it is being cancelled, and later.
        n.StartSoon([]() -> Task<> {
          CancelScope shield(absl::InfiniteFuture(), /*shield=*/true);
          co_await shield.Run([&]() -> Task<> {
            co_await Sleep(absl::Seconds(3));
            throw std::out_of_range("second");
          });
        });
        co_await SleepForever();
      });
    };
    const std::vector<std::string> errors = co_await ErrorsOf(crash);
    EXPECT_EQ(errors, (std::vector<std::string>{"std::runtime_error: first",
                                                "std::out_of_range: second"}));
    EXPECT_EQ(cut, 1);
    EXPECT_EQ(Now() - start, absl::Seconds(3));
  });
}

TEST(Nursery, SiblingsSeeWhoFailedAndWhy) {
  RunTest([&]() -> Task<> {
    std::string reason;
    auto crash = [&]() -> Task<> {
      co_await WithNursery([&](Nursery& n) -> Task<> {
        n.StartSoon(TaskName("worker 3"), FailAfterSeconds, 1, "no more");
        const auto end =
            co_await Observe([&]() -> Task<> { co_await SleepForever(); });
        EXPECT_TRUE(end.cancelled());
        reason = ToString(CurrentCancelReason());
      });
    };
    co_await ErrorsOf(crash);
    EXPECT_EQ(reason, "sibling by worker 3: std::runtime_error: no more");
  });
}

TEST(Nursery, SingleErrorComesOutAsAGroupOfOne) {
  RunTest([&]() -> Task<> {
    auto crash = [&]() -> Task<> {
      co_await WithNursery([&](Nursery& n) -> Task<> {
        n.StartSoon(FailAfterSeconds, 1, "alone");
        co_return;
      });
    };
    const std::vector<std::string> errors = co_await ErrorsOf(crash);
    EXPECT_EQ(errors, std::vector<std::string>{"std::runtime_error: alone"});
  });
}

TEST(Nursery, CollapseGivesASingleErrorAsItself) {
  RunTest([&]() -> Task<> {
    NurseryOptions options;
    options.set_collapse(true);
    bool bare = false;
    try {
      co_await WithNursery(options, [&](Nursery& n) -> Task<> {
        n.StartSoon(FailAfterSeconds, 1, "alone");
        co_return;
      });
    } catch (const std::runtime_error&) {
      bare = true;
    }
    EXPECT_TRUE(bare);
    bool group = false;
    try {
      co_await WithNursery(options, [&](Nursery& n) -> Task<> {
        n.StartSoon(FailAfterSeconds, 0, "one");
        throw std::runtime_error("two");
        co_return;
      });
    } catch (const ExceptionGroup&) {
      group = true;
    } catch (const std::runtime_error&) {
      // The child was cancelled before it could fail: one error only.
      group = true;
    }
    EXPECT_TRUE(group);
  });
}

TEST(Nursery, NestedNurseriesNestTheirGroups) {
  RunTest([&]() -> Task<> {
    std::string tree;
    try {
      co_await WithNursery([&](Nursery& n) -> Task<> {
        n.StartSoon([]() -> Task<> {
          co_await WithNursery([&](Nursery& inner) -> Task<> {
            inner.StartSoon(FailAfterSeconds, 1, "deep");
            co_return;
          });
        });
        co_return;
      });
    } catch (const ExceptionGroup& group) {
      tree = group.what();
    }
    EXPECT_EQ(tree,
              "errors in a nursery (1 error)\n"
              "|- errors in a nursery (1 error)\n"
              "   |- std::runtime_error: deep");
  });
}

// [trio: test_child_crash_propagation] Errors in a child reach the parent's
// body as a cancellation, not as an exception.
TEST(Nursery, BodyIsCancelledByAChildsError) {
  RunTest([&]() -> Task<> {
    bool cancelled = false;
    auto crash = [&]() -> Task<> {
      co_await WithNursery([&](Nursery& n) -> Task<> {
        n.StartSoon(FailAfterSeconds, 1, "x");
        const auto end =
            co_await Observe([&]() -> Task<> { co_await SleepForever(); });
        cancelled = end.cancelled();
      });
    };
    co_await ErrorsOf(crash);
    EXPECT_TRUE(cancelled);
  });
}

TEST(Nursery, CancelOfItsScopeEndsItWithoutAnError) {
  RunTest([&]() -> Task<> {
    int cut = 0;
    bool behind = false;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(Forever, &cut);
      n.StartSoon(Forever, &cut);
      co_await Sleep(absl::Seconds(1));
      n.cancel_scope().Cancel();
    });
    behind = true;
    EXPECT_EQ(cut, 2);
    EXPECT_TRUE(behind);
  });
}

// [trio: test_nursery_cancel_doesnt_create_cyclic_garbage's sibling]
TEST(Nursery, OuterCancelGoesOnBehindIt) {
  RunTest([&]() -> Task<> {
    int cut = 0;
    bool behind = false;
    auto work = [&]() -> Task<> {
      co_await WithNursery([&](Nursery& n) -> Task<> {
        n.StartSoon(Forever, &cut);
        co_return;
      });
      behind = true;
    };
    const bool done = co_await MoveOnAfter(absl::Seconds(1), work);
    EXPECT_FALSE(done);
    EXPECT_FALSE(behind);
    EXPECT_EQ(cut, 1);
  });
}

// A nursery never invents a cancellation: cancelled from outside while nothing
// in it is at a checkpoint, it ends as if nothing had been.
TEST(Nursery, InventsNoCancellation) {
  RunTest([&]() -> Task<> {
    CancelScope scope;
    bool behind = false;
    const bool completed = co_await scope.Run([&]() -> Task<> {
      co_await WithNursery([&](Nursery&) -> Task<> {
        scope.Cancel();
        co_return;
      });
      behind = true;
    });
    EXPECT_TRUE(behind);
    EXPECT_TRUE(completed);
  });
}

TEST(Nursery, ErrorWinsOverACancellation) {
  RunTest([&]() -> Task<> {
    CancelScope scope(Now() + absl::Seconds(1));
    bool thrown = false;
    int cut = 0;
    try {
      co_await scope.Run([&]() -> Task<> {
        co_await WithNursery([&](Nursery& n) -> Task<> {
          n.StartSoon(Forever, &cut);
          n.StartSoon([]() -> Task<> {
            const auto end =
                co_await Observe([&]() -> Task<> { co_await SleepForever(); });
            EXPECT_TRUE(end.cancelled());
            throw std::runtime_error("while cancelled");
          });
          co_return;
        });
      });
    } catch (const ExceptionGroup& group) {
      thrown = group.errors().size() == 1;
    }
    EXPECT_TRUE(thrown);
    EXPECT_EQ(cut, 1);
    EXPECT_FALSE(scope.cancelled_caught());
  });
}

TEST(Nursery, PrecancelledChildRunsUpToItsFirstCheckpoint) {
  RunTest([&]() -> Task<> {
    std::string seen;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.cancel_scope().Cancel();
      n.StartSoon([&]() -> Task<> {
        seen += "began";
        co_await SleepForever();
        seen += " behind";
      });
      co_return;
    });
    EXPECT_EQ(seen, "began");
  });
}

// [trio: test_nursery_misnest's sibling] A closed nursery refuses loudly.
TEST(Nursery, ClosedOneRefusesChildren) {
  RunTest([&]() -> Task<> {
    // Destroyed with the co_await expression: its children see it closed while
    // it is about to be.
    bool refused = false;
    struct StartsLate {
      Nursery* n;
      bool* refused;
      ~StartsLate() {
        try {
          n->StartSoon([]() -> Task<> { co_return; });
        } catch (const std::logic_error&) {
          *refused = true;
        }
      }
    };
    // What the body leaves behind dies when the nursery has closed.
    std::unique_ptr<StartsLate> late;
    auto body = [&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> {
        late = std::make_unique<StartsLate>(&n, &refused);
        co_return;
      });
      co_return;
    };
    auto nursery = WithNursery(body);
    co_await nursery;
    late.reset();
    EXPECT_TRUE(refused);
  });
}

TEST(Nursery, StaysOpenUntilTheLastChildHasEnded) {
  RunTest([&]() -> Task<> {
    int done = 0;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> {
        co_await Sleep(absl::Seconds(1));
        // The body has long ended.
        n.StartSoon([&]() -> Task<> {
          co_await Sleep(absl::Seconds(1));
          ++done;
        });
      });
      co_return;
    });
    EXPECT_EQ(done, 1);
  });
}

// A destructor of a dying child may still start siblings.
TEST(Nursery, DestructorOfAChildMayStartASibling) {
  RunTest([&]() -> Task<> {
    bool ran = false;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      struct Starter {
        Nursery& n;
        bool& ran;
        ~Starter() {
          n.StartSoon([&flag = ran]() -> Task<> {
            flag = true;
            co_return;
          });
        }
      };
      n.StartSoon([&]() -> Task<> {
        Starter starter{n, ran};
        co_await Checkpoint();
      });
      co_return;
    });
    EXPECT_TRUE(ran);
  });
}

TEST(Nursery, ChildThatThrowsBeforeItIsATaskIsAnError) {
  RunTest([&]() -> Task<> {
    auto crash = [&]() -> Task<> {
      co_await WithNursery([&](Nursery& n) -> Task<> {
        n.StartSoon([]() -> Task<> {
          return throw std::runtime_error("no task"), FailAfterSeconds(0, "");
        });
        co_await SleepForever();
      });
    };
    const std::vector<std::string> errors = co_await ErrorsOf(crash);
    EXPECT_EQ(errors, std::vector<std::string>{"std::runtime_error: no task"});
  });
}

TEST(Nursery, BodyThatThrowsBeforeItIsATaskLeavesNoScopeBehind) {
  RunTest([&]() -> Task<> {
    auto body = [&](Nursery&) -> Task<> {
      return throw std::runtime_error("no body"), FailAfterSeconds(0, "");
    };
    bool thrown = false;
    try {
      co_await WithNursery(body);
    } catch (const std::runtime_error&) {
      thrown = true;
    }
    EXPECT_TRUE(thrown);
    co_await Sleep(absl::Seconds(1));
  });
}

TEST(Nursery, ErrorThatIsNoStdExceptionIsKept) {
  RunTest([&]() -> Task<> {
    auto crash = [&]() -> Task<> {
      co_await WithNursery([&](Nursery& n) -> Task<> {
        n.StartSoon([]() -> Task<> {
          throw 7;
          co_return;
        });
        co_return;
      });
    };
    const std::vector<std::string> errors = co_await ErrorsOf(crash);
    EXPECT_EQ(errors, std::vector<std::string>{"int"});
  });
}

}  // namespace
}  // namespace tractor
