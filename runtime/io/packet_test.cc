// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/io/packet.h"

#include <errno.h>

#include <optional>
#include <string>

#include "gtest/gtest.h"
#include "os/errno_status.h"
#include "os/fail_nth.h"
#include "runtime/io/testing.h"
#include "runtime/task/cancel_scope.h"
#include "runtime/task/nursery.h"

namespace tractor::io {
namespace {

using PacketTest = IoTest;

std::pair<PacketSocket, PacketSocket> Packets() {
  auto [one, other] = Pair(SOCK_SEQPACKET);
  return {PacketSocket(std::move(one)), PacketSocket(std::move(other))};
}

TEST_F(PacketTest, PacketsKeepTheirBordersAndTheirDescriptors) {
  RunIo([&]() -> Task<> {
    auto [one, other] = Packets();
    auto [mine, theirs] = Pair();
    char buffer[100];
    const int fds[] = {theirs.get()};
    co_await one.Send("with", fds);
    co_await one.Send("without");
    theirs.reset();
    std::optional<Packet> got = co_await other.Receive(buffer);
    EXPECT_EQ(got->bytes, 4u);
    EXPECT_EQ(got->fds.size(), 1u);
    Put(got->fds.at(0).get(), "through it");
    EXPECT_EQ(Take(mine.get()), "through it");
    got = co_await other.Receive(buffer);
    EXPECT_EQ(std::string(buffer, got->bytes), "without");
    EXPECT_TRUE(got->fds.empty());
    one.Close();
    got = co_await other.Receive(buffer);
    EXPECT_FALSE(got.has_value());
  });
}

TEST_F(PacketTest, LostPeerTooLongAndInterrupted) {
  RunIo([&]() -> Task<> {
    auto [one, other] = Packets();
    char buffer[4];
    {
      os::FailNth send("sendmsg", 1, EINTR);
      os::FailNth receive("recvmsg", 1, EINTR);
      co_await one.Send("ok");
      EXPECT_EQ((co_await other.Receive(buffer))->bytes, 2u);
      EXPECT_TRUE(send.fired() && receive.fired());
    }
    co_await one.Send("too long");
    bool refused = false;
    try {
      co_await other.Receive(buffer);
    } catch (const StatusError& error) {
      refused = absl::IsOutOfRange(error.status());
    }
    EXPECT_TRUE(refused);
    other.Close();
    bool lost = false;
    try {
      co_await one.Send("x");
    } catch (const ConnectionClosed&) {
      lost = true;
    }
    EXPECT_TRUE(lost);
  });
}

TEST_F(PacketTest, SendWaitsForRoom) {
  RunIo([&]() -> Task<> {
    auto pair = Packets();
    constexpr int kCount = 5000;
    int received = 0;
    auto send = [&]() -> Task<> {
      for (int i = 0; i < kCount; ++i) {
        co_await pair.first.Send(std::to_string(i));
      }
      pair.first.Close();
    };
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(send);
      char buffer[20];
      while (std::optional<Packet> got = co_await pair.second.Receive(buffer)) {
        EXPECT_EQ(std::string(buffer, got->bytes), std::to_string(received));
        ++received;
      }
    });
    EXPECT_EQ(received, kCount);
  });
}

TEST_F(PacketTest, CancelledInEveryStateNoPacketIsLost) {
  RunIo([&]() -> Task<> {
    auto pair = Packets();
    int received = 0;
    char buffer[20];
    auto receive = [&]() -> Task<> {
      if (co_await pair.second.Receive(buffer)) ++received;
    };
    // Before the start.
    co_await pair.first.Send("a");
    CancelScope scope;
    scope.Cancel();
    co_await scope.Run(receive);
    EXPECT_EQ(received, 0);
    co_await receive();
    EXPECT_EQ(received, 1);
    // Parked.
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(receive);
      co_await Settle();
      n.cancel_scope().Cancel();
    });
    EXPECT_EQ(received, 1);
    // Completed, not yet resumed.
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(receive);
      co_await Settle();
      Put(pair.first.fd(), "b");
      Reactor::Current().Poll();
      n.cancel_scope().Cancel();
    });
    EXPECT_EQ(received, 2);
  });
}

}  // namespace
}  // namespace tractor::io
