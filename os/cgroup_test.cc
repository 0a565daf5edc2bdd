// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "os/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#include <string>
#include <string_view>
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
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int kEndMs = 10'000;

// ---- Text, everywhere ----

constexpr char kHybrid[] =
    "22 28 0:20 / /sys rw,relatime - sysfs sysfs rw\n"
    "30 22 0:25 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755\n"
    "31 30 0:26 / /sys/fs/cgroup/unified rw shared:5 - cgroup2 cgroup2 rw\n"
    "32 30 0:27 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n";

TEST(CgroupPathTest, FindsTheSecondVersionInAHybridMount) {
  const std::vector<CgroupMount> mounts = ParseCgroupMounts(kHybrid);
  ASSERT_THAT(mounts, SizeIs(1));
  EXPECT_EQ(mounts[0].mount_point, "/sys/fs/cgroup/unified");
  EXPECT_EQ(mounts[0].root, "/");
}

TEST(CgroupPathTest, UnderstandsEscapesAndSkipsWhatIsNoMount) {
  const std::vector<CgroupMount> mounts = ParseCgroupMounts(
      "rubbish\n\n1 2 3:4 /a\\134b /my\\040mount rw - cgroup2 none rw\n"
      "1 2 3:4 / / rw - cgroup2x none rw");
  ASSERT_THAT(mounts, SizeIs(1));
  EXPECT_EQ(mounts[0].mount_point, "/my mount");
  EXPECT_EQ(mounts[0].root, "/a\\b");
}

TEST(CgroupPathTest, NothingMountedIsEmpty) {
  EXPECT_THAT(ParseCgroupMounts(""), IsEmpty());
  EXPECT_THAT(ParseCgroupMounts("1 2 3:4 / /p rw - tmpfs t rw"), IsEmpty());
}

TEST(CgroupPathTest, TakesTheMountsRootOffThePath) {
  const CgroupMount all = {"/c", "/"};
  const CgroupMount part = {"/c", "/docker/ab"};
  EXPECT_EQ(PathUnderMount(all, "/"), "/c");
  EXPECT_EQ(PathUnderMount(all, "/x/y"), "/c/x/y");
  EXPECT_EQ(PathUnderMount(part, "/docker/ab"), "/c");
  EXPECT_EQ(PathUnderMount(part, "/docker/ab/z"), "/c/z");
  EXPECT_EQ(PathUnderMount(part, "/docker/abc"), std::nullopt);
  EXPECT_EQ(PathUnderMount(part, "/elsewhere"), std::nullopt);
  EXPECT_EQ(PathUnderMount(all, "/../outside"), std::nullopt);
}

TEST(CgroupPathTest, OwnCgroupIsTheLineOfVersionTwo) {
  EXPECT_EQ(ParseOwnCgroup("4:memory:/m\n0::/user.slice/a b\n"),
            "/user.slice/a b");
  EXPECT_EQ(ParseOwnCgroup("1:name=systemd:/\n"), std::nullopt);
  EXPECT_EQ(ParseOwnCgroup(""), std::nullopt);
}

TEST(CgroupTest, ADirectoryOfAnotherFileSystemIsRefused) {
  EXPECT_THAT(Cgroup::Open("/proc"),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Cgroup::Open("/no/such"), HasErrno(ENOENT));
}

// ---- No cgroup: every way gives its own status ----

SyscallTable TableThatFailsAccess(int err) {
  static int failure;
  failure = err;
  SyscallTable table = kRealSyscalls;
  table.faccessat = [](int, const char*, int, int) {
    errno = failure;
    return -1;
  };
  return table;
}

// What /proc/self/cgroup and /proc/self/mountinfo say, in a file each.
struct ToldByProc {
  std::string cgroup;
  std::string mountinfo;
};
ToldByProc told_by_proc;

SyscallTable TableWithOtherProc() {
  SyscallTable table = kRealSyscalls;
  table.openat = [](int dir, const char* path, int flags, mode_t mode) {
    const std::string_view wanted = path;
    if (wanted == "/proc/self/cgroup") path = told_by_proc.cgroup.c_str();
    if (wanted == "/proc/self/mountinfo") path = told_by_proc.mountinfo.c_str();
    return kRealSyscalls.openat(dir, path, flags, mode);
  };
  return table;
}

TEST(CgroupTest, NoMountAndNoVisibleOneAreNotFound) {
  const TempDir files;
  const std::string v1_only = files.path() + "/v1";
  const std::string elsewhere = files.path() + "/elsewhere";
  const std::string own = files.path() + "/own";
  std::ofstream(v1_only) << "4:cpu:/me\n";
  std::ofstream(own) << "0::/me\n";
  std::ofstream(elsewhere)
      << "30 23 0:26 /other /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
  const SyscallTable table = TableWithOtherProc();
  const ScopedSyscallTable scope(&table);
  for (const ToldByProc& told :
       {ToldByProc{own, "/dev/null"}, ToldByProc{v1_only, elsewhere},
        ToldByProc{own, elsewhere}}) {
    told_by_proc = told;
    EXPECT_THAT(Cgroup::FindWritableParent(),
                HasCode(absl::StatusCode::kNotFound));
    EXPECT_THAT(Cgroup::FindWritableParent(), HasErrno(ENOENT));
    EXPECT_THAT(std::string(Cgroup::Own().status().message()),
                HasSubstr("cgroup v2"));
  }
}

TEST(CgroupTest, ReadOnlyAndForeignOnesAreToldApart) {
  const absl::StatusOr<Cgroup> own = Cgroup::Own();
  if (!own.ok()) GTEST_SKIP() << own.status();
  const SyscallTable read_only = TableThatFailsAccess(EROFS);
  {
    ScopedSyscallTable scope(&read_only);
    EXPECT_THAT(Cgroup::FindWritableParent(),
                HasCode(absl::StatusCode::kFailedPrecondition));
    EXPECT_THAT(Cgroup::FindWritableParent(), HasErrno(EROFS));
  }
  const SyscallTable foreign = TableThatFailsAccess(EACCES);
  ScopedSyscallTable scope(&foreign);
  EXPECT_THAT(Cgroup::FindWritableParent(),
              HasCode(absl::StatusCode::kPermissionDenied));
}

TEST(CgroupTest, EveryFailedCallOfTheSearchIsReported) {
  if (!Cgroup::FindWritableParent().ok()) GTEST_SKIP() << "no cgroup";
  const FdCheck fds;
  for (int n = 1;; ++n) {
    FailNth fault(FailNth::kAnyCall, n, EIO);
    const absl::StatusOr<Cgroup> parent = Cgroup::FindWritableParent();
    if (!fault.fired()) break;
    if (fault.failed_call() == "close") continue;
    EXPECT_THAT(parent, HasErrno(EIO)) << fault.failed_call();
  }
  fds.CheckNothingNew();
}

// ---- With a cgroup ----

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
