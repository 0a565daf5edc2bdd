// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/io/signals.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>

#include "gtest/gtest.h"
#include "os/fail_nth.h"
#include "os/signals.h"
#include "runtime/io/testing.h"
#include "runtime/task/cancel_scope.h"
#include "runtime/task/nursery.h"

namespace tractor::io {
namespace {

std::atomic<int> handled = 0;

class SignalsTest : public IoTest {
 protected:
  void SetUp() override {
    handled = 0;
    former_ = signal(SIGUSR1, [](int) { ++handled; });
  }
  void TearDown() override {
    signal(SIGUSR1, former_);
    EXPECT_FALSE(os::SignalMask()->Has(SIGUSR1));
    IoTest::TearDown();
  }

 private:
  void (*former_)(int);
};

TEST_F(SignalsTest, ReceivesTheNumberAndTheSender) {
  RunIo([&]() -> Task<> {
    SignalWatcher watcher({SIGUSR1, SIGUSR2});
    raise(SIGUSR2);
    const os::ReceivedSignal got = co_await watcher.Receive();
    EXPECT_EQ(got.signal, SIGUSR2);
    EXPECT_EQ(got.sender, getpid());
  });
}

TEST_F(SignalsTest, WaitsForASignal) {
  RunIo([&]() -> Task<> {
    SignalWatcher watcher({SIGUSR1});
    int received = 0;
    auto receive = [&]() -> Task<> {
      co_await watcher.Receive();
      ++received;
    };
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(receive);
      co_await Settle();
      EXPECT_EQ(received, 0);
      raise(SIGUSR1);
    });
    EXPECT_EQ(received, 1);
    EXPECT_EQ(handled, 0);
  });
}

TEST_F(SignalsTest, TheMaskIsRestoredAndWhatIsPendingTakesItsEffect) {
  RunIo([&]() -> Task<> {
    co_await Checkpoint();
    {
      SignalWatcher watcher({SIGUSR1});
      raise(SIGUSR1);
      EXPECT_EQ(handled, 0);
    }
    EXPECT_EQ(handled, 1);
    raise(SIGUSR1);
    EXPECT_EQ(handled, 2);
  });
}

TEST_F(SignalsTest, AFailureGivesTheMaskBack) {
  RunIo([&]() -> Task<> {
    co_await Checkpoint();
    os::FailNth fail("signalfd", 1, EMFILE);
    EXPECT_THROW(SignalWatcher({SIGUSR1}), StatusError);
    EXPECT_TRUE(fail.fired());
  });
}

TEST_F(SignalsTest, CancelledInEveryStateNoSignalIsLost) {
  RunIo([&]() -> Task<> {
    SignalWatcher watcher({SIGUSR1});
    int received = 0;
    auto receive = [&]() -> Task<> {
      co_await watcher.Receive();
      ++received;
    };
    raise(SIGUSR1);
    CancelScope scope;
    scope.Cancel();
    co_await scope.Run(receive);
    EXPECT_EQ(received, 0);
    co_await receive();
    EXPECT_EQ(received, 1);
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(receive);
      co_await Settle();
      n.cancel_scope().Cancel();
    });
    EXPECT_EQ(received, 1);
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(receive);
      co_await Settle();
      raise(SIGUSR1);
      Reactor::Current().Poll();
      n.cancel_scope().Cancel();
    });
    EXPECT_EQ(received, 2);
  });
}

}  // namespace
}  // namespace tractor::io
