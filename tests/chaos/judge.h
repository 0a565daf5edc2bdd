// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// What has to hold of every tree, whatever was done to it.
//
//   EXPECT_THAT(Judge(plan, Torment(plan, "exec")), IsEmpty());
//
// 1. The root ends within its deadline, by itself unless it was killed.
// 2. It ends well, or with errors of known types, each of which one of the
//    faults that struck can have made. Where none struck, it ends well and has
//    counted everything.
// 3. After one deadly fault, its victim is named by the first error, and by the
//    first line of the text.
// 4. Nothing is left.
#ifndef TRACTOR_TESTS_CHAOS_JUDGE_H_
#define TRACTOR_TESTS_CHAOS_JUDGE_H_

#include <string>
#include <vector>

#include "tests/chaos/monkey.h"
#include "tests/chaos/plan.h"

namespace tractor::chaos {

// A sentence for each rule that was broken.
std::vector<std::string> Judge(const Plan& plan, const Outcome& outcome);

}  // namespace tractor::chaos

#endif  // TRACTOR_TESTS_CHAOS_JUDGE_H_
