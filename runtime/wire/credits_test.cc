// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "runtime/wire/credits.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <random>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/wire/testing.h"

namespace tractor::wire {
namespace {

using ::testing::HasSubstr;

TEST(CreditsTest, SenderStopsWhenTheWindowIsUsed) {
  SendCredit credit(1000);
  int sent = 0;
  while (credit.CanSend()) {
    credit.OnSent(68);  // costs 100
    ++sent;
  }
  EXPECT_EQ(sent, 10);
}

TEST(CreditsTest, EmptyMessagesAreNotFree) {
  SendCredit credit(320);
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(credit.CanSend());
    credit.OnSent(0);
  }
  EXPECT_FALSE(credit.CanSend());
}

TEST(CreditsTest, MessageLargerThanTheWindowPassesAlone) {
  SendCredit sender(1000);
  ReceiveCredit receiver(1000);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(sender.CanSend());
    sender.OnSent(50'000);
    EXPECT_FALSE(sender.CanSend());
    ASSERT_TRUE(receiver.OnReceived(50'000).ok());
    const uint64_t back = receiver.OnConsumed(50'000);
    EXPECT_EQ(back, 50'032u);
    ASSERT_TRUE(sender.OnCredit(back).ok());
  }
  EXPECT_EQ(sender.credit(), 1000);
}

TEST(CreditsTest, CreditComesBackInHalvesOfTheWindow) {
  ReceiveCredit receiver(1000);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(receiver.OnReceived(68).ok());
  EXPECT_EQ(receiver.queued(), 1000u);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(receiver.OnConsumed(68), 0u);
  EXPECT_EQ(receiver.OnConsumed(68), 500u);
  EXPECT_EQ(receiver.queued(), 500u);
}

TEST(CreditsTest, SenderWithoutCreditIsALiar) {
  ReceiveCredit receiver(1000);
  ASSERT_TRUE(receiver.OnReceived(2000).ok());
  const absl::Status status = receiver.OnReceived(1);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("without credit"));
  EXPECT_EQ(receiver.queued(), 2032u);  // unchanged
}

TEST(CreditsTest, WindowThatIsUsedExactlyIsUsed) {
  SendCredit sender(1000);
  ReceiveCredit receiver(1000);
  sender.OnSent(968);
  EXPECT_FALSE(sender.CanSend());
  ASSERT_TRUE(receiver.OnReceived(968).ok());
  EXPECT_FALSE(receiver.OnReceived(0).ok());
}

TEST(CreditsTest, CreditThatWasNotUsedIsRefused) {
  SendCredit credit(1000);
  credit.OnSent(68);
  EXPECT_EQ(credit.OnCredit(101).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(credit.OnCredit(UINT64_MAX).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(credit.credit(), 900);
  EXPECT_TRUE(credit.OnCredit(100).ok());
  EXPECT_EQ(credit.OnCredit(1).code(), absl::StatusCode::kFailedPrecondition);
}

TEST(CreditsTest, WindowsOfAPeerAreBounded) {
  EXPECT_EQ(WindowFromWire(0), kDefaultWindowBytes);
  EXPECT_EQ(WindowFromWire(1), 1u);
  EXPECT_EQ(WindowFromWire(UINT64_MAX), kMaxWindowBytes);
  SendCredit credit(UINT64_MAX);
  EXPECT_EQ(credit.credit(), static_cast<int64_t>(kMaxWindowBytes));
}

TEST(CreditsTest, WindowOfOneByteStillMakesProgress) {
  SendCredit sender(1);
  ReceiveCredit receiver(1);
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(sender.CanSend());
    sender.OnSent(10);
    ASSERT_TRUE(receiver.OnReceived(10).ok());
    ASSERT_TRUE(sender.OnCredit(receiver.OnConsumed(10)).ok());
  }
}

// Two ends with messages and credits on their way, in any interleaving: no
// honest end is ever called a liar, memory is bounded, and nothing gets stuck.
TEST(CreditsTest, HonestEndsNeverFailNorStall) {
  std::mt19937_64 random = SeededRandom();
  for (int round = 0; round < 300; ++round) {
    const uint64_t window = 1 + random() % 5000;
    const uint64_t max_payload = 1 + random() % 4000;
    SendCredit sender(window);
    ReceiveCredit receiver(window);
    std::deque<size_t> on_wire;
    std::deque<size_t> queued;
    std::deque<uint64_t> credits;
    int to_send = 500;
    int consumed = 0;
    // Every step does one of the four things, if it is possible.
    for (int idle = 0; consumed < 500; ++idle) {
      ASSERT_LT(idle, 2000) << "stalled with a window of " << window;
      switch (random() % 4) {
        case 0:
          if (to_send == 0 || !sender.CanSend()) continue;
          on_wire.push_back(random() % max_payload);
          sender.OnSent(on_wire.back());
          --to_send;
          break;
        case 1:
          if (on_wire.empty()) continue;
          ASSERT_TRUE(receiver.OnReceived(on_wire.front()).ok());
          queued.push_back(on_wire.front());
          on_wire.pop_front();
          break;
        case 2: {
          if (queued.empty()) continue;
          const uint64_t back = receiver.OnConsumed(queued.front());
          queued.pop_front();
          ++consumed;
          if (back > 0) credits.push_back(back);
          break;
        }
        default:
          if (credits.empty()) continue;
          ASSERT_TRUE(sender.OnCredit(credits.front()).ok());
          credits.pop_front();
      }
      idle = 0;
      ASSERT_LE(receiver.queued(), window + max_payload + kMessageCost);
    }
  }
}

}  // namespace
}  // namespace tractor::wire
