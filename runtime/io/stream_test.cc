// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/io/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "os/errno_status.h"
#include "os/fail_nth.h"
#include "os/syscalls.h"
#include "runtime/io/testing.h"
#include "runtime/task/nursery.h"

namespace tractor::io {
namespace {

using StreamTest = IoTest;

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

// Different at each place, so that lost, doubled or swapped bytes show.
std::string Pattern(size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<char>(i * 2654435761u >> 13);
  }
  return bytes;
}

TEST_F(StreamTest, ReadsWhatIsThereAndThenTheEnd) {
  RunIo([&]() -> Task<> {
    for (bool pipe : {false, true}) {
      auto [reader, writer] = pipe ? Pipe() : StreamPair();
      co_await writer.WriteAll("hello");
      EXPECT_EQ(co_await Read(reader, 3), "hel");
      EXPECT_EQ(co_await Read(reader), "lo");
      writer.Close();
      EXPECT_EQ(co_await Read(reader), "");
      EXPECT_EQ(co_await Read(reader), "");
    }
  });
}

TEST_F(StreamTest, HalfCloseEndsOneDirectionOnly) {
  RunIo([&]() -> Task<> {
    auto [client, server] = StreamPair();
    co_await client.WriteAll("question");
    client.ShutdownWrite();
    EXPECT_EQ(co_await Read(server), "question");
    EXPECT_EQ(co_await Read(server), "");
    co_await server.WriteAll("answer");
    EXPECT_EQ(co_await Read(client), "answer");
    bool refused = false;
    try {
      co_await client.WriteAll("more");
    } catch (const ConnectionClosed&) {
      refused = true;
    }
    EXPECT_TRUE(refused);
  });
}

TEST_F(StreamTest, WriteAllWaitsForTheReader) {
  const std::string sent = Pattern(8 << 20);
  for (bool pipe : {false, true}) {
    std::string got;
    RunIo([&]() -> Task<> {
      auto pair = pipe ? Pipe() : StreamPair();
      auto write = [&]() -> Task<> {
        co_await pair.second.WriteAll(sent);
        pair.second.Close();
      };
      co_await WithNursery([&](Nursery& n) -> Task<> {
        n.StartSoon(write);
        for (;;) {
          const std::string part = co_await Read(pair.first, 100'000);
          if (part.empty()) break;
          got += part;
        }
      });
    });
    EXPECT_TRUE(got == sent) << got.size();
  }
}

TEST_F(StreamTest, ReadAllTakesExactlyItsRoom) {
  RunIo([&]() -> Task<> {
    auto [reader, writer] = StreamPair();
    co_await writer.WriteAll("0123456789");
    std::string four(4, ' ');
    co_await reader.ReadAll(four);
    EXPECT_EQ(four, "0123");
    writer.Close();
    std::string more(7, ' ');
    bool cut = false;
    try {
      co_await reader.ReadAll(more);
    } catch (const ConnectionClosed&) {
      cut = true;
    }
    EXPECT_TRUE(cut);
  });
}

TEST_F(StreamTest, WriteSomeGathers) {
  RunIo([&]() -> Task<> {
    auto [reader, writer] = StreamPair();
    std::string a = "ab", b = "cde";
    const std::vector<iovec> parts = {
        {nullptr, 0}, {a.data(), 2}, {nullptr, 0}, {b.data(), 3}};
    EXPECT_EQ(co_await writer.WriteSome(parts), 5u);
    EXPECT_EQ(co_await Read(reader), "abcde");
    EXPECT_EQ(co_await writer.WriteSome(std::span(parts.data(), 1)), 0u);
    // More parts than one call may have: the first ones go.
    const std::vector<iovec> many(IOV_MAX + 10, iovec{a.data(), 1});
    EXPECT_EQ(co_await writer.WriteSome(many), size_t{IOV_MAX});
  });
}

TEST_F(StreamTest, LostPeersAreConnectionClosed) {
  RunIo([&]() -> Task<> {
    for (bool pipe : {false, true}) {
      auto [reader, writer] = pipe ? Pipe() : StreamPair();
      reader.Close();
      bool closed = false;
      try {
        co_await writer.WriteAll("x");
      } catch (const ConnectionClosed& error) {
        closed = true;
        EXPECT_EQ(os::StatusErrno(error.status()), EPIPE) << error.what();
      }
      EXPECT_TRUE(closed);
    }
    auto [reader, writer] = StreamPair();
    co_await reader.WriteAll("never read");
    writer.Close();
    bool reset = false;
    try {
      co_await Read(reader);
    } catch (const ConnectionClosed& error) {
      reset = true;
      EXPECT_EQ(os::StatusErrno(error.status()), ECONNRESET) << error.what();
    }
    EXPECT_TRUE(reset);
  });
}

TEST_F(StreamTest, CloseWakesReaderAndWriter) {
  RunIo([&]() -> Task<> {
    auto [mine, theirs] = StreamPair();
    Fill(mine.fd());
    int closed = 0;
    Stream& stream = mine;
    auto read = [&]() -> Task<> {
      try {
        co_await Read(stream);
      } catch (const ResourceClosed&) {
        ++closed;
      }
    };
    auto write = [&]() -> Task<> {
      try {
        co_await stream.WriteAll("x");
      } catch (const ResourceClosed&) {
        ++closed;
      }
    };
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(read);
      n.StartSoon(write);
      co_await Settle();
      stream.Close();
      stream.Close();
      co_await Settle();
    });
    EXPECT_EQ(closed, 2);
    EXPECT_EQ(stream.fd(), -1);
    co_await read();
    EXPECT_EQ(closed, 3);
  });
}

