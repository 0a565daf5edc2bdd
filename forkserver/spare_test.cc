// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// When there is a spare, whose it is, and when it ends. What an actor is born
// with, spare or not, is in spawn_test.
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <string>

#include "forkserver/testing/test_root.h"
#include "gtest/gtest.h"
#include "os/file.h"
#include "os/proc_fs.h"

namespace tractor::forkserver {
namespace {

using testing::MakeSpec;
using testing::ReadLine;
using testing::RunDoomedRoot;
using testing::RunRoot;
using testing::TestChild;
using testing::TestRoot;

size_t ProcessesOf(TestRoot& root) {
  return os::ChildrenOf(root.zygote.pid())->size();
}

// Until the forkserver's processes are as wanted; the test's alarm ends it.
template <typename Predicate>
void WaitFor(Predicate wanted) {
  while (!wanted()) poll(nullptr, 0, 1);
}

os::Pidfd Open(pid_t pid) { return *os::Pidfd::Open(pid); }

std::string CgroupOf(pid_t pid) {
  return os::ReadFile("/proc/" + std::to_string(pid) + "/cgroup").value_or("");
}

bool EndsSoon(const os::Pidfd& process) {
  return process.WaitForEnd(30'000).value_or(false);
}

void ExpectStillWorks(TestRoot& root) {
  auto child = root.Spawn("after", "exit 5");
  EXPECT_EQ(root.WaitExited(child).code(), 5);
}

TEST(Spare, IsForAnOwnerThatSpawnsAgain) {
  RunRoot([](TestRoot& root) {
    root.Open();
    root.WaitExited(root.Spawn("once", "exit 0"));
    EXPECT_EQ(ProcessesOf(root), 0u);
    root.WaitExited(root.Spawn("twice", "exit 0"));
    EXPECT_EQ(ProcessesOf(root), 1u);
    WaitFor([&] { return root.FindSpare() != 0; });
    const pid_t spare = root.FindSpare();
    auto third = root.Spawn("third", "exit 7");
    EXPECT_EQ(third.forked.pid, spare);
    EXPECT_EQ(root.WaitExited(third).code(), 7);
    EXPECT_EQ(root.Close().killed_count(), 0u);
  });
}

TEST(Spare, IsMadeWhenNoSpawnComesForAWhile) {
  RunRoot([](TestRoot& root) {
    root.Open();
    auto one = root.Spawn("one", "echo");
    auto two = root.Spawn("two", "echo");
    WaitFor([&] { return root.FindSpare() != 0; });
  });
}

TEST(Spare, DoesNotServeOtherMethods) {
  RunRoot([](TestRoot& root) {
    root.Open();
    const pid_t spare = root.MakeSpare();
    proto::SpawnSpec spec = MakeSpec("image", "exit 5");
    spec.set_method(proto::SpawnSpec::EXEC);
    auto child = root.Spawn(spec);
    EXPECT_NE(child.forked.pid, spare);
    EXPECT_EQ(root.WaitExited(child).code(), 5);
  });
}

TEST(Spare, IsNoActor) {
  RunRoot([](TestRoot& root) {
    root.Open({.max_processes = 1});
    const pid_t spare = root.MakeSpare();
    // No limit counts it.
    auto only = root.Spawn("only", "echo");
    EXPECT_EQ(only.forked.pid, spare);
    root.SpawnFails(MakeSpec("too many", "exit 0"));
    // Its id is the next one; no request reaches it.
    only.channel.reset();
    root.WaitExited(only);
    WaitFor([&] { return root.FindSpare() != 0; });
    const pid_t next = root.FindSpare();
    for (uint64_t id = only.id() + 1; id < only.id() + 4; ++id) {
      auto killed = root.client.Kill(id, SIGKILL);
      EXPECT_EQ(root.Wait<Killed>(*killed).body.signalled(), 0u);
    }
    EXPECT_EQ(root.Spawn("last", "exit 0").forked.pid, next);
  });
}

TEST(Spare, IsBornInItsActorsCgroup) {
  RunRoot([](TestRoot& root) {
    const proto::TreeOpened opened = root.Open({.cgroup = true});
    const pid_t spare = root.MakeSpare();
    auto child = root.Spawn("a", "echo");
    EXPECT_EQ(child.forked.pid, spare);
    const std::string where = CgroupOf(spare);
    const std::string cgroup = opened.cgroup();
    EXPECT_NE(where.find(cgroup.substr(cgroup.rfind('/')) + "/" +
                         std::to_string(child.id()) + "\n"),
              std::string::npos)
        << where;
  });
}

TEST(Spare, ThatHasDiedIsNotUsed) {
  RunRoot([](TestRoot& root) {
    root.Open();
    const os::Pidfd spare = Open(root.MakeSpare());
    ASSERT_TRUE(spare.Signal(SIGKILL).ok());
    ASSERT_TRUE(EndsSoon(spare));
    ExpectStillWorks(root);
    EXPECT_EQ(root.Close().killed_count(), 0u);
  });
}

std::atomic<int>* rehearsals = nullptr;

// Spares that cannot live cost little and harm nobody.
TEST(Spare, ThatDiesAtOnceIsNotMadeForEver) {
  void* shared = mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(shared, MAP_FAILED);
  rehearsals = new (shared) std::atomic<int>(0);
  testing::SetRehearsal([] {
    ++*rehearsals;
    _exit(3);
  });
  RunRoot([](TestRoot& root) {
    root.Open();
    for (int i = 0; i < 10; ++i) {
      ExpectStillWorks(root);
      // Who is handed over while it dies is an actor that dies.
      WaitFor([&] { return ProcessesOf(root) == 0; });
    }
    EXPECT_EQ(root.Close().killed_count(), 0u);
  });
  testing::SetRehearsal(nullptr);
  // Two spawns ask for one.
  EXPECT_GE(rehearsals->load(), 1);
  EXPECT_LE(rehearsals->load(), 6);
  munmap(shared, sizeof(std::atomic<int>));
}

TEST(Spare, GoesToTheOwnerThatSpawnsNowAndEndsWithIt) {
  RunRoot([](TestRoot& root) {
    root.Open({.cgroup = true});
    const pid_t first = root.MakeSpare();
    auto owner = root.Spawn("owner", "owner 3");
    EXPECT_EQ(owner.forked.pid, first);
    EXPECT_EQ(ReadLine(owner.channel.get()), "ready");
    const std::string below = "/" + std::to_string(owner.id()) + "/";
    WaitFor([&] {
      return CgroupOf(root.FindSpare()).find(below) != std::string::npos;
    });
    const os::Pidfd spare = Open(root.FindSpare());
    ASSERT_TRUE(root.client.Kill(owner.id(), SIGKILL).ok());
    EXPECT_EQ(root.WaitSwept(owner).killed_count(), 0u);
    EXPECT_TRUE(EndsSoon(spare));
    ExpectStillWorks(root);
  });
}

// The same where there is no cgroup to kill it by.
TEST(Spare, EndsWithItsOwner) {
  RunRoot([](TestRoot& root) {
    root.Open();
    auto owner = root.Spawn("owner", "owner 3");
    EXPECT_EQ(ReadLine(owner.channel.get()), "ready");
    WaitFor([&] { return root.FindSpare() != 0; });
    ASSERT_TRUE(root.client.Kill(owner.id(), SIGKILL).ok());
    EXPECT_EQ(root.WaitSwept(owner).killed_count(), 0u);
    EXPECT_EQ(ProcessesOf(root), 0u);
  });
}

TEST(Spare, EndsWithItsTree) {
  RunRoot([](TestRoot& root) {
    for (int tree = 0; tree < 3; ++tree) {
      root.Open();
      root.MakeSpare();
      const proto::TreeClosed closed = root.Close(absl::Seconds(20));
      EXPECT_EQ(closed.killed_count(), 0u);
      EXPECT_EQ(ProcessesOf(root), 0u);
    }
  });
}

// Who has spawned in the tree before has not in this one.
TEST(Spare, IsNoBusinessOfTheNextTree) {
  RunRoot([](TestRoot& root) {
    root.Open();
    root.MakeSpare();
    root.Close(absl::Seconds(20));
    root.Open();
    root.WaitSwept(root.Spawn("once", "exit 0"));
    EXPECT_EQ(ProcessesOf(root), 0u);
  });
}

TEST(Spare, EndsWithTheRoot) {
  const testing::RootEnd end = RunDoomedRoot(
      [](TestRoot& root) {
        root.Open({.cgroup = true});
        root.MakeSpare();
        root.Say("ready");
        pause();
      },
      [](os::Pidfd& root) { ASSERT_TRUE(root.Signal(SIGKILL).ok()); });
  EXPECT_EQ(end.status.signal, SIGKILL);
}

TEST(Spare, EndsWithTheForkserver) {
  RunRoot([](TestRoot& root) {
    root.Open();
    const os::Pidfd spare = Open(root.MakeSpare());
    ASSERT_TRUE(root.zygote.Signal(SIGKILL).ok());
    EXPECT_TRUE(EndsSoon(spare));
    EXPECT_EQ(root.zygote.Wait()->signal, SIGKILL);
    root.zygote = os::Pidfd();
  });
}

}  // namespace
}  // namespace tractor::forkserver
