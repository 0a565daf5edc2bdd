// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "os/proc_fs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <thread>
#include <utility>
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

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr pid_t kNobody = 0x3fffffff;  // beyond the kernel's limit

std::string StatText(const std::string& comm) {
  return "123 (" + comm +
         ") S 7 8 9 0 -1 4194560 1 2 3 4 55 66 0 0 20 0 3 0 987654 1048576 "
         "250 18446744073709551615 1 2 3 4 5 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 "
         "0 0 0 0 0 0\n";
}

TEST(ParseProcStatTest, ReadsTheFields) {
  TRACTOR_ASSERT_OK_AND_ASSIGN(const ProcStat stat,
                               ParseProcStat(StatText("worker")));
  EXPECT_EQ(stat.pid, 123);
  EXPECT_EQ(stat.comm, "worker");
  EXPECT_EQ(stat.state, 'S');
  EXPECT_EQ(stat.parent, 7);
  EXPECT_EQ(stat.group, 8);
  EXPECT_EQ(stat.session, 9);
  EXPECT_EQ(stat.user_ticks, 55u);
  EXPECT_EQ(stat.system_ticks, 66u);
  EXPECT_EQ(stat.threads, 3);
  EXPECT_EQ(stat.start_time, 987654u);
  EXPECT_EQ(stat.virtual_bytes, 1048576u);
  EXPECT_EQ(stat.resident_pages, 250);
  EXPECT_EQ(stat.processor, 1);
  EXPECT_EQ(stat.key(), (ProcessKey{123, 987654}));
}

TEST(ParseProcStatTest, ANameMayLookLikeTheRest) {
  for (const char* comm : {"a b", "a) R 1 1 (b", ")", "(", "a\nb", ""}) {
    TRACTOR_ASSERT_OK_AND_ASSIGN(const ProcStat stat,
                                 ParseProcStat(StatText(comm)));
    EXPECT_EQ(stat.comm, comm);
    EXPECT_EQ(stat.parent, 7) << comm;
  }
}

TEST(ParseProcStatTest, WhatIsNoStatIsRefused) {
  for (const char* text :
       {"", "1", "1 (a", "1 (a) ", "x (a) S 1 2\n", ") (", "1 (a) S 1 2 3"}) {
    EXPECT_FALSE(ParseProcStat(text).ok()) << text;
  }
}

TEST(ParseProcStatusTest, ReadsTheFields) {
  TRACTOR_ASSERT_OK_AND_ASSIGN(
      const ProcStatus status,
      ParseProcStatus("Name:\tweb 1\nUmask:\t0022\nTracerPid:\t44\n"
                      "Uid:\t10\t11\t12\t13\nGid:\t20\t21\t22\t23\n"
                      "NSpid:\t900\t1\nVmRSS:\t    5120 kB\n"
                      "VmSwap:\t       8 kB\n"
                      "SigBlk:\t0000000000004000\nSigIgn:\t8000000000000001\n"
                      "SigCgt:\t0000000000000002\n"));
  EXPECT_EQ(status.name, "web 1");
  EXPECT_EQ(status.tracer, 44);
  EXPECT_EQ(status.real_uid, 10u);
  EXPECT_EQ(status.effective_uid, 11u);
  EXPECT_EQ(status.real_gid, 20u);
  EXPECT_EQ(status.vm_rss_kib, 5120);
  EXPECT_EQ(status.vm_swap_kib, 8);
  EXPECT_THAT(status.namespace_pids, ElementsAre(900, 1));
  EXPECT_EQ(status.blocked_signals, uint64_t{1} << (SIGTERM - 1));
  EXPECT_EQ(status.ignored_signals, 0x8000000000000001u);
  EXPECT_EQ(status.caught_signals, uint64_t{1} << (SIGINT - 1));
}

TEST(ParseProcStatusTest, AZombieHasNoMemory) {
  TRACTOR_ASSERT_OK_AND_ASSIGN(const ProcStatus status,
                               ParseProcStatus("Name:\tz\nUid:\t0\t0\t0\t0\n"));
  EXPECT_FALSE(status.vm_rss_kib.has_value());
  EXPECT_FALSE(ParseProcStatus("").ok());
}

// ---- Real processes ----

// A child that has called itself "a) (b c" and waits.
class ProcFsTest : public ::testing::Test {
 protected:
  ProcFsTest()
      : child_([this] {
          (void)SetName("a) (b c");
          ready_.Notify();
          return stop_.Wait() ? 0 : 1;
        }) {
    EXPECT_TRUE(ready_.Wait());
  }

  Signpost ready_;
  Signpost stop_;
  TestChild child_;
};

