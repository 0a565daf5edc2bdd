// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The reducer: the counts of all mappers in, one summary out.
#ifndef TRACTOR_EXAMPLES_QUICKSTART_REDUCER_H_
#define TRACTOR_EXAMPLES_QUICKSTART_REDUCER_H_

#include "examples/quickstart/wordcount.pb.h"
#include "runtime/tractor.h"

namespace tractor::quickstart {

using ReducerContext = Context<Nothing, PartialCounts, Nothing>;

// Merges until the stream ends.
Task<Summary> ReduceWords(ReducerContext& ctx, ReduceRequest request);

}  // namespace tractor::quickstart

#endif  // TRACTOR_EXAMPLES_QUICKSTART_REDUCER_H_
