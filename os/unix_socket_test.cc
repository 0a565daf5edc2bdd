// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "os/unix_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "os/errno_status.h"
#include "os/fail_nth.h"
#include "os/fd.h"
#include "os/fork.h"
#include "os/pidfd.h"
#include "os/syscalls.h"
#include "os/testing.h"

namespace tractor::os {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

struct Pair {
  explicit Pair(int type) {
    auto pair = SocketPair(type).value();
    mine = std::move(pair.first);
    theirs = std::move(pair.second);
  }
  Fd mine, theirs;
};

absl::StatusOr<ReceivedMessage> Receive(const Fd& fd, std::string& text,
                                        size_t room = 4096, int flags = 0) {
  text.assign(room, '\0');
  auto got = ReceiveMessage(fd.get(), std::span<char>(text), flags);
  text.resize(got.ok() ? got->bytes : 0);
  return got;
}

bool SameFile(int a, int b) {
  struct stat x, y;
  return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
         x.st_ino == y.st_ino;
}

TEST(SocketPairTest, IsCloseOnExecAndNonBlockingIfAsked) {
  const Pair plain(SOCK_SEQPACKET);
  EXPECT_EQ(fcntl(plain.mine.get(), F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(fcntl(plain.theirs.get(), F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(fcntl(plain.mine.get(), F_GETFL) & O_NONBLOCK, 0);
  const Pair quick(SOCK_STREAM | SOCK_NONBLOCK);
  EXPECT_NE(fcntl(quick.theirs.get(), F_GETFL) & O_NONBLOCK, 0);
}

TEST(MessageTest, PacketsKeepTheirBorders) {
  const Pair pair(SOCK_SEQPACKET);
  EXPECT_EQ(SendMessage(pair.mine.get(), "one").value(), 3u);
  const iovec parts[] = {{const_cast<char*>("t"), 1},
                         {const_cast<char*>("wo!"), 3}};
  EXPECT_EQ(SendMessage(pair.mine.get(), parts).value(), 4u);
  std::string text;
  TRACTOR_ASSERT_OK(Receive(pair.theirs, text));
  EXPECT_EQ(text, "one");
  TRACTOR_ASSERT_OK(Receive(pair.theirs, text));
  EXPECT_EQ(text, "two!");
}

TEST(MessageTest, TheEndIsToldFromDataAndFromNothingYet) {
  Pair pair(SOCK_SEQPACKET);
  std::string text;
  TRACTOR_ASSERT_OK_AND_ASSIGN(auto early,
                               Receive(pair.theirs, text, 10, MSG_DONTWAIT));
  EXPECT_TRUE(early.would_block());
  EXPECT_FALSE(early.end());
  TRACTOR_ASSERT_OK(SendMessage(pair.mine.get(), "last"));
  pair.mine.reset();
  TRACTOR_ASSERT_OK_AND_ASSIGN(auto last, Receive(pair.theirs, text));
  EXPECT_EQ(last.kind, ReceivedMessage::Kind::kData);
  EXPECT_EQ(text, "last");
  TRACTOR_ASSERT_OK_AND_ASSIGN(auto end, Receive(pair.theirs, text));
  EXPECT_TRUE(end.end());
}

TEST(MessageTest, DescriptorsArriveCloseOnExec) {
  for (const int type : {SOCK_SEQPACKET, SOCK_STREAM}) {
    const FdCheck fds;
    {
      const Pair pair(type);
      const Fd a(open("/dev/null", O_RDONLY));
      const Fd b(open("/dev/zero", O_RDONLY));
      const int sent[] = {a.get(), b.get()};
      TRACTOR_ASSERT_OK(SendMessage(pair.mine.get(), "x", sent));
      std::string text;
      TRACTOR_ASSERT_OK_AND_ASSIGN(auto got, Receive(pair.theirs, text));
      ASSERT_THAT(got.fds, SizeIs(2));
      EXPECT_TRUE(SameFile(got.fds[0].get(), a.get()));
      EXPECT_TRUE(SameFile(got.fds[1].get(), b.get()));
      EXPECT_NE(got.fds[0].get(), a.get());
      EXPECT_EQ(fcntl(got.fds[0].get(), F_GETFD), FD_CLOEXEC);
      EXPECT_EQ(fcntl(got.fds[1].get(), F_GETFD), FD_CLOEXEC);
    }
    fds.CheckNothingNew();
  }
}

TEST(MessageTest, TheMostDescriptorsFit) {
  const Pair pair(SOCK_SEQPACKET);
  const std::vector<int> most(kMaxFdsPerMessage, 0);
  TRACTOR_ASSERT_OK(SendMessage(pair.mine.get(), "x", most));
  std::string text;
  TRACTOR_ASSERT_OK_AND_ASSIGN(auto got, Receive(pair.theirs, text));
  EXPECT_THAT(got.fds, SizeIs(kMaxFdsPerMessage));
  const std::vector<int> more(kMaxFdsPerMessage + 1, 0);
  EXPECT_THAT(SendMessage(pair.mine.get(), "x", more),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST(MessageTest, APacketThatDoesNotFitIsAnErrorAndItsDescriptorsAreClosed) {
  const FdCheck fds;
  {
    const Pair pair(SOCK_SEQPACKET);
    const int sent[] = {2};
    TRACTOR_ASSERT_OK(SendMessage(pair.mine.get(), "too long", sent));
    std::string text;
    const auto got = Receive(pair.theirs, text, 3);
    EXPECT_THAT(got, HasErrno(EMSGSIZE));
    EXPECT_THAT(got, HasCode(absl::StatusCode::kOutOfRange));
    EXPECT_THAT(std::string(got.status().message()), HasSubstr("3 bytes"));
  }
  fds.CheckNothingNew();
}

TEST(MessageTest, DescriptorsBeyondTheLimitAreAnError) {
  EXPECT_EQ(RunInChild([] {
              const Pair pair(SOCK_SEQPACKET);
              const int sent[] = {2, 2, 2};
              if (!SendMessage(pair.mine.get(), "x", sent).ok()) return 1;
              const std::vector<int> before = OpenFds().value();
              // Room for one more, wherever the lowest free number is.
              const int free = dup(0);
              close(free);
              const auto top = static_cast<rlim_t>(free) + 1;
              const rlimit limit = {top, top};
              if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return 2;
              std::string text;
              const auto got = Receive(pair.theirs, text);
              if (StatusErrno(got.status()) != EMFILE) return 3;
              return OpenFds().value() == before ? 0 : 4;
            }),
            0);
}

TEST(MessageTest, NothingIsNotAMessage) {
  const Pair pair(SOCK_SEQPACKET);
  EXPECT_THAT(SendMessage(pair.mine.get(), ""),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ReceiveMessage(pair.mine.get(), std::span<char>()),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST(MessageTest, AFullSocketWouldBlock) {
  const Pair pair(SOCK_SEQPACKET | SOCK_NONBLOCK);
  const std::string chunk(1000, 'x');
  int sent = 0;
  while (SendMessage(pair.mine.get(), chunk).value().has_value()) ++sent;
  EXPECT_GT(sent, 10);
  std::string text;
  TRACTOR_ASSERT_OK(Receive(pair.theirs, text));
  EXPECT_EQ(text, chunk);
}

TEST(MessageTest, ADeadPeerIsAnErrorAndNoSignal) {
  for (const int type : {SOCK_SEQPACKET, SOCK_STREAM}) {
    EXPECT_EQ(RunInChild([&] {
                (void)signal(SIGPIPE, SIG_DFL);
                Pair pair(type);
                pair.theirs.reset();
                const auto sent = SendMessage(pair.mine.get(), "x");
                return StatusErrno(sent.status()) == EPIPE ? 0 : 1;
              }),
              0);
  }
}

TEST(MessageTest, SignalsDoNotDisturb) {
  const Pair pair(SOCK_SEQPACKET);
  FailNth send("sendmsg", 1, EINTR);
  FailNth receive("recvmsg", 1, EINTR);
  TRACTOR_EXPECT_OK(SendMessage(pair.mine.get(), "x"));
  std::string text;
  TRACTOR_EXPECT_OK(Receive(pair.theirs, text));
  EXPECT_TRUE(send.fired());
  EXPECT_TRUE(receive.fired());
}

class PathSocketTest : public ::testing::Test {
 protected:
  PathSocketTest() : path_(dir_.path() + "/s") {}

  TempDir dir_;
  const std::string path_;
};

TEST_F(PathSocketTest, ListensConnectsAndAccepts) {
  for (const int type : {SOCK_SEQPACKET, SOCK_STREAM}) {
    TRACTOR_ASSERT_OK_AND_ASSIGN(Fd listener,
                                 ListenUnix(path_, type | SOCK_NONBLOCK));
    EXPECT_FALSE(Accept(listener.get()).value().has_value());
    TRACTOR_ASSERT_OK_AND_ASSIGN(Fd client, ConnectUnix(path_, type));
    TRACTOR_ASSERT_OK_AND_ASSIGN(auto server, Accept(listener.get()));
    ASSERT_TRUE(server.has_value());
    EXPECT_EQ(fcntl(listener.get(), F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(fcntl(client.get(), F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(fcntl(server->get(), F_GETFD), FD_CLOEXEC);
    TRACTOR_ASSERT_OK(SendMessage(client.get(), "hello"));
    std::string text;
    TRACTOR_ASSERT_OK(Receive(*server, text));
    EXPECT_EQ(text, "hello");
    ASSERT_EQ(unlink(path_.c_str()), 0);
  }
}

TEST_F(PathSocketTest, APathThatIsTakenIsNotTakenOver) {
  TRACTOR_ASSERT_OK_AND_ASSIGN(Fd first, ListenUnix(path_, SOCK_STREAM));
  const auto second = ListenUnix(path_, SOCK_STREAM);
  EXPECT_THAT(second, HasCode(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(second, HasErrno(EADDRINUSE));
  TRACTOR_EXPECT_OK(ConnectUnix(path_, SOCK_STREAM));
}

TEST_F(PathSocketTest, AFailedListenLeavesNoFile) {
  FailNth fault("listen", 1, ENOBUFS);
  EXPECT_THAT(ListenUnix(path_, SOCK_STREAM), HasErrno(ENOBUFS));
  EXPECT_NE(access(path_.c_str(), F_OK), 0);
}

TEST_F(PathSocketTest, NobodyThereIsToldFromNoSuchPath) {
  EXPECT_THAT(ConnectUnix(path_, SOCK_STREAM), HasErrno(ENOENT));
  {
    const auto listener = ListenUnix(path_, SOCK_STREAM);
  }
  EXPECT_THAT(ConnectUnix(path_, SOCK_STREAM), HasErrno(ECONNREFUSED));
}

TEST_F(PathSocketTest, AbortedConnectionsAreSkipped) {
  TRACTOR_ASSERT_OK_AND_ASSIGN(Fd listener, ListenUnix(path_, SOCK_STREAM));
  TRACTOR_ASSERT_OK_AND_ASSIGN(Fd client, ConnectUnix(path_, SOCK_STREAM));
  FailNth fault("accept4", 1, ECONNABORTED);
  EXPECT_TRUE(Accept(listener.get()).value().has_value());
}

TEST(SocketPathTest, TheLimitIs107BytesAndSaid) {
  TRACTOR_EXPECT_OK(CheckSocketPath(std::string(107, 'a')));
  const absl::Status status = CheckSocketPath(std::string(108, 'a'));
  EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(status, HasErrno(ENAMETOOLONG));
  EXPECT_THAT(std::string(status.message()), HasSubstr("108 bytes"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("107"));
  EXPECT_THAT(CheckSocketPath(""), HasErrno(EINVAL));
  EXPECT_THAT(CheckSocketPath(std::string_view("a\0b", 3)), HasErrno(EINVAL));
  EXPECT_THAT(ListenUnix("/tmp/" + std::string(103, 'a'), SOCK_STREAM),
              HasErrno(ENAMETOOLONG));
  EXPECT_THAT(ConnectUnix("/tmp/" + std::string(103, 'a'), SOCK_STREAM),
              HasErrno(ENAMETOOLONG));
}

TEST_F(PathSocketTest, TheLongestPathWorks) {
  TempDir dir;
  const size_t rest = kMaxSocketPath - dir.path().size() - 1;
  const std::string path = dir.path() + "/" + std::string(rest, 'a');
  ASSERT_EQ(path.size(), kMaxSocketPath);
  TRACTOR_ASSERT_OK_AND_ASSIGN(Fd listener, ListenUnix(path, SOCK_STREAM));
  TRACTOR_EXPECT_OK(ConnectUnix(path, SOCK_STREAM));
  EXPECT_EQ(access(path.c_str(), F_OK), 0);
}

// A client process that connects to us; who it is must be what the socket says.
TEST_F(PathSocketTest, ThePeerIsKnownByNumberAndByHandle) {
  TRACTOR_ASSERT_OK_AND_ASSIGN(Fd listener, ListenUnix(path_, SOCK_STREAM));
  Signpost stop;
  TestChild client([&] {
    const auto fd = ConnectUnix(path_, SOCK_STREAM);
    return fd.ok() && stop.Wait() ? 0 : 1;
  });
  TRACTOR_ASSERT_OK_AND_ASSIGN(auto server, Accept(listener.get()));
  TRACTOR_ASSERT_OK_AND_ASSIGN(const auto peer,
                               GetPeerCredentials(server->get()));
  EXPECT_EQ(peer.pid, client.pid());
  EXPECT_EQ(peer.uid, getuid());
  EXPECT_EQ(peer.gid, getgid());
  TRACTOR_ASSERT_OK_AND_ASSIGN(Pidfd handle, GetPeerPidfd(server->get()));
  EXPECT_EQ(handle.pid(), client.pid());
  EXPECT_EQ(fcntl(handle.fd(), F_GETFD), FD_CLOEXEC);
  EXPECT_FALSE(handle.HasEnded().value());
  stop.Notify();
  EXPECT_TRUE(handle.WaitForEnd(-1).value());
  EXPECT_EQ(client.Join(), 0);
}

// Linux before 6.5.
int GetSockOptWithoutPidfd(int fd, int level, int option, void* value,
                           socklen_t* size) {
  if (option == 77) {
    errno = ENOPROTOOPT;
    return -1;
  }
  return kRealSyscalls.getsockopt(fd, level, option, value, size);
}

TEST_F(PathSocketTest, WithoutPeerPidfdTheNumberIsChecked) {
  SyscallTable table = kRealSyscalls;
  table.getsockopt = GetSockOptWithoutPidfd;
  ScopedSyscallTable scope(&table);
  TRACTOR_ASSERT_OK_AND_ASSIGN(Fd listener, ListenUnix(path_, SOCK_STREAM));
  Signpost stop;
  TestChild client([&] {
    const auto fd = ConnectUnix(path_, SOCK_STREAM);
    return fd.ok() && stop.Wait() ? 0 : 1;
  });
  TRACTOR_ASSERT_OK_AND_ASSIGN(auto server, Accept(listener.get()));
  TRACTOR_ASSERT_OK_AND_ASSIGN(Pidfd handle, GetPeerPidfd(server->get()));
  EXPECT_EQ(handle.pid(), client.pid());
  stop.Notify();
  ASSERT_TRUE(handle.WaitForEnd(-1).value());
  // It has hung up: the number may be a stranger's from now on.
  EXPECT_THAT(GetPeerPidfd(server->get()),
              HasCode(absl::StatusCode::kNotFound));
}

TEST(PeerTest, NoPeerIsAnError) {
  const Fd lonely(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_THAT(GetPeerCredentials(lonely.get()), HasErrno(ENOTCONN));
  EXPECT_FALSE(GetPeerPidfd(lonely.get()).ok());
  EXPECT_THAT(GetPeerCredentials(-1), HasErrno(EBADF));
}

TEST(BufferTest, TheKernelDoublesWhatItIsTold) {
  const Pair pair(SOCK_STREAM);
  TRACTOR_EXPECT_OK(SetSendBuffer(pair.mine.get(), 32 << 10));
  EXPECT_EQ(GetSendBuffer(pair.mine.get()).value(), 64 << 10);
  TRACTOR_EXPECT_OK(SetReceiveBuffer(pair.mine.get(), 16 << 10));
  EXPECT_EQ(GetReceiveBuffer(pair.mine.get()).value(), 32 << 10);
  EXPECT_THAT(SetSendBuffer(-1, 1), HasErrno(EBADF));
}

}  // namespace
}  // namespace tractor::os
