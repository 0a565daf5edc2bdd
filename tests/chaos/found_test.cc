// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// What chaos has found, each as a test of its own.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "os/fd.h"
#include "os/unix_socket.h"
#include "runtime/tractor.h"
#include "tests/chaos/tree.h"
#include "tests/support/backend.h"
#include "tests/support/program.h"
#include "tests/support/run_actors.h"

namespace tractor::chaos {
namespace {

using ::tractor::testing::ErrorOf;
using ::tractor::testing::Program;
using ::tractor::testing::RunActors;

Task<> TermAtTheVeryEnd() {
  CurrentActor().OnTeardown([] { raise(SIGTERM); });
  co_return;
}
TRACTOR_ENDPOINT(TermAtTheVeryEnd);

// Stopped, it had not answered in time, so it got a SIGTERM; then it
// woke up, ended as it should, and died of what was still pending.
TEST(Found, ASigtermInTheLastMomentIsNoDeath) {
  SKIP_ON_BACKEND(thread, "it would be the test's own");
  RunActors([]() -> Task<> {
    co_await WithActorNursery([](ActorNursery& an) -> Task<> {
      const Portal child = co_await an.StartActor(
          ActorOptions("child").Expose(TermAtTheVeryEnd));
      co_await child.Call(TermAtTheVeryEnd);
      co_await an.Cancel();
    });
  });
}

// As a program does it that closes a number which is not its own, and opens
// something else. Nobody reports it.
void LoseControlSocket() {
  const auto fds = os::OpenFds();
  for (const int fd : *fds) {
    int type = 0;
    socklen_t size = sizeof(type);
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
        type == SOCK_SEQPACKET) {
      auto pair = os::SocketPair(SOCK_STREAM | SOCK_NONBLOCK);
      dup3(pair->first.get(), fd, O_CLOEXEC);
    }
  }
}

Task<> DoNothing() { co_return; }
TRACTOR_ENDPOINT(DoNothing);

TEST_PROGRAM(LosesItsControlSocket) {
  return Main(argc, argv, []() -> Task<> {
    co_await WithActorNursery([](ActorNursery& an) -> Task<> {
      co_await an.StartActor(ActorOptions("child").Expose(DoNothing));
      LoseControlSocket();
      co_await SleepForever();
    });
  });
}

// While the forkserver's answer is on its way, which is lost with the socket.
TEST_PROGRAM(LosesItWhileAChildIsBorn) {
  return Main(argc, argv, []() -> Task<> {
    co_await WithActorNursery([](ActorNursery& an) -> Task<> {
      auto start = [&]() -> Task<> {
        co_await an.StartActor(ActorOptions("child").Expose(DoNothing));
      };
      auto lose = [&](Nursery& n) -> Task<> {
        n.StartSoon(start);
        while (an.size() == 0) co_await Checkpoint();
        LoseControlSocket();
      };
      co_await WithNursery(NurseryOptions().set_collapse(true), lose);
      co_await SleepForever();
    });
  });
}

TEST_PROGRAM(LosesItWhileItAsks) {
  return Main(argc, argv, []() -> Task<> {
    auto ask = []() -> Task<> {
      while (true) co_await FindActor("nobody");
    };
    auto lose = [&](Nursery& n) -> Task<> {
      n.StartSoon(ask);
      for (int i = 0; i < 10; ++i) co_await Checkpoint();
      LoseControlSocket();
    };
    co_await WithNursery(NurseryOptions().set_collapse(true), lose);
  });
}

// The forkserver took the root for dead and ended the tree; the root waited 5 s
// for the news of that, 3 s more for a cancel, and said that the child had
// exited with code 0.
TEST(Found, AControlSocketThatIsLostIsALostForkserver) {
  SKIP_ON_BACKEND(thread, "its actors do without a forkserver");
  for (const char* name : {"LosesItsControlSocket", "LosesItWhileAChildIsBorn",
                           "LosesItWhileItAsks"}) {
    const absl::Time begin = absl::Now();
    Program program(name);
    EXPECT_EQ(program.Join(), 1);
    EXPECT_THAT(program.output(),
                ::testing::HasSubstr("the forkserver of this tree is gone"));
    EXPECT_LE(absl::Now() - begin, kKillTimeout) << name;
  }
}

Task<> Throw() {
  throw std::runtime_error("planted");
  co_return;
}
TRACTOR_ENDPOINT(Throw);

// Lets this process have so much more memory.
void LimitMemory(size_t kib) {
  size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  rlimit limit = {};
  getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur =
      pages * static_cast<size_t>(sysconf(_SC_PAGESIZE)) + kib * 1024;
  setrlimit(RLIMIT_AS, &limit);
}

TEST_PROGRAM(HasNoMemoryForAStack) {
  return Main(argc, argv, []() -> Task<> {
    co_await WithActorNursery([](ActorNursery& an) -> Task<> {
      const Portal child =
          co_await an.StartActor(ActorOptions("child").Expose(Throw));
      LimitMemory(std::strtoull(getenv("CHAOS_KIB"), nullptr, 10));
      co_await child.Call(Throw);
    });
  });
}

// Names and lines are looked up when an error is read. libdw ended the process
// when it got no memory for that, or crashed.
TEST(Found, AnErrorIsToldWithoutTheMemoryForItsLines) {
  SKIP_ON_BACKEND(thread, "a thread takes more memory than that");
  if (kSlowness != 1) GTEST_SKIP() << "sanitizers do not live with a limit";
  for (int kib = 512; kib <= 40 << 10; kib += 512) {
    Program program("HasNoMemoryForAStack",
                    {{"CHAOS_KIB", std::to_string(kib)}});
    EXPECT_EQ(program.Join(), 1);
    EXPECT_THAT(program.output(), ::testing::HasSubstr("planted")) << kib;
  }
}

Task<> WaitHere(Context<>& ctx) {
  co_await ctx.Started();
  co_await SleepForever();
}
TRACTOR_ENDPOINT(WaitHere);

Task<> LoseTheForkserver() {
  LoseControlSocket();
  co_await WithActorNursery([](ActorNursery& an) -> Task<> {
    co_await an.StartActor(ActorOptions("grandchild"));
  });
}
TRACTOR_ENDPOINT(LoseTheForkserver);

// An actor that failed by itself blamed whoever was calling it for the end of
// what it served.
TEST(Found, WhoEndsByItselfBlamesNobodyElse) {
  SKIP_ON_BACKEND(thread, "its actors do without a forkserver");
  std::optional<Aid> canceller;
  Aid child_aid;
  auto use = [&](const Portal& child) -> Task<> {
    auto block = [&](auto&) -> Task<> {
      try {
        co_await child.Call(LoseTheForkserver);
      } catch (const RemoteActorError&) {
        // That it could not start anybody.
      }
      co_await SleepForever();
    };
    try {
      co_await child.WithContext(WaitHere, block);
    } catch (const ContextCancelled& error) {
      canceller = error.canceller();
    }
  };
  const std::exception_ptr error = ErrorOf([&]() -> Task<> {
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      const Portal child = co_await an.StartActor(
          ActorOptions("child").Expose(WaitHere, LoseTheForkserver));
      child_aid = child.aid();
      co_await use(child);
      co_await SleepForever();
    });
  });
  EXPECT_NE(error, nullptr);
  ASSERT_TRUE(canceller.has_value());
  EXPECT_EQ(canceller->name, child_aid.name);
}

