// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "forkserver/link.h"

#include <sys/socket.h>

#include <string>
#include <utility>

#include "forkserver/client.h"
#include "gtest/gtest.h"
#include "os/memfd.h"
#include "os/unix_socket.h"

namespace tractor::forkserver {
namespace {

struct Ends {
  Link link;
  Client client;
};

Ends Connect() {
  auto pair = os::SocketPair(SOCK_SEQPACKET | SOCK_NONBLOCK);
  return {Link(std::move(pair->first)), Client(std::move(pair->second))};
}

void SendOne(Link& link, uint64_t id) {
  proto::ForkserverEvent event;
  event.set_request_id(id);
  event.mutable_killed()->set_signalled(1);
  link.Send(std::move(event));
}

TEST(Link, QueuesWhatTheReaderDoesNotTakeAndKeepsTheOrder) {
  Ends ends = Connect();
  uint64_t sent = 0;
  while (!ends.link.wedged()) SendOne(ends.link, ++sent);
  EXPECT_GT(sent, Link::kWedgedAt) << "the socket takes some";
  EXPECT_FALSE(ends.link.wants_read());
  EXPECT_TRUE(ends.link.wants_write());
  EXPECT_FALSE(ends.link.broken());
  uint64_t received = 0;
  while (received < sent) {
    auto events = ends.client.Drain();
    ASSERT_TRUE(events.ok());
    ASSERT_FALSE(events->empty());
    for (const Event& event : *events) EXPECT_EQ(RequestId(event), ++received);
    ends.link.Flush();
  }
  EXPECT_TRUE(ends.link.wants_read());
  EXPECT_FALSE(ends.link.wants_write());
}

TEST(Link, StopsReadingLongBeforeItGivesUp) {
  Ends ends = Connect();
  uint64_t sent = 0;
  while (ends.link.wants_read()) SendOne(ends.link, ++sent);
  EXPECT_EQ(ends.link.queued(), Link::kPauseAt);
  EXPECT_FALSE(ends.link.wedged());
}

TEST(Link, IsBrokenWhenThePeerIsGone) {
  Ends ends = Connect();
  ends.client.Close();
  SendOne(ends.link, 1);
  EXPECT_TRUE(ends.link.broken());
  EXPECT_EQ(ends.link.queued(), 0u);
}

// ---- the client's half of the same packets

TEST(Client, HandsOutAllThatArrivedBeforeTheEnd) {
  Ends ends = Connect();
  SendOne(ends.link, 1);
  SendOne(ends.link, 2);
  ends.link = Link(os::Fd());
  auto events = ends.client.Drain();
  ASSERT_TRUE(events.ok());
  EXPECT_EQ(events->size(), 2u);
  EXPECT_EQ(ends.client.Drain().status().code(),
            absl::StatusCode::kUnavailable);
}

TEST(Client, WaitForKeepsTheOtherEvents) {
  Ends ends = Connect();
  for (uint64_t id : {7u, 8u, 9u}) SendOne(ends.link, id);
  auto event = ends.client.WaitFor(8, absl::Now() + absl::Seconds(10));
  ASSERT_TRUE(event.ok());
  EXPECT_EQ(RequestId(*event), 8u);
  auto rest = ends.client.Drain();
  ASSERT_TRUE(rest.ok());
  ASSERT_EQ(rest->size(), 2u);
  EXPECT_EQ(RequestId((*rest)[0]), 7u);
  EXPECT_EQ(RequestId((*rest)[1]), 9u);
}

TEST(Client, WaitForEndsAtItsDeadline) {
  Ends ends = Connect();
  SendOne(ends.link, 1);
  auto event = ends.client.WaitFor(2, absl::Now() + absl::Milliseconds(5));
  EXPECT_EQ(event.status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST(Client, KeepsWhatTheSocketCannotTakeAndSendsItLater) {
  Ends ends = Connect();
  constexpr int kRequests = 2000;
  for (int i = 0; i < kRequests; ++i) {
    ASSERT_TRUE(ends.client.Kill(1, 9).ok());
  }
  PacketReader reader;
  int received = 0;
  while (received < kRequests) {
    auto packet = reader.Read(ends.link.fd());
    ASSERT_TRUE(packet.ok());
    if (packet->kind == Received::Kind::kNothing) {
      ASSERT_TRUE(ends.client.Drain().ok());  // sends what waits
      continue;
    }
    proto::ForkserverRequest request;
    ASSERT_TRUE(request.ParseFromArray(packet->bytes.data(),
                                       static_cast<int>(packet->bytes.size())));
    EXPECT_EQ(request.request_id(), static_cast<uint64_t>(++received));
  }
}

TEST(Client, RefusesWhatNoPacketHolds) {
  Ends ends = Connect();
  std::map<std::string, os::Fd> fds;
  for (int i = 0; i < 254; ++i) {
    fds["n" + std::to_string(i)] = *os::MakeMemfd("x");
  }
  auto id = ends.client.Spawn(proto::SpawnSpec(), *os::MakeMemfd("channel"),
                              std::move(fds));
  EXPECT_EQ(id.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Client, SaysWhenItsForkserverIsOfAnotherVersion) {
  auto pair = os::SocketPair(SOCK_SEQPACKET | SOCK_NONBLOCK);
  Client client(std::move(pair->second));
  proto::ForkserverEvent event;
  event.set_version(9);
  event.mutable_killed();
  ASSERT_TRUE(SendPacket(pair->first.get(), event, {}).ok());
  const absl::Status status = client.Drain().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_NE(status.message().find("version 9"), absl::string_view::npos);
}

}  // namespace
}  // namespace tractor::forkserver
