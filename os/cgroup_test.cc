// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// What is done with a cgroup; how one is found is in cgroup_find_test.cc.
#include "os/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "os/clock.h"
#include "os/errno_status.h"
#include "os/fail_nth.h"
#include "os/fd.h"
#include "os/fork.h"
#include "os/pidfd.h"
#include "os/prctl.h"
#include "os/syscalls.h"
#include "os/testing.h"

namespace tractor::os {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int kEndMs = 10'000;

class LiveCgroupTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!cgroup_.ok()) GTEST_SKIP() << cgroup_.why_not();
  }
  const Cgroup& cgroup() const { return cgroup_.get(); }

  TestChild Sleeper() const { return SleeperIn(cgroup()); }

  static TestChild SleeperIn(const Cgroup& where) {
    absl::StatusOr<ForkResult> fork = ForkInto(where.fd());
    TRACTOR_EXPECT_OK(fork);
    if (fork->in_child()) {
      for (;;) pause();
    }
    return TestChild(std::move(fork->pidfd));
  }

 private:
  TestCgroup cgroup_;
};

TEST_F(LiveCgroupTest, CreateOpensAndNames) {
  TRACTOR_ASSERT_OK_AND_ASSIGN(Cgroup child, Cgroup::Create(cgroup(), "a"));
  EXPECT_EQ(child.path(), cgroup().path() + "/a");
  EXPECT_EQ(fcntl(child.fd(), F_GETFD), FD_CLOEXEC);
  EXPECT_THAT(Cgroup::Create(cgroup(), "a"),
              HasCode(absl::StatusCode::kAlreadyExists));
  TRACTOR_EXPECT_OK(Cgroup::OpenChild(cgroup(), "a"));
  EXPECT_THAT(Cgroup::OpenChild(cgroup(), "b"), HasErrno(ENOENT));
  EXPECT_THAT(cgroup().Children().value(), ElementsAre("a"));
  EXPECT_FALSE(child.Populated().value());
}

TEST_F(LiveCgroupTest, NamesThatAreNoComponentAreRefused) {
  for (const char* name : {"", ".", "..", ".hidden", "a/b", "a\nb"}) {
    EXPECT_THAT(Cgroup::Create(cgroup(), name),
                HasCode(absl::StatusCode::kInvalidArgument))
        << name;
  }
}

TEST_F(LiveCgroupTest, AHalfMadeOneIsRemoved) {
  FailNth fault("openat", 1, EMFILE);
  EXPECT_THAT(Cgroup::Create(cgroup(), "half"), HasErrno(EMFILE));
  EXPECT_THAT(cgroup().Children().value(), IsEmpty());
}

TEST_F(LiveCgroupTest, AddProcessMovesAProcess) {
  Signpost go;
  TestChild child([&] { return go.Wait() ? 0 : 1; });
  EXPECT_THAT(cgroup().Processes().value(), IsEmpty());
  TRACTOR_EXPECT_OK(cgroup().AddProcess(child.pid()));
  EXPECT_THAT(cgroup().Processes().value(), ElementsAre(child.pid()));
  EXPECT_TRUE(cgroup().Populated().value());
  go.Notify();
  EXPECT_EQ(child.Join(), 0);
  EXPECT_THAT(cgroup().AddProcess(child.pid()), HasErrno(ESRCH));
}

TEST_F(LiveCgroupTest, ProcessesAreFoundBelow) {
  TRACTOR_ASSERT_OK_AND_ASSIGN(Cgroup a, Cgroup::Create(cgroup(), "a"));
  TRACTOR_ASSERT_OK_AND_ASSIGN(Cgroup b, Cgroup::Create(a, "b"));
  const TestChild first = Sleeper();
  const TestChild second = SleeperIn(b);
  EXPECT_THAT(cgroup().Processes().value(),
              ::testing::UnorderedElementsAre(first.pid(), second.pid()));
  EXPECT_THAT(a.Processes().value(), ElementsAre(second.pid()));
  EXPECT_TRUE(a.Populated().value());
}

TEST_F(LiveCgroupTest, PopulatedCanBePolled) {
  TestChild child = Sleeper();
  TRACTOR_ASSERT_OK_AND_ASSIGN(Fd events, cgroup().OpenEvents());
  EXPECT_TRUE(Cgroup::ReadPopulated(events.get()).value());
  pollfd poll = {events.get(), POLLPRI, 0};
  EXPECT_EQ(::poll(&poll, 1, 0), 0);
  TRACTOR_EXPECT_OK(child.pidfd().Signal(SIGKILL));
  EXPECT_EQ(::poll(&poll, 1, kEndMs), 1);
  EXPECT_FALSE(Cgroup::ReadPopulated(events.get()).value());
  EXPECT_EQ(::poll(&poll, 1, 0), 0) << "reading did not arm it again";
}

