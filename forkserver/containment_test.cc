// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Nothing is left: however a process of a tree dies, all that it had started is
// gone soon after. Every RunRoot and RunDoomedRoot checks it at its end, by the
// kernel's own books: all orphans come to the test's process, which is a
// subreaper, and must be no more.
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "forkserver/sweep.h"
#include "forkserver/testing/test_root.h"
#include "gtest/gtest.h"
#include "os/cgroup.h"
#include "os/proc_fs.h"

namespace tractor::forkserver {
namespace {

using testing::ReadLine;
using testing::RootEnd;
using testing::RunDoomedRoot;
using testing::RunRoot;
using testing::TestRoot;

// Held together by the kernel's cgroups, or by the forkserver alone.
class Containment : public ::testing::TestWithParam<bool> {
 protected:
  static bool cgroup() { return GetParam(); }

  // A machine without a writable cgroup cannot run that half.
  static void OpenTree(TestRoot& root, absl::Duration grace) {
    const proto::TreeOpened opened = root.Open(
        {.cgroup = cgroup(), .runtime_directory = true, .orphan_grace = grace});
    ASSERT_EQ(opened.cgroup().empty(), !cgroup());
  }
};

INSTANTIATE_TEST_SUITE_P(By, Containment, ::testing::Bool(),
                         [](const auto& info) {
                           return info.param ? "Cgroup" : "Subreaper";
                         });

bool Lives(pid_t pid) {
  auto stat = os::ReadProcStat(pid);
  return stat.ok() && !stat->zombie();
}

// What the forkserver does with EOF on the root's socket and with the root's
// pidfd, whichever it sees first.
TEST_P(Containment, TheRootsSigkillEndsAllAndCleansUp) {
  for (int round = 0; round < 20; ++round) {
    const RootEnd end = RunDoomedRoot(
        [](TestRoot& root) {
          OpenTree(root, absl::Milliseconds(500));
          // 1 + 2 + 4 + 8 actors; the leaves have 2 setsid'ed, double-forked
          // strays each.
          auto top = root.Spawn("top", "tree 4 2 2");
          EXPECT_EQ(ReadLine(top.channel.get()), "ready");
          root.Say("ready");
          pause();
        },
        [](os::Pidfd& root) { ASSERT_TRUE(root.Signal(SIGKILL).ok()); });
    EXPECT_EQ(end.status.signal, SIGKILL);
    EXPECT_LT(end.until_nothing_left, absl::Seconds(1)) << "round " << round;
  }
}

TEST_P(Containment, ALargeTreeEndsAsFast) {
  for (int round = 0; round < 3; ++round) {
    const RootEnd end = RunDoomedRoot(
        [](TestRoot& root) {
          OpenTree(root, absl::Milliseconds(500));
          // 1 + 4 + 16 + 64 actors and 64 strays.
          auto top = root.Spawn("top", "tree 4 4 1");
          EXPECT_EQ(ReadLine(top.channel.get()), "ready");
          root.Say("ready");
          pause();
        },
        [](os::Pidfd& root) { ASSERT_TRUE(root.Signal(SIGKILL).ok()); });
    RecordProperty(
        "until_nothing_left_ms",
        static_cast<int>(absl::ToInt64Milliseconds(end.until_nothing_left)));
    EXPECT_LT(end.until_nothing_left, absl::Seconds(2)) << "round " << round;
  }
}

TEST_P(Containment, AnActorsStraysEndWithIt) {
  RunRoot([](TestRoot& root) {
    OpenTree(root, absl::Milliseconds(500));
    auto child = root.Spawn("a", "strays 3");
    EXPECT_EQ(ReadLine(child.channel.get()), "ready");
    child.channel.reset();
    const proto::Exited exited = root.WaitExited(child);
    EXPECT_EQ(exited.code(), 0);
    ASSERT_FALSE(exited.swept());
    const proto::Swept swept = root.Wait<Swept>(child.request_id).body;
    EXPECT_EQ(swept.child_id(), child.id());
    EXPECT_EQ(swept.killed_count(), 3u);
    for (const proto::Survivor& stray : swept.killed()) {
      EXPECT_FALSE(Lives(stray.pid()));
      EXPECT_FALSE(stray.actor());
    }
    EXPECT_EQ(root.Close().killed_count(), 0u);
  });
}

// A chain is killed as a set: one after another would take a round of SIGCHLD
// for each link.
TEST_P(Containment, AChainOfStraysEndsAtOnce) {
  RunRoot([](TestRoot& root) {
    OpenTree(root, absl::Milliseconds(500));
    auto child = root.Spawn("a", "chain 40");
    EXPECT_EQ(ReadLine(child.channel.get()), "ready");
    child.channel.reset();
    ASSERT_FALSE(root.WaitExited(child).swept());
    const proto::Swept swept = root.Wait<Swept>(child.request_id).body;
    EXPECT_GE(swept.killed_count(), 1u);
  });
}

TEST_P(Containment, DaemonsOfALivingActorAreItsOwnBusiness) {
  RunRoot([](TestRoot& root) {
    OpenTree(root, absl::Milliseconds(500));
    auto keeper = root.Spawn("keeper", "strays 2");
    EXPECT_EQ(ReadLine(keeper.channel.get()), "ready");
    auto daemons = os::ChildrenOf(root.zygote.pid());
    ASSERT_TRUE(daemons.ok());
    std::erase(*daemons, keeper.forked.pid);
    ASSERT_EQ(daemons->size(), 2u);
    // Another actor's death makes the forkserver look around.
    for (int i = 0; i < 3; ++i) {
      auto other = root.Spawn("other", "strays-leave 1");
      EXPECT_EQ(root.WaitSwept(other).killed_count(), 1u);
    }
    for (pid_t daemon : *daemons) EXPECT_TRUE(Lives(daemon));
    keeper.channel.reset();
    EXPECT_EQ(root.WaitSwept(keeper).killed_count(), 2u);
    for (pid_t daemon : *daemons) EXPECT_FALSE(Lives(daemon));
  });
}

TEST_P(Containment, AMidLevelDeathEndsItsSubtreeAfterTheGrace) {
  RunRoot([](TestRoot& root) {
    OpenTree(root, absl::Milliseconds(150));
    auto middle = root.Spawn("middle", "parent hang");
    const std::string said = ReadLine(middle.channel.get());
    ASSERT_EQ(said.substr(0, 6), "child ");
    const pid_t below = std::stoi(said.substr(6));
    const absl::Time before = absl::Now();
    ASSERT_TRUE(root.client.Kill(middle.id(), SIGKILL).ok());
    const proto::Exited exited = root.WaitExited(middle);
    EXPECT_EQ(exited.signal(), SIGKILL);
    ASSERT_FALSE(exited.swept());
    EXPECT_TRUE(Lives(below)) << "it has its grace";
    const proto::Swept swept = root.Wait<Swept>(middle.request_id).body;
    EXPECT_GE(absl::Now() - before, absl::Milliseconds(150));
    ASSERT_EQ(swept.killed_count(), 1u);
    EXPECT_EQ(swept.killed(0).name(), "child");
    EXPECT_TRUE(swept.killed(0).actor());
    EXPECT_EQ(swept.killed(0).pid(), below);
    EXPECT_FALSE(Lives(below));
    EXPECT_EQ(root.Close().killed_count(), 0u);
  });
}

TEST_P(Containment, OrphansThatEndByThemselvesAreNotKilled) {
  RunRoot([](TestRoot& root) {
    OpenTree(root, absl::Seconds(20));
    auto middle = root.Spawn("middle", "parent echo");  // ends at EOF
    ReadLine(middle.channel.get());
    ASSERT_TRUE(root.client.Kill(middle.id(), SIGKILL).ok());
    const absl::Time before = absl::Now();
    EXPECT_EQ(root.WaitSwept(middle).killed_count(), 0u);
    EXPECT_LT(absl::Now() - before, absl::Seconds(10));
  });
}

TEST_P(Containment, ALivingOwnerThatHangsUpLosesItsChildren) {
  RunRoot([](TestRoot& root) {
    OpenTree(root, absl::Milliseconds(20));
    auto owner = root.Spawn("owner", "hang-up hang");
    const pid_t below = std::stoi(ReadLine(owner.channel.get()).substr(6));
    while (Lives(below)) poll(nullptr, 0, 1);
    EXPECT_TRUE(Lives(owner.forked.pid));
    owner.channel.reset();
    EXPECT_EQ(root.WaitExited(owner).code(), 0);
  });
}

// What has thrown its mark away cannot be told from a living actor's daemon
// without a cgroup; the end of the tree is its end.
TEST_P(Containment, UnmarkedStraysEndWithTheTreeAtTheLatest) {
  RunRoot([](TestRoot& root) {
    OpenTree(root, absl::Milliseconds(500));
    auto child = root.Spawn("a", "strays-hidden 2");
    EXPECT_EQ(ReadLine(child.channel.get()), "ready");
    child.channel.reset();
    const uint32_t swept = root.WaitSwept(child).killed_count();
    const uint32_t closed = root.Close().killed_count();
    EXPECT_EQ(swept + closed, 2u);
    if (cgroup()) {
      EXPECT_EQ(swept, 2u);
    }
  });
}

TEST_P(Containment, EndsTheTreeWhenTheRootExitsWithoutClosingIt) {
  RunRoot([](TestRoot& root) {
    OpenTree(root, absl::Milliseconds(500));
    auto top = root.Spawn("top", "tree 3 3 1");
    EXPECT_EQ(ReadLine(top.channel.get()), "ready");
  });
}

// The lifeline must not depend on who else holds the socket.
TEST_P(Containment, AChildOfTheRootThatHoldsTheSocketDoesNotKeepTheTree) {
  RunDoomedRoot(
      [](TestRoot& root) {
        OpenTree(root, absl::Milliseconds(500));
        auto top = root.Spawn("top", "hang");
        ReadLine(top.channel.get());
        const pid_t zygote = root.zygote.pid();
        if (fork() == 0) {
          // Ends only when the zygote has: it would wait for us for ever.
          setpgid(0, 0);
          while (Lives(zygote)) poll(nullptr, 0, 1);
          _exit(0);
        }
        root.Say("ready");
        pause();
      },
      [](os::Pidfd& root) { ASSERT_TRUE(root.Signal(SIGKILL).ok()); });
}

TEST_P(Containment, ActorsDieWithTheirForkserverAndTheSweepDoesTheRest) {
  for (int round = 0; round < 5; ++round) {
    RunRoot([](TestRoot& root) {
      const proto::TreeOpened opened =
          root.Open({.cgroup = cgroup(), .runtime_directory = true});
      auto top = root.Spawn("top", "tree 2 2 1");
      EXPECT_EQ(ReadLine(top.channel.get()), "ready");
      auto tree = ReadMark(top.forked.pid, kTreeVariable);
      ASSERT_TRUE(tree.ok());
      ASSERT_TRUE(root.zygote.Signal(SIGKILL).ok());
      // Layer 4: PDEATHSIG.
      auto ended = os::Pidfd(std::move(top.forked.pidfd)).WaitForEnd(10'000);
      EXPECT_TRUE(ended.ok() && *ended);
      ASSERT_TRUE(root.zygote.Wait().ok());
      root.zygote = os::Pidfd();
      // A process that it was just forking ends a moment later.
      absl::Status end;
      while (end.ok()) {
        pollfd waiting = {root.client.fd(), POLLIN, 0};
        ASSERT_EQ(poll(&waiting, 1, 10'000), 1);
        end = root.client.Drain().status();
      }
      EXPECT_EQ(end.code(), absl::StatusCode::kUnavailable);
      auto swept =
          SweepRemains({*tree, opened.cgroup(), opened.runtime_directory()},
                       absl::Seconds(5));
      ASSERT_TRUE(swept.ok()) << swept.status();
      EXPECT_TRUE(swept->left.empty());
      EXPECT_FALSE(std::filesystem::exists(opened.runtime_directory()));
      if (cgroup()) {
        EXPECT_FALSE(std::filesystem::exists(opened.cgroup()));
      }
    });
  }
}

TEST(Sweep, FindsStraysByTheirMarkOnly) {
  RunRoot([](TestRoot& root) {
    root.Open();
    auto a = root.Spawn("a", "strays 3");
    EXPECT_EQ(ReadLine(a.channel.get()), "ready");
    const std::string tree = ReadMark(a.forked.pid, kTreeVariable).value();
    auto nothing = KillTreeByMark(std::string(32, 'f'), absl::Seconds(5));
    ASSERT_TRUE(nothing.ok());
    EXPECT_TRUE(nothing->killed.empty());
    auto swept = KillTreeByMark(tree, absl::Seconds(5));
    ASSERT_TRUE(swept.ok());
    EXPECT_EQ(swept->killed.size(), 4u);  // the actor as well
    EXPECT_TRUE(swept->left.empty());
    EXPECT_EQ(root.WaitExited(a).signal(), SIGKILL);
    EXPECT_FALSE(KillTreeByMark("", absl::Seconds(1)).ok());
  });
}

// Ctrl-C of a terminal goes to the foreground process group.
TEST(Containment, TheTerminalsSignalsDoNotReachForkserverAndActors) {
  RunRoot([](TestRoot& root) {
    root.Open();
    auto child = root.Spawn("a", "echo");
    EXPECT_NE(getpgid(root.zygote.pid()), getpgrp());
    EXPECT_NE(getpgid(child.forked.pid), getpgrp());
    EXPECT_EQ(getsid(root.zygote.pid()), getsid(0));
    for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1}) {
      ASSERT_TRUE(root.zygote.Signal(signal).ok());
    }
    auto after = root.Spawn("b", "exit 2");
    EXPECT_EQ(root.WaitExited(after).code(), 2);
  });
}

}  // namespace
}  // namespace tractor::forkserver
