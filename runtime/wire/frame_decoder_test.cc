// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "runtime/wire/frame_decoder.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/wire/frame.h"
#include "runtime/wire/send_queue.h"
#include "runtime/wire/testing.h"

namespace tractor::wire {
namespace {

using ::testing::HasSubstr;

std::string Frame(std::string_view payload, uint64_t cid = 7) {
  SendQueue queue;
  EXPECT_TRUE(queue.Append({FrameKind::kData, cid}, payload).ok());
  return TakeBytes(queue);
}

// Feeds all of `bytes`; room for them is asked for.
void Feed(FrameDecoder& decoder, std::string_view bytes) {
  const std::span<char> space = decoder.WritableSpace(bytes.size());
  ASSERT_GE(space.size(), bytes.size());
  std::copy(bytes.begin(), bytes.end(), space.begin());
  decoder.Commit(bytes.size());
}

std::string Prefix(uint16_t header_bytes, uint32_t payload_bytes) {
  std::string out(kPrefixBytes, '\0');
  WritePrefix({header_bytes, payload_bytes}, out.data());
  return out;
}

TEST(FrameDecoderTest, NothingReceivedIsNoFrameAndACleanEnd) {
  FrameDecoder decoder;
  const auto frame = decoder.Next();
  ASSERT_TRUE(frame.ok());
  EXPECT_FALSE(frame->has_value());
  EXPECT_FALSE(decoder.mid_frame());
  EXPECT_TRUE(decoder.CheckEof().ok());
  EXPECT_EQ(decoder.capacity(), 0u);
}

TEST(FrameDecoderTest, ManyFramesComeOutOfOneRead) {
  std::string bytes;
  for (int i = 1; i <= 1000; ++i) bytes += Frame(std::to_string(i), i);
  const Decoded decoded = Decode(bytes);
  ASSERT_TRUE(decoded.status.ok()) << decoded.status;
  ASSERT_EQ(decoded.frames.size(), 1000u);
  for (int i = 1; i <= 1000; ++i) {
    EXPECT_EQ(decoded.frames[i - 1].cid, uint64_t(i));
    EXPECT_EQ(decoded.frames[i - 1].payload, std::to_string(i));
  }
}

TEST(FrameDecoderTest, FramesComeOutOfSingleBytes) {
  std::string bytes;
  for (int i = 1; i <= 100; ++i) bytes += Frame(std::string(i, 'x'), i);
  const Decoded decoded = Decode(bytes, [] { return 1; });
  ASSERT_TRUE(decoded.status.ok()) << decoded.status;
  EXPECT_EQ(decoded.frames.size(), 100u);
}

TEST(FrameDecoderTest, PayloadIsAViewOfTheReceivedBytes) {
  FrameDecoder decoder;
  const std::string bytes = Frame("payload");
  const std::span<char> space = decoder.WritableSpace();
  std::copy(bytes.begin(), bytes.end(), space.begin());
  decoder.Commit(bytes.size());
  const auto frame = decoder.Next();
  ASSERT_TRUE(frame.ok() && frame->has_value());
  EXPECT_EQ((*frame)->payload.data(), space.data() + bytes.size() - 7);
}

TEST(FrameDecoderTest, EndAtEveryPlaceInsideAFrameIsDataLoss) {
  const std::string bytes = Frame("ab") + Frame("cd");
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    const Decoded decoded = Decode(bytes.substr(0, cut));
    if (cut % 14 == 0) {
      EXPECT_TRUE(decoded.status.ok()) << cut;
    } else {
      EXPECT_EQ(decoded.status.code(), absl::StatusCode::kDataLoss) << cut;
    }
    EXPECT_EQ(decoded.frames.size(), cut / 14);
  }
}

TEST(FrameDecoderTest, EndInsideAFrameSaysHowFarItWas) {
  const absl::Status status = Decode(Frame("ab").substr(0, 13)).status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("13 of 14 bytes"));
}

TEST(FrameDecoderTest, LargestLengthIsRefusedWithoutMemoryForIt) {
  const Decoded decoded = Decode(Prefix(0xffff, 0xffffffff) + "xx");
  EXPECT_EQ(decoded.status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(decoded.max_capacity, FrameDecoder::kInitialBytes);
}

TEST(FrameDecoderTest, LimitIsOfTheWholeFrame) {
  const std::string bytes = Frame(std::string(1000, 'x'));
  const auto whole = [] { return SIZE_MAX; };
  EXPECT_TRUE(Decode(bytes, whole, bytes.size()).status.ok());
  const absl::Status status = Decode(bytes, whole, bytes.size() - 1).status;
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("1011"));
}

TEST(FrameDecoderTest, ClaimedLengthTakesNoMemoryBeforeItsBytesCome) {
  FrameDecoder decoder;
  Feed(decoder, Prefix(4, 60 << 20));
  ASSERT_TRUE(decoder.Next().ok());
  decoder.WritableSpace();
  EXPECT_LE(decoder.capacity(), 4 * FrameDecoder::kInitialBytes);
}

