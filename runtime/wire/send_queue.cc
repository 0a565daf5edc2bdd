// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "runtime/wire/send_queue.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/message_lite.h"
#include "proto/actor.pb.h"
#include "runtime/wire/frame.h"
#include "runtime/wire/header_codec.h"

namespace tractor::wire {

namespace {

using google::protobuf::MessageLite;

// A little more than 64 KiB: a payload of that size and its header fit.
constexpr size_t kChunkBytes = 68 << 10;
// Between payloads that are moved there is little to keep.
constexpr size_t kSmallChunkBytes = 4 << 10;
// Together more than a default window of a stream.
constexpr size_t kMaxSpares = 4;

// Headers and payloads of all sorts: their size, and writing them.
size_t SizeOf(const SimpleHeader& header) { return HeaderBytes(header); }
size_t SizeOf(std::string_view text) { return text.size(); }
size_t SizeOf(const MessageLite& message) { return message.ByteSizeLong(); }

void Write(const SimpleHeader& header, char* out) { WriteHeader(header, out); }
void Write(std::string_view text, char* out) {
  if (!text.empty()) std::memcpy(out, text.data(), text.size());
}
// Relies on the sizes that SizeOf() has cached in the message.
void Write(const MessageLite& message, char* out) {
  message.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(out));
}

absl::Status CheckPayload(std::string_view) { return absl::OkStatus(); }
absl::Status CheckPayload(const MessageLite& message) {
  if (message.IsInitialized()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "message ", message.GetTypeName(),
      " lacks required fields: ", message.InitializationErrorString()));
}

FrameKind KindOf(const SimpleHeader& header) { return header.kind; }
FrameKind KindOf(const proto::FrameHeader& header) {
  return static_cast<FrameKind>(header.kind());
}

FramePrefix PrefixOf(size_t header_bytes, size_t payload_bytes) {
  return {static_cast<uint16_t>(header_bytes),
          static_cast<uint32_t>(payload_bytes)};
}

}  // namespace

SendQueue::SendQueue(uint64_t max_frame_bytes)
    : max_frame_bytes_(max_frame_bytes) {}

SendQueue::~SendQueue() = default;

void SendQueue::LowerMaxFrameBytes(uint64_t bytes) {
  max_frame_bytes_ = std::min(max_frame_bytes_, bytes);
}

template <typename Header, typename Payload>
absl::Status SendQueue::AppendFrame(const Header& header,
                                    const Payload& payload) {
  if (absl::Status status = CheckHeader(header); !status.ok()) return status;
  if (absl::Status status = CheckPayload(payload); !status.ok()) return status;
  const size_t header_bytes = SizeOf(header);
  const size_t payload_bytes = SizeOf(payload);
  if (absl::Status status =
          CheckFrameSize(header_bytes, payload_bytes, max_frame_bytes_);
      !status.ok()) {
    return status;
  }
  char* out = Extend(QueueOf(KindOf(header)),
                     kPrefixBytes + header_bytes + payload_bytes);
  WritePrefix(PrefixOf(header_bytes, payload_bytes), out);
  Write(header, out + kPrefixBytes);
  Write(payload, out + kPrefixBytes + header_bytes);
  return absl::OkStatus();
}

template <typename Header>
absl::Status SendQueue::AppendMovedFrame(const Header& header,
                                         std::string&& payload) {
  if (payload.size() < kMoveBytes) {
    return AppendFrame(header, std::string_view(payload));
  }
  if (absl::Status status = CheckHeader(header); !status.ok()) return status;
  const size_t header_bytes = SizeOf(header);
  const size_t payload_bytes = payload.size();
  if (absl::Status status =
          CheckFrameSize(header_bytes, payload_bytes, max_frame_bytes_);
      !status.ok()) {
    return status;
  }
  LaneQueue& lane = QueueOf(KindOf(header));
  char* out = Extend(lane, kPrefixBytes + header_bytes);
  WritePrefix(PrefixOf(header_bytes, payload_bytes), out);
  Write(header, out + kPrefixBytes);
  Chunk& chunk = lane.chunks.emplace_back();
  chunk.moved = std::move(payload);
  chunk.end = payload_bytes;
  lane.bytes += payload_bytes;
  return absl::OkStatus();
}

absl::Status SendQueue::Append(const SimpleHeader& header,
                               std::string_view payload) {
  return AppendFrame(header, payload);
}

absl::Status SendQueue::Append(const proto::FrameHeader& header,
                               std::string_view payload) {
  return AppendFrame(header, payload);
}

absl::Status SendQueue::Append(const SimpleHeader& header,
                               const MessageLite& payload) {
  return AppendFrame(header, payload);
}

absl::Status SendQueue::Append(const proto::FrameHeader& header,
                               const MessageLite& payload) {
  return AppendFrame(header, payload);
}

