// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "runtime/wire/frame.h"

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "proto/actor.pb.h"

namespace tractor::wire {

namespace {

constexpr bool Same(FrameKind ours, proto::FrameKind theirs) {
  return static_cast<int>(ours) == static_cast<int>(theirs);
}
static_assert(Same(FrameKind::kData, proto::FRAME_DATA));
static_assert(Same(FrameKind::kCredit, proto::FRAME_CREDIT));
static_assert(Same(FrameKind::kStop, proto::FRAME_STOP));
static_assert(Same(FrameKind::kStart, proto::FRAME_START));
static_assert(Same(FrameKind::kStartAck, proto::FRAME_START_ACK));
static_assert(Same(FrameKind::kStarted, proto::FRAME_STARTED));
static_assert(Same(FrameKind::kReturn, proto::FRAME_RETURN));
static_assert(Same(FrameKind::kError, proto::FRAME_ERROR));
static_assert(Same(FrameKind::kCancel, proto::FRAME_CANCEL));
static_assert(Same(FrameKind::kCancelAck, proto::FRAME_CANCEL_ACK));
static_assert(Same(FrameKind::kCancelActor, proto::FRAME_CANCEL_ACTOR));
static_assert(Same(FrameKind::kCancelActorAck, proto::FRAME_CANCEL_ACTOR_ACK));
static_assert(Same(FrameKind::kGoodbye, proto::FRAME_GOODBYE));
static_assert(Same(FrameKind::kHello, proto::FRAME_HELLO));
static_assert(Same(FrameKind::kHello, proto::FrameKind_MAX));

// One byte for people, who may see a text protocol or a TLS record there.
std::string Quoted(char c) {
  if (c >= 0x20 && c < 0x7f) return std::string{'\'', c, '\''};
  return absl::StrCat("byte ", static_cast<int>(static_cast<uint8_t>(c)));
}

}  // namespace

std::string FrameKindName(FrameKind kind) {
  const int number = static_cast<int>(kind);
  if (!proto::FrameKind_IsValid(number) || number == 0) {
    return absl::StrCat("kind ", number);
  }
  constexpr std::string_view kPrefix = "FRAME_";
  return proto::FrameKind_Name(static_cast<proto::FrameKind>(number))
      .substr(kPrefix.size());
}

absl::Status CheckFrameSize(uint64_t header_bytes, uint64_t payload_bytes,
                            uint64_t max_frame_bytes) {
  if (header_bytes > kMaxHeaderBytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("frame header of ", header_bytes,
                     " bytes exceeds the limit of ", kMaxHeaderBytes));
  }
  if (payload_bytes >
          std::numeric_limits<int32_t>::max() ||  // protobuf's limit
      kPrefixBytes + header_bytes + payload_bytes > max_frame_bytes) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "frame with a payload of ", payload_bytes,
        " bytes exceeds the limit of ", max_frame_bytes, " bytes a frame"));
  }
  return absl::OkStatus();
}

absl::Status CheckPrefix(std::string_view in, uint64_t max_frame_bytes) {
  if (!in.empty() && in[0] != kFrameMagic) {
    return absl::InvalidArgumentError(absl::StrCat(
        "not a frame: it begins with ", Quoted(in[0]),
        "; the peer does not speak tractor's protocol, or is out of step"));
  }
  if (in.size() > 1 && static_cast<uint8_t>(in[1]) != kFrameVersion) {
    return absl::FailedPreconditionError(absl::StrCat(
        "frame layout of version ", static_cast<int>(uint8_t(in[1])),
        ", this side speaks version ", static_cast<int>(kFrameVersion)));
  }
  if (in.size() < kPrefixBytes) return absl::OkStatus();
  const FramePrefix prefix = ReadPrefix(in.data());
  if (prefix.header_bytes == 0) {
    return absl::InvalidArgumentError("frame without a header");
  }
  return CheckFrameSize(prefix.header_bytes, prefix.payload_bytes,
                        max_frame_bytes);
}

}  // namespace tractor::wire
