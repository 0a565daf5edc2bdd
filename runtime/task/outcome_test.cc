// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Observe() and Finally().
#include "runtime/task/outcome.h"

#include <memory>
#include <stdexcept>
#include <string>

#include "gtest/gtest.h"
#include "runtime/task/checkpoint.h"
#include "runtime/task/exception_group.h"
#include "runtime/task/finally.h"
#include "runtime/task/nursery.h"
#include "runtime/task/testing/run_test.h"
#include "runtime/task/timeouts.h"

namespace tractor {
namespace {

using testing::RunTest;

Task<int> Seven() { co_return 7; }
Task<int> LateSeven() {
  co_await Checkpoint();
  co_return 7;
}
Task<> Fail(bool late, std::string text) {
  if (late) co_await Checkpoint();
  throw std::runtime_error(text);
}

TEST(Observe, GivesTheValue) {
  RunTest([&]() -> Task<> {
    const Outcome<int> now = co_await Observe(Seven());
    EXPECT_EQ(now.value(), 7);
    Outcome<int> late = co_await Observe(LateSeven());
    EXPECT_TRUE(late.has_value());
    EXPECT_FALSE(late.has_error());
    EXPECT_FALSE(late.cancelled());
    const int value = co_await std::move(late).Get();
    EXPECT_EQ(value, 7);
  });
}

TEST(Observe, GivesTheError) {
  RunTest([&]() -> Task<> {
    for (const bool late : {false, true}) {
      Outcome<> end = co_await Observe(Fail(late, "boom"));
      EXPECT_TRUE(end.has_error());
      EXPECT_EQ(DescribeException(end.error()), "std::runtime_error: boom");
      bool thrown = false;
      try {
        co_await std::move(end).Get();
      } catch (const std::runtime_error&) {
        thrown = true;
      }
      EXPECT_TRUE(thrown);
    }
  });
}

TEST(Observe, GivesTheCancellationAndGetGoesOnWithIt) {
  RunTest([&]() -> Task<> {
    CancelScope scope(Now() + absl::Seconds(1));
    bool seen = false, behind = false;
    co_await scope.Run([&]() -> Task<> {
      Outcome<> end =
          co_await Observe([&]() -> Task<> { co_await SleepForever(); });
      seen = end.cancelled();
      co_await std::move(end).Get();
      behind = true;
    });
    EXPECT_TRUE(seen);
    EXPECT_FALSE(behind);
    EXPECT_TRUE(scope.cancelled_caught());
  });
}

TEST(Observe, DoesNotUndoTheCancellation) {
  RunTest([&]() -> Task<> {
    CancelScope scope(Now() + absl::Seconds(1));
    bool behind = false;
    co_await scope.Run([&]() -> Task<> {
      const auto end =
          co_await Observe([&]() -> Task<> { co_await SleepForever(); });
      EXPECT_TRUE(end.cancelled());
      co_await Checkpoint();
      behind = true;
    });
    EXPECT_FALSE(behind);
  });
}

TEST(Observe, OfABodyThatThrowsBeforeItIsATaskThrows) {
  RunTest([&]() -> Task<> {
    auto make = [&]() -> Task<> {
      return throw std::runtime_error("no body"), Fail(false, "");
    };
    bool thrown = false;
    try {
      co_await Observe(make);
    } catch (const std::runtime_error&) {
      thrown = true;
    }
    EXPECT_TRUE(thrown);
  });
}

TEST(Outcome, UnwrapIsForOutside) {
  EXPECT_EQ(Outcome<int>::Of(3).Unwrap(), 3);
  EXPECT_THROW(Outcome<int>::Cancelled().Unwrap(), std::runtime_error);
  EXPECT_THROW(
      Outcome<int>::Error(std::make_exception_ptr(std::out_of_range("x")))
          .Unwrap(),
      std::out_of_range);
  Outcome<std::unique_ptr<int>> moved =
      Outcome<std::unique_ptr<int>>::Of(std::make_unique<int>(4));
  EXPECT_EQ(*std::move(moved).Unwrap(), 4);
}

// ---- Finally ----

TEST(Finally, RunsTheCleanupBehindAValue) {
  RunTest([&]() -> Task<> {
    std::string order;
    auto body = [&]() -> Task<int> {
      co_await Checkpoint();
      order += "body ";
      co_return 3;
    };
    auto cleanup = [&]() -> Task<> {
      co_await Checkpoint();
      order += "cleanup";
    };
    const int value = co_await Finally(body, absl::Seconds(1), cleanup);
    EXPECT_EQ(value, 3);
    EXPECT_EQ(order, "body cleanup");
  });
}

TEST(Finally, RunsTheCleanupBehindAnErrorWhichGoesOn) {
  RunTest([&]() -> Task<> {
    bool cleaned = false, thrown = false;
    try {
      co_await Finally([&]() -> Task<> { co_await Fail(true, "body"); },
                       absl::Seconds(1),
                       [&]() -> Task<> {
                         co_await Checkpoint();
                         cleaned = true;
                       });
    } catch (const std::runtime_error& e) {
      thrown = std::string(e.what()) == "body";
    }
    EXPECT_TRUE(cleaned);
    EXPECT_TRUE(thrown);
  });
}

TEST(Finally, CleanupMayWaitInACancelledScopeAndTheCancelGoesOn) {
  RunTest([&]() -> Task<> {
    const absl::Time start = Now();
    bool cleaned = false, behind = false;
    CancelScope scope(start + absl::Seconds(1));
    co_await scope.Run([&]() -> Task<> {
      co_await Finally([&]() -> Task<> { co_await SleepForever(); },
                       absl::Seconds(2),
                       [&]() -> Task<> {
                         co_await Sleep(absl::Seconds(1));
                         cleaned = true;
                       });
      behind = true;
    });
    EXPECT_TRUE(cleaned);
    EXPECT_FALSE(behind);
    EXPECT_TRUE(scope.cancelled_caught());
    EXPECT_EQ(Now() - start, absl::Seconds(2));
  });
}

TEST(Finally, GraceBoundsTheCleanup) {
  RunTest([&]() -> Task<> {
    const absl::Time start = Now();
    bool cleaned = false;
    CancelScope scope(start + absl::Seconds(1));
    co_await scope.Run([&]() -> Task<> {
      co_await Finally([&]() -> Task<> { co_await SleepForever(); },
                       absl::Seconds(2),
                       [&]() -> Task<> {
                         co_await SleepForever();
                         cleaned = true;
                       });
    });
    EXPECT_FALSE(cleaned);
    EXPECT_TRUE(scope.cancelled_caught());
    EXPECT_EQ(Now() - start, absl::Seconds(3));
  });
}

// Behind a value too: what the body gave is not lost to a slow cleanup.
TEST(Finally, GraceThatRunsOutDoesNotChangeTheEndOfTheBody) {
  RunTest([&]() -> Task<> {
    auto cleanup = [&]() -> Task<> { co_await SleepForever(); };
    const int value = co_await Finally(Seven, absl::Seconds(1), cleanup);
    EXPECT_EQ(value, 7);
  });
}

TEST(Finally, ErrorOfTheCleanupWinsOverACancellation) {
  RunTest([&]() -> Task<> {
    bool thrown = false;
    CancelScope scope(Now() + absl::Seconds(1));
    try {
      co_await scope.Run([&]() -> Task<> {
        co_await Finally([&]() -> Task<> { co_await SleepForever(); },
                         absl::Seconds(1),
                         [&]() -> Task<> { co_await Fail(true, "cleanup"); });
      });
    } catch (const std::runtime_error& e) {
      thrown = std::string(e.what()) == "cleanup";
    }
    EXPECT_TRUE(thrown);
    EXPECT_FALSE(scope.cancelled_caught());
  });
}

TEST(Finally, TwoErrorsMakeAGroupBodyFirst) {
  RunTest([&]() -> Task<> {
    std::string text;
    try {
      co_await Finally([&]() -> Task<> { co_await Fail(true, "one"); },
                       absl::Seconds(1),
                       [&]() -> Task<> { co_await Fail(false, "two"); });
    } catch (const ExceptionGroup& group) {
      text = group.what();
    }
    EXPECT_EQ(text,
              "errors in a body and in its cleanup (2 errors)\n"
              "|- std::runtime_error: one\n"
              "|- std::runtime_error: two");
  });
}

TEST(Finally, NestsInsideOut) {
  RunTest([&]() -> Task<> {
    std::string order;
    auto inner_cleanup = [&]() -> Task<> {
      co_await Checkpoint();
      order += "inner ";
    };
    auto outer_cleanup = [&]() -> Task<> {
      co_await Checkpoint();
      order += "outer";
    };
    auto forever = [&]() -> Task<> { co_await SleepForever(); };
    auto inner = [&]() -> Task<> {
      co_await Finally(forever, absl::Seconds(1), inner_cleanup);
    };
    auto outer = [&]() -> Task<> {
      co_await Finally(inner, absl::Seconds(1), outer_cleanup);
    };
    co_await MoveOnAfter(absl::Seconds(1), outer);
    EXPECT_EQ(order, "inner outer");
  });
}

TEST(Finally, CleanupOfAPrecancelledBodyRuns) {
  RunTest([&]() -> Task<> {
    bool cleaned = false;
    CancelScope scope;
    scope.Cancel();
    co_await scope.Run([&]() -> Task<> {
      co_await Finally([&]() -> Task<> { co_await Checkpoint(); },
                       absl::Seconds(1),
                       [&]() -> Task<> {
                         co_await Sleep(absl::Milliseconds(1));
                         cleaned = true;
                       });
    });
    EXPECT_TRUE(cleaned);
  });
}

}  // namespace
}  // namespace tractor
