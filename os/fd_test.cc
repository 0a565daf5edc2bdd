// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "os/errno_status.h"
#include "os/fail_nth.h"
#include "os/file.h"
#include "os/testing.h"

namespace tractor::os {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

Fd MakeFd() { return Fd(eventfd(0, 0)); }

bool IsOpen(int fd) { return fcntl(fd, F_GETFD) >= 0; }

TEST(FdTest, ClosesAtItsEnd) {
  int number;
  {
    Fd fd = MakeFd();
    number = fd.get();
    EXPECT_TRUE(IsOpen(number));
  }
  EXPECT_FALSE(IsOpen(number));
}

TEST(FdTest, MovingLeavesNothingBehind) {
  Fd a = MakeFd();
  const int number = a.get();
  Fd b = std::move(a);
  EXPECT_FALSE(a.valid());  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(b.get(), number);
  Fd c = MakeFd();
  const int overwritten = c.get();
  c = std::move(b);
  EXPECT_FALSE(IsOpen(overwritten));
  EXPECT_EQ(c.get(), number);
  EXPECT_TRUE(IsOpen(number));
}

TEST(FdTest, ReleaseGivesTheDescriptorAway) {
  Fd fd = MakeFd();
  const int number = fd.release();
  EXPECT_FALSE(fd.valid());
  EXPECT_TRUE(IsOpen(number));
  close(number);
}

TEST(FdTest, ResetKeepsErrno) {
  Fd fd = MakeFd();
  FailNth fault("close", 1, EIO);
  errno = ENOENT;
  fd.reset();
  EXPECT_EQ(errno, ENOENT);
  EXPECT_TRUE(fault.fired());
}

TEST(FdTest, DupIsCloseOnExecAndIndependent) {
  Fd fd = MakeFd();
  TRACTOR_ASSERT_OK_AND_ASSIGN(Fd copy, fd.Dup());
  EXPECT_EQ(fcntl(copy.get(), F_GETFD), FD_CLOEXEC);
  fd.reset();
  EXPECT_TRUE(IsOpen(copy.get()));
  EXPECT_THAT(Fd().Dup(), HasErrno(EBADF));
}

TEST(FdTest, FlagsGoOnAndOff) {
  Fd fd = MakeFd();
  TRACTOR_EXPECT_OK(SetNonBlocking(fd.get()));
  EXPECT_NE(fcntl(fd.get(), F_GETFL) & O_NONBLOCK, 0);
  TRACTOR_EXPECT_OK(SetNonBlocking(fd.get(), false));
  EXPECT_EQ(fcntl(fd.get(), F_GETFL) & O_NONBLOCK, 0);
  TRACTOR_EXPECT_OK(SetCloexec(fd.get()));
  EXPECT_EQ(fcntl(fd.get(), F_GETFD), FD_CLOEXEC);
  TRACTOR_EXPECT_OK(SetCloexec(fd.get(), false));
  EXPECT_EQ(fcntl(fd.get(), F_GETFD), 0);
  EXPECT_THAT(SetCloexec(-1), HasErrno(EBADF));
}

TEST(FdTest, OpenFdsListsWhatIsOpenAndNotItself) {
  const std::vector<int> before = OpenFds().value();
  Fd fd = MakeFd();
  EXPECT_THAT(before, Not(Contains(fd.get())));
  EXPECT_THAT(OpenFds().value(), Contains(fd.get()));
  EXPECT_EQ(OpenFds().value().size(), before.size() + 1);
}

TEST(FdTest, CloseAllExceptKeepsExactlyThose) {
  Fd a = MakeFd(), b = MakeFd(), c = MakeFd();
  EXPECT_EQ(RunInChild([&] {
              const int keep[] = {c.get(), 2, a.get(), -1, c.get()};
              if (!CloseAllExcept(keep).ok()) return 1;
              const std::vector<int> want = {2, a.get(), c.get()};
              return OpenFds().value() == want ? 0 : 2;
            }),
            0);
  EXPECT_TRUE(IsOpen(b.get()));
}

TEST(FdTest, CloseAllExceptNothingClosesAll) {
  EXPECT_EQ(RunInChild([] {
              if (!CloseAllExcept({}).ok()) return 1;
              return OpenFds().value().empty() ? 0 : 2;
            }),
            0);
}

TEST(FileTest, ReadsAFileThatIsLongerThanABuffer) {
  TempDir dir;
  const std::string text(100'000, 'x');
  {
    TRACTOR_ASSERT_OK_AND_ASSIGN(
        Fd fd, OpenAt(dir.fd(), "f", O_WRONLY | O_CREAT, 0600));
    TRACTOR_EXPECT_OK(WriteAll(fd.get(), text));
  }
  EXPECT_EQ(ReadFileAt(dir.fd(), "f").value(), text);
  EXPECT_EQ(ReadFileAt(dir.fd(), "f", text.size()).value(), text);
  EXPECT_THAT(ReadFileAt(dir.fd(), "f", text.size() - 1), HasErrno(EFBIG));
}

TEST(FileTest, ErrorsNameCallAndPath) {
  EXPECT_EQ(ReadFile("/no/such").status().message(),
            "open(/no/such): No such file or directory");
  EXPECT_EQ(WriteFileAt(AT_FDCWD, "/no/such", "x").message(),
            "open(/no/such): No such file or directory");
}

TEST(FileTest, EveryFailedCallIsReportedAndLeavesNothingOpen) {
  const FdCheck fds;
  for (int n = 1;; ++n) {
    FailNth fault(FailNth::kAnyCall, n, EIO);
    const auto text = ReadFile("/proc/self/stat");
    if (!fault.fired()) {
      TRACTOR_EXPECT_OK(text);
      break;
    }
    if (fault.failed_call() != "close") {
      EXPECT_THAT(text, HasErrno(EIO));
    }
  }
  fds.CheckNothingNew();
}

TEST(FileTest, ReadsAndWritesGoOnAfterASignal) {
  FailNth open("openat", 1, EINTR);
  FailNth read("read", 1, EINTR);
  TRACTOR_EXPECT_OK(ReadFile("/proc/self/stat"));
  EXPECT_TRUE(open.fired());
  EXPECT_TRUE(read.fired());
  FailNth write("write", 1, EINTR);
  TRACTOR_EXPECT_OK(WriteFileAt(AT_FDCWD, "/dev/null", "x"));
  EXPECT_TRUE(write.fired());
}

TEST(FileTest, ListDirLeavesTheDotsOutAndStartsAnew) {
  TempDir dir;
  EXPECT_THAT(ListDir(dir.fd()).value(), IsEmpty());
  Fd file(openat(dir.fd(), "a", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  for (int round = 0; round < 2; ++round) {
    TRACTOR_ASSERT_OK_AND_ASSIGN(std::vector<DirEntry> entries,
                                 ListDir(dir.fd()));
    ASSERT_EQ(entries.size(), 1u);
    EXPECT_EQ(entries[0].name, "a");
  }
}

TEST(FileTest, ListDirReadsMoreThanOneBufferFull) {
  TempDir dir;
  for (int i = 0; i < 500; ++i) {
    const std::string name = "a-name-of-some-length-" + std::to_string(i);
    Fd file(openat(dir.fd(), name.c_str(), O_CREAT | O_WRONLY, 0600));
  }
  EXPECT_EQ(ListDir(dir.fd()).value().size(), 500u);
}

}  // namespace
}  // namespace tractor::os
