// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// FdWaiter cancelled and closed, in every state.
#include <boost/asio/io_context.hpp>
#include <optional>

#include "gtest/gtest.h"
#include "runtime/io/ends.h"
#include "runtime/io/fd_waiter.h"
#include "runtime/io/testing.h"
#include "runtime/task/cancel_scope.h"
#include "runtime/task/nursery.h"

namespace tractor::io {
namespace {

using FdWaiterCancelTest = IoTest;

// ---- cancelled in every state ----

TEST_F(FdWaiterCancelTest, CancelledBeforeItsStartItStartsNothing) {
  RunIo([&]() -> Task<> {
    auto [mine, theirs] = Pair();
    FdWaiter waiter(mine.get());
    Put(theirs.get(), "x");
    CancelScope scope;
    scope.Cancel();
    Ends ends;
    auto body = [&]() -> Task<> { return ends.Read(waiter); };
    co_await scope.Run(body);
    EXPECT_TRUE(scope.cancelled_caught());
    EXPECT_EQ(ends.ready + ends.closed, 0);
    co_await waiter.Readable();  // the direction is free
  });
}

TEST_F(FdWaiterCancelTest, CancelledWhileParkedItEndsAndCanBeUsedAgain) {
  RunIo([&]() -> Task<> {
    auto [mine, theirs] = Pair();
    FdWaiter waiter(mine.get());
    Fill(mine.get());
    Ends ends;
    auto reader = [&]() -> Task<> { return ends.Read(waiter); };
    auto writer = [&]() -> Task<> { return ends.Write(waiter); };
    for (int i = 0; i < 3; ++i) {
      co_await WithNursery([&](Nursery& n) -> Task<> {
        n.StartSoon(reader);
        n.StartSoon(writer);
        co_await Settle();
        n.cancel_scope().Cancel();
      });
    }
    EXPECT_EQ(ends.ready + ends.closed, 0);
    Put(theirs.get(), "x");
    co_await waiter.Readable();
    Drain(theirs.get());
    co_await waiter.Writable();
  });
}

TEST_F(FdWaiterCancelTest, OneDirectionIsCancelledWithoutTheOther) {
  RunIo([&]() -> Task<> {
    auto [mine, theirs] = Pair();
    const int peer = theirs.get();
    FdWaiter waiter(mine.get());
    Fill(mine.get());
    Ends reads, writes;
    CancelScope scope;
    auto body = [&]() -> Task<> { return writes.Write(waiter); };
    auto writer = [&]() -> Task<> { co_await scope.Run(body); };
    auto reader = [&]() -> Task<> { return reads.Read(waiter); };
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(reader);
      n.StartSoon(writer);
      co_await Settle();
      scope.Cancel();
      Reactor::Current().Poll();
      co_await Settle();
      EXPECT_TRUE(scope.cancelled_caught());
      EXPECT_EQ(reads.ready, 0);
      Put(peer, "x");
    });
    EXPECT_EQ(reads.ready, 1);
    EXPECT_EQ(writes.ready, 0);
  });
}

TEST_F(FdWaiterCancelTest, ReadinessBeforeTheCancelIsDelivered) {
  RunIo([&]() -> Task<> {
    auto [mine, theirs] = Pair();
    const int peer = theirs.get();
    FdWaiter waiter(mine.get());
    Ends ends;
    bool went_on = false;
    auto reader = [&]() -> Task<> {
      co_await ends.Read(waiter);
      co_await Checkpoint();  // here the cancel strikes
      went_on = true;
    };
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(reader);
      co_await Settle();
      Put(peer, "x");
      Reactor::Current().Poll();  // completed, not yet resumed
      n.cancel_scope().Cancel();
    });
    EXPECT_EQ(ends.ready, 1);
    EXPECT_FALSE(went_on);
  });
}

// Between both: Asio has seen it, and has not called us yet.
TEST_F(FdWaiterCancelTest, ReadinessThatIsQueuedAtTheCancelIsDelivered) {
  RunIo([&]() -> Task<> {
    auto [mine, theirs] = Pair();
    const int peer = theirs.get();
    FdWaiter waiter(mine.get());
    Fill(mine.get());
    Ends reads, writes;
    auto reader = [&]() -> Task<> { return reads.Read(waiter); };
    auto writer = [&]() -> Task<> { return writes.Write(waiter); };
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(reader);
      n.StartSoon(writer);
      co_await Settle();
      Put(peer, "x");
      Drain(peer);
      // One report for both directions; its second handler stays queued.
      EXPECT_EQ(Reactor::Current().context().poll_one(), 1u);
      n.cancel_scope().Cancel();
    });
    EXPECT_EQ(reads.ready, 1);
    EXPECT_EQ(writes.ready, 1);
  });
}

// ---- closing ----

TEST_F(FdWaiterCancelTest, CloseWakesBothDirections) {
  RunIo([&]() -> Task<> {
    auto [mine, theirs] = Pair();
    FdWaiter waiter(mine.get());
    Fill(mine.get());
    Ends ends;
    auto reader = [&]() -> Task<> { return ends.Read(waiter); };
    auto writer = [&]() -> Task<> { return ends.Write(waiter); };
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(reader);
      n.StartSoon(writer);
      co_await Settle();
      waiter.Close();
      waiter.Close();
    });
    EXPECT_EQ(ends.closed, 2);
    EXPECT_EQ(ends.ready, 0);
    co_await ends.Read(waiter);
    EXPECT_EQ(ends.closed, 3);
    // Borrowed: still open, and free for another waiter.
    FdWaiter next(mine.get());
    Put(theirs.get(), "x");
    co_await next.Readable();
  });
}

TEST_F(FdWaiterCancelTest, ClosedAfterTheCancelItIsCancelled) {
  RunIo([&]() -> Task<> {
    auto [mine, theirs] = Pair();
    FdWaiter waiter(mine.get());
    Ends ends;
    auto reader = [&]() -> Task<> { return ends.Read(waiter); };
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(reader);
      co_await Settle();
      n.cancel_scope().Cancel();
      waiter.Close();
    });
    EXPECT_EQ(ends.ready + ends.closed, 0);
  });
}

TEST_F(FdWaiterCancelTest, CancelledAfterTheCloseItIsClosed) {
  RunIo([&]() -> Task<> {
    auto [mine, theirs] = Pair();
    FdWaiter waiter(mine.get());
    Ends ends;
    auto reader = [&]() -> Task<> { return ends.Read(waiter); };
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(reader);
      co_await Settle();
      waiter.Close();
      Reactor::Current().Poll();
      n.cancel_scope().Cancel();
    });
    EXPECT_EQ(ends.closed, 1);
  });
}

TEST(FdWaiterDeathTest, DestroyedWhileATaskWaitsItAborts) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  auto misuse = [] {
    RunIo([]() -> Task<> {
      auto [mine, theirs] = Pair();
      std::optional<FdWaiter> waiter(std::in_place, mine.get());
      auto reader = [&]() -> Task<> { co_await waiter->Readable(); };
      co_await WithNursery([&](Nursery& n) -> Task<> {
        n.StartSoon(reader);
        co_await Settle();
        waiter.reset();
      });
    });
  };
  EXPECT_DEATH(misuse(), "destroyed while a task waits");
}

}  // namespace
}  // namespace tractor::io
