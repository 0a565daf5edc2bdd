// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "os/memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "os/errno_status.h"
#include "os/fail_nth.h"
#include "os/fd.h"
#include "os/testing.h"

namespace tractor::os {
namespace {

TEST(MemfdTest, ASealedOneHoldsItsBytesForEver) {
  const std::string text = std::string("abc\0def", 7);
  TRACTOR_ASSERT_OK_AND_ASSIGN(Fd fd, MakeSealedMemfd("spec", text));
  EXPECT_TRUE(IsSealed(fd.get()).value());
  EXPECT_EQ(pwrite(fd.get(), "x", 1, 0), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(ftruncate(fd.get(), 0), -1);
  EXPECT_EQ(ftruncate(fd.get(), 1000), -1);
  EXPECT_EQ(mmap(nullptr, 1, PROT_WRITE, MAP_SHARED, fd.get(), 0), MAP_FAILED);
  EXPECT_EQ(fcntl(fd.get(), F_ADD_SEALS, F_SEAL_GROW), -1);
  TRACTOR_ASSERT_OK_AND_ASSIGN(MappedBytes map, MappedBytes::Map(fd.get()));
  fd.reset();
  EXPECT_EQ(map.bytes(), text);
}

TEST(MemfdTest, IsNamedAndCloseOnExec) {
  TRACTOR_ASSERT_OK_AND_ASSIGN(Fd fd, MakeMemfd("tractor-log"));
  EXPECT_EQ(fcntl(fd.get(), F_GETFD), FD_CLOEXEC);
  const std::string link = "/proc/self/fd/" + std::to_string(fd.get());
  char target[256] = {};
  ASSERT_GT(readlink(link.c_str(), target, sizeof(target) - 1), 0);
  EXPECT_EQ(std::string(target), "/memfd:tractor-log (deleted)");
  EXPECT_FALSE(IsSealed(fd.get()).value());
  TRACTOR_EXPECT_OK(MakeMemfd(std::string(1000, 'n')));
}

TEST(MemfdTest, WhatIsNoMemfdIsNotSealed) {
  const Fd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_FALSE(IsSealed(null.get()).value());
  EXPECT_THAT(IsSealed(-1), HasErrno(EBADF));
}

TEST(MemfdTest, EmptyIsFine) {
  TRACTOR_ASSERT_OK_AND_ASSIGN(Fd fd, MakeSealedMemfd("empty", ""));
  EXPECT_EQ(MappedBytes::Map(fd.get()).value().bytes(), "");
}

TEST(MemfdTest, MappingsMove) {
  TRACTOR_ASSERT_OK_AND_ASSIGN(Fd a, MakeSealedMemfd("a", "aaaa"));
  TRACTOR_ASSERT_OK_AND_ASSIGN(Fd b, MakeSealedMemfd("b", "bb"));
  MappedBytes first = MappedBytes::Map(a.get()).value();
  MappedBytes second = std::move(first);
  EXPECT_EQ(first.bytes(), "");  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(second.bytes(), "aaaa");
  second = MappedBytes::Map(b.get()).value();
  EXPECT_EQ(second.bytes(), "bb");
}

TEST(MemfdTest, OldKernelsDoNotKnowTheNoExecFlag) {
  FailNth fault("memfd_create", 1, EINVAL);
  TRACTOR_EXPECT_OK(MakeMemfd("x"));
  EXPECT_TRUE(fault.fired());
}

TEST(MemfdTest, EveryFailedCallIsReportedAndLeavesNothing) {
  const FdCheck fds;
  for (int n = 1;; ++n) {
    FailNth fault(FailNth::kAnyCall, n, ENOMEM);
    const auto fd = MakeSealedMemfd("x", "bytes");
    if (!fault.fired()) break;
    EXPECT_THAT(fd, HasErrno(ENOMEM)) << fault.failed_call();
  }
  TRACTOR_ASSERT_OK_AND_ASSIGN(Fd fd, MakeSealedMemfd("x", "bytes"));
  for (int n = 1;; ++n) {
    FailNth fault(FailNth::kAnyCall, n, ENOMEM);
    const auto map = MappedBytes::Map(fd.get());
    if (!fault.fired()) break;
    EXPECT_THAT(map, HasErrno(ENOMEM)) << fault.failed_call();
  }
  fd.reset();
  fds.CheckNothingNew();
}

}  // namespace
}  // namespace tractor::os
