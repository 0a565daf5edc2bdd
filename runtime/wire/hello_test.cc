// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "runtime/wire/hello.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/actor.pb.h"
#include "runtime/wire/frame.h"
#include "runtime/wire/testing.h"

namespace tractor::wire {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

HelloOptions Parent() {
  HelloOptions options;
  options.aid.set_name("root");
  options.aid.set_uuid(std::string(16, 'r'));
  options.aid.set_pid(100);
  options.tree_id = std::string(16, 't');
  options.secret = "open sesame";
  options.capabilities = 0b0110;
  return options;
}

HelloOptions Child() {
  HelloOptions options = Parent();
  options.aid.set_name("worker");
  options.aid.set_uuid(std::string(16, 'w'));
  options.aid.set_pid(101);
  options.capabilities = 0b1100;
  options.max_frame_bytes = 1 << 20;
  return options;
}

// What the parent says to a hello of `theirs`.
absl::StatusOr<AgreedHello> Meet(const HelloOptions& theirs) {
  absl::StatusOr<proto::FrameHeader> hello = MakeHello(theirs);
  if (!hello.ok()) return hello.status();
  return AcceptHello(*hello, Parent());
}

TEST(HelloTest, ActorsOfATreeAgree) {
  const absl::StatusOr<AgreedHello> agreed = Meet(Child());
  ASSERT_TRUE(agreed.ok()) << agreed.status();
  EXPECT_EQ(agreed->version, kMaxProtocolVersion);
  EXPECT_EQ(agreed->peer.name(), "worker");
  EXPECT_EQ(agreed->capabilities, 0b0100u);
  EXPECT_EQ(agreed->max_frame_bytes, uint64_t{1} << 20);
}

TEST(HelloTest, SurvivesTheWire) {
  SendQueue queue;
  ASSERT_TRUE(queue.Append(*MakeHello(Child())).ok());
  const Decoded decoded = Decode(TakeBytes(queue));
  ASSERT_TRUE(decoded.status.ok()) << decoded.status;
  ASSERT_EQ(decoded.frames.size(), 1u);
  EXPECT_TRUE(AcceptHello(decoded.frames[0].header, Parent()).ok());
}

TEST(HelloTest, HighestCommonVersionIsTaken) {
  HelloOptions ours = Parent();
  ours.min_version = 2;
  ours.max_version = 5;
  HelloOptions theirs = Child();
  theirs.min_version = 1;
  theirs.max_version = 4;
  const auto agreed = AcceptHello(*MakeHello(theirs), ours);
  ASSERT_TRUE(agreed.ok()) << agreed.status();
  EXPECT_EQ(agreed->version, 4u);
}

TEST(HelloTest, OtherVersionNamesBothRanges) {
  HelloOptions theirs = Child();
  theirs.min_version = 7;
  theirs.max_version = 9;
  const absl::Status status = Meet(theirs).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("7 to 9"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("1 to 1"));
}

TEST(HelloTest, OlderVersionIsRefused) {
  HelloOptions ours = Parent();
  ours.min_version = ours.max_version = 3;
  EXPECT_EQ(AcceptHello(*MakeHello(Child()), ours).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(HelloTest, EmptyRangeOfVersionsIsRefused) {
  HelloOptions theirs = Child();
  theirs.min_version = 2;
  theirs.max_version = 1;
  EXPECT_EQ(Meet(theirs).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(HelloTest, OtherTreeIsRefused) {
  HelloOptions theirs = Child();
  theirs.tree_id[15] = 'x';
  const absl::Status status = Meet(theirs).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(status.message()), HasSubstr("worker@101"));
}

TEST(HelloTest, WrongSecretIsRefusedAndNotRepeated) {
  for (const char* wrong : {"open sesamE", "open sesam", "", "open sesame!"}) {
    HelloOptions theirs = Child();
    theirs.secret = wrong;
    const absl::Status status = Meet(theirs).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated) << wrong;
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("sesam")));
  }
}

TEST(HelloTest, AnotherActorThanTheOneExpectedIsRefused) {
  HelloOptions ours = Parent();
  ours.peer_id = Child().aid.uuid();
  const proto::FrameHeader right = MakeHello(Child()).value();
  EXPECT_TRUE(AcceptHello(right, ours).ok());
  HelloOptions theirs = Child();
  theirs.aid.set_uuid(std::string(kIdBytes, 'x'));
  const proto::FrameHeader wrong = MakeHello(theirs).value();
  const absl::Status status = AcceptHello(wrong, ours).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("worker@101 is not the one"));
}

TEST(HelloTest, FrameOfAnotherKindIsNoHello) {
  proto::FrameHeader header;
  header.set_kind(proto::FRAME_START);
  const absl::Status status = AcceptHello(header, Parent()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "expected a hello, got START");
}

TEST(HelloTest, MalformedIdentityIsRefusedOnBothSides) {
  HelloOptions no_name = Child();
  no_name.aid.clear_name();
  HelloOptions no_uuid = Child();
  no_uuid.aid.clear_uuid();
  HelloOptions short_tree = Child();
  short_tree.tree_id.pop_back();
  HelloOptions long_name = Child();
  long_name.aid.set_name(std::string(2000, 'n'));
  HelloOptions not_utf8 = Child();
  not_utf8.aid.set_name("caf\xe9");
  HelloOptions tiny_frames = Child();
  tiny_frames.max_frame_bytes = 100;
  HelloOptions long_secret = Child();
  long_secret.secret = std::string(2000, 's');
  for (const HelloOptions& bad : {no_name, no_uuid, short_tree, long_name,
                                  not_utf8, tiny_frames, long_secret}) {
    EXPECT_EQ(MakeHello(bad).status().code(),
              absl::StatusCode::kInvalidArgument);
    proto::FrameHeader header = *MakeHello(Child());
    *header.mutable_hello()->mutable_aid() = bad.aid;
    header.mutable_hello()->mutable_tree()->set_value(bad.tree_id);
    header.mutable_hello()->set_max_frame_bytes(bad.max_frame_bytes);
    header.mutable_hello()->set_secret(bad.secret);
    EXPECT_EQ(AcceptHello(header, Parent()).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
}

TEST(HelloTest, ComparisonLooksAtEveryByte) {
  EXPECT_TRUE(ConstantTimeEquals("", ""));
  EXPECT_TRUE(ConstantTimeEquals("abc", "abc"));
  EXPECT_FALSE(ConstantTimeEquals("abd", "abc"));
  EXPECT_FALSE(ConstantTimeEquals("xbc", "abc"));
  EXPECT_FALSE(ConstantTimeEquals("", "abc"));
  EXPECT_FALSE(ConstantTimeEquals("abc", ""));
  EXPECT_FALSE(ConstantTimeEquals("abcabc", "abc"));
}

}  // namespace
}  // namespace tractor::wire
