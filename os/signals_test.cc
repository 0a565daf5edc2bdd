// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "os/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "os/errno_status.h"
#include "os/fail_nth.h"
#include "os/pidfd.h"
#include "os/testing.h"

namespace tractor::os {
namespace {

TEST(SignalSetTest, HoldsWhatItIsGiven) {
  SignalSet set{SIGINT, SIGTERM};
  EXPECT_TRUE(set.Has(SIGINT));
  EXPECT_FALSE(set.Has(SIGUSR1));
  set.Add(SIGUSR1).Remove(SIGINT);
  EXPECT_TRUE(set.Has(SIGUSR1));
  EXPECT_FALSE(set.Has(SIGINT));
  EXPECT_TRUE(SignalSet::All().Has(SIGCHLD));
  EXPECT_TRUE(SignalSet::All().Has(SIGRTMAX));
}

TEST(SignalMaskTest, BlocksAndUnblocks) {
  TRACTOR_EXPECT_OK(BlockSignals({SIGUSR1}));
  EXPECT_TRUE(SignalMask().value().Has(SIGUSR1));
  TRACTOR_EXPECT_OK(UnblockSignals({SIGUSR1}));
  EXPECT_FALSE(SignalMask().value().Has(SIGUSR1));
}

TEST(SignalMaskTest, AScopedBlockPutsTheFormerMaskBack) {
  TRACTOR_ASSERT_OK(BlockSignals({SIGUSR1}));
  {
    ScopedSignalBlock block(SignalSet{SIGUSR1, SIGUSR2});
    TRACTOR_EXPECT_OK(block.status());
    EXPECT_TRUE(block.former().Has(SIGUSR1));
    EXPECT_FALSE(block.former().Has(SIGUSR2));
    EXPECT_TRUE(SignalMask().value().Has(SIGUSR2));
  }
  EXPECT_TRUE(SignalMask().value().Has(SIGUSR1));
  EXPECT_FALSE(SignalMask().value().Has(SIGUSR2));
  {
    ScopedSignalBlock block(SignalSet{SIGUSR2});
    block.Dismiss();
  }
  EXPECT_TRUE(SignalMask().value().Has(SIGUSR2));
  TRACTOR_ASSERT_OK(SetSignalMask({}));
}

TEST(SignalMaskTest, ABlockThatFailedChangesNothingAtItsEnd) {
  TRACTOR_ASSERT_OK(BlockSignals({SIGUSR1}));
  {
    FailNth fault("sigprocmask", 1, EINVAL);
    ScopedSignalBlock block(SignalSet{SIGUSR2});
    EXPECT_THAT(block.status(), HasErrno(EINVAL));
  }
  EXPECT_TRUE(SignalMask().value().Has(SIGUSR1));
  TRACTOR_ASSERT_OK(SetSignalMask({}));
}

TEST(SignalFdTest, GivesPendingSignalsWithTheirSender) {
  ScopedSignalBlock block(SignalSet{SIGUSR1, SIGUSR2});
  TRACTOR_ASSERT_OK_AND_ASSIGN(Fd fd, MakeSignalFd({SIGUSR1, SIGUSR2}));
  EXPECT_EQ(fcntl(fd.get(), F_GETFD), FD_CLOEXEC);
  TRACTOR_ASSERT_OK_AND_ASSIGN(auto none, ReadSignal(fd.get()));
  EXPECT_FALSE(none.has_value());
  kill(getpid(), SIGUSR2);
  pollfd poll = {fd.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&poll, 1, -1), 1);
  TRACTOR_ASSERT_OK_AND_ASSIGN(auto got, ReadSignal(fd.get()));
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->signal, SIGUSR2);
  EXPECT_EQ(got->code, SI_USER);
  EXPECT_EQ(got->sender, getpid());
  EXPECT_EQ(got->uid, getuid());
  EXPECT_FALSE(ReadSignal(fd.get()).value().has_value());
}

TEST(SignalFdTest, ErrorsAreReported) {
  EXPECT_THAT(ReadSignal(-1), HasErrno(EBADF));
  FailNth fault("signalfd", 1, EMFILE);
  EXPECT_THAT(MakeSignalFd({SIGUSR1}), HasErrno(EMFILE));
}

TEST(ResetSignalsTest, NothingIsHandledIgnoredOrBlockedAfterwards) {
  EXPECT_EQ(RunInChild([] {
              signal(SIGINT, SIG_IGN);
              signal(SIGTERM, [](int) {});
              signal(SIGRTMIN + 1, [](int) {});
              if (!BlockSignals({SIGTERM, SIGUSR1}).ok()) return 1;
              if (!ResetSignals().ok()) return 2;
              for (const int s : {SIGINT, SIGTERM, SIGSEGV, SIGRTMIN + 1}) {
                struct sigaction now;
                sigaction(s, nullptr, &now);
                if (now.sa_handler != SIG_DFL) return 3;
              }
              return SignalMask().value().Has(SIGTERM) ? 4 : 0;
            }),
            0);
}

TEST(ResetSignalsTest, ASignalThatWasBlockedThenStrikes) {
  EXPECT_EQ(RunInChild([] {
              (void)BlockSignals({SIGTERM});
              raise(SIGTERM);
              (void)ResetSignals();
              return 0;
            }),
            256 + SIGTERM);
}

TEST(IgnoreSigpipeTest, AWriteToNobodySaysEpipe) {
  EXPECT_EQ(RunInChild([] {
              if (!IgnoreSigpipe().ok()) return 1;
              int fds[2];
              if (pipe(fds) != 0) return 2;
              close(fds[0]);
              return write(fds[1], "x", 1) == -1 && errno == EPIPE ? 0 : 3;
            }),
            0);
}

TEST(SignalNameTest, NamesKnownOnes) {
  EXPECT_EQ(SignalName(SIGSEGV), "SIGSEGV");
  EXPECT_EQ(SignalName(SIGKILL), "SIGKILL");
  EXPECT_EQ(SignalName(77), "signal 77");
}

}  // namespace
}  // namespace tractor::os
