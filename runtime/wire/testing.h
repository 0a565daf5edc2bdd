// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

// For tests of what is built on frames: a connection without a kernel.
//
//   SendQueue queue;
//   ASSERT_TRUE(queue.Append(...).ok());
//   Decoded decoded = Decode(TakeBytes(queue));
//   EXPECT_EQ(decoded.frames[0].payload, "...");

#ifndef TRACTOR_RUNTIME_WIRE_TESTING_H_
#define TRACTOR_RUNTIME_WIRE_TESTING_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "proto/actor.pb.h"
#include "runtime/wire/frame.h"
#include "runtime/wire/frame_decoder.h"
#include "runtime/wire/send_queue.h"

namespace tractor::wire {

// A frame that owns its bytes.
struct OwnedFrame {
  explicit OwnedFrame(const FrameView& view);

  FrameKind kind;
  uint64_t cid;
  uint64_t credit;
  uint64_t window;
  std::string type;
  std::string header_bytes;
  std::string payload;
  proto::FrameHeader header;  // parsed by the generated class
};

// What a stream of bytes was: frames, then how it ended.
struct Decoded {
  std::vector<OwnedFrame> frames;
  absl::Status status;      // of Next(), or of the end of the stream
  size_t max_capacity = 0;  // of the decoder, on the way
};

// Takes up to `max_bytes` out of the queue, as a socket would.
std::string TakeBytes(SendQueue& queue, size_t max_bytes = SIZE_MAX);

// Decodes `bytes`, received `next_read()` (at least 1) bytes at a time.
Decoded Decode(
    std::string_view bytes,
    const std::function<size_t()>& next_read = [] { return SIZE_MAX; },
    uint64_t max_frame_bytes = kDefaultMaxFrameBytes);

// A generator whose seed is printed, and is taken from TRACTOR_TEST_SEED when
// that is set.
std::mt19937_64 SeededRandom();

}  // namespace tractor::wire

#endif  // TRACTOR_RUNTIME_WIRE_TESTING_H_
