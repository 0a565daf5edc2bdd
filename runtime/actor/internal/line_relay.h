// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Children's stdout and stderr, when they are pipes: read by the parent's loop,
// and written line by line to its log.
#ifndef TRACTOR_RUNTIME_ACTOR_INTERNAL_LINE_RELAY_H_
#define TRACTOR_RUNTIME_ACTOR_INTERNAL_LINE_RELAY_H_

#include "runtime/actor/internal/child.h"
#include "runtime/task/nursery.h"

namespace tractor::internal {

// Starts a task in `nursery` for each pipe that the child has. Shielded: they
// end with the pipes, that is with the child and all that it has started.
void RelayOutput(Child& child, Nursery& nursery);

}  // namespace tractor::internal

#endif  // TRACTOR_RUNTIME_ACTOR_INTERNAL_LINE_RELAY_H_
