// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "runtime/wire/header_codec.h"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

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

std::string ByHand(const SimpleHeader& header) {
  std::string out(HeaderBytes(header), '\0');
  EXPECT_EQ(WriteHeader(header, out.data()), out.data() + out.size());
  return out;
}

proto::FrameHeader Generated(const SimpleHeader& header) {
  proto::FrameHeader out;
  out.set_kind(static_cast<proto::FrameKind>(header.kind));
  out.set_cid(header.cid);
  out.set_type(std::string(header.type));
  out.set_credit(header.credit);
  out.set_window(header.window);
  return out;
}

// Numbers of every length on the wire.
uint64_t AnyNumber(std::mt19937_64& random) {
  const uint64_t bits = random() % 65;
  return bits == 0 ? 0 : random() >> (64 - bits);
}

SimpleHeader AnyHeader(std::mt19937_64& random, std::string& type) {
  type.assign(random() % 3 == 0 ? random() % 300 : 0, 'a');
  SimpleHeader header(static_cast<FrameKind>(1 + random() % 14),
                      AnyNumber(random), type);
  if (random() % 2 == 0) header.credit = AnyNumber(random);
  if (random() % 2 == 0) header.window = AnyNumber(random);
  return header;
}

// The one rule: what the fast path reads is what the generated class reads.
void ExpectAgreesOrDeclines(std::string_view bytes) {
  // Not in a std::string, behind whose end one may read a byte unseen.
  const std::vector<char> exact(bytes.begin(), bytes.end());
  const std::optional<SimpleHeader> fast =
      ReadSimpleHeader({exact.data(), exact.size()});
  if (!fast) return;
  proto::FrameHeader full;
  ASSERT_TRUE(full.ParseFromArray(bytes.data(), int(bytes.size())));
  EXPECT_EQ(full.kind(), static_cast<int>(fast->kind));
  EXPECT_EQ(full.cid(), fast->cid);
  EXPECT_EQ(full.type(), fast->type);
  EXPECT_EQ(full.credit(), fast->credit);
  EXPECT_EQ(full.window(), fast->window);
  EXPECT_EQ(full.body_case(), proto::FrameHeader::BODY_NOT_SET);
}

TEST(HeaderCodecTest, DataHeaderIsFourBytes) {
  EXPECT_EQ(ByHand({FrameKind::kData, 77}), std::string("\x08\x01\x10\x4d"));
}

TEST(HeaderCodecTest, WritesTheBytesOfTheGeneratedClass) {
  std::mt19937_64 random = SeededRandom();
  std::string type;
  for (int i = 0; i < 20000; ++i) {
    const SimpleHeader header = AnyHeader(random, type);
    ASSERT_EQ(ByHand(header), Generated(header).SerializeAsString());
  }
}

TEST(HeaderCodecTest, ReadsBackWhatItWrites) {
  std::mt19937_64 random = SeededRandom();
  std::string type;
  for (int i = 0; i < 20000; ++i) {
    SimpleHeader header = AnyHeader(random, type);
    // The tenth byte of a varint is left to the generated class.
    header.cid >>= 1;
    header.credit >>= 1;
    header.window >>= 1;
    const std::string bytes = ByHand(header);
    const std::optional<SimpleHeader> back = ReadSimpleHeader(bytes);
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(back->kind, header.kind);
    EXPECT_EQ(back->cid, header.cid);
    EXPECT_EQ(back->type, header.type);
    EXPECT_EQ(back->credit, header.credit);
    EXPECT_EQ(back->window, header.window);
  }
}

TEST(HeaderCodecTest, AgreesWithTheGeneratedClassOnDamagedBytesOrDeclines) {
  std::mt19937_64 random = SeededRandom();
  std::string type;
  for (int i = 0; i < 200000; ++i) {
    std::string bytes = ByHand(AnyHeader(random, type));
    for (uint64_t n = random() % 4; n > 0 && !bytes.empty(); --n) {
      const size_t at = random() % bytes.size();
      switch (random() % 3) {
        case 0:
          bytes[at] = static_cast<char>(random());
          break;
        case 1:
          bytes.erase(at, 1 + random() % 3);
          break;
        default:
          bytes.insert(at, 1, static_cast<char>(random()));
      }
    }
    ASSERT_NO_FATAL_FAILURE(ExpectAgreesOrDeclines(bytes));
  }
}

TEST(HeaderCodecTest, NumbersOfTenBytesAreRead) {
  SimpleHeader header(FrameKind::kCredit, UINT64_MAX);
  header.credit = UINT64_MAX;
  const std::string bytes = ByHand(header);
  proto::FrameHeader scratch;
  const absl::StatusOr<FrameView> view = ReadHeader(bytes, scratch);
  ASSERT_TRUE(view.ok()) << view.status();
  EXPECT_EQ(view->cid, UINT64_MAX);
  EXPECT_EQ(view->credit, UINT64_MAX);
}

