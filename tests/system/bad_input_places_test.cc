// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Systems without a cgroup, or with one that can only be read; runtime
// directories that are not ours, not directories, or too long. Each with its
// typed error, or with a tree that works without.
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "os/cgroup.h"
#include "os/syscalls.h"
#include "os/unix_socket.h"
#include "runtime/tractor.h"
#include "tests/support/program.h"
#include "tests/support/run_actors.h"
#include "tests/support/test_files.h"

namespace tractor::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

Task<std::string> Echo(std::string text) { co_return text; }
TRACTOR_ENDPOINT(Echo);

TEST(Places, WithoutACgroup) {
  RunActors(
      []() -> Task<> {
        co_await WithActorNursery([](ActorNursery& an) -> Task<> {
          EXPECT_EQ(co_await an.RunInActor(Echo, "x"), "x");
        });
      },
      RootOptions().set_cgroup(false));
}

// In a mount namespace where something else lies on /sys/fs/cgroup.
TEST_PROGRAM(NoCgroup) {
  if (unshare(CLONE_NEWNS) != 0 ||
      mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      mount("none", "/sys/fs/cgroup", "tmpfs", 0, nullptr) != 0) {
    return 77;
  }
  if (os::Cgroup::Own().ok()) return 77;
  return Main(argc, argv, []() -> Task<> {
    co_await WithActorNursery([](ActorNursery& an) -> Task<> {
      std::puts((co_await an.RunInActor(Echo, "works")).c_str());
    });
  });
}

TEST(Places, NoCgroupAtAll) {
  Program program("NoCgroup");
  const int code = program.Join();
  if (code == 77) GTEST_SKIP() << "no mount namespace here";
  EXPECT_EQ(code, 0) << program.output();
  EXPECT_THAT(program.output(), HasSubstr("works"));
}

// In a mount namespace where /sys/fs/cgroup can only be read.
TEST_PROGRAM(ReadOnlyCgroup) {
  const auto mounts = os::Cgroup::Own();
  if (!mounts.ok() || unshare(CLONE_NEWNS) != 0 ||
      mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      mount("/sys/fs/cgroup", "/sys/fs/cgroup", nullptr, MS_BIND | MS_REC,
            nullptr) != 0) {
    return 77;
  }
  for (const char* path : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
    mount(nullptr, path, nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr);
  }
  if (os::Cgroup::FindWritableParent().ok()) return 77;
  return Main(argc, argv, []() -> Task<> {
    co_await WithActorNursery([](ActorNursery& an) -> Task<> {
      std::puts((co_await an.RunInActor(Echo, "works")).c_str());
    });
  });
}

TEST(Places, AReadOnlyCgroup) {
  Program program("ReadOnlyCgroup");
  const int code = program.Join();
  if (code == 77) GTEST_SKIP() << "no mount namespace, or no cgroup, here";
  EXPECT_EQ(code, 0) << program.output();
  EXPECT_THAT(program.output(), HasSubstr("works"));
}

std::exception_ptr ErrorInBase(const std::string& base) {
  return ErrorOf([]() -> Task<> { co_return; },
                 RootOptions().set_runtime_base(base));
}

TEST(Places, C087_ARuntimeDirectoryOfSomebodyElse) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a directory away";
  TestFiles files;
  const std::string base = files.Path("base");
  const std::string theirs = base + "/tractor";
  ASSERT_EQ(mkdir(base.c_str(), 0700), 0);
  ASSERT_EQ(mkdir(theirs.c_str(), 0700), 0);
  if (chown(theirs.c_str(), 12345, 12345) != 0) {
    GTEST_SKIP() << "this user namespace has nobody else";
  }
  ExpectError<RuntimeFailure>(ErrorInBase(base), [&](const RuntimeFailure& e) {
    EXPECT_THAT(e.what(),
                AllOf(HasSubstr("cannot open a tree"), HasSubstr(theirs)));
  });
  EXPECT_TRUE(std::filesystem::is_empty(theirs)) << "nothing was made there";
}

// The same where nobody can give a directory away: this program is told that
// it is somebody else's.
constexpr char kBaseVariable[] = "TRACTOR_TEST_BASE";
TEST_PROGRAM(ForeignDirectory) {
  static const std::string base = std::getenv(kBaseVariable);
  static struct stat theirs;
  if (stat((base + "/tractor").c_str(), &theirs) != 0) return 78;
  os::SyscallTable table = os::Sys();
  table.fstat = [](int fd, struct stat* st) {
    const int result = os::kRealSyscalls.fstat(fd, st);
    if (result == 0 && st->st_ino == theirs.st_ino) st->st_uid = 12345;
    return result;
  };
  const os::ScopedSyscallTable scope(&table);
  return Main(
      argc, argv, []() -> Task<> { co_return; },
      RootOptions().set_runtime_base(base));
}

TEST(Places, C087_ARuntimeDirectoryThatLooksForeign) {
  TestFiles files;
  const std::string base = files.Path("base");
  const std::string theirs = base + "/tractor";
  ASSERT_EQ(mkdir(base.c_str(), 0700), 0);
  ASSERT_EQ(mkdir(theirs.c_str(), 0700), 0);
  Program program("ForeignDirectory", {{kBaseVariable, base}});
  EXPECT_EQ(program.Join(), 1) << program.output();
  EXPECT_THAT(program.output(),
              AllOf(HasSubstr("RuntimeFailure"),
                    HasSubstr("cannot open a tree"), HasSubstr(theirs)));
  EXPECT_TRUE(std::filesystem::is_empty(theirs)) << "nothing was made there";
}

TEST(Places, C087_ALinkWhereTheDirectoryShouldBe) {
  TestFiles files;
  const std::string base = files.Path("base");
  const std::string target = files.Path("target");
  ASSERT_EQ(mkdir(base.c_str(), 0700), 0);
  ASSERT_EQ(mkdir(target.c_str(), 0700), 0);
  ASSERT_EQ(symlink(target.c_str(), (base + "/tractor").c_str()), 0);
  ExpectError<RuntimeFailure>(ErrorInBase(base));
  EXPECT_TRUE(std::filesystem::is_empty(target));
}

// Of its sockets alone, none of which a tree without a registrar has: who makes
// one there is told, and the tree works.
TEST(Places, ABaseThatIsTooLongForSockets) {
  TestFiles files;
  const std::string base = files.Path(std::string(120, 'x'));
  ASSERT_EQ(mkdir(base.c_str(), 0700), 0);
  RunActors(
      [&]() -> Task<> {
        const std::string directory(CurrentActor().runtime_directory());
        EXPECT_TRUE(directory.starts_with(base)) << directory;
        const absl::Status status =
            os::CheckSocketPath(directory + "/root.sock");
        EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
        EXPECT_THAT(std::string(status.message()),
                    HasSubstr("the limit is 107"));
        co_await WithActorNursery([](ActorNursery& an) -> Task<> {
          EXPECT_EQ(co_await an.RunInActor(Echo, "works"), "works");
        });
      },
      RootOptions().set_runtime_base(base));
}

TEST(Places, APathThatIsTooLong) {
  ExpectError<RuntimeFailure>(
      ErrorInBase("/" + std::string(5000, 'x')), [](const RuntimeFailure& e) {
        EXPECT_THAT(e.what(), HasSubstr("cannot open a tree"));
      });
  EXPECT_EQ(ErrorOf([]() -> Task<> { co_return; }), nullptr)
      << "the next root is fine";
}

}  // namespace
}  // namespace tractor::testing
