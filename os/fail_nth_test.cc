// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "os/fail_nth.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "os/syscalls.h"

namespace tractor::os {
namespace {

int OpenNull() { return Sys().open("/dev/null", O_RDONLY | O_CLOEXEC, 0); }

TEST(SyscallsTest, TheRealTableHasNoHole) {
  const auto* entries = reinterpret_cast<void* const*>(&kRealSyscalls);
  for (size_t i = 0; i < sizeof(kRealSyscalls) / sizeof(void*); ++i) {
    EXPECT_NE(entries[i], nullptr) << "entry " << i;
  }
}

TEST(SyscallsTest, AScopedTableIsInForceUntilItsEnd) {
  SyscallTable table = Sys();
  table.getrandom = [](void*, size_t, unsigned) -> ssize_t { return 42; };
  char byte;
  {
    ScopedSyscallTable scope(&table);
    EXPECT_EQ(Sys().getrandom(&byte, 1, 0), 42);
  }
  EXPECT_EQ(Sys().getrandom(&byte, 1, 0), 1);
}

TEST(FailNthTest, FailsExactlyTheNthCallOfThatName) {
  FailNth fault("open", 2, ENOMEM);
  const int first = OpenNull();
  EXPECT_GE(first, 0);
  EXPECT_FALSE(fault.fired());
  Sys().fcntl(first, F_GETFD, 0);  // does not count
  EXPECT_EQ(OpenNull(), -1);
  EXPECT_EQ(errno, ENOMEM);
  EXPECT_TRUE(fault.fired());
  EXPECT_EQ(fault.failed_call(), "open");
  const int third = OpenNull();
  EXPECT_GE(third, 0);
  EXPECT_EQ(fault.calls(), 3);
  ::close(first);
  ::close(third);
}

TEST(FailNthTest, FailsFromTheNthOnWhenToldSo) {
  FailNth fault("open", 1, EMFILE, /*repeat=*/true);
  EXPECT_EQ(OpenNull(), -1);
  EXPECT_EQ(OpenNull(), -1);
  EXPECT_EQ(fault.calls(), 2);
}

TEST(FailNthTest, AnyCallCountsThemAll) {
  FailNth fault(FailNth::kAnyCall, 2, EIO);
  const int fd = OpenNull();
  EXPECT_EQ(Sys().fcntl(fd, F_GETFD, 0), -1);
  EXPECT_EQ(errno, EIO);
  EXPECT_EQ(fault.failed_call(), "fcntl");
  ::close(fd);
}

TEST(FailNthTest, ZeroOnlyCounts) {
  FailNth fault("open", 0, EIO);
  ::close(OpenNull());
  EXPECT_EQ(fault.calls(), 1);
  EXPECT_FALSE(fault.fired());
  EXPECT_EQ(fault.failed_call(), "");
}

TEST(FailNthTest, AFailingCloseClosesAllTheSame) {
  const int fd = OpenNull();
  FailNth fault("close", 1, EIO);
  EXPECT_EQ(Sys().close(fd), -1);
  EXPECT_EQ(errno, EIO);
  EXPECT_EQ(fcntl(fd, F_GETFD), -1);
}

TEST(FailNthTest, PointersFailAsMapFailed) {
  FailNth fault("mmap", 1, ENOMEM);
  EXPECT_EQ(
      Sys().mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      MAP_FAILED);
  EXPECT_EQ(errno, ENOMEM);
}

TEST(FailNthTest, NestedOnesBothCountAndTheInnerDecides) {
  FailNth outer("open", 1, EIO);
  {
    FailNth inner("open", 1, ENFILE);
    EXPECT_EQ(OpenNull(), -1);
    EXPECT_EQ(errno, ENFILE);
  }
  EXPECT_EQ(outer.calls(), 1);
  const int fd = OpenNull();
  EXPECT_GE(fd, 0);
  ::close(fd);
}

TEST(FailNthTest, IsOverAtItsEnd) {
  {
    FailNth fault(FailNth::kAnyCall, 1, EIO, /*repeat=*/true);
  }
  EXPECT_EQ(&Sys(), &kRealSyscalls);
}

TEST(FailNthDeathTest, AnUnknownNameIsABugOfTheTest) {
  EXPECT_DEATH(FailNth("opne", 1, EIO), "no such system call");
}

}  // namespace
}  // namespace tractor::os
