// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Between the actors of a tree (tree.cc) and the program that they are
// (root.cc).
#ifndef TRACTOR_TESTS_CHAOS_ROOT_H_
#define TRACTOR_TESTS_CHAOS_ROOT_H_

#include "runtime/task/task.h"
#include "tests/chaos/plan.h"

namespace tractor::chaos {

// The main task: what the plan of this tree says, counted.
Task<> LiveAsRoot(Tally& tally);

}  // namespace tractor::chaos

#endif  // TRACTOR_TESTS_CHAOS_ROOT_H_
