// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

// Bytes of one connection to frames.
//
//   FrameDecoder decoder;
//   std::span<char> space = decoder.WritableSpace();
//   ssize_t n = recv(fd, space.data(), space.size(), 0);
//   if (n == 0) return decoder.CheckEof();
//   decoder.Commit(n);
//   while (true) {
//     ASSIGN_OR_RETURN(std::optional<FrameView> frame, decoder.Next());
//     if (!frame) break;  // read more
//     ...
//   }
//
// Rules:
//  * Views of a frame end with the next Next() or WritableSpace().
//  * Sizes are checked as soon as the prefix is there and before any memory is
//    taken for them; the buffer grows as bytes arrive, not because a length was
//    claimed, and shrinks when a large frame is done.
//  * An error is final: the stream has no way back in step, so every later
//    Next() says the same. Codes: frame.h.
//
// Not thread safe; no call waits.

#ifndef TRACTOR_RUNTIME_WIRE_FRAME_DECODER_H_
#define TRACTOR_RUNTIME_WIRE_FRAME_DECODER_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/actor.pb.h"
#include "runtime/wire/frame.h"

namespace tractor::wire {

class FrameDecoder {
 public:
  // What WritableSpace() offers at least.
  static constexpr size_t kMinReadBytes = 16 << 10;
  // Size of the buffer at first, and the largest that is kept when idle.
  static constexpr size_t kInitialBytes = 64 << 10;
  static constexpr size_t kKeepBytes = 512 << 10;

  explicit FrameDecoder(uint64_t max_frame_bytes = kDefaultMaxFrameBytes);
  FrameDecoder(const FrameDecoder&) = delete;
  FrameDecoder& operator=(const FrameDecoder&) = delete;

  // Where to receive to: `min` bytes or more, never 0.
  std::span<char> WritableSpace(size_t min = kMinReadBytes);

  // The first `bytes` of the last WritableSpace() were received.
  void Commit(size_t bytes);

  // The next frame, nothing when more bytes are needed, or what is wrong.
  absl::StatusOr<std::optional<FrameView>> Next();

  // Whether bytes of an unfinished frame are here (after Next() said nothing).
  bool mid_frame() const { return begin_ != end_; }

  // What an end of the connection means now: kDataLoss inside a frame.
  absl::Status CheckEof() const;

  // Bytes of memory that the buffer has.
  size_t capacity() const { return capacity_; }

  uint64_t max_frame_bytes() const { return max_frame_bytes_; }

 private:
  struct Free {
    void operator()(char* memory) const { std::free(memory); }
  };

  size_t WantedCapacity(size_t min) const;
  void Resize(size_t capacity);

  const uint64_t max_frame_bytes_;
  std::unique_ptr<char, Free> buffer_;  // malloc: large ones grow in place
  size_t capacity_ = 0;
  size_t begin_ = 0;  // of what was not yet returned as a frame
  size_t end_ = 0;
  size_t frame_bytes_ = 0;  // of the unfinished frame, once known
  absl::Status failure_;
  proto::FrameHeader header_;
};

}  // namespace tractor::wire

#endif  // TRACTOR_RUNTIME_WIRE_FRAME_DECODER_H_
