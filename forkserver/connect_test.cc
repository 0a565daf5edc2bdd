// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Channels between any two actors of a tree: the forkserver is the broker.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <system_error>

#include "absl/strings/escaping.h"
#include "forkserver/testing/test_root.h"
#include "gtest/gtest.h"
#include "os/random.h"
#include "os/unix_socket.h"

namespace tractor::forkserver {
namespace {

using testing::ReadLine;
using testing::RunRoot;
using testing::TestChild;
using testing::TestRoot;

// How the forkserver answers the root; `end` is the root's end of the channel.
Event Connect(TestRoot& root, const proto::Connect& target, os::Fd* end) {
  auto ends = os::SocketPair(SOCK_STREAM);
  *end = std::move(ends->first);
  auto id = root.client.Connect(target, std::move(ends->second));
  return *root.client.WaitFor(*id, absl::Now() + absl::Seconds(30));
}

proto::Connect Named(const std::string& name) {
  proto::Connect target;
  target.set_name(name);
  return target;
}

int ErrnoOf(const Event& event) {
  const auto* failed = std::get_if<Failed>(&event);
  return failed == nullptr ? 0 : failed->body.errno_value();
}

TEST(Connect, TheRootWithAChildByNameAndById) {
  RunRoot([](TestRoot& root) {
    root.Open();
    const proto::SpawnSpec spec = testing::MakeSpec("server", "accept 2");
    auto server = root.Spawn(spec);
    EXPECT_EQ(ReadLine(server.channel.get()), "ready");
    os::Fd end;
    Event event = Connect(root, Named("server"), &end);
    const auto* connected = std::get_if<Connected>(&event);
    ASSERT_NE(connected, nullptr);
    EXPECT_EQ(connected->body.name(), "server");
    EXPECT_EQ(connected->body.uuid(), spec.actor().uuid());
    EXPECT_EQ(ReadLine(end.get()), "hello root");
    proto::Connect by_id;
    by_id.set_uuid(spec.actor().uuid());
    event = Connect(root, by_id, &end);
    EXPECT_NE(std::get_if<Connected>(&event), nullptr);
    EXPECT_EQ(ReadLine(end.get()), "hello root");
  });
}

TEST(Connect, TwoChildren) {
  RunRoot([](TestRoot& root) {
    root.Open();
    auto server = root.Spawn("server", "accept 1");
    EXPECT_EQ(ReadLine(server.channel.get()), "ready");
    auto client = root.Spawn("client", "reach server");
    EXPECT_EQ(ReadLine(client.channel.get()), "hello client");
  });
}

// Of several with one name, the one that was made first and still lives.
TEST(Connect, TheFirstOfTheLiving) {
  RunRoot([](TestRoot& root) {
    root.Open();
    TestChild servers[] = {root.Spawn("server", "accept 1"),
                           root.Spawn("server", "accept 1"),
                           root.Spawn("server", "accept 1")};
    for (TestChild& server : servers) {
      EXPECT_EQ(ReadLine(server.channel.get()), "ready");
    }
    servers[0].channel.reset();  // accepts one more, and ends
    os::Fd end;
    Event event = Connect(root, Named("server"), &end);
    EXPECT_EQ(ReadLine(end.get()), "hello root");
    root.WaitExited(servers[0]);
    event = Connect(root, Named("server"), &end);
    EXPECT_EQ(ReadLine(end.get()), "hello root");
    servers[1].channel.reset();
    root.WaitExited(servers[1]);
  });
}

TEST(Connect, AChildWithTheRoot) {
  RunRoot([](TestRoot& root) {
    root.Open();
    auto client = root.Spawn("client", "reach root");
    const Incoming incoming = root.Wait<Incoming>(0);
    EXPECT_EQ(incoming.body.name(), "client");
    ASSERT_TRUE(incoming.channel.valid());
    ASSERT_EQ(send(incoming.channel.get(), "welcome\n", 8, 0), 8);
    EXPECT_EQ(ReadLine(client.channel.get()), "welcome");
  });
}

TEST(Connect, OnlyAsksWithoutAChannel) {
  RunRoot([](TestRoot& root) {
    root.Open();
    const proto::SpawnSpec spec = testing::MakeSpec("server", "echo");
    auto server = root.Spawn(spec);
    auto id = root.client.Connect(Named("server"), os::Fd());
    EXPECT_EQ(root.Wait<Connected>(*id).body.uuid(), spec.actor().uuid());
    id = root.client.Connect(Named("nobody"), os::Fd());
    EXPECT_EQ(root.Wait<Failed>(*id).body.errno_value(), ENOENT);
  });
}

size_t FdsOf(pid_t pid) {
  size_t count = 0;
  std::error_code none;
  for (const auto& fd : std::filesystem::directory_iterator(
           "/proc/" + std::to_string(pid) + "/fd", none)) {
    (void)fd;
    ++count;
  }
  return count;
}

TEST(Connect, C088_TenThousandTimesLeaveNoDescriptor) {
  RunRoot([](TestRoot& root) {
    root.Open();
    auto server = root.Spawn("server", "accept 10010");
    EXPECT_EQ(ReadLine(server.channel.get()), "ready");
    auto visit = [&] {
      os::Fd end;
      ASSERT_EQ(ErrnoOf(Connect(root, Named("server"), &end)), 0);
      ASSERT_EQ(ReadLine(end.get()), "hello root");
    };
    for (int i = 0; i < 10; ++i) visit();
    const size_t forkserver = FdsOf(root.zygote.pid());
    const size_t actor = FdsOf(server.forked.pid);
    const size_t own = FdsOf(getpid());
    for (int i = 0; i < 10'000; ++i) visit();
    EXPECT_EQ(FdsOf(root.zygote.pid()), forkserver);
    // It may just have the last one in its hands.
    EXPECT_LE(FdsOf(server.forked.pid), actor + 1);
    EXPECT_EQ(FdsOf(getpid()), own);
  });
}

TEST(Connect, WithNobody) {
  RunRoot([](TestRoot& root) {
    root.Open();
    os::Fd end;
    EXPECT_EQ(ErrnoOf(Connect(root, Named("nobody"), &end)), ENOENT);
    // Nobody has the other end.
    EXPECT_EQ(ReadLine(end.get()), "");
    root.WaitSwept(root.Spawn("gone", "exit 0"));
    EXPECT_EQ(ErrnoOf(Connect(root, Named("gone"), &end)), ENOENT);
    proto::Connect by_id;
    by_id.set_uuid(*os::RandomHex(8));
    EXPECT_EQ(ErrnoOf(Connect(root, by_id, &end)), ENOENT);
    EXPECT_EQ(ErrnoOf(Connect(root, proto::Connect(), &end)), ENOENT);
    root.MakeSpare();
    EXPECT_EQ(ErrnoOf(Connect(root, Named("spare"), &end)), ENOENT);
    auto client = root.Spawn("client", "reach nobody");
    EXPECT_EQ(ReadLine(client.channel.get()),
              "failed " + std::to_string(ENOENT));
  });
}

// It must not be made wedged by others, and the connections come to it later.
TEST(Connect, WithOneThatDoesNotRead) {
  RunRoot([](TestRoot& root) {
    root.Open();
    auto deaf = root.Spawn("deaf", "echo");
    int accepted = 0;
    while (true) {
      os::Fd end;
      const Event event = Connect(root, Named("deaf"), &end);
      if (const int err = ErrnoOf(event); err != 0) {
        EXPECT_EQ(err, EAGAIN);
        break;
      }
      ++accepted;
    }
    EXPECT_GE(accepted, 64);
    EXPECT_EQ(root.Close().killed_count(), 1u);
  });
}

}  // namespace
}  // namespace tractor::forkserver
