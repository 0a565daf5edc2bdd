// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/io/listener.h"

#include <errno.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "os/errno_status.h"
#include "os/fail_nth.h"
#include "os/testing.h"
#include "runtime/io/testing.h"
#include "runtime/task/cancel_scope.h"
#include "runtime/task/nursery.h"

namespace tractor::io {
namespace {

class ListenerTest : public IoTest {
 protected:
  // Short: a path of Bazel's may be too long for a socket.
  ListenerTest() {
    char name[] = "/tmp/tractor-io-XXXXXX";
    directory_ = mkdtemp(name);
    path_ = directory_ + "/s";
  }
  ~ListenerTest() override {
    EXPECT_EQ(rmdir(directory_.c_str()), 0) << "a socket was left in it";
  }

  bool Exists() const {
    struct stat st;
    return lstat(path_.c_str(), &st) == 0;
  }

  std::string directory_;
  std::string path_;
};

Task<std::string> Read(Stream& stream) {
  std::string buffer(100, '\0');
  buffer.resize(co_await stream.ReadSome(buffer));
  co_return buffer;
}

Task<> TalkOver(Stream& one, Stream& other) {
  co_await one.WriteAll("ping");
  EXPECT_EQ(co_await Read(other), "ping");
  co_await other.WriteAll("pong");
  EXPECT_EQ(co_await Read(one), "pong");
}

TEST_F(ListenerTest, UnixConnectionsTalkAndThePathGoesAway) {
  RunIo([&]() -> Task<> {
    {
      Listener listener = Listener::Unix(path_);
      EXPECT_TRUE(Exists());
      EXPECT_EQ(listener.port(), 0);
      Stream client = co_await ConnectUnix(path_);
      Stream server = co_await listener.Accept();
      co_await TalkOver(client, server);
    }
    EXPECT_FALSE(Exists());
  });
}

TEST_F(ListenerTest, TcpPicksAPortAndConnectionsTalk) {
  RunIo([&]() -> Task<> {
    for (const char* host : {"127.0.0.1", "::1"}) {
      std::optional<Listener> listener;
      try {
        listener.emplace(Listener::Tcp(host, 0));
      } catch (const StatusError& error) {
        // A machine without IPv6.
        EXPECT_STREQ(host, "::1") << error.what();
        continue;
      }
      EXPECT_NE(listener->port(), 0);
      Stream client = co_await ConnectTcp(host, listener->port());
      Stream server = co_await listener->Accept();
      co_await TalkOver(client, server);
      // Again at once, although the old connection lingers.
      const uint16_t port = listener->port();
      server.Close();
      client.Close();
      listener.reset();
      Listener second = Listener::Tcp(host, port);
      EXPECT_EQ(second.port(), port);
    }
  });
}

TEST_F(ListenerTest, AcceptWaitsForAConnection) {
  RunIo([&]() -> Task<> {
    Listener listener = Listener::Unix(path_);
    int accepted = 0;
    auto accept = [&]() -> Task<> {
      Stream stream = co_await listener.Accept();
      ++accepted;
    };
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(accept);
      co_await Settle();
      EXPECT_EQ(accepted, 0);
      Stream client = co_await ConnectUnix(path_);
    });
    EXPECT_EQ(accepted, 1);
  });
}

TEST_F(ListenerTest, ConnectWaitsForAFullBacklog) {
  RunIo([&]() -> Task<> {
    Listener listener(
        OrThrow(os::ListenUnix(path_, SOCK_STREAM | SOCK_NONBLOCK, 0)));
    int connected = 0;
    auto connect = [&]() -> Task<> {
      Stream stream = co_await ConnectUnix(path_);
      ++connected;
    };
    co_await WithNursery([&](Nursery& n) -> Task<> {
      for (int i = 0; i < 5; ++i) n.StartSoon(connect);
      co_await Settle();
      EXPECT_LT(connected, 5);
      for (int i = 0; i < 5; ++i) co_await listener.Accept();
    });
    EXPECT_EQ(connected, 5);
    listener.Close();
    unlink(path_.c_str());
  });
}

// What `work` fails with; 0 when it does not.
template <class F>
Task<int> ErrnoOf(F work) {
  try {
    co_await work();
  } catch (const StatusError& error) {
    co_return os::StatusErrno(error.status());
  }
  co_return 0;
}