Task<> CutChannel() {
  const auto fds = os::OpenFds();
  for (const int fd : *fds) {
    int type = 0;
    socklen_t size = sizeof(type);
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
        type == SOCK_STREAM) {
      shutdown(fd, SHUT_RDWR);
    }
  }
  co_await SleepForever();
}
TRACTOR_ENDPOINT(CutChannel);

// Between the end of a channel and the news of its process a call failed with
// TransportClosed, which came before the death that it was about.
TEST(Found, ACallToTheDyingIsToldOfTheDeath) {
  SKIP_ON_BACKEND(thread, "it would cut the channels of all");
  bool died = false;
  auto call_late = [&](const Portal& child) -> Task<> {
    while (child.connected()) co_await Sleep(absl::Milliseconds(1));
    try {
      co_await child.Call(DoNothing);
    } catch (const ActorDied&) {
      died = true;
    }
  };
  const std::exception_ptr error = ErrorOf([&]() -> Task<> {
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      const Portal child = co_await an.StartActor(
          ActorOptions("child").Expose(CutChannel, DoNothing));
      auto cut = [&]() -> Task<> { co_await child.Call(CutChannel); };
      auto late = [&]() -> Task<> { co_await call_late(child); };
      auto both = [&](Nursery& n) -> Task<> {
        n.StartSoon(cut);
        n.StartSoon(late);
        co_return;
      };
      co_await WithNursery(both);
    });
  });
  ::tractor::testing::ExpectError<ActorDied>(error);
  EXPECT_TRUE(died);
}

}  // namespace
}  // namespace tractor::chaos
