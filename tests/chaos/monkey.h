// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Monkey: runs one tree as a program of its own, does to it from outside what
// its plan says, and writes down what came of it.
//
//   const Outcome outcome = Torment(MakePlan(17, World::kProcesses), "exec");
//
// Rules. The monkey is told of every birth and every trigger through a fifo,
// and strikes at once. It never waits for time to pass but to end a stop, and
// it gives up a root that is past its deadline: kLife, in which the root ends
// by itself; the budget of a cancel; kSlack for a busy machine; and as long as
// the root or its forkserver was stopped.
#ifndef TRACTOR_TESTS_CHAOS_MONKEY_H_
#define TRACTOR_TESTS_CHAOS_MONKEY_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "runtime/actor/constants.h"
#include "tests/chaos/plan.h"
#include "tests/chaos/tree.h"

namespace tractor::chaos {

inline constexpr absl::Duration kSlack = absl::Seconds(2 * kSlowness);
inline const absl::Duration kDeadline = kLife + kCancelBudget + kSlack;

struct Outcome {
  absl::Duration took;     // from the start of the root to its end
  absl::Duration allowed;  // to it
  bool ended = false;      // by itself, within what was allowed
  int code = 0;            // its exit code, or 256 plus the signal
  Verdict verdict;
  std::vector<bool> struck;  // of the faults of the plan, in that order
  int born = 0;
  // What was left when the root had ended. After a SIGKILL of the root: when
  // its forkserver had had kSweepLimit for it.
  std::vector<std::string> left;
  absl::Duration swept_after;  // the root's end; when it was killed
  std::string output;          // of the whole tree, its end
};

inline constexpr absl::Duration kSweepLimit = absl::Seconds(5 * kSlowness);

Outcome Torment(const Plan& plan, std::string_view backend);

}  // namespace tractor::chaos

#endif  // TRACTOR_TESTS_CHAOS_MONKEY_H_
