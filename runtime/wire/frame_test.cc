// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "runtime/wire/frame.h"

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tractor::wire {
namespace {

using ::testing::HasSubstr;

std::string Prefix(uint16_t header_bytes, uint32_t payload_bytes) {
  std::string out(kPrefixBytes, '\0');
  WritePrefix({header_bytes, payload_bytes}, out.data());
  return out;
}

TEST(FrameTest, PrefixIsLittleEndianWithMagicAndVersion) {
  EXPECT_EQ(Prefix(0x1234, 0x56789abc),
            std::string("T\x01\x34\x12\xbc\x9a\x78\x56", 8));
}

TEST(FrameTest, PrefixComesBack) {
  const FramePrefix prefix = ReadPrefix(Prefix(513, 70000).data());
  EXPECT_EQ(prefix.header_bytes, 513);
  EXPECT_EQ(prefix.payload_bytes, 70000u);
  EXPECT_EQ(prefix.frame_bytes(), 8u + 513 + 70000);
}

TEST(FrameTest, AnyPartOfAGoodPrefixIsAccepted) {
  const std::string prefix = Prefix(4, 64);
  for (size_t size = 0; size <= prefix.size(); ++size) {
    EXPECT_TRUE(CheckPrefix(prefix.substr(0, size), 1024).ok()) << size;
  }
}

TEST(FrameTest, ForeignProtocolIsSeenAtItsFirstByte) {
  const absl::Status status = CheckPrefix("G", 1024);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("begins with 'G'"));
}

TEST(FrameTest, OtherLayoutVersionNamesBoth) {
  const absl::Status status = CheckPrefix("T\x07", 1024);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("version 7"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("version 1"));
}

TEST(FrameTest, FrameOfExactlyTheLimitPasses) {
  EXPECT_TRUE(CheckPrefix(Prefix(4, 1012), 1024).ok());
  const absl::Status status = CheckPrefix(Prefix(4, 1013), 1024);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("1013"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("1024"));
}

TEST(FrameTest, LargestLengthPrefixIsRefused) {
  const absl::Status status =
      CheckPrefix(Prefix(0xffff, 0xffffffff), kDefaultMaxFrameBytes);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
}

TEST(FrameTest, HeaderHasItsOwnLimit) {
  EXPECT_TRUE(CheckFrameSize(kMaxHeaderBytes, 0, 1 << 20).ok());
  const absl::Status status = CheckFrameSize(kMaxHeaderBytes + 1, 0, 1 << 20);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("16384"));
}

TEST(FrameTest, MoreThanProtobufCanParseIsRefusedWhateverTheLimit) {
  EXPECT_FALSE(CheckFrameSize(4, uint64_t{1} << 31, UINT64_MAX).ok());
  EXPECT_FALSE(CheckFrameSize(4, uint64_t{1} << 40, UINT64_MAX).ok());
}

TEST(FrameTest, FrameWithoutHeaderIsRefused) {
  EXPECT_EQ(CheckPrefix(Prefix(0, 1), 1024).code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(FrameTest, KindsHaveNames) {
  EXPECT_EQ(FrameKindName(FrameKind::kCancelActorAck), "CANCEL_ACTOR_ACK");
  EXPECT_EQ(FrameKindName(static_cast<FrameKind>(77)), "kind 77");
  EXPECT_EQ(FrameKindName(FrameKind::kUnspecified), "kind 0");
}

TEST(FrameTest, CancelCannotOvertakeItsStartNorAnEndItsData) {
  EXPECT_EQ(LaneOf(FrameKind::kStart), LaneOf(FrameKind::kCancel));
  EXPECT_EQ(LaneOf(FrameKind::kStartAck), LaneOf(FrameKind::kCredit));
  for (FrameKind kind :
       {FrameKind::kStop, FrameKind::kReturn, FrameKind::kError,
        FrameKind::kGoodbye, FrameKind::kStarted}) {
    EXPECT_EQ(LaneOf(kind), LaneOf(FrameKind::kData));
  }
  EXPECT_NE(LaneOf(FrameKind::kData), LaneOf(FrameKind::kCancel));
}

}  // namespace
}  // namespace tractor::wire
