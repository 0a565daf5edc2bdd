// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The figures of actor_benchmark that are about starting actors: to the first
// reply, from actors deep in the tree, from a large parent, many at once.
//
//   co_await SpawnFigures(report);  // in a root task
#ifndef TRACTOR_BENCH_ACTOR_SPAWNS_H_
#define TRACTOR_BENCH_ACTOR_SPAWNS_H_

#include "bench/harness.h"
#include "runtime/tractor.h"

namespace tractor::bench {

// Adds to `report` those that it wants.
Task<> SpawnFigures(Report& report);

}  // namespace tractor::bench

#endif  // TRACTOR_BENCH_ACTOR_SPAWNS_H_
