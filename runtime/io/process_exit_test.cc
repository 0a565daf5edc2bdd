// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/io/process_exit.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "os/errno_status.h"
#include "os/fork.h"
#include "runtime/io/testing.h"
#include "runtime/task/cancel_scope.h"
#include "runtime/task/nursery.h"

namespace tractor::io {
namespace {

using ProcessExitTest = IoTest;

// A child that exits with 7 when `lifeline`'s other end is closed.
os::Pidfd StartChild(os::Fd& lifeline, os::Fd& other) {
  os::ForkResult fork = OrThrow(os::Fork());
  if (fork.in_child()) {
    other.reset();
    char byte;
    os::SetNonBlocking(lifeline.get(), false).IgnoreError();
    _exit(read(lifeline.get(), &byte, 1) == 0 ? 7 : 1);
  }
  lifeline.reset();
  return std::move(fork.pidfd);
}

TEST_F(ProcessExitTest, WaitsForTheEndOfAChildAndReapsIt) {
  RunIo([&]() -> Task<> {
    auto [theirs, mine] = Pair();
    os::Fd& lifeline = mine;
    const os::Pidfd child = StartChild(theirs, mine);
    std::optional<os::ExitStatus> end;
    auto wait = [&]() -> Task<> { end = co_await WaitExit(child); };
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(wait);
      co_await Settle();
      Reactor::Current().Poll();
      co_await Settle();
      EXPECT_FALSE(end.has_value());
      lifeline.reset();
    });
    EXPECT_EQ(end->code, 7);
    EXPECT_EQ(end->signal, 0);
    int err = 0;
    try {
      co_await WaitExit(child);
    } catch (const StatusError& error) {
      err = os::StatusErrno(error.status());
    }
    EXPECT_EQ(err, ECHILD);
  });
}

TEST_F(ProcessExitTest, SaysWhichSignalKilledIt) {
  RunIo([&]() -> Task<> {
    auto [theirs, mine] = Pair();
    const os::Pidfd child = StartChild(theirs, mine);
    OrThrow(child.Signal(SIGKILL));
    const os::ExitStatus end = co_await WaitExit(child);
    EXPECT_EQ(end.signal, SIGKILL);
  });
}

TEST_F(ProcessExitTest, SeveralTasksWaitForOneProcess) {
  RunIo([&]() -> Task<> {
    auto [theirs, mine] = Pair();
    os::Fd& lifeline = mine;
    const os::Pidfd child = StartChild(theirs, mine);
    int ended = 0;
    auto wait = [&]() -> Task<> {
      co_await WaitUntilEnded(child);
      ++ended;
    };
    co_await WithNursery([&](Nursery& n) -> Task<> {
      for (int i = 0; i < 3; ++i) n.StartSoon(wait);
      co_await Settle();
      lifeline.reset();
    });
    EXPECT_EQ(ended, 3);
    EXPECT_EQ((co_await WaitExit(child)).code, 7);
  });
}

TEST_F(ProcessExitTest, ACancelledWaitReapsNothing) {
  RunIo([&]() -> Task<> {
    auto [theirs, mine] = Pair();
    os::Fd& lifeline = mine;
    const os::Pidfd child = StartChild(theirs, mine);
    auto wait = [&]() -> Task<> { co_await WaitExit(child); };
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(wait);
      co_await Settle();
      n.cancel_scope().Cancel();
    });
    lifeline.reset();
    CancelScope scope;
    scope.Cancel();
    co_await scope.Run(wait);
    EXPECT_EQ((co_await WaitExit(child)).code, 7);
  });
}

// A grandchild, whose parent is gone.
TEST_F(ProcessExitTest, SeesTheEndOfAProcessThatIsNoChild) {
  RunIo([&]() -> Task<> {
    auto [theirs, mine] = Pair();
    os::Fd& lifeline = mine;
    os::ForkResult fork = OrThrow(os::Fork());
    if (fork.in_child()) {
      mine.reset();
      os::ForkResult second = *os::Fork();
      if (!second.in_child()) {
        const int fds[] = {second.pidfd.fd()};
        _exit(os::SendMessage(theirs.get(), "p", fds).ok() ? 0 : 1);
      }
      char byte;
      os::SetNonBlocking(theirs.get(), false).IgnoreError();
      _exit(read(theirs.get(), &byte, 1) == 0 ? 0 : 1);
    }
    theirs.reset();
    EXPECT_EQ((co_await WaitExit(fork.pidfd)).code, 0);
    char buffer[8];
    os::ReceivedMessage got =
        OrThrow(os::ReceiveMessage(mine.get(), std::span<char>(buffer)));
    const os::Pidfd process(std::move(got.fds.at(0)));
    bool ended = false;
    auto wait = [&]() -> Task<> {
      co_await WaitUntilEnded(process);
      ended = true;
    };
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(wait);
      co_await Settle();
      EXPECT_FALSE(ended);
      lifeline.reset();
    });
    EXPECT_TRUE(ended);
  });
}

}  // namespace
}  // namespace tractor::io