TEST_F(ProcFsTest, StatOfAChild) {
  TRACTOR_ASSERT_OK_AND_ASSIGN(const ProcStat stat, ReadProcStat(child_.pid()));
  EXPECT_EQ(stat.pid, child_.pid());
  EXPECT_EQ(stat.parent, getpid());
  EXPECT_EQ(stat.comm, "a) (b c");
  EXPECT_EQ(stat.session, getsid(0));
  EXPECT_FALSE(stat.zombie());
  EXPECT_EQ(Comm(child_.pid()).value(), "a) (b c");
  EXPECT_EQ(ReadTaskStat(child_.pid(), child_.pid()).value().pid, child_.pid());
}

TEST_F(ProcFsTest, StatusOfAChild) {
  TRACTOR_ASSERT_OK_AND_ASSIGN(const ProcStatus status,
                               ReadProcStatus(child_.pid()));
  EXPECT_EQ(status.name, "a) (b c");
  EXPECT_EQ(status.real_uid, getuid());
  EXPECT_EQ(status.tracer, 0);
  EXPECT_GT(status.vm_rss_kib.value_or(0), 0);
  EXPECT_THAT(status.namespace_pids, Contains(child_.pid()));
}

TEST_F(ProcFsTest, ChildrenAndAllPidsHaveTheChild) {
  EXPECT_THAT(ChildrenOf(getpid()).value(), ElementsAre(child_.pid()));
  EXPECT_THAT(ChildrenOf(child_.pid()).value(), IsEmpty());
  TRACTOR_ASSERT_OK_AND_ASSIGN(const std::vector<pid_t> all, AllPids());
  EXPECT_THAT(all, Contains(child_.pid()));
  EXPECT_THAT(all, Contains(getpid()));
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
}

TEST_F(ProcFsTest, ChildrenOfOtherThreadsCount) {
  Signpost stop;
  std::thread other([&] {
    TestChild child([&] { return stop.Wait() ? 0 : 1; });
    EXPECT_THAT(ChildrenOf(getpid()).value(),
                ::testing::UnorderedElementsAre(child_.pid(), child.pid()));
    stop.Notify();
    EXPECT_EQ(child.Join(), 0);
  });
  other.join();
}

TEST_F(ProcFsTest, ChildrenAreFoundWithoutTheKernelsList) {
  SyscallTable table = kRealSyscalls;
  table.faccessat = [](int, const char*, int, int) {
    errno = ENOENT;
    return -1;
  };
  ScopedSyscallTable scope(&table);
  EXPECT_THAT(ChildrenOf(getpid()).value(), ElementsAre(child_.pid()));
}

TEST_F(ProcFsTest, AZombieIsSeenAsOne) {
  TRACTOR_ASSERT_OK(child_.pidfd().Signal(SIGKILL));
  ASSERT_TRUE(child_.pidfd().WaitForEnd(-1).value());
  EXPECT_TRUE(ReadProcStat(child_.pid()).value().zombie());
  EXPECT_FALSE(ReadProcStatus(child_.pid()).value().vm_rss_kib.has_value());
  EXPECT_THAT(CommandLine(child_.pid()).value(), IsEmpty());
  EXPECT_EQ(child_.Join(), 256 + SIGKILL);
  EXPECT_THAT(ReadProcStat(child_.pid()), HasCode(absl::StatusCode::kNotFound));
}

TEST_F(ProcFsTest, MemoryAndDescriptorsAreCounted) {
  TRACTOR_ASSERT_OK_AND_ASSIGN(const MemoryUse use,
                               ReadMemoryUse(child_.pid()));
  EXPECT_GT(use.rss_kib, 0);
  EXPECT_GT(use.pss_kib, 0);
  EXPECT_LE(use.pss_kib, use.rss_kib);
  // It has what we had when it was forked: all but its own handle.
  EXPECT_EQ(FdCount(child_.pid()).value(),
            static_cast<int>(OpenFds().value().size()) - 1);
  EXPECT_EQ(FdCount(getpid()).value(),
            static_cast<int>(OpenFds().value().size()));
}