TEST_F(ListenerTest, FailuresOfConnectAreTyped) {
  RunIo([&]() -> Task<> {
    uint16_t free_port;
    {
      Listener listener = Listener::Tcp("127.0.0.1", 0);
      free_port = listener.port();
    }
    auto refused = [&]() -> Task<> {
      co_await ConnectTcp("127.0.0.1", free_port);
    };
    auto no_host = []() -> Task<> { co_await ConnectTcp("localhost", 1); };
    auto no_path = [&]() -> Task<> { co_await ConnectUnix(path_); };
    const std::string long_path(200, 'x');
    auto too_long = [&]() -> Task<> { co_await ConnectUnix(long_path); };
    EXPECT_EQ(co_await ErrnoOf(refused), ECONNREFUSED);
    EXPECT_EQ(co_await ErrnoOf(no_host), EINVAL);
    EXPECT_EQ(co_await ErrnoOf(no_path), ENOENT);
    EXPECT_NE(co_await ErrnoOf(too_long), 0);
  });
}

TEST_F(ListenerTest, ATakenPathOrPortIsRefused) {
  RunIo([&]() -> Task<> {
    co_await Checkpoint();
    Listener one = Listener::Unix(path_);
    EXPECT_THROW(Listener::Unix(path_), StatusError);
    EXPECT_TRUE(Exists());  // the failure did not unlink the other's
    Listener tcp = Listener::Tcp("127.0.0.1", 0);
    EXPECT_THROW(Listener::Tcp("127.0.0.1", tcp.port()), StatusError);
  });
}

TEST_F(ListenerTest, NoDescriptorLeftAtAcceptIsAnErrorAndCanBeRepeated) {
  RunIo([&]() -> Task<> {
    Listener listener = Listener::Unix(path_);
    Stream client = co_await ConnectUnix(path_);
    auto accept = [&]() -> Task<> { co_await listener.Accept(); };
    {
      os::FailNth fail("accept4", 1, EMFILE);
      EXPECT_EQ(co_await ErrnoOf(accept), EMFILE);
    }
    Stream server = co_await listener.Accept();
    co_await TalkOver(client, server);
  });
}

TEST_F(ListenerTest, CancelledAcceptLosesNoConnection) {
  RunIo([&]() -> Task<> {
    Listener listener = Listener::Unix(path_);
    int accepted = 0;
    auto accept = [&]() -> Task<> {
      Stream stream = co_await listener.Accept();
      ++accepted;
    };
    // Before its start, with a connection in the queue; then parked.
    std::vector<Stream> clients;
    clients.push_back(co_await ConnectUnix(path_));
    CancelScope scope;
    scope.Cancel();
    co_await scope.Run(accept);
    EXPECT_EQ(accepted, 0);
    co_await accept();
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(accept);
      co_await Settle();
      n.cancel_scope().Cancel();
    });
    EXPECT_EQ(accepted, 1);
    clients.push_back(co_await ConnectUnix(path_));
    co_await accept();
    EXPECT_EQ(accepted, 2);
  });
}

TEST_F(ListenerTest, CloseWakesAccept) {
  RunIo([&]() -> Task<> {
    Listener listener = Listener::Unix(path_);
    bool closed = false;
    auto accept = [&]() -> Task<> {
      try {
        co_await listener.Accept();
      } catch (const ResourceClosed&) {
        closed = true;
      }
    };
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(accept);
      co_await Settle();
      listener.Close();
    });
    EXPECT_TRUE(closed);
    EXPECT_FALSE(Exists());
  });
}

// Whatever fails on the way, no socket, no file: the fixtures look.
TEST_F(ListenerTest, EveryFailureOfTheConstructorsLeavesNothing) {
  RunIo([&]() -> Task<> {
    co_await Checkpoint();
    for (bool tcp : {false, true}) {
      bool made = false;
      for (int n = 1; !made && n < 50; ++n) {
        os::FailNth fail(os::FailNth::kAnyCall, n, ENOBUFS);
        try {
          Listener listener =
              tcp ? Listener::Tcp("127.0.0.1", 0) : Listener::Unix(path_);
          made = !fail.fired();
        } catch (const StatusError& error) {
          EXPECT_EQ(os::StatusErrno(error.status()), ENOBUFS) << error.what();
        }
        // Nobody can unlink when that is what fails.
        if (fail.failed_call() == "unlinkat") unlink(path_.c_str());
      }
      EXPECT_TRUE(made);
    }
  });
}

}  // namespace
}  // namespace tractor::io