TEST_F(StreamTest, SecondReaderAndSecondWriterAreRefused) {
  RunIo([&]() -> Task<> {
    auto [mine, theirs] = StreamPair();
    Fill(mine.fd());
    Stream& stream = mine;
    auto read = [&]() -> Task<> { co_await Read(stream); };
    auto write = [&]() -> Task<> { co_await stream.WriteAll("x"); };
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(read);
      n.StartSoon(write);
      co_await Settle();
      int refused = 0;
      try {
        co_await read();
      } catch (const std::logic_error&) {
        ++refused;
      }
      try {
        co_await write();
      } catch (const std::logic_error&) {
        ++refused;
      }
      EXPECT_EQ(refused, 2);
      n.cancel_scope().Cancel();
    });
    co_await theirs.WriteAll("free again");
    EXPECT_EQ(co_await Read(mine), "free again");
  });
}

TEST_F(StreamTest, CanBeMovedWhileATaskReads) {
  RunIo([&]() -> Task<> {
    auto [mine, theirs] = StreamPair();
    Stream& stream = mine;
    std::string got;
    auto read = [&]() -> Task<> { got = co_await Read(stream); };
    std::vector<Stream> home;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(read);
      co_await Settle();
      home.push_back(std::move(stream));
      Put(theirs.fd(), "x");
    });
    EXPECT_EQ(got, "x");
  });
}

TEST_F(StreamTest, ReadingIntoNothingIsRefused) {
  RunIo([&]() -> Task<> {
    auto [mine, theirs] = StreamPair();
    bool refused = false;
    try {
      co_await mine.ReadSome({});
    } catch (const StatusError& error) {
      refused = absl::IsInvalidArgument(error.status());
    }
    EXPECT_TRUE(refused);
  });
}

// ---- what the kernel may do ----

TEST_F(StreamTest, InterruptedAndEmptyHandedCallsAreRepeated) {
  for (int err : {EINTR, EAGAIN}) {
    for (const char* call : {"read", "sendmsg"}) {
      RunIo([&]() -> Task<> {
        auto [mine, theirs] = StreamPair();
        os::FailNth fail(call, 1, err);
        co_await theirs.WriteAll("hello");
        EXPECT_EQ(co_await Read(mine), "hello");
        EXPECT_TRUE(fail.fired());
      });
    }
  }
}

TEST_F(StreamTest, OtherFailuresNameTheCall) {
  RunIo([&]() -> Task<> {
    auto [mine, theirs] = StreamPair();
    Put(theirs.fd(), "x");
    os::FailNth fail("read", 1, EIO);
    std::string what;
    try {
      co_await Read(mine);
    } catch (const StatusError& error) {
      what = error.what();
    }
    EXPECT_EQ(what, "io::Stream(fd " + std::to_string(mine.fd()) +
                        "): read: Input/output error");
    EXPECT_EQ(co_await Read(mine), "x");
  });
}

// Takes at most three bytes, and says EAGAIN every second time.
ssize_t ShortSend(int fd, const msghdr* message, int flags) {
  static int calls = 0;
  if (++calls % 2 == 0) {
    errno = EAGAIN;
    return -1;
  }
  const iovec& part = message->msg_iov[0];
  return send(fd, part.iov_base, std::min<size_t>(part.iov_len, 3), flags);
}

TEST_F(StreamTest, ShortWritesAreContinued) {
  os::SyscallTable table = os::Sys();
  table.sendmsg = ShortSend;
  os::ScopedSyscallTable scope(&table);
  RunIo([&]() -> Task<> {
    auto [mine, theirs] = StreamPair();
    const std::string sent = Pattern(200);
    co_await mine.WriteAll(sent);
    std::string got(200, ' ');
    co_await theirs.ReadAll(got);
    EXPECT_TRUE(got == sent);
  });
}

// Whatever fails on the way, nothing is left: the fixture looks.
TEST_F(StreamTest, EveryFailureOfTheConstructorLeavesNothing) {
  RunIo([&]() -> Task<> {
    co_await Checkpoint();
    for (int n = 1;; ++n) {
      auto [mine, theirs] = Pair();
      os::FailNth fail(os::FailNth::kAnyCall, n, ENOMEM);
      try {
        Stream stream(std::move(mine));
        if (!fail.fired()) break;
      } catch (const StatusError& error) {
        EXPECT_EQ(os::StatusErrno(error.status()), ENOMEM) << error.what();
      }
      if (n > 20) ADD_FAILURE() << "no end: " << fail.failed_call();
      if (n > 20) break;
    }
  });
}

}  // namespace
}  // namespace tractor::io
