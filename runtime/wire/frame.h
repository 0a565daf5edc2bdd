// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

// A frame: the unit that two actors exchange, and its fixed prefix.
//
//   byte 0     'T'
//   byte 1     version of this layout, 1
//   byte 2-3   header length, little endian
//   byte 4-7   payload length, little endian
//   header     proto::FrameHeader, see proto/actor.proto
//   payload    bytes, carried once; what they are is said by the header
//
// Nothing here waits, allocates or knows sockets. Faults that a peer can cause
// are a status, never an abort:
//
//   kResourceExhausted  a frame or header beyond its limit
//   kInvalidArgument    not a frame: wrong magic, undecodable header
//   kFailedPrecondition another version of the layout or of the protocol
//   kDataLoss           the connection ended inside of a frame

#ifndef TRACTOR_RUNTIME_WIRE_FRAME_H_
#define TRACTOR_RUNTIME_WIRE_FRAME_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "proto/actor.pb.h"

namespace tractor::wire {

inline constexpr char kFrameMagic = 'T';
inline constexpr uint8_t kFrameVersion = 1;
inline constexpr size_t kPrefixBytes = 8;

// A header carries names, identities and a reason; user data is payload.
inline constexpr size_t kMaxHeaderBytes = 16 << 10;

// Prefix, header and payload together.
inline constexpr size_t kDefaultMaxFrameBytes = 64 << 20;

// proto::FrameKind with C++ manners; the numbers are the same.
enum class FrameKind : uint8_t {
  kUnspecified = 0,
  kData = 1,
  kCredit = 2,
  kStop = 3,
  kStart = 4,
  kStartAck = 5,
  kStarted = 6,
  kReturn = 7,
  kError = 8,
  kCancel = 9,
  kCancelAck = 10,
  kCancelActor = 11,
  kCancelActorAck = 12,
  kGoodbye = 13,
  kHello = 14,
};

// "DATA", "CANCEL_ACK", or "kind 77".
std::string FrameKindName(FrameKind kind);

// Everything of a header but the bodies of the rare kinds (hello, start,
// cancel, acks). Plain values: cheap to make, to encode and to copy. `type` is
// not owned.
struct SimpleHeader {
  constexpr SimpleHeader(FrameKind kind, uint64_t cid,
                         std::string_view type = {})
      : kind(kind), cid(cid), type(type) {}

  static constexpr SimpleHeader Credit(uint64_t cid, uint64_t bytes) {
    SimpleHeader header(FrameKind::kCredit, cid);
    header.credit = bytes;
    return header;
  }
  static constexpr SimpleHeader StartAck(uint64_t cid, uint64_t window) {
    SimpleHeader header(FrameKind::kStartAck, cid);
    header.window = window;
    return header;
  }

  FrameKind kind;
  uint64_t cid;
  std::string_view type;  // full name of the payload's protobuf message
  uint64_t credit = 0;    // bytes
  uint64_t window = 0;    // bytes
};

// The lane of the send queue that a kind belongs to. Control goes ahead of
// data, each lane keeps its order. START is control as well, so that no CANCEL
// can overtake the START that it belongs to; what ends a stream or a context
// (STOP, RETURN, ERROR, GOODBYE) is data, because it must not overtake DATA.
// Consequence: CANCEL_ACK may arrive before DATA, RETURN or ERROR that were
// queued earlier.
enum class Lane : uint8_t { kControl, kData };

constexpr Lane LaneOf(FrameKind kind) {
  switch (kind) {
    case FrameKind::kData:
    case FrameKind::kStop:
    case FrameKind::kStarted:
    case FrameKind::kReturn:
    case FrameKind::kError:
    case FrameKind::kGoodbye:
      return Lane::kData;
    default:
      return Lane::kControl;
  }
}

// The body of FrameHeader that a kind must have, and the only one it may have.
constexpr proto::FrameHeader::BodyCase BodyOf(FrameKind kind) {
  switch (kind) {
    case FrameKind::kHello:
      return proto::FrameHeader::kHello;
    case FrameKind::kStart:
      return proto::FrameHeader::kStart;
    case FrameKind::kCancel:
    case FrameKind::kCancelActor:
      return proto::FrameHeader::kCancel;
    case FrameKind::kCancelAck:
    case FrameKind::kCancelActorAck:
      return proto::FrameHeader::kCancelAck;
    default:
      return proto::FrameHeader::BODY_NOT_SET;
  }
}

// Whether a frame of this kind belongs to a context, and so has a cid. ERROR
// may have one.
constexpr bool NeedsCid(FrameKind kind) {
  switch (kind) {
    case FrameKind::kError:
    case FrameKind::kCancelActor:
    case FrameKind::kCancelActorAck:
    case FrameKind::kGoodbye:
    case FrameKind::kHello:
      return false;
    default:
      return true;
  }
}

// The two lengths of a prefix.
struct FramePrefix {
  uint16_t header_bytes = 0;
  uint32_t payload_bytes = 0;

  constexpr uint64_t frame_bytes() const {
    return kPrefixBytes + uint64_t{header_bytes} + payload_bytes;
  }
};

// Writes kPrefixBytes bytes.
inline void WritePrefix(FramePrefix prefix, char* out) {
  static_assert(std::endian::native == std::endian::little);
  out[0] = kFrameMagic;
  out[1] = static_cast<char>(kFrameVersion);
  std::memcpy(out + 2, &prefix.header_bytes, sizeof(prefix.header_bytes));
  std::memcpy(out + 4, &prefix.payload_bytes, sizeof(prefix.payload_bytes));
}

// Reads kPrefixBytes bytes and believes them.
inline FramePrefix ReadPrefix(const char* in) {
  FramePrefix prefix;
  std::memcpy(&prefix.header_bytes, in + 2, sizeof(prefix.header_bytes));
  std::memcpy(&prefix.payload_bytes, in + 4, sizeof(prefix.payload_bytes));
  return prefix;
}

// Whether a frame of these sizes may be sent or received.
absl::Status CheckFrameSize(uint64_t header_bytes, uint64_t payload_bytes,
                            uint64_t max_frame_bytes);

// Whether `in`, the first bytes of a frame and maybe fewer than a prefix, can
// be the start of one that is within its limits.
absl::Status CheckPrefix(std::string_view in, uint64_t max_frame_bytes);

// A received frame. All views point into the decoder's memory and end with the
// next call of FrameDecoder::Next() or WritableSpace().
struct FrameView {
  FrameKind kind = FrameKind::kUnspecified;
  uint64_t cid = 0;
  uint64_t credit = 0;
  uint64_t window = 0;
  std::string_view type;
  std::string_view payload;
  std::string_view header_bytes;  // as received
  // Set exactly for the kinds that have a body (HELLO, START, CANCEL and
  // CANCEL_ACTOR, CANCEL_ACK and CANCEL_ACTOR_ACK); the body is there then.
  const proto::FrameHeader* header = nullptr;
};

}  // namespace tractor::wire

#endif  // TRACTOR_RUNTIME_WIRE_FRAME_H_
