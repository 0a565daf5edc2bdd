// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "runtime/wire/send_queue.h"

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.pb.h"
#include "gtest/gtest.h"
#include "proto/actor.pb.h"
#include "proto/ids.pb.h"
#include "runtime/wire/frame.h"
#include "runtime/wire/testing.h"

namespace tractor::wire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr SimpleHeader kData(FrameKind::kData, 7);
constexpr SimpleHeader kCredit = SimpleHeader::Credit(7, 1000);

std::vector<FrameKind> Kinds(const Decoded& decoded) {
  std::vector<FrameKind> kinds;
  for (const OwnedFrame& frame : decoded.frames) kinds.push_back(frame.kind);
  return kinds;
}

TEST(SendQueueTest, NewQueueHasNothing) {
  SendQueue queue;
  std::array<iovec, 4> parts;
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.Gather(parts), 0u);
  EXPECT_FALSE(queue.mid_frame());
}

TEST(SendQueueTest, FrameHasPrefixHeaderAndPayload) {
  SendQueue queue;
  ASSERT_TRUE(queue.Append(kData, "hi").ok());
  EXPECT_EQ(queue.pending_bytes(), 14u);
  EXPECT_EQ(TakeBytes(queue),
            std::string("T\x01\x04\0\x02\0\0\0\x08\x01\x10\x07hi", 14));
  EXPECT_TRUE(queue.empty());
}

TEST(SendQueueTest, MessageIsSerialisedAsItself) {
  proto::Aid aid;
  aid.set_name("worker");
  aid.set_pid(42);
  SendQueue queue;
  ASSERT_TRUE(
      queue.Append({FrameKind::kReturn, 3, "tractor.proto.Aid"}, aid).ok());
  const Decoded decoded = Decode(TakeBytes(queue));
  ASSERT_EQ(decoded.frames.size(), 1u);
  EXPECT_EQ(decoded.frames[0].payload, aid.SerializeAsString());
  EXPECT_EQ(decoded.frames[0].type, "tractor.proto.Aid");
}

TEST(SendQueueTest, ManySmallFramesAreOnePart) {
  SendQueue queue;
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(queue.Append(kData, "x").ok());
  std::array<iovec, 4> parts;
  EXPECT_EQ(queue.Gather(parts), 1u);
  EXPECT_EQ(parts[0].iov_len, queue.pending_bytes());
}

TEST(SendQueueTest, ControlGoesAheadOfData) {
  SendQueue queue;
  ASSERT_TRUE(queue.Append(kData, "a").ok());
  ASSERT_TRUE(queue.Append({FrameKind::kStop, 7}).ok());
  ASSERT_TRUE(queue.Append(kCredit).ok());
  EXPECT_GT(queue.pending_control_bytes(), 0u);
  EXPECT_THAT(
      Kinds(Decode(TakeBytes(queue))),
      ElementsAre(FrameKind::kCredit, FrameKind::kData, FrameKind::kStop));
}

TEST(SendQueueTest, BegunFrameIsFinishedBeforeControl) {
  for (size_t taken = 1; taken < 28; ++taken) {
    SendQueue queue;
    ASSERT_TRUE(queue.Append(kData, "aaaaaaaa").ok());  // 20 bytes
    ASSERT_TRUE(queue.Append(kData, "bbbbbbbb").ok());
    ASSERT_TRUE(queue.Append(kData, "cccccccc").ok());
    std::string bytes = TakeBytes(queue, taken);
    EXPECT_EQ(queue.mid_frame(), taken != 20);
    ASSERT_TRUE(queue.Append(kCredit).ok());
    bytes += TakeBytes(queue);
    const Decoded decoded = Decode(bytes);
    ASSERT_TRUE(decoded.status.ok()) << decoded.status;
    ASSERT_EQ(decoded.frames.size(), 4u);
    // Behind the frame that was begun, at once.
    EXPECT_EQ(decoded.frames[taken <= 20 ? 1 : 2].kind, FrameKind::kCredit)
        << taken;
  }
}

