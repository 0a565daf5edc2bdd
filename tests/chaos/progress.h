// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Progress: which node of which plan this actor is, how far it is, and what has
// to befall it there.
//
//   Progress::Begin(plan, 17);
//   Step();            // may throw, may never return: that is what it is for
//
// What the monkey has to know is written to its fifo, a line each:
//   born NODE PID START_TIME    point FAULT    strike FAULT
#ifndef TRACTOR_TESTS_CHAOS_PROGRESS_H_
#define TRACTOR_TESTS_CHAOS_PROGRESS_H_

#include <stdexcept>
#include <string>

#include "tests/chaos/plan.h"

namespace tractor::chaos {

// In the environment of the whole tree.
inline constexpr char kSeedVariable[] = "TRACTOR_CHAOS_TREE_SEED";
inline constexpr char kWorldVariable[] = "TRACTOR_CHAOS_WORLD";
inline constexpr char kNewsVariable[] = "TRACTOR_CHAOS_NEWS";
inline constexpr char kMemoryVariable[] = "TRACTOR_CHAOS_MEMORY";

// The program's own error.
struct ChaosError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The plan that the environment names.
Plan PlanOfThisTree();

class Progress {
 public:
  // For the actor of this thread: tells the monkey that it is there.
  static void Begin(Plan plan, int node);
  static Progress& Current();

  const Plan& plan() const { return plan_; }
  int number() const { return number_; }
  const Node& node() const { return NodeAt(number_); }
  const Node& NodeAt(int number) const {
    return plan_.nodes[static_cast<size_t>(number)];
  }

  void Step();

 private:
  Progress(Plan plan, int node) : plan_(std::move(plan)), number_(node) {}

  Plan plan_;
  int number_;
  int steps_ = 0;
};

inline void Step() { Progress::Current().Step(); }

// To the monkey. Nobody waits for it to be read.
void Tell(const std::string& line);

}  // namespace tractor::chaos

#endif  // TRACTOR_TESTS_CHAOS_PROGRESS_H_
