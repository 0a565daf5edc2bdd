// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "runtime/wire/testing.h"

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <iostream>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "runtime/wire/frame.h"
#include "runtime/wire/frame_decoder.h"
#include "runtime/wire/send_queue.h"

namespace tractor::wire {

OwnedFrame::OwnedFrame(const FrameView& view)
    : kind(view.kind),
      cid(view.cid),
      credit(view.credit),
      window(view.window),
      type(view.type),
      header_bytes(view.header_bytes),
      payload(view.payload) {
  if (!header.ParseFromString(header_bytes)) std::abort();
}

std::string TakeBytes(SendQueue& queue, size_t max_bytes) {
  std::string all;
  std::array<iovec, SendQueue::kGatherParts> parts;
  while (all.size() < max_bytes) {
    const size_t used = queue.Gather(parts);
    if (used == 0) break;
    const size_t before = all.size();
    for (size_t i = 0; i < used; ++i) {
      all.append(static_cast<const char*>(parts[i].iov_base),
                 std::min(parts[i].iov_len, max_bytes - all.size()));
    }
    queue.Consume(all.size() - before);
  }
  return all;
}

Decoded Decode(std::string_view bytes, const std::function<size_t()>& next_read,
               uint64_t max_frame_bytes) {
  FrameDecoder decoder(max_frame_bytes);
  Decoded decoded;
  do {
    const std::span<char> space = decoder.WritableSpace();
    const size_t step = std::min({space.size(), bytes.size(), next_read()});
    if (step > 0) std::memcpy(space.data(), bytes.data(), step);
    decoder.Commit(step);
    bytes.remove_prefix(step);
    decoded.max_capacity = std::max(decoded.max_capacity, decoder.capacity());
    while (true) {
      absl::StatusOr<std::optional<FrameView>> frame = decoder.Next();
      if (!frame.ok()) {
        decoded.status = frame.status();
        return decoded;
      }
      if (!frame->has_value()) break;
      decoded.frames.emplace_back(**frame);
    }
  } while (!bytes.empty());
  decoded.status = decoder.CheckEof();
  return decoded;
}

std::mt19937_64 SeededRandom() {
  const char* given = std::getenv("TRACTOR_TEST_SEED");
  const uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10)
                                         : std::random_device{}();
  std::cout << "TRACTOR_TEST_SEED=" << seed << std::endl;
  return std::mt19937_64(seed);
}

}  // namespace tractor::wire
