// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// What a sender holds when its consumer is a hundred times slower than itself.
#ifndef TRACTOR_BENCH_ACTOR_BACKLOG_H_
#define TRACTOR_BENCH_ACTOR_BACKLOG_H_

#include "bench/harness.h"
#include "runtime/tractor.h"

namespace tractor::bench {

// In a root. A million messages take about 25 s (--quick: a tenth of both);
// `ten_million`: ten times that.
Task<> BacklogFigures(Report& report, bool ten_million);

}  // namespace tractor::bench

#endif  // TRACTOR_BENCH_ACTOR_BACKLOG_H_
