// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/task/gather.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/task/exception_group.h"
#include "runtime/task/finally.h"
#include "runtime/task/testing/run_test.h"
#include "runtime/task/timeouts.h"

namespace tractor {
namespace {

using testing::RunTest;

Task<int> After(int seconds, int value) {
  co_await Sleep(absl::Seconds(seconds));
  co_return value;
}

Task<> Sleeper() { co_await Sleep(absl::Seconds(2)); }

Task<> Forever() { co_await SleepForever(); }

Task<std::string> Name() { co_return "name"; }

Task<int> Fail(int seconds, std::string text) {
  co_await Sleep(absl::Seconds(seconds));
  throw std::runtime_error(text);
}

TEST(Gather, GivesResultsInTheOrderOfTheArguments) {
  RunTest([&]() -> Task<> {
    const absl::Time start = Now();
    auto results = co_await Gather(After(3, 1), Name(), Sleeper(), After(1, 2));
    EXPECT_EQ(std::get<0>(results), 1);
    EXPECT_EQ(std::get<1>(results), "name");
    EXPECT_EQ(std::get<3>(results), 2);
    EXPECT_EQ(Now() - start, absl::Seconds(3));  // side by side
  });
}

TEST(Gather, TakesAVector) {
  RunTest([&]() -> Task<> {
    std::vector<Task<int>> tasks;
    for (int i = 0; i < 5; ++i) tasks.push_back(After(5 - i, i));
    const std::vector<int> results = co_await Gather(std::move(tasks));
    EXPECT_EQ(results, (std::vector<int>{0, 1, 2, 3, 4}));
    std::vector<Task<int>> none;
    const std::vector<int> nothing = co_await Gather(std::move(none));
    EXPECT_TRUE(nothing.empty());
  });
}

TEST(Gather, FirstErrorCancelsTheRestAndComesOutBare) {
  RunTest([&]() -> Task<> {
    const absl::Time start = Now();
    std::string text;
    try {
      co_await Gather(After(100, 1), Fail(1, "one"), After(100, 2));
    } catch (const std::runtime_error& e) {
      text = e.what();
    }
    EXPECT_EQ(text, "one");
    EXPECT_EQ(Now() - start, absl::Seconds(1));
  });
}

// The second one fails while it is being cancelled: both are kept.
TEST(Gather, SeveralErrorsMakeAGroup) {
  RunTest([&]() -> Task<> {
    auto fail_late = []() -> Task<> {
      auto cleanup = []() -> Task<> {
        throw std::out_of_range("late");
        co_return;
      };
      co_await Finally(Forever, absl::Seconds(1), cleanup);
    };
    std::vector<std::string> texts;
    try {
      co_await Gather(Fail(1, "first"), fail_late());
    } catch (const ExceptionGroup& group) {
      for (const auto& error : group.errors()) {
        texts.push_back(DescribeException(error));
      }
    }
    EXPECT_EQ(texts, (std::vector<std::string>{"std::runtime_error: first",
                                               "std::out_of_range: late"}));
  });
}

TEST(Gather, TakesTasksWithoutAValue) {
  RunTest([&]() -> Task<> {
    const absl::Time start = Now();
    std::vector<Task<>> tasks;
    for (int i = 0; i < 3; ++i) tasks.push_back(Sleeper());
    auto results = co_await Gather(std::move(tasks));
    EXPECT_EQ(results.size(), 3u);
    EXPECT_EQ(Now() - start, absl::Seconds(2));
  });
}

TEST(Gather, IsCancelledAsAWhole) {
  RunTest([&]() -> Task<> {
    int cut = 0;
    struct Cut {
      int* count;
      ~Cut() { ++*count; }
    };
    auto sleeper = [&]() -> Task<int> {
      Cut guard{&cut};
      co_await SleepForever();
      co_return 1;
    };
    auto both = [&]() -> Task<> { co_await Gather(sleeper(), sleeper()); };
    const bool done = co_await MoveOnAfter(absl::Seconds(1), both);
    EXPECT_FALSE(done);
    EXPECT_EQ(cut, 2);
  });
}

}  // namespace
}  // namespace tractor