TEST_F(LiveCgroupTest, WaitUntilEmptySaysWhetherItIs) {
  TestChild child = Sleeper();
  EXPECT_FALSE(cgroup().WaitUntilEmpty(0).value());
  EXPECT_FALSE(cgroup().WaitUntilEmpty(1).value());
  TRACTOR_EXPECT_OK(child.pidfd().Signal(SIGKILL));
  EXPECT_TRUE(cgroup().WaitUntilEmpty(kEndMs).value());
  EXPECT_EQ(child.Join(), 256 + SIGKILL);
}

TEST_F(LiveCgroupTest, RemoveTakesAllBelowButNoLiveProcess) {
  TRACTOR_ASSERT_OK_AND_ASSIGN(Cgroup a, Cgroup::Create(cgroup(), "a"));
  TRACTOR_ASSERT_OK_AND_ASSIGN(Cgroup b, Cgroup::Create(a, "b"));
  TRACTOR_ASSERT_OK(Cgroup::Create(a, "c"));
  {
    const TestChild child = SleeperIn(b);
    EXPECT_THAT(a.Remove(), HasErrno(EBUSY));
    EXPECT_THAT(a.Remove(), HasCode(absl::StatusCode::kFailedPrecondition));
  }
  EXPECT_TRUE(a.WaitUntilEmpty(kEndMs).value());
  TRACTOR_EXPECT_OK(a.Remove());
  EXPECT_THAT(cgroup().Children().value(), IsEmpty());
}

TEST_F(LiveCgroupTest, OneThatIsGoneIsEmptyAndNeedsNoKilling) {
  TRACTOR_ASSERT_OK_AND_ASSIGN(Cgroup a, Cgroup::Create(cgroup(), "a"));
  TRACTOR_ASSERT_OK_AND_ASSIGN(Fd events, a.OpenEvents());
  TRACTOR_EXPECT_OK(a.Remove());
  TRACTOR_EXPECT_OK(a.Remove());
  TRACTOR_EXPECT_OK(a.Kill());
  EXPECT_FALSE(a.Populated().value());
  EXPECT_TRUE(a.WaitUntilEmpty(0).value());
  EXPECT_THAT(a.Processes().value(), IsEmpty());
  EXPECT_FALSE(Cgroup::ReadPopulated(events.get()).value());
}

// Two clean up: the tree's own forkserver, and a root that has lost it. The
// kernel's notice goes astray when the cgroup is removed right behind its end.
TEST_F(LiveCgroupTest, WaitUntilEmptySeesThatSomebodyElseHasRemovedIt) {
  for (int i = 0; i < 100; ++i) {
    TRACTOR_ASSERT_OK_AND_ASSIGN(Cgroup a, Cgroup::Create(cgroup(), "a"));
    TestChild child = SleeperIn(a);
    const int64_t begin = MonotonicNanos();
    std::thread other([&] {
      TRACTOR_EXPECT_OK(child.pidfd().Signal(SIGKILL));
      while (rmdir(a.path().c_str()) != 0 && errno == EBUSY) {
      }
    });
    EXPECT_TRUE(a.WaitUntilEmpty(kEndMs).value());
    EXPECT_LT(MonotonicNanos() - begin, int64_t{kEndMs} / 2 * 1'000'000);
    other.join();
    EXPECT_EQ(child.Join(), 256 + SIGKILL);
  }
}

TEST_F(LiveCgroupTest, OomKillsAreKnownOnlyWithTheController) {
  TRACTOR_ASSERT_OK_AND_ASSIGN(const auto kills, cgroup().OomKills());
  const std::string file = cgroup().path() + "/memory.events";
  EXPECT_EQ(kills.has_value(), access(file.c_str(), R_OK) == 0);
}

