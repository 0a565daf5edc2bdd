// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "bench/harness.h"

#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tractor::bench {
namespace {

using ::testing::AllOf;
using ::testing::ExitedWithCode;
using ::testing::HasSubstr;
using ::testing::Not;

// A report of a program that was called with `flags`, on all cores.
Report MakeReport(std::vector<std::string> flags,
                  std::initializer_list<Switch> switches = {}) {
  flags.insert(flags.begin(), {"program", "--free"});
  std::vector<char*> argv;
  for (std::string& flag : flags) argv.push_back(flag.data());
  return Report("title", static_cast<int>(argv.size()), argv.data(), switches);
}

Samples MakeSamples(double from, double to) {
  Samples samples;
  for (double value = from; value <= to; ++value) samples.Add(value);
  return samples;
}

std::string Output(Report& report) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(report.Finish(), 0);
  return testing::internal::GetCapturedStdout();
}

TEST(HarnessTest, RefusesAnUnknownFlagByName) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  bool own = false;
  EXPECT_EXIT(MakeReport({"--quick", "--fast"}, {{"--own", &own}}),
              ExitedWithCode(2),
              "program: unknown flag '--fast'\nusage: .*own");
  EXPECT_EXIT(MakeReport({"ten"}), ExitedWithCode(2), "unknown flag 'ten'");
}

TEST(HarnessTest, KnowsTheFlagsOfItsProgram) {
  bool own = false;
  Report report = MakeReport({"--own"}, {{"--own", &own}});
  EXPECT_TRUE(own);
  report.Add("a", "us", MakeSamples(1, 1));
  EXPECT_THAT(Output(report), HasSubstr("title, all cores, own"));
}

// At most what an exit code can say.
int CoreCount() {
  cpu_set_t cores;
  sched_getaffinity(0, sizeof(cores), &cores);
  return std::min(CPU_COUNT(&cores), 100);
}

// Ends this process with the number of cores that a program without flags has.
[[noreturn]] void ExitWithCoreCount() {
  char program[] = "program";
  char* argv[] = {program};
  const Report report("title", 1, argv);
  _exit(CoreCount());
}

TEST(HarnessTest, BindsToOneCore) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  // An earlier report of this process may have left its mark.
  EXPECT_EXIT(
      {
        unsetenv("TRACTOR_BENCHMARK_PLACED");
        ExitWithCoreCount();
      },
      ExitedWithCode(1), "");
}

TEST(HarnessTest, LeavesAProgramThatItExecutedWhereItIs) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  MakeReport({});
  EXPECT_EXIT(ExitWithCoreCount(), ExitedWithCode(CoreCount()), "");
}

TEST(HarnessTest, MakesATenthOfTheRoundsWhenQuick) {
  EXPECT_EQ(MakeReport({}).Rounds(400), 400);
  EXPECT_EQ(MakeReport({"--quick"}).Rounds(400), 40);
  EXPECT_EQ(MakeReport({"--quick"}).Rounds(1), 1);
  EXPECT_EQ(MakeReport({}).RoundsInTurn(400), 50);
  EXPECT_EQ(MakeReport({"--quick"}).RoundsInTurn(8), 1);
}

TEST(HarnessTest, WantsWhatTheFilterIsAPartOf) {
  const Report report = MakeReport({"--filter=depth 2"});
  EXPECT_TRUE(report.Wants("spawn at depth 2"));
  EXPECT_FALSE(report.Wants("spawn at depth 3"));
}

TEST(HarnessTest, SaysThatTheFilterLeftNothing) {
  Report report = MakeReport({"--filter=nonsense"});
  testing::internal::CaptureStderr();
  EXPECT_EQ(report.Finish(), 2);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("'nonsense'"));
}

TEST(HarnessTest, GivesQuantiles) {
  const Samples samples = MakeSamples(1, 100);
  EXPECT_EQ(samples.Quantile(0), 1);
  EXPECT_EQ(samples.Quantile(0.5), 51);
  EXPECT_EQ(samples.Quantile(0.99), 99);
  EXPECT_EQ(samples.Quantile(1), 100);
  EXPECT_EQ(Samples().Quantile(0.5), 0);
}

TEST(HarnessTest, ComparesWithLimitAndTarget) {
  Report report = MakeReport({"--json"});
  const Samples limit = MakeSamples(2, 2);
  report.Add("good", "us", MakeSamples(4, 4), limit, {.max_ratio = 2});
  report.Add("slow", "us", MakeSamples(5, 5), limit, {.max_ratio = 2});
  report.Add("few", "M/s", MakeSamples(5, 5), limit, {.min = 6});
  report.Add("free", "us", MakeSamples(5, 5));
  report.Add("tail", "us", MakeSamples(1, 100), limit, {.max_p99 = 98});
  report.Add("short", "us", MakeSamples(1, 100), limit, {.max_p99 = 99});
  const std::string json = Output(report);
  auto line = [&](const std::string& name) {
    const size_t begin = json.find("\"name\": \"" + name);
    return json.substr(begin, json.find('\n', begin) - begin);
  };
  EXPECT_THAT(line("good"), AllOf(HasSubstr("\"ratio\": 2.0"),
                                  HasSubstr("\"limit_median\": 2.0"),
                                  HasSubstr("\"met\": true")));
  EXPECT_THAT(line("slow"), HasSubstr("\"met\": false"));
  EXPECT_THAT(line("few"), HasSubstr("\"met\": false"));
  EXPECT_THAT(line("tail"),
              AllOf(HasSubstr("\"p99 <= 98\""), HasSubstr("\"met\": false")));
  EXPECT_THAT(line("short"), HasSubstr("\"met\": true"));
  EXPECT_THAT(line("free"),
              AllOf(HasSubstr("\"met\": null"), Not(HasSubstr("nan"))));
}

}  // namespace
}  // namespace tractor::bench
