// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "examples/quickstart/reducer.h"

#include <optional>

#include "examples/quickstart/word_count.h"

namespace tractor::quickstart {

Task<Summary> ReduceWords(ReducerContext& ctx, ReduceRequest request) {
  WordTable table;
  co_await ctx.Started();
  co_await ctx.WithStream([&](auto& stream) -> Task<> {
    while (std::optional<PartialCounts> counts = co_await stream.Receive()) {
      MergeCounts(*counts, table);
    }
  });
  co_return Summarise(table, request.top());
}
TRACTOR_ENDPOINT(ReduceWords);

}  // namespace tractor::quickstart