TEST_F(ProcFsTest, StartTimesTellProcessesApart) {
  TRACTOR_ASSERT_OK_AND_ASSIGN(const ProcessKey key,
                               GetProcessKey(child_.pid()));
  EXPECT_EQ(GetProcessKey(child_.pid()).value(), key);
  EXPECT_GE(key.start_time, GetProcessKey(getpid()).value().start_time);
  TRACTOR_ASSERT_OK_AND_ASSIGN(const int64_t start,
                               StartTimeToUnixNanos(key.start_time));
  // Rounded down to a tick, so up to 10 ms early; a minute for slow machines.
  EXPECT_THAT(UnixNanos() - start,
              AllOf(Ge(0), Le(int64_t{60} * 1'000'000'000)));
}

TEST(ProcFsSelfTest, CommandLineAndExecutable) {
  TRACTOR_ASSERT_OK_AND_ASSIGN(const std::vector<std::string> line,
                               CommandLine(getpid()));
  ASSERT_THAT(line, SizeIs(Ge(1)));
  EXPECT_NE(line[0].find("proc_fs_test"), std::string::npos);
  EXPECT_NE(ExecutablePath(getpid()).value().find("proc_fs_test"),
            std::string::npos);
}

// Executes `env` with the variables given, in a child that then waits for its
// standard input to end.
TEST(ProcFsExecTest, EnvironmentAndArgumentsOfAnExecutedProgram) {
  int fds[2];
  ASSERT_EQ(pipe2(fds, O_CLOEXEC), 0);
  int ready[2];
  ASSERT_EQ(pipe2(ready, O_CLOEXEC), 0);  // closed by the exec
  const std::string filler = "FILLER=" + std::string(10'000, 'f');
  TestChild child([&] {
    const char* argv[] = {"cat", "-", "", "x y", nullptr};
    const char* envp[] = {"TRACTOR_TREE=8c1f", "EMPTY=", filler.c_str(),
                          "TRACTOR_TREE_2=no", "LAST=z", nullptr};
    dup2(fds[0], 0);
    execve("/bin/cat", const_cast<char**>(argv), const_cast<char**>(envp));
    return 1;
  });
  close(ready[1]);
  char byte;
  ASSERT_EQ(read(ready[0], &byte, 1), 0);
  close(ready[0]);
  const pid_t pid = child.pid();
  EXPECT_THAT(Environment(pid).value(),
              ElementsAre("TRACTOR_TREE=8c1f", "EMPTY=", filler,
                          "TRACTOR_TREE_2=no", "LAST=z"));
  EXPECT_EQ(EnvironmentValue(pid, "TRACTOR_TREE").value(), "8c1f");
  EXPECT_EQ(EnvironmentValue(pid, "EMPTY").value(), "");
  EXPECT_EQ(EnvironmentValue(pid, "FILLER").value(), std::string(10'000, 'f'));
  EXPECT_EQ(EnvironmentValue(pid, "LAST").value(), "z");
  EXPECT_EQ(EnvironmentValue(pid, "TRACTOR").value(), std::nullopt);
  EXPECT_THAT(CommandLine(pid).value(), ElementsAre("cat", "-", "", "x y"));
  EXPECT_EQ(Comm(pid).value(), "cat");
  close(fds[0]);
  close(fds[1]);
}

TEST(ProcFsSelfTest, DescriptorsAreNamed) {
  const Fd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_THAT(FdTargets(getpid()).value(),
              Contains(Pair(null.get(), "/dev/null")));
}

TEST(ProcFsSelfTest, TheCgroupIsThatOfProc) {
  const absl::StatusOr<std::string> path = CgroupOf(getpid());
  if (!path.ok()) GTEST_SKIP() << path.status();
  EXPECT_EQ((*path)[0], '/');
}

TEST(ProcFsSelfTest, WhoIsNotThereIsNotFound) {
  const auto is_gone = HasCode(absl::StatusCode::kNotFound);
  EXPECT_THAT(ReadProcStat(kNobody), is_gone);
  EXPECT_THAT(ReadProcStatus(kNobody), is_gone);
  EXPECT_THAT(ChildrenOf(kNobody), is_gone);
  EXPECT_THAT(CommandLine(kNobody), is_gone);
  EXPECT_THAT(Environment(kNobody), is_gone);
  EXPECT_THAT(EnvironmentValue(kNobody, "A"), is_gone);
  EXPECT_THAT(ReadMemoryUse(kNobody), is_gone);
  EXPECT_THAT(FdCount(kNobody), is_gone);
  EXPECT_THAT(FdTargets(kNobody), is_gone);
  EXPECT_THAT(ThreadsOf(kNobody), is_gone);
  EXPECT_THAT(ExecutablePath(kNobody), is_gone);
  EXPECT_THAT(CgroupOf(kNobody), is_gone);
  EXPECT_THAT(GetProcessKey(kNobody), is_gone);
}

// A process may go between the open and the read: the kernel says ESRCH then.
TEST(ProcFsSelfTest, WhoGoesMeanwhileIsNotFound) {
  FailNth fault("read", 1, ESRCH, /*repeat=*/true);
  EXPECT_THAT(ReadProcStat(getpid()), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(EnvironmentValue(getpid(), "PATH"),
              HasCode(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace tractor::os