TEST(FrameDecoderTest, GiantFrameComesWholeAndItsMemoryGoes) {
  FrameDecoder decoder;
  const std::string payload(20 << 20, 'g');
  std::string_view rest;
  const std::string bytes = Frame(payload) + Frame("next");
  rest = bytes;
  size_t frames = 0;
  size_t high = 0;
  while (!rest.empty()) {
    const std::span<char> space = decoder.WritableSpace();
    const size_t step = std::min(space.size(), rest.size());
    std::copy_n(rest.data(), step, space.data());
    decoder.Commit(step);
    rest.remove_prefix(step);
    high = std::max(high, decoder.capacity());
    while (true) {
      const auto frame = decoder.Next();
      ASSERT_TRUE(frame.ok()) << frame.status();
      if (!frame->has_value()) break;
      const bool same = (*frame)->payload == (frames == 0 ? payload : "next");
      EXPECT_TRUE(same);
      ++frames;
    }
  }
  EXPECT_EQ(frames, 2u);
  EXPECT_LE(high, bytes.size() + FrameDecoder::kMinReadBytes + 4096);
  decoder.WritableSpace();
  EXPECT_EQ(decoder.capacity(), FrameDecoder::kInitialBytes);
}

TEST(FrameDecoderTest, TricklingFrameMovesTheBufferRarely) {
  for (size_t size : {262'000, 270'000, 1'000'000}) {
    FrameDecoder decoder;
    const std::string bytes = Frame(std::string(size, 'x'));
    size_t capacity = 0;
    int changes = 0;
    for (size_t at = 0; at < bytes.size(); at += 100) {
      const std::span<char> space = decoder.WritableSpace();
      const size_t step = std::min<size_t>(100, bytes.size() - at);
      std::copy_n(bytes.data() + at, step, space.data());
      decoder.Commit(step);
      if (decoder.capacity() != capacity) ++changes;
      capacity = decoder.capacity();
      ASSERT_TRUE(decoder.Next().ok());
    }
    EXPECT_FALSE(decoder.mid_frame());
    EXPECT_LE(changes, 6);
  }
}

TEST(FrameDecoderTest, BufferOfMiddlingFramesIsKept) {
  FrameDecoder decoder;
  const std::string bytes = Frame(std::string(64 << 10, 'x'));
  size_t capacity = 0;
  for (int i = 0; i < 10; ++i) {
    Feed(decoder, bytes.substr(0, 100));
    ASSERT_TRUE(decoder.Next().ok());
    Feed(decoder, bytes.substr(100));
    ASSERT_TRUE(decoder.Next()->has_value());
    if (i > 0) {
      EXPECT_EQ(decoder.capacity(), capacity);
    }
    capacity = decoder.capacity();
  }
  EXPECT_LE(capacity, FrameDecoder::kKeepBytes);
}

TEST(FrameDecoderTest, ErrorIsFinal) {
  FrameDecoder decoder;
  Feed(decoder, Frame("a") + "GET / HTTP/1.1");
  ASSERT_TRUE(decoder.Next()->has_value());
  const absl::Status first = decoder.Next().status();
  EXPECT_EQ(first.code(), absl::StatusCode::kInvalidArgument);
  Feed(decoder, Frame("b"));
  EXPECT_EQ(decoder.Next().status(), first);
  EXPECT_EQ(decoder.CheckEof(), first);
}

TEST(FrameDecoderTest, UndecodableHeaderIsInvalid) {
  const Decoded decoded = Decode(Prefix(3, 0) + "\xff\xff\xff");
  EXPECT_EQ(decoded.status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(decoded.status.message()), HasSubstr("3 bytes"));
}

TEST(FrameDecoderTest, OtherLayoutVersionIsTyped) {
  std::string bytes = Frame("a");
  bytes[1] = 2;
  EXPECT_EQ(Decode(bytes).status.code(), absl::StatusCode::kFailedPrecondition);
}

TEST(FrameDecoderTest, SpaceAskedForIsThereWithAFrameHalfReceived) {
  FrameDecoder decoder;
  const std::string bytes = Frame(std::string(60'000, 'x'));
  Feed(decoder, bytes.substr(0, 50'000));
  ASSERT_FALSE(decoder.Next()->has_value());
  EXPECT_GE(decoder.WritableSpace(200'000).size(), 200'000u);
  Feed(decoder, bytes.substr(50'000));
  const auto frame = decoder.Next();
  ASSERT_TRUE(frame.ok() && frame->has_value());
  EXPECT_EQ((*frame)->payload, std::string(60'000, 'x'));
  EXPECT_FALSE(decoder.WritableSpace(0).empty());
}

TEST(FrameDecoderTest, AnyChunkingGivesTheSameFrames) {
  std::mt19937_64 random = SeededRandom();
  for (int round = 0; round < 60; ++round) {
    std::string bytes;
    for (int i = 0; i < 40; ++i) {
      const size_t size =
          random() % 10 == 0 ? random() % 400'000 : random() % 200;
      bytes += Frame(std::string(size, static_cast<char>('a' + i % 26)));
    }
    const uint64_t largest =
        bytes.size() / 10'000 + (uint64_t{1} << (random() % 18));
    const Decoded decoded =
        Decode(bytes, [&] { return 1 + random() % largest; });
    ASSERT_TRUE(decoded.status.ok()) << decoded.status;
    ASSERT_EQ(decoded.frames.size(), 40u);
    std::string again;
    for (const OwnedFrame& frame : decoded.frames)
      again += Frame(frame.payload);
    ASSERT_TRUE(again == bytes);
  }
}

}  // namespace
}  // namespace tractor::wire
