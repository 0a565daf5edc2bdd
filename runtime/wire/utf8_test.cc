// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "runtime/wire/utf8.h"

#include <random>
#include <string>

#include "google/protobuf/stubs/logging.h"
#include "gtest/gtest.h"
#include "proto/ids.pb.h"
#include "runtime/wire/testing.h"

namespace tractor::wire {
namespace {

// The judge that counts: protobuf's parser.
bool ProtobufAccepts(const std::string& text) {
  // It prints a line for every text that it refuses.
  const google::protobuf::LogSilencer silence;
  // Field 1 of Aid is `name`, a string.
  std::string bytes = "\x0a";
  bytes += static_cast<char>(text.size());
  return proto::Aid().ParseFromString(bytes + text);
}

TEST(Utf8Test, AgreesWithProtobufOnEverySequenceOfThreeBytes) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0x70; second < 256; second += 1) {
      for (int third : {0x20, 0x7f, 0x80, 0xbf, 0xc0}) {
        const std::string text = {static_cast<char>(first),
                                  static_cast<char>(second),
                                  static_cast<char>(third)};
        ASSERT_EQ(IsUtf8(text), ProtobufAccepts(text))
            << first << " " << second << " " << third;
      }
    }
  }
}

TEST(Utf8Test, AgreesWithProtobufOnRandomText) {
  std::mt19937_64 random = SeededRandom();
  constexpr unsigned char kLikely[] = {'a',  0x80, 0xbf, 0x8f, 0x90, 0x9f, 0xa0,
                                       0xc2, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0};
  int valid = 0;
  for (int i = 0; i < 300000; ++i) {
    std::string text;
    for (uint64_t n = random() % 8; n > 0; --n) {
      text += static_cast<char>(kLikely[random() % sizeof(kLikely)]);
    }
    ASSERT_EQ(IsUtf8(text), ProtobufAccepts(text));
    if (text.size() > 2 && IsUtf8(text)) ++valid;
    ASSERT_TRUE(IsUtf8(ToUtf8(text)));
    ASSERT_TRUE(IsUtf8(ToUtf8(text, 3)));
  }
  EXPECT_GT(valid, 100);
}

TEST(Utf8Test, BadBytesBecomeQuestionMarks) {
  EXPECT_EQ(ToUtf8("caf\xe9 \xc3\xa9"), "caf? \xc3\xa9");
}

TEST(Utf8Test, CutsAtACharacter) {
  EXPECT_EQ(ToUtf8("a\xc3\xa9z", 2), "a");
  EXPECT_EQ(ToUtf8("a\xc3\xa9z", 3), "a\xc3\xa9");
}

}  // namespace
}  // namespace tractor::wire