TEST(SendQueueTest, BegunControlFrameIsFinishedFirst) {
  SendQueue queue;
  ASSERT_TRUE(queue.Append(kCredit).ok());
  ASSERT_TRUE(queue.Append(kData, "a").ok());
  std::string bytes = TakeBytes(queue, 3);
  ASSERT_TRUE(queue.Append({FrameKind::kStop, 7}).ok());
  ASSERT_TRUE(queue.Append(SimpleHeader::Credit(9, 1)).ok());
  bytes += TakeBytes(queue);
  EXPECT_THAT(Kinds(Decode(bytes)),
              ElementsAre(FrameKind::kCredit, FrameKind::kCredit,
                          FrameKind::kData, FrameKind::kStop));
}

TEST(SendQueueTest, LargeStringIsMovedNotCopied) {
  SendQueue queue;
  std::string payload(SendQueue::kMoveBytes, 'x');
  const char* memory = payload.data();
  ASSERT_TRUE(queue.AppendMoved(kData, std::move(payload)).ok());
  ASSERT_TRUE(queue.Append(kData, "next").ok());
  std::array<iovec, 4> parts;
  ASSERT_EQ(queue.Gather(parts), 3u);
  EXPECT_EQ(parts[1].iov_base, memory);
  const Decoded decoded = Decode(TakeBytes(queue));
  ASSERT_EQ(decoded.frames.size(), 2u);
  EXPECT_EQ(decoded.frames[0].payload, std::string(SendQueue::kMoveBytes, 'x'));
  EXPECT_EQ(decoded.frames[1].payload, "next");
}

TEST(SendQueueTest, SmallStringIsCopiedIntoTheBuffer) {
  SendQueue queue;
  ASSERT_TRUE(queue.AppendMoved(kData, std::string(100, 'x')).ok());
  std::array<iovec, 4> parts;
  EXPECT_EQ(queue.Gather(parts), 1u);
}

TEST(SendQueueTest, ControlJumpsBetweenMovedPayloads) {
  SendQueue queue;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(queue.AppendMoved(kData, std::string(20000, 'x')).ok());
  }
  std::string bytes = TakeBytes(queue, 15000);
  ASSERT_TRUE(queue.Append(kCredit).ok());
  bytes += TakeBytes(queue);
  EXPECT_THAT(Kinds(Decode(bytes)),
              ElementsAre(FrameKind::kData, FrameKind::kCredit,
                          FrameKind::kData, FrameKind::kData));
}

TEST(SendQueueTest, GatheredMemoryStaysWhileFramesAreAppended) {
  SendQueue queue;
  ASSERT_TRUE(queue.Append(kData, "first").ok());
  std::array<iovec, 4> parts;
  ASSERT_EQ(queue.Gather(parts), 1u);
  const std::string before(static_cast<char*>(parts[0].iov_base),
                           parts[0].iov_len);
  for (int i = 0; i < 10000; ++i) {
    ASSERT_TRUE(queue.Append(kData, "more").ok());
  }
  ASSERT_TRUE(queue.Append(kCredit).ok());
  EXPECT_EQ(before, std::string_view(static_cast<char*>(parts[0].iov_base),
                                     parts[0].iov_len));
  // The credit came after Gather(): what was written is the data.
  queue.Consume(parts[0].iov_len);
  const Decoded decoded = Decode(before + TakeBytes(queue));
  ASSERT_TRUE(decoded.status.ok()) << decoded.status;
  ASSERT_EQ(decoded.frames.size(), 10002u);
  EXPECT_EQ(decoded.frames[0].payload, "first");
  EXPECT_EQ(decoded.frames[1].kind, FrameKind::kCredit);
}

