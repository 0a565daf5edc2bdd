// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The one entry of every child actor, whichever way it was made.
#ifndef TRACTOR_RUNTIME_ACTOR_INTERNAL_CHILD_MAIN_H_
#define TRACTOR_RUNTIME_ACTOR_INTERNAL_CHILD_MAIN_H_

#include "forkserver/child_start.h"

namespace tractor::internal {

// Runs the actor until its parent ends it; gives its exit code. Never throws.
int ChildMain(forkserver::ChildStart start);

// For a process that waits to become an actor (forkserver/spare.h): makes and
// ends what every actor starts with, so that the pages which that writes to are
// its own by then. Leaves nothing; never throws.
void Rehearse();

}  // namespace tractor::internal

#endif  // TRACTOR_RUNTIME_ACTOR_INTERNAL_CHILD_MAIN_H_
