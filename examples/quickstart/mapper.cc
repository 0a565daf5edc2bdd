// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "examples/quickstart/mapper.h"

#include <cstddef>
#include <optional>

#include "examples/quickstart/leftovers.h"
#include "examples/quickstart/word_count.h"

namespace tractor::quickstart {
namespace {

// Different words that are kept before they are sent on.
constexpr size_t kManyWords = 20000;

MapperReady Introduction() {
  MapperReady ready;
  ready.set_cgroup(OwnCgroup());
  return ready;
}

}  // namespace

Task<> MapWords(MapperContext& ctx) {
  const MapperReady ready = Introduction();
  co_await ctx.Started(ready);
  co_await ctx.WithStream([](auto& stream) -> Task<> {
    WordTable table;
    while (std::optional<Chunk> chunk = co_await stream.Receive()) {
      CountWords(chunk->text(), table);
      if (chunk->last()) break;
      if (table.size() >= kManyWords) co_await stream.Send(TakeCounts(table));
    }
    if (!table.empty()) co_await stream.Send(TakeCounts(table));
  });
}
TRACTOR_ENDPOINT(MapWords);

}  // namespace tractor::quickstart
