// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Everything here that a task can wait in, cancelled in every state. The laws
// are those of runtime/task/leaf_cancel_test.cc:
//
//   - a wait that was cut short did not happen, and takes nothing from the one
//     who waits next;
//   - what has happened is never thrown away: a cancel behind it comes too
//     late.
#include <netinet/in.h>
#include <sys/socket.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "os/fd.h"
#include "os/testing.h"
#include "runtime/io/leaves.h"
#include "runtime/io/listener.h"
#include "runtime/io/reactor.h"
#include "runtime/io/stream.h"
#include "runtime/io/testing.h"
#include "runtime/task/cancel_scope.h"
#include "runtime/task/nursery.h"
#include "runtime/task/timeouts.h"

namespace tractor::io {
namespace {

// Longer than any wait that is not lost takes.
constexpr absl::Duration kLost = absl::Seconds(20);

struct LeafCase {
  std::string name;
  std::function<std::unique_ptr<Leaf>()> make;
};
void PrintTo(const LeafCase& leaf, std::ostream* out) { *out << leaf.name; }

template <class L, class... A>
LeafCase Case(const char* name, A... args) {
  return {name, [args...] { return std::make_unique<L>(args...); }};
}

class LeafCancelTest : public ::testing::TestWithParam<LeafCase> {
 protected:
  void RunWith(const std::function<Task<>(Leaf&)>& body) {
    const os::FdCheck fds;
    RunIo([&]() -> Task<> {
      const std::unique_ptr<Leaf> leaf = GetParam().make();
      auto run = [&]() -> Task<> { return body(*leaf); };
      co_await FailAfter(kLost, run);
      leaf->Check();
    });
    fds.CheckNothingNew();
  }
};

Task<> WaitIn(CancelScope& scope, Leaf& leaf) {
  auto wait = [&]() -> Task<> { return leaf.Wait(); };
  co_await scope.Run(wait);
}

// The next one gets what has happened, or what happens now.
Task<> ExpectTheNextIsServed(Leaf& leaf, bool happened) {
  EXPECT_EQ(leaf.waited, 0);
  co_await WithNursery([&](Nursery& n) -> Task<> {
    n.StartSoon([&]() -> Task<> { co_await leaf.Wait(); });
    co_await Settle();
    if (!happened) leaf.Happen();
  });
  EXPECT_EQ(leaf.waited, 1);
}

// It either happened or was cut short, and then nothing is gone.
Task<> ExpectOneOrTheOther(CancelScope& scope, Leaf& leaf) {
  EXPECT_EQ(leaf.waited, scope.cancelled_caught() ? 0 : 1);
  if (leaf.waited == 0) co_await ExpectTheNextIsServed(leaf, true);
}

TEST_P(LeafCancelTest, BeforeItsStart) {
  for (const bool happened : {false, true}) {
    RunWith([happened](Leaf& leaf) -> Task<> {
      if (happened) leaf.Happen();
      CancelScope scope;
      scope.Cancel();
      co_await WaitIn(scope, leaf);
      EXPECT_TRUE(scope.cancelled_caught());
      co_await ExpectTheNextIsServed(leaf, happened);
    });
  }
}

// It could end at once, and gives way to others first: one of them cancels.
TEST_P(LeafCancelTest, WhileItGivesWay) {
  for (int rounds = 0; rounds < 4; ++rounds) {
    RunWith([rounds](Leaf& leaf) -> Task<> {
      leaf.Happen();
      CancelScope scope;
      co_await WithNursery([&](Nursery& n) -> Task<> {
        n.StartSoon([&]() -> Task<> { co_await WaitIn(scope, leaf); });
        for (int i = 0; i < rounds; ++i) co_await Checkpoint();
        scope.Cancel();
      });
      co_await ExpectOneOrTheOther(scope, leaf);
    });
  }
}

TEST_P(LeafCancelTest, WhileParked) {
  RunWith([](Leaf& leaf) -> Task<> {
    CancelScope scope;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> { co_await WaitIn(scope, leaf); });
      co_await Settle();
      scope.Cancel();
    });
    EXPECT_TRUE(scope.cancelled_caught());
    co_await ExpectTheNextIsServed(leaf, false);
  });
}

TEST_P(LeafCancelTest, ByADeadlineWhileParked) {
  RunWith([](Leaf& leaf) -> Task<> {
    CancelScope scope(Now() + absl::Milliseconds(5));
    co_await WaitIn(scope, leaf);
    EXPECT_TRUE(scope.cancelled_caught());
    co_await ExpectTheNextIsServed(leaf, false);
  });
}

// The reactor has seen it; the task has not had its turn.
TEST_P(LeafCancelTest, BehindItsCompletion) {
  RunWith([](Leaf& leaf) -> Task<> {
    CancelScope scope;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> { co_await WaitIn(scope, leaf); });
      co_await Settle();
      leaf.Happen();
      Reactor::Current().Poll();
      scope.Cancel();
    });
    if (!leaf.late) {
      EXPECT_EQ(leaf.waited, 1);
    }
    co_await ExpectOneOrTheOther(scope, leaf);
  });
}

// The kernel knows of it, the reactor does not.
TEST_P(LeafCancelTest, InTheSameTurn) {
  for (const bool cancel_first : {false, true}) {
    RunWith([cancel_first](Leaf& leaf) -> Task<> {
      CancelScope scope;
      co_await WithNursery([&](Nursery& n) -> Task<> {
        n.StartSoon([&]() -> Task<> { co_await WaitIn(scope, leaf); });
        co_await Settle();
        if (cancel_first) scope.Cancel();
        leaf.Happen();
        scope.Cancel();
      });
      co_await ExpectOneOrTheOther(scope, leaf);
    });
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, LeafCancelTest,
    ::testing::Values(
        Case<ReadableLeaf>("Readable"), Case<WritableLeaf>("Writable"),
        Case<ReadLeaf>("ReadSocket", false), Case<ReadLeaf>("ReadPipe", true),
        Case<WriteLeaf>("WriteSome", false), Case<WriteLeaf>("WriteAll", true),
        Case<ReceivePacketLeaf>("ReceivePacket"),
        Case<SendPacketLeaf>("SendPacket"), Case<AcceptUnixLeaf>("AcceptUnix"),
        Case<AcceptTcpLeaf>("AcceptTcp"), Case<ConnectUnixLeaf>("ConnectUnix"),
        Case<SignalLeaf>("Signal"), Case<ExitLeaf>("WaitExit", true),
        Case<ExitLeaf>("WaitUntilEnded", false)),
    [](const auto& info) { return info.param.name; });

// A listener whose backlog is full: the kernel drops what would be one more.
TEST(ConnectTcpCancelTest, WhileParkedItLeavesNothing) {
  const os::FdCheck fds;
  RunIo([]() -> Task<> {
    os::Fd full(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(full.get(), reinterpret_cast<sockaddr*>(&address),
                   sizeof(address)),
              0);
    EXPECT_EQ(listen(full.get(), 0), 0);
    const Listener listener(std::move(full));
    std::vector<Stream> connected;
    CancelScope scope(Now() + absl::Milliseconds(50));
    co_await scope.Run([&]() -> Task<> {
      for (int i = 0; i < 8; ++i) {
        connected.push_back(co_await ConnectTcp("127.0.0.1", listener.port()));
      }
    });
    EXPECT_TRUE(scope.cancelled_caught());
    EXPECT_LT(connected.size(), 8u);
  });
  fds.CheckNothingNew();
}

}  // namespace
}  // namespace tractor::io
