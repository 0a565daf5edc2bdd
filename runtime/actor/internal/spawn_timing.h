// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// How long each step of a spawn took, as text.
#ifndef TRACTOR_RUNTIME_ACTOR_INTERNAL_SPAWN_TIMING_H_
#define TRACTOR_RUNTIME_ACTOR_INTERNAL_SPAWN_TIMING_H_

#include <string>

#include "proto/spawn.pb.h"

namespace tractor::internal {

// "received 14, check 9, resources 52, fork 3, child 130 ... = 402 us": what
// passed between each step and the one before it.
std::string FormatTiming(const proto::SpawnTiming& timing);

}  // namespace tractor::internal

#endif  // TRACTOR_RUNTIME_ACTOR_INTERNAL_SPAWN_TIMING_H_
