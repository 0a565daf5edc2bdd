// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "os/pidfd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "os/errno_status.h"
#include "os/fail_nth.h"
#include "os/fork.h"
#include "os/testing.h"

namespace tractor::os {
namespace {

using ::testing::StartsWith;

TEST(PidfdTest, WaitSaysHowAChildExited) {
  TRACTOR_ASSERT_OK_AND_ASSIGN(ForkResult fork, Fork());
  if (fork.in_child()) _exit(3);
  TRACTOR_ASSERT_OK_AND_ASSIGN(const ExitStatus end, fork.pidfd.Wait());
  EXPECT_EQ(end.code, 3);
  EXPECT_EQ(end.signal, 0);
  EXPECT_FALSE(end.ok());
  EXPECT_EQ(end.ToString(), "exit code 3");
  EXPECT_GT(end.usage.ru_maxrss, 0);
}

TEST(PidfdTest, WaitSaysWhichSignalKilledAChild) {
  TRACTOR_ASSERT_OK_AND_ASSIGN(ForkResult fork, Fork());
  if (fork.in_child()) {
    for (;;) pause();
  }
  TRACTOR_EXPECT_OK(fork.pidfd.Signal(SIGKILL));
  TRACTOR_ASSERT_OK_AND_ASSIGN(const ExitStatus end, fork.pidfd.Wait());
  EXPECT_EQ(end.signal, SIGKILL);
  EXPECT_EQ(end.code, 0);
  EXPECT_FALSE(end.ok());
  EXPECT_EQ(end.ToString(), "killed by SIGKILL");
}

TEST(PidfdTest, UsageCountsCpuTime) {
  TRACTOR_ASSERT_OK_AND_ASSIGN(ForkResult fork, Fork());
  if (fork.in_child()) {
    while (clock() < CLOCKS_PER_SEC / 50) {
    }
    _exit(0);
  }
  TRACTOR_ASSERT_OK_AND_ASSIGN(const ExitStatus end, fork.pidfd.Wait());
  EXPECT_TRUE(end.ok());
  const auto& use = end.usage;
  EXPECT_GE(use.ru_utime.tv_usec + use.ru_stime.tv_usec, 15'000);
}

TEST(PidfdTest, TryWaitDoesNotWait) {
  Signpost go;
  TestChild child([&] { return go.Wait() ? 0 : 1; });
  TRACTOR_ASSERT_OK_AND_ASSIGN(auto early, child.pidfd().TryWait());
  EXPECT_FALSE(early.has_value());
  EXPECT_FALSE(child.pidfd().HasEnded().value());
  EXPECT_FALSE(child.pidfd().WaitForEnd(1).value());
  go.Notify();
  EXPECT_TRUE(child.pidfd().WaitForEnd(-1).value());
  EXPECT_TRUE(child.pidfd().HasEnded().value());  // a zombie has
  EXPECT_EQ(child.Join(), 0);
}

TEST(PidfdTest, AReapedChildIsNeitherSignalledNorWaitedFor) {
  TRACTOR_ASSERT_OK_AND_ASSIGN(ForkResult fork, Fork());
  if (fork.in_child()) _exit(0);
  TRACTOR_ASSERT_OK(fork.pidfd.Wait());
  EXPECT_THAT(fork.pidfd.Signal(SIGKILL), HasErrno(ESRCH));
  EXPECT_THAT(fork.pidfd.Wait(), HasErrno(ECHILD));
  EXPECT_TRUE(fork.pidfd.HasEnded().value());
  EXPECT_THAT(Pidfd::Open(fork.pid), HasCode(absl::StatusCode::kNotFound));
}

TEST(PidfdTest, AZombieCanBeOpened) {
  TRACTOR_ASSERT_OK_AND_ASSIGN(ForkResult fork, Fork());
  if (fork.in_child()) _exit(7);
  ASSERT_TRUE(fork.pidfd.WaitForEnd(-1).value());
  TRACTOR_ASSERT_OK_AND_ASSIGN(Pidfd late, Pidfd::Open(fork.pid));
  EXPECT_EQ(late.Wait().value().code, 7);
}

TEST(PidfdTest, ADuplicateOutlivesTheFirst) {
  Signpost go;
  TestChild child([&] { return go.Wait() ? 0 : 1; });
  TRACTOR_ASSERT_OK_AND_ASSIGN(Pidfd first, Pidfd::Open(child.pid()));
  TRACTOR_ASSERT_OK_AND_ASSIGN(Pidfd copy, first.Dup());
  EXPECT_EQ(fcntl(copy.fd(), F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(fcntl(first.fd(), F_GETFD), FD_CLOEXEC);
  first = Pidfd();
  TRACTOR_EXPECT_OK(copy.Signal(0));
  EXPECT_EQ(copy.pid(), child.pid());
}

TEST(PidfdTest, ErrorsNameCallAndProcess) {
  EXPECT_EQ(Pidfd::Open(0x3fffffff).status().message(),
            "pidfd_open(pid 1073741823): No such process");
  EXPECT_THAT(std::string(Pidfd().Signal(SIGTERM).message()),
              StartsWith("pidfd_send_signal(pid 0): "));
  EXPECT_THAT(Pidfd().WaitForEnd(0), HasErrno(EBADF));
}

TEST(PidfdTest, WaitsGoOnAfterASignal) {
  TRACTOR_ASSERT_OK_AND_ASSIGN(ForkResult fork, Fork());
  if (fork.in_child()) _exit(0);
  FailNth poll("poll", 1, EINTR);
  FailNth wait("waitid", 1, EINTR);
  EXPECT_TRUE(fork.pidfd.WaitForEnd(60'000).value());
  TRACTOR_EXPECT_OK(fork.pidfd.Wait());
  EXPECT_TRUE(poll.fired());
  EXPECT_TRUE(wait.fired());
}

}  // namespace
}  // namespace tractor::os
