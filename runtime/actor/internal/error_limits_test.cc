// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/actor/internal/error_limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "proto/error.pb.h"
#include "runtime/actor/error_registry.h"
#include "runtime/actor/errors.h"
#include "runtime/actor/internal/error_codec.h"
#include "runtime/task/exception_group.h"

namespace big {

struct Blob : std::exception {
  explicit Blob(std::string data)
      : data(std::make_shared<std::string>(std::move(data))) {}
  const char* what() const noexcept override { return "blob"; }
  static std::string Box(const Blob& blob) { return *blob.data; }
  static Blob Unbox(const std::string& boxed) { return Blob(boxed); }
  std::shared_ptr<const std::string> data;
};

}  // namespace big

TRACTOR_EXCEPTION(big::Blob);

namespace tractor::internal {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const Aid& Self() {
  static const Aid aid = MakeAid("self");
  return aid;
}

template <class E>
proto::ErrorProto Packed(const E& error) {
  proto::ErrorProto packed = PackError(std::make_exception_ptr(error), Self());
  EXPECT_LE(packed.ByteSizeLong(), kMaxErrorBytes);
  return packed;
}

int Depth(const proto::ErrorProto& error) {
  int below = error.has_cause() ? Depth(error.cause()) : 0;
  for (const proto::ErrorProto& member : error.nested()) {
    below = std::max(below, Depth(member));
  }
  return below + 1;
}

ExceptionGroup GroupOf(int members, const std::string& message) {
  std::vector<std::exception_ptr> errors;
  for (int i = 0; i < members; ++i) {
    errors.push_back(std::make_exception_ptr(std::runtime_error(message)));
  }
  return ExceptionGroup("group", std::move(errors));
}

TEST(ErrorLimitsTest, SmallErrorIsLeftAlone) {
  proto::ErrorProto packed = Packed(GroupOf(3, "small"));
  const std::string before = packed.SerializeAsString();
  LimitError(kMaxErrorBytes, kMaxErrorDepth, packed);
  EXPECT_EQ(packed.SerializeAsString(), before);
  EXPECT_EQ(packed.dropped_nested(), 0u);
}

TEST(ErrorLimitsTest, HugeMessageKeepsItsStartAndItsType) {
  const proto::ErrorProto packed =
      Packed(std::runtime_error("start" + std::string(50 << 20, 'x')));
  EXPECT_THAT(packed.message(), StartsWith("startxxx"));
  EXPECT_THAT(packed.message(), HasSubstr("(52428805 bytes in all)"));
  EXPECT_EQ(packed.type(), "std::runtime_error");
}

TEST(ErrorLimitsTest, HugeBoxedFormBecomesText) {
  const proto::ErrorProto fits = Packed(big::Blob(std::string(4096, 'b')));
  EXPECT_EQ(fits.boxed().size(), 4096u);
  EXPECT_TRUE(RemoteActorError(fits).boxed());
  const proto::ErrorProto packed = Packed(big::Blob(std::string(1 << 20, 'b')));
  const RemoteActorError error(packed);
  EXPECT_FALSE(error.boxed()) << "half of a boxed form";
  EXPECT_EQ(error.boxed_type(), "big::Blob");
  EXPECT_EQ(error.message(), "blob");
}

TEST(ErrorLimitsTest, MembersThatDoNotFitAreCounted) {
  for (const size_t bytes : {1u, 1000u, 20'000u}) {
    const proto::ErrorProto packed =
        Packed(GroupOf(500, std::string(bytes, 'm')));
    EXPECT_GE(packed.nested_size(), 8) << bytes;
    EXPECT_EQ(
        static_cast<uint32_t>(packed.nested_size()) + packed.dropped_nested(),
        500u)
        << bytes;
    EXPECT_THAT(RemoteActorError(packed).what(), HasSubstr("(500 errors)"));
  }
}

TEST(ErrorLimitsTest, FiftyOrdinaryMembersFit) {
  const proto::ErrorProto packed =
      Packed(GroupOf(50, "cannot open /some/path/to/a/file: no such file"));
  EXPECT_EQ(packed.nested_size(), 50);
}

TEST(ErrorLimitsTest, DeepGroupsBecomeText) {
  ExceptionGroup group(
      "level 0", {std::make_exception_ptr(std::runtime_error("the leaf"))});
  for (int i = 1; i < 60; ++i) {
    group = ExceptionGroup("level " + std::to_string(i),
                           {std::make_exception_ptr(group)});
  }
  const proto::ErrorProto packed = Packed(group);
  EXPECT_LE(Depth(packed), kMaxErrorDepth);
  const proto::ErrorProto* deepest = &packed;
  while (deepest->nested_size() > 0) deepest = &deepest->nested(0);
  EXPECT_THAT(deepest->message(), HasSubstr("level 28"));
  EXPECT_THAT(deepest->message(), HasSubstr("level 27"));
  EXPECT_EQ(deepest->dropped_nested(), 1u);
}

TEST(ErrorLimitsTest, LongChainOfCausesIsCut) {
  std::exception_ptr error = std::make_exception_ptr(std::logic_error("root"));
  for (int i = 0; i < 100; ++i) {
    try {
      try {
        std::rethrow_exception(error);
      } catch (const std::exception&) {
        std::throw_with_nested(std::runtime_error("level"));
      }
    } catch (const std::exception&) {
      error = std::current_exception();
    }
  }
  const proto::ErrorProto packed = PackError(error, Self());
  EXPECT_LE(packed.ByteSizeLong(), kMaxErrorBytes);
  EXPECT_LE(Depth(packed), kMaxErrorDepth);
  EXPECT_GE(Depth(packed), 2);
}

// A relay sends on no more than it would have sent itself.
TEST(ErrorLimitsTest, ReceivedErrorIsLimitedWhenItIsPassedOn) {
  proto::ErrorProto received;
  received.set_kind(proto::ERROR_GROUP);
  for (proto::ErrorProto* level = &received; Depth(received) < 90;) {
    level->set_kind(proto::ERROR_GROUP);
    level = level->add_nested();
  }
  received.set_message(std::string(1 << 20, 'm'));
  const std::string text(100'000, 't');
  for (int i = 0; i < 1000; ++i) {
    received.add_relay_path()->set_name("hop " + std::to_string(i));
    received.add_native_stack(text);
    received.add_task_places()->set_function(text);
  }
  received.mutable_source()->set_name(text);
  received.mutable_source()->set_uuid(text);
  received.set_type(text);
  received.set_endpoint(text);
  received.mutable_died()->mutable_actor()->set_host(text);
  received.mutable_status()->add_payloads()->set_value(text);
  received.mutable_msg_type()->set_got(text);
  received.mutable_cancelled()->set_reason(text);
  received.mutable_too_slow()->set_what(text);

  const proto::ErrorProto packed = PackError(UnpackError(received), Self());
  EXPECT_LE(packed.ByteSizeLong(), kMaxErrorBytes);
  EXPECT_LE(Depth(packed), kMaxErrorDepth);
  EXPECT_EQ(packed.relay_path(0).name(), "hop 0");
  EXPECT_EQ(packed.relay_path(packed.relay_path_size() - 1).name(), "self");
  EXPECT_EQ(static_cast<uint32_t>(packed.task_places_size()) +
                packed.dropped_places(),
            1000u);
}

// Each alone takes more than its share, whatever is cut.
TEST(ErrorLimitsTest, FatMembersDoNotAddUp) {
  const std::string text(1000, 't');
  proto::ErrorProto member;
  member.set_kind(proto::ERROR_REMOTE);
  member.set_type(text);
  member.set_native_type(text);
  member.set_message(text);
  member.set_endpoint(text);
  proto::Aid aid;
  aid.set_name(text);
  aid.set_host(text);
  *member.mutable_source() = aid;
  *member.add_relay_path() = aid;
  *member.add_relay_path() = aid;
  *member.mutable_died()->mutable_actor() = aid;
  *member.mutable_cancelled()->mutable_canceller() = aid;
  *member.mutable_too_slow()->mutable_actor() = aid;
  member.mutable_cancelled()->set_reason(text);
  member.mutable_too_slow()->set_what(text);
  member.mutable_msg_type()->set_place(text);
  member.mutable_msg_type()->set_expected(text);
  member.mutable_msg_type()->set_got(text);
  proto::ErrorProto received;
  received.set_kind(proto::ERROR_GROUP);
  for (int i = 0; i < 300; ++i) *received.add_nested() = member;

  const proto::ErrorProto packed = PackError(UnpackError(received), Self());
  EXPECT_LE(packed.ByteSizeLong(), kMaxErrorBytes);
  EXPECT_GE(packed.nested_size(), 8);
  EXPECT_EQ(
      static_cast<uint32_t>(packed.nested_size()) + packed.dropped_nested(),
      300u);
}

// 2^26 leaves, if every one were written: no memory has room for them.
TEST(ErrorLimitsTest, SharedMembersDoNotMultiply) {
  std::exception_ptr error =
      std::make_exception_ptr(std::runtime_error("the leaf"));
  for (int i = 0; i < 26; ++i) {
    error = std::make_exception_ptr(ExceptionGroup("both", {error, error}));
  }
  const proto::ErrorProto packed = PackError(error, Self());
  EXPECT_LE(packed.ByteSizeLong(), kMaxErrorBytes);
}

}  // namespace
}  // namespace tractor::internal