TEST(HeaderCodecTest, TypeThatIsNotUtf8IsMalformed) {
  const std::string bytes = ByHand({FrameKind::kData, 1, "caf\xe9"});
  proto::FrameHeader scratch;
  EXPECT_EQ(ReadHeader(bytes, scratch).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(HeaderCodecTest, TypeInUtf8IsRead) {
  const std::string bytes = ByHand({FrameKind::kData, 1, "caf\xc3\xa9"});
  EXPECT_FALSE(ReadSimpleHeader(bytes).has_value());
  proto::FrameHeader scratch;
  const absl::StatusOr<FrameView> view = ReadHeader(bytes, scratch);
  ASSERT_TRUE(view.ok()) << view.status();
  EXPECT_EQ(view->type, "caf\xc3\xa9");
}

TEST(HeaderCodecTest, FieldsInAnotherOrderAreRead) {
  // cid before kind: allowed by protobuf, not known to the fast path.
  const std::string bytes = "\x10\x4d\x08\x01";
  EXPECT_FALSE(ReadSimpleHeader(bytes).has_value());
  proto::FrameHeader scratch;
  const absl::StatusOr<FrameView> view = ReadHeader(bytes, scratch);
  ASSERT_TRUE(view.ok()) << view.status();
  EXPECT_EQ(view->kind, FrameKind::kData);
  EXPECT_EQ(view->cid, 77u);
  EXPECT_EQ(view->header, nullptr);
}

TEST(HeaderCodecTest, UnknownFieldsAreIgnored) {
  const std::string bytes = std::string("\x08\x01\x10\x4d\xf8\x07\x05");
  proto::FrameHeader scratch;
  const absl::StatusOr<FrameView> view = ReadHeader(bytes, scratch);
  ASSERT_TRUE(view.ok()) << view.status();
  EXPECT_EQ(view->cid, 77u);
}

TEST(HeaderCodecTest, UnknownKindIsMalformed) {
  for (const char* bytes : {"\x08\x0f\x10\x01", "\x08\x4d\x10\x01", "\x10\x01",
                            "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"}) {
    proto::FrameHeader scratch;
    const absl::Status status = ReadHeader(bytes, scratch).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr("unknown kind"));
  }
}

TEST(HeaderCodecTest, FrameOfAContextNeedsACid) {
  const std::string bytes = ByHand({FrameKind::kData, 0});
  proto::FrameHeader scratch;
  const absl::Status status = ReadHeader(bytes, scratch).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "DATA frame without a cid");
}

TEST(HeaderCodecTest, ErrorOfTheWholeConnectionHasNoCid) {
  const std::string bytes = ByHand({FrameKind::kError, 0});
  proto::FrameHeader scratch;
  EXPECT_TRUE(ReadHeader(bytes, scratch).ok());
}

TEST(HeaderCodecTest, KindWithoutItsBodyIsMalformed) {
  for (FrameKind kind : {FrameKind::kHello, FrameKind::kStart,
                         FrameKind::kCancel, FrameKind::kCancelAck,
                         FrameKind::kCancelActor, FrameKind::kCancelActorAck}) {
    const std::string bytes = ByHand({kind, 1});
    proto::FrameHeader scratch;
    EXPECT_EQ(ReadHeader(bytes, scratch).status().code(),
              absl::StatusCode::kInvalidArgument);
    EXPECT_FALSE(CheckHeader(SimpleHeader(kind, 1)).ok());
  }
}

TEST(HeaderCodecTest, KindWithABodyOfAnotherIsMalformed) {
  proto::FrameHeader header;
  header.set_kind(proto::FRAME_DATA);
  header.set_cid(1);
  header.mutable_cancel();
  EXPECT_FALSE(CheckHeader(header).ok());
  proto::FrameHeader scratch;
  const absl::Status status =
      ReadHeader(header.SerializeAsString(), scratch).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("DATA"));
}

TEST(HeaderCodecTest, BodyIsThereWhenTheKindHasOne) {
  proto::FrameHeader header;
  header.set_kind(proto::FRAME_CANCEL);
  header.set_cid(5);
  header.mutable_cancel()->set_reason("deadline of 'main'");
  header.mutable_cancel()->set_budget_ns(500'000'000);
  const std::string bytes = header.SerializeAsString();
  proto::FrameHeader scratch;
  const absl::StatusOr<FrameView> view = ReadHeader(bytes, scratch);
  ASSERT_TRUE(view.ok()) << view.status();
  ASSERT_NE(view->header, nullptr);
  EXPECT_EQ(view->header->cancel().reason(), "deadline of 'main'");
  EXPECT_EQ(view->header->cancel().budget_ns(), 500'000'000u);
}

}  // namespace
}  // namespace tractor::wire
