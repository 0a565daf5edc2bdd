// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Tasks themselves: laziness, errors, depth, number.
#include "runtime/task/task.h"

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/task/checkpoint.h"
#include "runtime/task/internal/error_trace.h"
#include "runtime/task/nursery.h"
#include "runtime/task/outcome.h"
#include "runtime/task/testing/run_test.h"
#include "runtime/task/timeouts.h"

namespace tractor {
namespace {

using testing::RunTest;
using testing::RunVirtual;

TEST(Task, RunsWhenItIsAwaitedAndNotBefore) {
  RunTest([&]() -> Task<> {
    bool ran = false;
    auto work = [&]() -> Task<int> {
      ran = true;
      co_return 3;
    };
    Task<int> task = work();
    EXPECT_FALSE(ran);
    const int value = co_await task;
    EXPECT_TRUE(ran);
    EXPECT_EQ(value, 3);
  });
}

TEST(Task, NeverAwaitedDoesNothing) {
  bool ran = false;
  auto argument = std::make_shared<int>(1);
  {
    auto work = [&](std::shared_ptr<int>) -> Task<> {
      ran = true;
      co_return;
    };
    const Task<> task = work(argument);
    EXPECT_EQ(argument.use_count(), 2);
  }
  EXPECT_FALSE(ran);
  EXPECT_EQ(argument.use_count(), 1);
}

TEST(Task, AwaitedASecondTimeIsRefused) {
  RunTest([&]() -> Task<> {
    auto work = [&]() -> Task<int> {
      co_await Checkpoint();
      co_return 3;
    };
    Task<int> task = work();
    co_await task;
    bool refused = false;
    try {
      co_await task;
    } catch (const std::logic_error&) {
      refused = true;
    }
    EXPECT_TRUE(refused);
    Task<int> empty;
    refused = false;
    try {
      co_await empty;
    } catch (const std::logic_error&) {
      refused = true;
    }
    EXPECT_TRUE(refused);
  });
}

TEST(Task, GivesWhatCannotBeCopied) {
  RunTest([&]() -> Task<> {
    auto make = [&]() -> Task<std::unique_ptr<int>> {
      co_await Checkpoint();
      co_return std::make_unique<int>(5);
    };
    const std::unique_ptr<int> five = co_await make();
    EXPECT_EQ(*five, 5);
  });
}

TEST(Task, ErrorComesOutOfTheAwait) {
  RunTest([&]() -> Task<> {
    for (const bool late : {false, true}) {
      auto fail = [&]() -> Task<int> {
        if (late) co_await Checkpoint();
        throw std::out_of_range("7");
      };
      bool thrown = false;
      try {
        co_await fail();
      } catch (const std::out_of_range&) {
        thrown = true;
      }
      EXPECT_TRUE(thrown);
    }
  });
}

TEST(Task, ErrorOfTheMainTaskIsTheOutcome) {
  const Outcome<int> error = RunVirtual([&]() -> Task<int> {
    co_await Checkpoint();
    throw std::out_of_range("7");
  });
  EXPECT_TRUE(error.has_error());
  auto no_body = [&]() -> Task<int> {
    return throw std::out_of_range("no body"), Task<int>();
  };
  EXPECT_TRUE(RunVirtual(no_body).has_error());
}

// ---- destructors ----

TEST(Task, LocalsDieInTheOrderOfPlainCode) {
  RunTest([&]() -> Task<> {
    std::string order;
    struct Letter {
      std::string& order;
      char letter;
      ~Letter() { order += letter; }
    };
    std::function<Task<>(int)> deep = [&](int depth) -> Task<> {
      Letter outer{order, static_cast<char>('a' + depth)};
      Letter inner{order, static_cast<char>('A' + depth)};
      if (depth == 0) {
        co_await SleepForever();
      } else {
        co_await deep(depth - 1);
      }
    };
    auto body = [&]() -> Task<> { co_await deep(3); };
    co_await MoveOnAfter(absl::Seconds(1), body);
    EXPECT_EQ(order, "AaBbCcDd");
  });
}

// ---- depth and number ----

Task<int> One() { co_return 1; }

TEST(Task, AMillionAwaitsUseNoStack) {
  RunTest([&]() -> Task<> {
    int sum = 0;
    for (int i = 0; i < 1'000'000; ++i) sum += co_await One();
    EXPECT_EQ(sum, 1'000'000);
  });
}

TEST(Task, AHundredThousandScopesAndObservesUseNoStack) {
  RunTest([&]() -> Task<> {
    auto nothing = [&]() -> Task<> { co_return; };
    int values = 0;
    for (int i = 0; i < 100'000; ++i) {
      CancelScope scope;
      co_await scope.Run(nothing);
      values += (co_await Observe(nothing)).has_value();
    }
    EXPECT_EQ(values, 100'000);
  });
}

Task<int> Deep(int depth) {
  if (depth == 0) {
    co_await Checkpoint();
    co_return 0;
  }
  co_return 1 + co_await Deep(depth - 1);
}

// Going down uses the stack, as calls do; coming back does not.
TEST(Task, DeepRecursionComesBack) {
  RunTest([&]() -> Task<> {
    const int depth = co_await Deep(2'000);
    EXPECT_EQ(depth, 2'000);
  });
}

TEST(Task, DeepRecursionIsCancelled) {
  RunTest([&]() -> Task<> {
    std::function<Task<>(int)> deep = [&](int depth) -> Task<> {
      if (depth == 0) co_await SleepForever();
      co_await deep(depth - 1);
    };
    auto body = [&]() -> Task<> { co_await deep(2'000); };
    const bool done = co_await MoveOnAfter(absl::Seconds(1), body);
    EXPECT_FALSE(done);
  });
}

TEST(Task, AHundredThousandAtOnce) {
  RunTest([&]() -> Task<> {
    int done = 0;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      auto work = [&done](int number) -> Task<> {
        co_await Sleep(absl::Microseconds(number % 1000));
        ++done;
      };
      for (int i = 0; i < 100'000; ++i) n.StartSoon(work, i);
      co_return;
    });
    EXPECT_EQ(done, 100'000);
  });
}

Task<> Sleeper(int depth, int* live) {
  struct Count {
    int* live;
    explicit Count(int* l) : live(l) { ++*live; }
    ~Count() { --*live; }
  } count(live);
  if (depth > 1) {
    co_await Sleeper(depth - 1, live);
  } else {
    co_await SleepForever();
  }
}

TEST(Task, TenThousandOfEightFramesCancelledAtOnceLeaveNothing) {
  RunTest([&]() -> Task<> {
    int live = 0;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      for (int i = 0; i < 10'000; ++i) n.StartSoon(Sleeper, 8, &live);
      co_await Sleep(absl::Seconds(1));
      EXPECT_EQ(live, 80'000);
      n.cancel_scope().Cancel();
    });
    EXPECT_EQ(live, 0);
  });
}

// ---- where errors come from ----

int throw_line = 0;

Task<> Inner() {
  throw_line = __LINE__ + 1;
  co_await Checkpoint();
  throw std::runtime_error("boom");
}
int outer_line = 0;
Task<> Outer() {
  outer_line = __LINE__ + 1;
  co_await Inner();
}

TEST(ErrorTrace, HasThePlacesOfTheFramesInnermostFirst) {
  RunTest([&]() -> Task<> {
    const Outcome<> end = co_await Observe(Outer());
    const auto places = internal::ErrorPlaces(end.error());
    EXPECT_EQ(places.size(), 2u);
    if (places.size() != 2) co_return;
    EXPECT_EQ(static_cast<int>(places[0].line()), throw_line);
    EXPECT_EQ(static_cast<int>(places[1].line()), outer_line);
    EXPECT_NE(std::string(places[0].file_name()).find("task_test.cc"),
              std::string::npos);
  });
}

TEST(ErrorTrace, GoesThroughScopesAndNurseries) {
  RunTest([&]() -> Task<> {
    NurseryOptions options;
    options.set_collapse(true);
    auto in_scope = [&]() -> Task<> {
      CancelScope scope;
      co_await scope.Run([&]() -> Task<> { co_await Outer(); });
    };
    const Outcome<> end = co_await Observe(in_scope);
    EXPECT_EQ(internal::ErrorPlaces(end.error()).size(), 4u);
  });
}

TEST(ErrorTrace, IsEmptyForAnErrorThatNeverPassed) {
  EXPECT_TRUE(internal::ErrorPlaces(nullptr).empty());
  struct NeverThrown {};
  EXPECT_TRUE(
      internal::ErrorPlaces(std::make_exception_ptr(NeverThrown())).empty());
}

}  // namespace
}  // namespace tractor
