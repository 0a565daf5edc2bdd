// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// How our cgroup is found, and every way in which there is none. What is done
// with one is in cgroup_test.cc.
#include <errno.h>

#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "os/cgroup.h"
#include "os/fail_nth.h"
#include "os/syscalls.h"
#include "os/testing.h"

namespace tractor::os {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// ---- Text, everywhere ----

constexpr char kHybrid[] =
    "22 28 0:20 / /sys rw,relatime - sysfs sysfs rw\n"
    "30 22 0:25 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755\n"
    "31 30 0:26 / /sys/fs/cgroup/unified rw shared:5 - cgroup2 cgroup2 rw\n"
    "32 30 0:27 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n";

TEST(CgroupPathTest, FindsTheSecondVersionInAHybridMount) {
  const std::vector<CgroupMount> mounts = ParseCgroupMounts(kHybrid);
  ASSERT_THAT(mounts, SizeIs(1));
  EXPECT_EQ(mounts[0].mount_point, "/sys/fs/cgroup/unified");
  EXPECT_EQ(mounts[0].root, "/");
}

TEST(CgroupPathTest, UnderstandsEscapesAndSkipsWhatIsNoMount) {
  const std::vector<CgroupMount> mounts = ParseCgroupMounts(
      "rubbish\n\n1 2 3:4 /a\\134b /my\\040mount rw - cgroup2 none rw\n"
      "1 2 3:4 / / rw - cgroup2x none rw");
  ASSERT_THAT(mounts, SizeIs(1));
  EXPECT_EQ(mounts[0].mount_point, "/my mount");
  EXPECT_EQ(mounts[0].root, "/a\\b");
}

TEST(CgroupPathTest, NothingMountedIsEmpty) {
  EXPECT_THAT(ParseCgroupMounts(""), IsEmpty());
  EXPECT_THAT(ParseCgroupMounts("1 2 3:4 / /p rw - tmpfs t rw"), IsEmpty());
}

TEST(CgroupPathTest, TakesTheMountsRootOffThePath) {
  const CgroupMount all = {"/c", "/"};
  const CgroupMount part = {"/c", "/docker/ab"};
  EXPECT_EQ(PathUnderMount(all, "/"), "/c");
  EXPECT_EQ(PathUnderMount(all, "/x/y"), "/c/x/y");
  EXPECT_EQ(PathUnderMount(part, "/docker/ab"), "/c");
  EXPECT_EQ(PathUnderMount(part, "/docker/ab/z"), "/c/z");
  EXPECT_EQ(PathUnderMount(part, "/docker/abc"), std::nullopt);
  EXPECT_EQ(PathUnderMount(part, "/elsewhere"), std::nullopt);
  EXPECT_EQ(PathUnderMount(all, "/../outside"), std::nullopt);
}

TEST(CgroupPathTest, OwnCgroupIsTheLineOfVersionTwo) {
  EXPECT_EQ(ParseOwnCgroup("4:memory:/m\n0::/user.slice/a b\n"),
            "/user.slice/a b");
  EXPECT_EQ(ParseOwnCgroup("1:name=systemd:/\n"), std::nullopt);
  EXPECT_EQ(ParseOwnCgroup(""), std::nullopt);
}

TEST(CgroupTest, ADirectoryOfAnotherFileSystemIsRefused) {
  EXPECT_THAT(Cgroup::Open("/proc"),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Cgroup::Open("/no/such"), HasErrno(ENOENT));
}

// ---- No cgroup: every way gives its own status ----

SyscallTable TableThatFailsAccess(int err) {
  static int failure;
  failure = err;
  SyscallTable table = kRealSyscalls;
  table.faccessat = [](int, const char*, int, int) {
    errno = failure;
    return -1;
  };
  return table;
}

// What /proc/self/cgroup and /proc/self/mountinfo say, in a file each.
struct ToldByProc {
  std::string cgroup;
  std::string mountinfo;
};
ToldByProc told_by_proc;

SyscallTable TableWithOtherProc() {
  SyscallTable table = kRealSyscalls;
  table.openat = [](int dir, const char* path, int flags, mode_t mode) {
    const std::string_view wanted = path;
    if (wanted == "/proc/self/cgroup") path = told_by_proc.cgroup.c_str();
    if (wanted == "/proc/self/mountinfo") path = told_by_proc.mountinfo.c_str();
    return kRealSyscalls.openat(dir, path, flags, mode);
  };
  return table;
}

TEST(CgroupTest, NoMountAndNoVisibleOneAreNotFound) {
  const TempDir files;
  const std::string v1_only = files.path() + "/v1";
  const std::string elsewhere = files.path() + "/elsewhere";
  const std::string own = files.path() + "/own";
  std::ofstream(v1_only) << "4:cpu:/me\n";
  std::ofstream(own) << "0::/me\n";
  std::ofstream(elsewhere)
      << "30 23 0:26 /other /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
  const SyscallTable table = TableWithOtherProc();
  const ScopedSyscallTable scope(&table);
  for (const ToldByProc& told :
       {ToldByProc{own, "/dev/null"}, ToldByProc{v1_only, elsewhere},
        ToldByProc{own, elsewhere}}) {
    told_by_proc = told;
    EXPECT_THAT(Cgroup::FindWritableParent(),
                HasCode(absl::StatusCode::kNotFound));
    EXPECT_THAT(Cgroup::FindWritableParent(), HasErrno(ENOENT));
    EXPECT_THAT(std::string(Cgroup::Own().status().message()),
                HasSubstr("cgroup v2"));
  }
}

TEST(CgroupTest, ReadOnlyAndForeignOnesAreToldApart) {
  const absl::StatusOr<Cgroup> own = Cgroup::Own();
  if (!own.ok()) GTEST_SKIP() << own.status();
  const SyscallTable read_only = TableThatFailsAccess(EROFS);
  {
    ScopedSyscallTable scope(&read_only);
    EXPECT_THAT(Cgroup::FindWritableParent(),
                HasCode(absl::StatusCode::kFailedPrecondition));
    EXPECT_THAT(Cgroup::FindWritableParent(), HasErrno(EROFS));
  }
  const SyscallTable foreign = TableThatFailsAccess(EACCES);
  ScopedSyscallTable scope(&foreign);
  EXPECT_THAT(Cgroup::FindWritableParent(),
              HasCode(absl::StatusCode::kPermissionDenied));
}

TEST(CgroupTest, EveryFailedCallOfTheSearchIsReported) {
  if (!Cgroup::FindWritableParent().ok()) GTEST_SKIP() << "no cgroup";
  const FdCheck fds;
  for (int n = 1;; ++n) {
    FailNth fault(FailNth::kAnyCall, n, EIO);
    const absl::StatusOr<Cgroup> parent = Cgroup::FindWritableParent();
    if (!fault.fired()) break;
    if (fault.failed_call() == "close") continue;
    EXPECT_THAT(parent, HasErrno(EIO)) << fault.failed_call();
  }
  fds.CheckNothingNew();
}

}  // namespace
}  // namespace tractor::os