TEST_F(LiveCgroupTest, TheRootIsNeverKilled) {
  std::string path = cgroup().path();
  const size_t depth = path.find("/tractor-test-");
  TRACTOR_ASSERT_OK_AND_ASSIGN(Cgroup parent,
                               Cgroup::Open(path.substr(0, depth)));
  if (access((parent.path() + "/cgroup.type").c_str(), F_OK) == 0) {
    GTEST_SKIP() << "own cgroup is not the root";
  }
  EXPECT_THAT(parent.Kill(), HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_TRUE(parent.Populated().value());
}

// Twenty processes, half of them in sessions of their own, out of reach for a
// process group's kill; children of a child that is gone already.
class KillTest : public LiveCgroupTest {
 protected:
  static constexpr int kProcesses = 20;

  void SetUp() override {
    LiveCgroupTest::SetUp();
    if (IsSkipped()) return;
    TRACTOR_ASSERT_OK(SetSubreaper());  // the strays become ours
    StartProcesses();
    ASSERT_THAT(cgroup().Processes().value(), SizeIs(kProcesses));
  }

  void TearDown() override {
    if (!IsSkipped()) (void)cgroup().Kill();  // whatever the test has done
    int reaped = 0;
    while (waitpid(-1, nullptr, 0) > 0) ++reaped;
    if (!IsSkipped()) {
      EXPECT_EQ(reaped, kProcesses);
      TRACTOR_EXPECT_OK(SetSubreaper(false));
    }
  }

  void ExpectAllGone() {
    EXPECT_TRUE(cgroup().WaitUntilEmpty(kEndMs).value());
    EXPECT_THAT(cgroup().Processes().value(), IsEmpty());
    EXPECT_FALSE(cgroup().Populated().value());
  }

 private:
  void StartProcesses() {
    Signpost ready;
    absl::StatusOr<ForkResult> middle = ForkInto(cgroup().fd());
    TRACTOR_ASSERT_OK(middle);
    if (middle->in_child()) {
      for (int i = 0; i < kProcesses; ++i) StartOne(i % 2 == 0, ready);
      _exit(0);
    }
    TRACTOR_ASSERT_OK(middle->pidfd.Wait());
    for (int i = 0; i < kProcesses; ++i) ASSERT_TRUE(ready.Wait());
  }

  static void StartOne(bool own_session, Signpost& ready) {
    if (fork() != 0) return;
    if (own_session) setsid();
    ready.Notify();
    for (;;) pause();
  }
};

TEST_F(KillTest, OneWriteKillsThemAll) {
  const int64_t start = MonotonicNanos();
  TRACTOR_EXPECT_OK(cgroup().Kill());
  ExpectAllGone();
  RecordProperty("micros", std::to_string((MonotonicNanos() - start) / 1000));
}

// A kernel before 5.14, as far as the code can see.
int OpenWithoutKill(int dir, const char* path, int flags, mode_t mode) {
  if (strcmp(path, "cgroup.kill") == 0) {
    errno = ENOENT;
    return -1;
  }
  return kRealSyscalls.openat(dir, path, flags, mode);
}

// A kernel before 5.2: no freezer either.
int OpenWithoutKillAndFreeze(int dir, const char* path, int flags,
                             mode_t mode) {
  if (strcmp(path, "cgroup.freeze") == 0) {
    errno = ENOENT;
    return -1;
  }
  return OpenWithoutKill(dir, path, flags, mode);
}

TEST_F(KillTest, WithoutCgroupKillTheListIsKilledFrozen) {
  SyscallTable table = kRealSyscalls;
  table.openat = OpenWithoutKill;
  ScopedSyscallTable scope(&table);
  TRACTOR_EXPECT_OK(cgroup().Kill());
  ExpectAllGone();
}

TEST_F(KillTest, WithoutAFreezerTheListIsKilledAllTheSame) {
  SyscallTable table = kRealSyscalls;
  table.openat = OpenWithoutKillAndFreeze;
  ScopedSyscallTable scope(&table);
  TRACTOR_EXPECT_OK(cgroup().Kill());
  ExpectAllGone();
}

TEST_F(LiveCgroupTest, TheFallbackDoesNotFreezeItsCaller) {
  TRACTOR_ASSERT_OK_AND_ASSIGN(ForkResult fork, ForkInto(cgroup().fd()));
  if (fork.in_child()) {
    SyscallTable table = kRealSyscalls;
    table.openat = OpenWithoutKill;
    ScopedSyscallTable scope(&table);
    _exit(StatusErrno(cgroup().Kill()) == EDEADLK ? 0 : 1);
  }
  ASSERT_TRUE(fork.pidfd.WaitForEnd(kEndMs).value());
  EXPECT_EQ(fork.pidfd.Wait().value().code, 0);
}

TEST_F(LiveCgroupTest, AForkBombDiesOfOneKill) {
  TRACTOR_ASSERT_OK_AND_ASSIGN(ForkResult fork, ForkInto(cgroup().fd()));
  if (fork.in_child()) {
    signal(SIGCHLD, SIG_IGN);  // its children need no reaping
    for (;;) {
      const pid_t pid = ::fork();
      if (pid == 0) {
        setsid();
        _exit(0);
      }
      if (pid < 0) pause();
    }
  }
  // It is in full swing once somebody else than the first is there.
  while (cgroup().Processes().value().size() < 2) {
  }
  TRACTOR_EXPECT_OK(cgroup().Kill());
  EXPECT_TRUE(cgroup().WaitUntilEmpty(kEndMs).value());
  EXPECT_EQ(fork.pidfd.Wait().value().signal, SIGKILL);
}

}  // namespace
}  // namespace tractor::os
