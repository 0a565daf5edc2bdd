// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The mapper: text in, counts out.
#ifndef TRACTOR_EXAMPLES_QUICKSTART_MAPPER_H_
#define TRACTOR_EXAMPLES_QUICKSTART_MAPPER_H_

#include "examples/quickstart/wordcount.pb.h"
#include "runtime/tractor.h"

namespace tractor::quickstart {

using MapperContext = Context<MapperReady, Chunk, PartialCounts>;

// Counts the words of the chunks. Sends what it has when that has become much,
// and behind the last chunk.
Task<> MapWords(MapperContext& ctx);

}  // namespace tractor::quickstart

#endif  // TRACTOR_EXAMPLES_QUICKSTART_MAPPER_H_