TEST(SendQueueTest, WhatWasGatheredMayBeConsumedInSteps) {
  std::mt19937_64 random = SeededRandom();
  for (int round = 0; round < 500; ++round) {
    SendQueue queue;
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(queue.Append(kData, "data").ok());
    std::string bytes = TakeBytes(queue, random() % 40);
    ASSERT_TRUE(queue.Append(kCredit).ok());
    ASSERT_TRUE(queue.Append(kCredit).ok());
    std::array<iovec, 4> parts;
    size_t left = 0;
    for (size_t i = 0, used = queue.Gather(parts); i < used; ++i) {
      bytes.append(static_cast<char*>(parts[i].iov_base), parts[i].iov_len);
      left += parts[i].iov_len;
    }
    while (left > 0) {
      const size_t step = 1 + random() % left;
      queue.Consume(step);
      left -= step;
      // As between two writes of one asynchronous operation.
      ASSERT_TRUE(queue.Append(SimpleHeader::Credit(9, 9)).ok());
    }
    bytes += TakeBytes(queue);
    ASSERT_TRUE(queue.empty());
    const Decoded decoded = Decode(bytes);
    ASSERT_TRUE(decoded.status.ok()) << decoded.status;
    ASSERT_GE(decoded.frames.size(), 6u);
    for (const OwnedFrame& frame : decoded.frames) {
      ASSERT_EQ(frame.payload, frame.kind == FrameKind::kData ? "data" : "");
    }
  }
}

TEST(SendQueueTest, MoreThanTheGatheredPartsGoesWithTheNextGather) {
  SendQueue queue;
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(queue.AppendMoved(kData, std::string(20000, 'a' + i)).ok());
  }
  std::array<iovec, 3> parts;
  std::string bytes;
  while (size_t used = queue.Gather(parts)) {
    ASSERT_LE(used, parts.size());
    size_t sum = 0;
    for (size_t i = 0; i < used; ++i) {
      bytes.append(static_cast<char*>(parts[i].iov_base), parts[i].iov_len);
      sum += parts[i].iov_len;
    }
    queue.Consume(sum);
  }
  EXPECT_EQ(Decode(bytes).frames.size(), 10u);
}