absl::Status SendQueue::AppendMoved(const SimpleHeader& header,
                                    std::string&& payload) {
  return AppendMovedFrame(header, std::move(payload));
}

absl::Status SendQueue::AppendMoved(const proto::FrameHeader& header,
                                    std::string&& payload) {
  return AppendMovedFrame(header, std::move(payload));
}

char* SendQueue::Extend(LaneQueue& lane, size_t bytes) {
  if (lane.chunks.empty() || lane.chunks.back().room() < bytes) {
    const bool after_moved = !lane.chunks.empty() && !lane.chunks.back().buffer;
    // What is in front must have bytes: make way, empty chunk.
    if (lane.bytes == 0 && !lane.chunks.empty()) PopChunk(lane, Keep::kSpare);
    lane.chunks.push_back(TakeChunk(bytes, after_moved));
  }
  Chunk& chunk = lane.chunks.back();
  char* out = chunk.data() + chunk.end;
  chunk.end += bytes;
  lane.bytes += bytes;
  return out;
}

SendQueue::Chunk SendQueue::TakeChunk(size_t bytes, bool after_moved) {
  const size_t usual = after_moved ? kSmallChunkBytes : kChunkBytes;
  if (!after_moved && bytes <= kChunkBytes && !spares_.empty()) {
    Chunk chunk = std::move(spares_.back());
    spares_.pop_back();
    return chunk;
  }
  Chunk chunk;
  chunk.capacity = std::max(bytes, usual);
  chunk.buffer = std::make_unique_for_overwrite<char[]>(chunk.capacity);
  return chunk;
}

// Drops the front chunk, of which everything was written. A buffer of the usual
// size is kept for later frames, where it is when nothing is behind it.
void SendQueue::PopChunk(LaneQueue& lane, Keep keep) {
  Chunk& chunk = lane.chunks.front();
  chunk.begin = chunk.end = 0;
  const bool usual = chunk.capacity == kChunkBytes;
  if (usual && keep == Keep::kInPlace && lane.chunks.size() == 1) return;
  if (usual && spares_.size() < kMaxSpares) {
    spares_.push_back(std::move(chunk));
  }
  lane.chunks.pop_front();
}

size_t SendQueue::Gather(std::span<iovec> parts) {
  size_t used = 0;
  // Adds bytes [from, to) of the lane.
  auto add = [&](LaneQueue& lane, size_t from, size_t to) {
    size_t at = 0;
    for (Chunk& chunk : lane.chunks) {
      if (at >= to || used == parts.size()) return;
      const size_t begin = std::max(from, at);
      const size_t end = std::min(to, at + chunk.size());
      if (begin < end) {
        parts[used++] = {chunk.data() + chunk.begin + (begin - at),
                         end - begin};
      }
      at += chunk.size();
    }
  };
  planned_rest_ = data_.frame_left;
  planned_control_ = control_.bytes;
  add(data_, 0, planned_rest_);
  add(control_, 0, planned_control_);
  add(data_, planned_rest_, data_.bytes);
  return used;
}

void SendQueue::Consume(size_t bytes) {
  assert(bytes <= pending_bytes());
  const size_t rest = std::min(bytes, planned_rest_);
  ConsumeLane(data_, rest);
  planned_rest_ -= rest;
  bytes -= rest;
  const size_t control = std::min(bytes, planned_control_);
  ConsumeLane(control_, control);
  planned_control_ -= control;
  ConsumeLane(data_, bytes - control);
}

// Keeps track of where the frame that is written in part ends: the frames are
// in the buffer with their prefixes, so that nothing else has to remember it.
void SendQueue::ConsumeLane(LaneQueue& lane, size_t bytes) {
  if (bytes == lane.bytes) lane.frame_left = bytes;  // ends with a frame
  while (bytes > 0) {
    if (lane.frame_left == 0) {
      Chunk& front = lane.chunks.front();
      lane.frame_left = ReadPrefix(front.data() + front.begin).frame_bytes();
    }
    const size_t step = std::min(bytes, lane.frame_left);
    Advance(lane, step);
    lane.frame_left -= step;
    bytes -= step;
  }
}

void SendQueue::Advance(LaneQueue& lane, size_t bytes) {
  lane.bytes -= bytes;
  while (bytes > 0) {
    Chunk& front = lane.chunks.front();
    const size_t step = std::min(bytes, front.size());
    front.begin += step;
    bytes -= step;
    if (front.size() == 0) PopChunk(lane, Keep::kInPlace);
  }
}

void SendQueue::Trim() {
  spares_.clear();
  spares_.shrink_to_fit();
  for (LaneQueue* lane : {&control_, &data_}) {
    if (lane->bytes == 0) lane->chunks.clear();
  }
}

}  // namespace tractor::wire
