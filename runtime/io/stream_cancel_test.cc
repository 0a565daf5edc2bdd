// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Streams cancelled in every state, and thousands of them.
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "os/syscalls.h"
#include "runtime/io/stream.h"
#include "runtime/io/testing.h"
#include "runtime/task/cancel_scope.h"
#include "runtime/task/nursery.h"

namespace tractor::io {
namespace {

using StreamCancelTest = IoTest;

Task<std::string> Read(Stream& stream, size_t most = 4096) {
  std::string buffer(most, '\0');
  buffer.resize(co_await stream.ReadSome(buffer));
  co_return buffer;
}

std::pair<Stream, Stream> Pipe() {
  int fds[2];
  if (os::Sys().pipe2(fds, O_CLOEXEC) != 0) ThrowErrno(errno, "pipe2");
  return {Stream(os::Fd(fds[0])), Stream(os::Fd(fds[1]))};
}

// ---- cancelled in every state ----

TEST_F(StreamCancelTest, CancelledBeforeItsStartItDoesNothing) {
  RunIo([&]() -> Task<> {
    auto [mine, theirs] = StreamPair();
    Stream& stream = mine;
    Put(theirs.fd(), "kept");
    CancelScope scope;
    scope.Cancel();
    auto body = [&]() -> Task<> {
      co_await WithNursery([&](Nursery& n) -> Task<> {
        auto write = [&]() -> Task<> { co_await stream.WriteAll("never"); };
        n.StartSoon(write);
        co_await Read(stream);
      });
    };
    co_await scope.Run(body);
    EXPECT_TRUE(scope.cancelled_caught());
    EXPECT_EQ(Take(theirs.fd()), "");
    EXPECT_EQ(co_await Read(mine), "kept");
  });
}

TEST_F(StreamCancelTest, CancelledWhileParkedNoByteIsLost) {
  RunIo([&]() -> Task<> {
    auto [mine, theirs] = StreamPair();
    Stream& stream = mine;
    auto read = [&]() -> Task<> { co_await Read(stream); };
    for (int i = 0; i < 3; ++i) {
      co_await WithNursery([&](Nursery& n) -> Task<> {
        n.StartSoon(read);
        co_await Settle();
        n.cancel_scope().Cancel();
      });
      co_await theirs.WriteAll("kept");
      EXPECT_EQ(co_await Read(mine), "kept");
    }
  });
}

TEST_F(StreamCancelTest, BytesThatCameBeforeTheCancelAreDelivered) {
  RunIo([&]() -> Task<> {
    auto [mine, theirs] = StreamPair();
    Stream& stream = mine;
    std::string got;
    auto read = [&]() -> Task<> { got = co_await Read(stream); };
    const int peer = theirs.fd();
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(read);
      co_await Settle();
      Put(peer, "kept");
      Reactor::Current().Poll();  // completed, not yet resumed
      n.cancel_scope().Cancel();
    });
    EXPECT_EQ(got, "kept");
  });
}

TEST_F(StreamCancelTest, CancelledWriteSomeHasWrittenNothing) {
  RunIo([&]() -> Task<> {
    auto [mine, theirs] = StreamPair();
    Stream& stream = mine;
    const size_t filled = Fill(mine.fd());
    std::string never = "never";
    auto write = [&]() -> Task<> {
      const iovec part = {never.data(), never.size()};
      co_await stream.WriteSome(std::span(&part, 1));
    };
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(write);
      co_await Settle();
      n.cancel_scope().Cancel();
    });
    size_t got = 0;
    for (std::string s = Take(theirs.fd()); !s.empty(); s = Take(theirs.fd())) {
      got += s.size();
    }
    EXPECT_EQ(got, filled);
  });
}

// ---- many ----

// Room for `wanted` descriptors, or for as many as may be had.
size_t RaiseFdLimit(size_t wanted) {
  rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min<rlim_t>(std::max<rlim_t>(limit.rlim_cur, wanted),
                                    limit.rlim_max);
  setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

struct ManyPipes {
  explicit ManyPipes(size_t count) {
    for (size_t i = 0; i < count; ++i) pipes.push_back(Pipe());
  }
  std::vector<std::pair<Stream, Stream>> pipes;
};

TEST_F(StreamCancelTest, ThousandsOfPipesAtOnce) {
  const size_t count = std::min<size_t>(RaiseFdLimit(4300), 4300) / 2 - 100;
  ASSERT_GE(count, 400u);
  size_t got = 0;
  RunIo([&]() -> Task<> {
    ManyPipes many(count);
    auto read = [&](size_t i) -> Task<> {
      for (int round = 0; round < 3; ++round) {
        got += (co_await Read(many.pipes[i].first)).size();
      }
    };
    auto write = [&](size_t i) -> Task<> {
      for (int round = 0; round < 3; ++round) {
        co_await many.pipes[i].second.WriteAll("x");
        co_await Settle();
      }
    };
    co_await WithNursery([&](Nursery& n) -> Task<> {
      for (size_t i = 0; i < count; ++i) n.StartSoon(read, i);
      co_await Settle();
      // Backwards: in no order that the readers know.
      for (size_t i = count; i-- > 0;) n.StartSoon(write, i);
      while (got < count * 3) co_await Checkpoint();
      n.cancel_scope().Cancel();
    });
  });
  EXPECT_EQ(got, count * 3);
}

TEST_F(StreamCancelTest, ThousandsOfParkedReadersAreCancelledAtOnce) {
  const size_t count = std::min<size_t>(RaiseFdLimit(4300), 4300) / 2 - 100;
  size_t ended = 0;
  RunIo([&]() -> Task<> {
    ManyPipes many(count);
    struct Counter {
      ~Counter() { ++*ended; }
      size_t* ended;
    };
    auto read = [&](size_t i) -> Task<> {
      Counter counter{&ended};
      co_await Read(many.pipes[i].first);
      ADD_FAILURE() << "nothing was written to pipe " << i;
    };
    co_await WithNursery([&](Nursery& n) -> Task<> {
      for (size_t i = 0; i < count; ++i) n.StartSoon(read, i);
      co_await Settle();
      n.cancel_scope().Cancel();
    });
  });
  EXPECT_EQ(ended, count);
}

}  // namespace
}  // namespace tractor::io
