// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "os/prctl.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "os/errno_status.h"
#include "os/fail_nth.h"
#include "os/fork.h"
#include "os/pidfd.h"
#include "os/proc_fs.h"
#include "os/testing.h"

namespace tractor::os {
namespace {

constexpr int kEndMs = 10'000;

TEST(ParentDeathSignalTest, TheChildDiesWhenItsParentDies) {
  TRACTOR_ASSERT_OK(SetSubreaper());  // to be told of the grandchild's end
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  TestChild parent([&] {
    const pid_t self = getpid();
    const pid_t pid = fork();
    if (pid == 0) {
      if (!SetParentDeathSignal(SIGKILL, self).ok()) _exit(1);
      const pid_t own = getpid();
      if (write(fds[1], &own, sizeof(own)) != sizeof(own)) _exit(2);
      for (;;) pause();
    }
    for (;;) pause();
    return 0;
  });
  pid_t grandchild = 0;
  ASSERT_EQ(read(fds[0], &grandchild, sizeof(grandchild)),
            ssize_t{sizeof(grandchild)});
  TRACTOR_ASSERT_OK_AND_ASSIGN(Pidfd handle, Pidfd::Open(grandchild));
  EXPECT_FALSE(handle.HasEnded().value());
  TRACTOR_EXPECT_OK(parent.pidfd().Signal(SIGKILL));
  EXPECT_EQ(parent.Join(), 256 + SIGKILL);
  const bool ended = handle.WaitForEnd(kEndMs).value();
  EXPECT_TRUE(ended) << "it lives on";
  if (!ended) (void)handle.Signal(SIGKILL);
  EXPECT_EQ(handle.Wait().value().signal, SIGKILL);
  close(fds[0]);
  close(fds[1]);
  TRACTOR_ASSERT_OK(SetSubreaper(false));
}

TEST(ParentDeathSignalTest, AParentThatDiedBeforeIsNoticed) {
  TRACTOR_ASSERT_OK(SetSubreaper());
  Signpost parent_is_gone;
  {
    TRACTOR_ASSERT_OK_AND_ASSIGN(ForkResult parent, Fork());
    if (parent.in_child()) {
      const pid_t self = getpid();
      if (fork() == 0) {
        parent_is_gone.Wait();
        const absl::Status status = SetParentDeathSignal(SIGKILL, self);
        _exit(StatusErrno(status) == ESRCH ? 42 : 1);
      }
      _exit(0);
    }
    TRACTOR_ASSERT_OK(parent.pidfd.Wait());
  }
  parent_is_gone.Notify();
  int status = 0;
  EXPECT_GT(waitpid(-1, &status, 0), 0);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 42);
  TRACTOR_ASSERT_OK(SetSubreaper(false));
}

TEST(ParentDeathSignalTest, ErrorsSayWhatHappened) {
  EXPECT_EQ(RunInChild([] {
              const absl::Status status =
                  SetParentDeathSignal(SIGKILL, 1 << 22);
              const std::string message(status.message());
              return message.find("parent 4194304 is gone already") !=
                             std::string::npos
                         ? 0
                         : 1;
            }),
            0);
  EXPECT_THAT(SetParentDeathSignal(12345, getppid()), HasErrno(EINVAL));
  EXPECT_EQ(RunInChild([] {  // another pid namespace: no check
              return SetParentDeathSignal(SIGTERM, 0).ok() ? 0 : 1;
            }),
            0);
}

TEST(SubreaperTest, OrphansComeToUs) {
  EXPECT_FALSE(IsSubreaper().value());
  TRACTOR_ASSERT_OK(SetSubreaper());
  EXPECT_TRUE(IsSubreaper().value());
  EXPECT_EQ(RunInChild([] {  // is not inherited
              return IsSubreaper().value() ? 1 : 0;
            }),
            0);
  EXPECT_EQ(RunInChild([] {
              if (fork() == 0) _exit(9);
              return 0;
            }),
            0);
  int status = 0;
  EXPECT_GT(waitpid(-1, &status, 0), 0);
  EXPECT_EQ(WEXITSTATUS(status), 9);
  TRACTOR_ASSERT_OK(SetSubreaper(false));
  EXPECT_FALSE(IsSubreaper().value());
}

TEST(NameTest, IsCutAtFifteenBytesAndNotInsideACharacter) {
  EXPECT_EQ(RunInChild([] {
              (void)SetName("worker.3");
              if (GetName().value() != "worker.3") return 1;
              if (Comm(getpid()).value() != "worker.3") return 2;
              (void)SetName("123456789012345678");
              if (GetName().value() != "123456789012345") return 3;
              (void)SetName("12345678901234\u00e9");  // bytes 15 and 16
              if (GetName().value() != "12345678901234") return 4;
              (void)SetName("");
              return GetName().value().empty() ? 0 : 5;
            }),
            0);
}

TEST(DumpableTest, CanBeSwitched) {
  EXPECT_EQ(RunInChild([] {
              return SetDumpable(false).ok() && SetDumpable(true).ok() ? 0 : 1;
            }),
            0);
}

TEST(PrctlTest, FailuresNameTheOption) {
  FailNth fault("prctl", 1, EPERM, /*repeat=*/true);
  EXPECT_EQ(SetSubreaper().message(),
            "prctl(PR_SET_CHILD_SUBREAPER): Operation not permitted");
  EXPECT_EQ(SetName("x").message(),
            "prctl(PR_SET_NAME): Operation not permitted");
  EXPECT_THAT(GetName(), HasErrno(EPERM));
  EXPECT_THAT(IsSubreaper(), HasErrno(EPERM));
  EXPECT_THAT(SetParentDeathSignal(SIGKILL, getppid()), HasErrno(EPERM));
}

}  // namespace
}  // namespace tractor::os
