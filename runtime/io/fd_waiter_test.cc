// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/io/fd_waiter.h"

#include <fcntl.h>

#include <boost/asio/io_context.hpp>
#include <stdexcept>

#include "gtest/gtest.h"
#include "os/errno_status.h"
#include "os/syscalls.h"
#include "runtime/io/ends.h"
#include "runtime/io/testing.h"
#include "runtime/task/nursery.h"

namespace tractor::io {
namespace {

using FdWaiterTest = IoTest;

TEST_F(FdWaiterTest, ReadableWakesWhenBytesCome) {
  RunIo([&]() -> Task<> {
    auto [mine, theirs] = Pair();
    const int peer = theirs.get();
    FdWaiter waiter(mine.get());
    Ends ends;
    auto reader = [&]() -> Task<> { return ends.Read(waiter); };
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(reader);
      co_await Settle();
      EXPECT_EQ(ends.ready, 0);
      Put(peer, "x");
    });
    EXPECT_EQ(ends.ready, 1);
  });
}

TEST_F(FdWaiterTest, ReadableReportsWhatIsThereAlready) {
  RunIo([&]() -> Task<> {
    auto [mine, theirs] = Pair();
    FdWaiter waiter(mine.get());
    Put(theirs.get(), "x");
    // The kernel's report of it goes by while nobody waits.
    Reactor::Current().Poll();
    co_await waiter.Readable();
    co_await waiter.Readable();  // nobody has read it: still ready
  });
}

TEST_F(FdWaiterTest, WritableWaitsForRoom) {
  RunIo([&]() -> Task<> {
    auto [mine, theirs] = Pair();
    const int peer = theirs.get();
    FdWaiter waiter(mine.get());
    co_await waiter.Writable();
    Fill(mine.get());
    Ends ends;
    auto writer = [&]() -> Task<> { return ends.Write(waiter); };
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(writer);
      co_await Settle();
      Reactor::Current().Poll();
      co_await Settle();
      EXPECT_EQ(ends.ready, 0);
      Drain(peer);
    });
    EXPECT_EQ(ends.ready, 1);
  });
}

TEST_F(FdWaiterTest, PeersEndIsReadable) {
  RunIo([&]() -> Task<> {
    auto [mine, theirs] = Pair();
    os::Fd& peer = theirs;
    FdWaiter waiter(mine.get());
    Ends ends;
    auto reader = [&]() -> Task<> { return ends.Read(waiter); };
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(reader);
      co_await Settle();
      peer.reset();
    });
    EXPECT_EQ(ends.ready, 1);
  });
}

TEST_F(FdWaiterTest, ReaderAndWriterWaitAtOnce) {
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
      Reactor::Current().Poll();
      co_await Settle();
      EXPECT_EQ(reads.ready, 1);
      EXPECT_EQ(writes.ready, 0);
      Drain(peer);
    });
    EXPECT_EQ(writes.ready, 1);
  });
}

TEST_F(FdWaiterTest, SecondReaderIsRefusedAndTheFirstGoesOn) {
  RunIo([&]() -> Task<> {
    auto [mine, theirs] = Pair();
    const int peer = theirs.get();
    FdWaiter waiter(mine.get());
    Ends ends;
    bool refused = false;
    auto reader = [&]() -> Task<> { return ends.Read(waiter); };
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(reader);
      co_await Settle();
      try {
        co_await waiter.Readable();
      } catch (const std::logic_error&) {
        refused = true;
      }
      Put(peer, "x");
    });
    EXPECT_TRUE(refused);
    EXPECT_EQ(ends.ready, 1);
  });
}

// ---- what descriptors there are ----

TEST_F(FdWaiterTest, FileWithoutReadinessIsReady) {
  RunIo([&]() -> Task<> {
    os::Fd file(os::Sys().open("/proc/self/exe", O_RDONLY | O_CLOEXEC, 0));
    FdWaiter waiter(file.get());
    co_await waiter.Readable();
    co_await waiter.Writable();
  });
}

TEST_F(FdWaiterTest, RefusesWhatCannotBeWatched) {
  RunIo([&]() -> Task<> {
    auto [mine, theirs] = Pair();
    FdWaiter waiter(mine.get());
    for (const auto& [fd, err] : {std::pair(mine.get(), EEXIST), {-1, EBADF}}) {
      try {
        FdWaiter second(fd);
        ADD_FAILURE() << "fd " << fd << " was taken";
      } catch (const StatusError& error) {
        EXPECT_EQ(os::StatusErrno(error.status()), err) << error.what();
      }
    }
    co_await Checkpoint();
  });
}

// Asio keeps EPOLLOUT once it was asked for: see FdWaiter::Impl::Start.
TEST_F(FdWaiterTest, AWriterOfOnceCostsNoWakeUpsLater) {
  RunIo([&]() -> Task<> {
    auto [mine, theirs] = Pair();
    const int self = mine.get(), peer = theirs.get();
    FdWaiter waiter(self);
    co_await waiter.Writable();
    Ends ends;
    auto reader = [&]() -> Task<> { return ends.Read(waiter); };
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(reader);
      co_await Settle();
      for (int i = 0; i < 3; ++i) {
        Put(self, "x");
        Drain(peer);
        EXPECT_EQ(Reactor::Current().context().poll(), 0u);
      }
      Put(peer, "x");
    });
    EXPECT_EQ(ends.ready, 1);
  });
}

}  // namespace
}  // namespace tractor::io