TEST(SendQueueTest, TooLargeFrameIsRefusedAndLeavesNoTrace) {
  SendQueue queue(100'000);
  ASSERT_TRUE(queue.Append(kData, "a").ok());
  const size_t before = queue.pending_bytes();
  std::string payload(100'000, 'x');
  for (const absl::Status& status :
       {queue.Append(kData, payload),
        queue.AppendMoved(kData, std::move(payload))}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_THAT(std::string(status.message()), HasSubstr("100000"));
  }
  EXPECT_EQ(payload.size(), 100'000u);  // not taken
  EXPECT_EQ(queue.pending_bytes(), before);
  EXPECT_EQ(Decode(TakeBytes(queue)).frames.size(), 1u);
}

TEST(SendQueueTest, LimitOfThePeerOnlyLowersOurs) {
  SendQueue queue(100'000);
  queue.LowerMaxFrameBytes(1 << 30);
  EXPECT_EQ(queue.max_frame_bytes(), 100'000u);
  queue.LowerMaxFrameBytes(1000);
  EXPECT_FALSE(queue.Append(kData, std::string(1000, 'x')).ok());
}

TEST(SendQueueTest, TooLargeHeaderIsRefused) {
  proto::FrameHeader header;
  header.set_kind(proto::FRAME_CANCEL);
  header.set_cid(1);
  header.mutable_cancel()->set_reason(std::string(kMaxHeaderBytes, 'r'));
  SendQueue queue;
  EXPECT_EQ(queue.Append(header).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(queue.empty());
}

TEST(SendQueueTest, HeaderThatThePeerWouldRefuseIsRefused) {
  SendQueue queue;
  proto::FrameHeader no_kind;
  proto::FrameHeader no_body;
  no_body.set_kind(proto::FRAME_START);
  no_body.set_cid(1);
  for (const absl::Status& status :
       {queue.Append({FrameKind::kData, 0}),
        queue.Append({FrameKind::kCancel, 1}), queue.Append(no_kind),
        queue.Append(no_body),
        queue.AppendMoved({FrameKind::kData, 0}, std::string(1 << 20, 'x'))}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_TRUE(queue.empty());
}

TEST(SendQueueTest, MessageWithoutItsRequiredFieldsIsRefused) {
  const google::protobuf::UninterpretedOption::NamePart part;
  SendQueue queue;
  const absl::Status status = queue.Append(kData, part);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("name_part"));
  EXPECT_TRUE(queue.empty());
}

TEST(SendQueueTest, LargeFrameBehindAnEmptiedBufferIsSentWhole) {
  SendQueue queue;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(queue.Append(kData, "small").ok());
    std::string bytes = TakeBytes(queue);
    ASSERT_TRUE(queue.Append(kData, std::string(1 << 20, 'x')).ok());
    bytes += TakeBytes(queue, 1000);
    EXPECT_TRUE(queue.mid_frame());
    ASSERT_TRUE(queue.Append(kCredit).ok());
    bytes += TakeBytes(queue);
    EXPECT_THAT(
        Kinds(Decode(bytes)),
        ElementsAre(FrameKind::kData, FrameKind::kData, FrameKind::kCredit));
  }
}

TEST(SendQueueTest, TrimmedQueueGoesOn) {
  SendQueue queue;
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(queue.Append(kData, std::string(10000, 'x')).ok());
  }
  ASSERT_TRUE(queue.Append(kCredit).ok());
  std::string bytes = TakeBytes(queue, 300'000);
  queue.Trim();
  bytes += TakeBytes(queue);
  queue.Trim();
  ASSERT_TRUE(queue.Append(kData, "last").ok());
  bytes += TakeBytes(queue);
  const Decoded decoded = Decode(bytes);
  EXPECT_TRUE(decoded.status.ok());
  EXPECT_EQ(decoded.frames.size(), 102u);
}

// Any mix of frames and partial writes: each lane keeps its order, every frame
// arrives whole. (That control goes first is for the tests above.)
TEST(SendQueueTest, AnyInterleavingKeepsFramesWholeAndLanesInOrder) {
  std::mt19937_64 random = SeededRandom();
  for (int round = 0; round < 200; ++round) {
    SendQueue queue;
    std::deque<std::string> control;
    std::deque<std::string> data;
    FrameDecoder decoder;
    int number = 0;
    auto append = [&] {
      const bool is_data = random() % 3 != 0;
      std::string payload = std::to_string(number++) + ":";
      payload.resize(payload.size() + (random() % 8 == 0 ? random() % 100'000
                                                         : random() % 100),
                     'p');
      (is_data ? data : control).push_back(payload);
      const SimpleHeader header = is_data ? kData : SimpleHeader::Credit(7, 1);
      if (random() % 2 == 0) {
        ASSERT_TRUE(queue.Append(header, payload).ok());
      } else {
        ASSERT_TRUE(queue.AppendMoved(header, std::move(payload)).ok());
      }
    };
    // Frames that the wire has, in order; checked against the lanes.
    auto receive = [&](std::string_view bytes) {
      while (!bytes.empty()) {
        const std::span<char> space = decoder.WritableSpace();
        const size_t step = std::min(space.size(), bytes.size());
        std::copy_n(bytes.data(), step, space.data());
        decoder.Commit(step);
        bytes.remove_prefix(step);
        while (true) {
          const auto frame = decoder.Next();
          ASSERT_TRUE(frame.ok()) << frame.status();
          if (!frame->has_value()) break;
          std::deque<std::string>& lane =
              (*frame)->kind == FrameKind::kData ? data : control;
          ASSERT_FALSE(lane.empty());
          ASSERT_EQ((*frame)->payload, lane.front());
          lane.pop_front();
        }
      }
    };
    for (int step = 0; step < 60; ++step) {
      for (uint64_t n = random() % 6; n > 0; --n) append();
      std::array<iovec, 5> parts;
      const size_t used = queue.Gather(parts);
      // As an asynchronous write: frames come while it is under way.
      for (uint64_t n = random() % 3; n > 0; --n) append();
      std::string bytes;
      for (size_t i = 0; i < used; ++i) {
        bytes.append(static_cast<char*>(parts[i].iov_base), parts[i].iov_len);
      }
      if (random() % 2 == 0) bytes.resize(random() % (bytes.size() + 1));
      queue.Consume(bytes.size());
      receive(bytes);
      if (HasFatalFailure()) return;
    }
    receive(TakeBytes(queue));
    ASSERT_TRUE(queue.empty());
    ASSERT_TRUE(control.empty());
    ASSERT_TRUE(data.empty());
    ASSERT_FALSE(decoder.mid_frame());
  }
}

}  // namespace
}  // namespace tractor::wire
