// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "os/random.h"

#include <errno.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "os/boot_id.h"
#include "os/clock.h"
#include "os/errno_status.h"
#include "os/fail_nth.h"
#include "os/syscalls.h"
#include "os/testing.h"

namespace tractor::os {
namespace {

using ::testing::MatchesRegex;

TEST(RandomTest, UuidsAreOfVersionFourAndDiffer) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    TRACTOR_ASSERT_OK_AND_ASSIGN(const std::string uuid, RandomUuid());
    ASSERT_THAT(uuid, MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-"
                                   "[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
    EXPECT_TRUE(seen.insert(uuid).second);
  }
}

TEST(RandomTest, AForkedChildDrawsSomethingElse) {
  TRACTOR_ASSERT_OK(RandomU64());
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  EXPECT_EQ(RunInChild([&] {
              const uint64_t value = RandomU64().value();
              return write(fds[1], &value, 8) == 8 ? 0 : 1;
            }),
            0);
  uint64_t theirs = 0;
  ASSERT_EQ(read(fds[0], &theirs, 8), 8);
  EXPECT_NE(RandomU64().value(), theirs);
  close(fds[0]);
  close(fds[1]);
}

TEST(RandomTest, HexHasTwoCharactersAByte) {
  EXPECT_THAT(RandomHex(6).value(), MatchesRegex("[0-9a-f]{12}"));
  EXPECT_EQ(RandomHex(0).value(), "");
}

TEST(RandomTest, ShortReadsAndSignalsAreGoneOn) {
  SyscallTable table = kRealSyscalls;
  table.getrandom = [](void* to, size_t, unsigned flags) {
    return kRealSyscalls.getrandom(to, 1, flags);
  };
  ScopedSyscallTable scope(&table);
  FailNth fault("getrandom", 3, EINTR);
  std::array<std::byte, 64> bytes = {};
  TRACTOR_EXPECT_OK(FillRandom(bytes));
  EXPECT_EQ(fault.calls(), 65);
  EXPECT_NE(bytes, (std::array<std::byte, 64>{}));
}

TEST(RandomTest, FailuresAreReported) {
  FailNth fault("getrandom", 1, ENOSYS, /*repeat=*/true);
  EXPECT_THAT(RandomUuid(), HasErrno(ENOSYS));
  EXPECT_THAT(RandomU64(), HasErrno(ENOSYS));
  EXPECT_THAT(RandomHex(1), HasErrno(ENOSYS));
}

TEST(BootIdTest, IsTheKernelsAndHasNoNewline) {
  EXPECT_THAT(BootId().value(),
              MatchesRegex("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"));
  EXPECT_EQ(BootId().value(), BootId().value());
  FailNth fault("openat", 1, ENOENT);
  EXPECT_THAT(BootId(), HasErrno(ENOENT));
}

TEST(BootIdTest, TheHostHasAName) {
  char name[256] = {};
  ASSERT_EQ(gethostname(name, sizeof(name) - 1), 0);
  EXPECT_EQ(HostName(), name);
}

TEST(ClockTest, GoOnAndAgreeWithEachOther) {
  const int64_t first = MonotonicNanos();
  EXPECT_GE(MonotonicNanos(), first);
  EXPECT_GE(BootNanos(), first);  // it counts suspends as well
  EXPECT_GT(UnixNanos(), int64_t{1'700'000'000} * 1'000'000'000);
}

}  // namespace
}  // namespace tractor::os
