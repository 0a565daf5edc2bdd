// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Trees of actors to which something happens, one after the other; see
// README.md. The seed of each that fails is printed, with what to run to have
// it again.
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "os/proc_fs.h"
#include "tests/chaos/judge.h"
#include "tests/chaos/monkey.h"
#include "tests/chaos/plan.h"
#include "tests/support/backend.h"

namespace tractor::chaos {
namespace {

using ::testing::IsEmpty;

constexpr int kDefaultTrees = 20;

std::string Option(const char* flag, const char* variable) {
  const auto arguments = os::CommandLine(getpid());
  if (arguments.ok()) {
    for (const std::string& argument : *arguments) {
      if (argument.starts_with(flag)) {
        return argument.substr(std::string_view(flag).size());
      }
    }
  }
  const char* value = getenv(variable);
  return value == nullptr ? "" : value;
}

// Bazel's number of this run of several (--runs_per_test), from 0.
uint64_t RunNumber() {
  const char* number = getenv("TEST_RUN_NUMBER");
  return number == nullptr ? 0 : std::strtoull(number, nullptr, 10) - 1;
}

// The seeds of this run. The same ones each time, unless told otherwise; of
// several runs each has its own.
std::vector<uint64_t> Seeds() {
  const std::string one = Option("--seed=", "TRACTOR_CHAOS_SEED");
  if (!one.empty()) return {std::strtoull(one.c_str(), nullptr, 10)};
  const std::string trees = Option("--trees=", "TRACTOR_CHAOS_TREES");
  const std::string first = Option("--first=", "TRACTOR_CHAOS_FIRST");
  const int count = trees.empty() ? kDefaultTrees : std::atoi(trees.c_str());
  uint64_t seed = first.empty() ? 1 : std::strtoull(first.c_str(), nullptr, 10);
  seed += RunNumber() * static_cast<uint64_t>(count);
  std::vector<uint64_t> seeds;
  for (int i = 0; i < count; ++i) seeds.push_back(seed++);
  return seeds;
}

World CurrentWorld() {
  return ::tractor::testing::CurrentBackend() == SpawnMethod::kThread
             ? World::kThreads
             : World::kProcesses;
}

std::string Report(const Plan& plan, const Outcome& outcome,
                   const std::vector<std::string>& complaints) {
  const std::string backend(
      SpawnMethodName(::tractor::testing::CurrentBackend()));
  std::string text = Describe(plan) +
                     "\nto have it again: --config=" + backend +
                     " --test_arg=--seed=" + std::to_string(plan.seed) + "\n";
  for (const std::string& one : complaints) text += "* " + one + "\n";
  text += "struck:";
  for (size_t i = 0; i < plan.faults.size(); ++i) {
    text += outcome.struck[i] ? " yes" : " no";
  }
  text += "; born: " + std::to_string(outcome.born) +
          "; code: " + std::to_string(outcome.code) + "; took " +
          absl::FormatDuration(outcome.took) + "; end: " + outcome.verdict.end +
          "\n" + outcome.verdict.text;
  return text + "\n---- output ----\n" + outcome.output;
}

// One line for each tree, while it goes on.
void PrintLine(const Plan& plan, const Outcome& outcome) {
  std::string text =
      "seed " + std::to_string(plan.seed) + ": " +
      std::to_string(outcome.born) + " of " +
      std::to_string(plan.nodes.size()) + " actors, " +
      (outcome.verdict.end.empty() ? "killed" : outcome.verdict.end) +
      " after " + absl::FormatDuration(outcome.took);
  for (size_t i = 0; i < plan.faults.size(); ++i) {
    text += (i == 0 ? "; " : ", ") +
            std::string(outcome.struck[i] ? "" : "no ") +
            Describe(plan.faults[i]);
  }
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);
}

struct Statistics {
  int trees = 0;
  int actors = 0;
  std::map<std::string, int> ends;
  std::map<std::string, int> faults;
  absl::Duration longest;
  absl::Duration longest_sweep;

  void Add(const Plan& plan, const Outcome& outcome) {
    ++trees;
    actors += outcome.born;
    ++ends[outcome.verdict.end.empty() ? "killed" : outcome.verdict.end];
    for (size_t i = 0; i < plan.faults.size(); ++i) {
      ++faults[outcome.struck[i] ? std::string(KindName(plan.faults[i].kind))
                                 : "missed"];
    }
    longest = std::max(longest, outcome.took);
    longest_sweep = std::max(longest_sweep, outcome.swept_after);
  }
  void Print() const {
    std::printf("%d trees, %d actors", trees, actors);
    for (const auto& [end, count] : ends) {
      std::printf(", %s %d", end.c_str(), count);
    }
    std::printf("\nfaults:");
    for (const auto& [kind, count] : faults) {
      std::printf(" %s %d", kind.c_str(), count);
    }
    std::printf("\nlongest %s, last remains gone %s after the root's end\n",
                absl::FormatDuration(longest).c_str(),
                absl::FormatDuration(longest_sweep).c_str());
  }
};

TEST(Chaos, EveryTreeEndsInOrder) {
  ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  const std::string backend(
      SpawnMethodName(::tractor::testing::CurrentBackend()));
  Statistics statistics;
  const std::vector<uint64_t> seeds = Seeds();
  for (const uint64_t seed : seeds) {
    const Plan plan = MakePlan(seed, CurrentWorld());
    const Outcome outcome = Torment(plan, backend);
    const std::vector<std::string> complaints = Judge(plan, outcome);
    EXPECT_THAT(complaints, IsEmpty()) << Report(plan, outcome, complaints);
    if (seeds.size() == 1) {
      std::printf("%s\n", Report(plan, outcome, complaints).c_str());
    }
    PrintLine(plan, outcome);
    statistics.Add(plan, outcome);
  }
  statistics.Print();
  prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST(Plan, IsTheSameForTheSameSeed) {
  for (uint64_t seed = 1; seed < 200; ++seed) {
    const Plan one = MakePlan(seed, World::kProcesses);
    EXPECT_EQ(Describe(one), Describe(MakePlan(seed, World::kProcesses)));
    EXPECT_LE(one.nodes.size(), static_cast<size_t>(kMaxActors));
    for (const Node& node : one.nodes) EXPECT_LE(node.depth, kMaxDepth);
  }
}

}  // namespace
}  // namespace tractor::chaos
