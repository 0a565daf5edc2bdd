// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The faults that an actor does to itself, in the middle of a step.
#ifndef TRACTOR_TESTS_CHAOS_STRIKE_H_
#define TRACTOR_TESTS_CHAOS_STRIKE_H_

#include "tests/chaos/plan.h"

namespace tractor::chaos {

// Does it to this process, or to the actor of this thread. May throw
// (ChaosError, std::bad_alloc), may not return.
void StrikeHere(const Fault& fault);

}  // namespace tractor::chaos

#endif  // TRACTOR_TESTS_CHAOS_STRIKE_H_
