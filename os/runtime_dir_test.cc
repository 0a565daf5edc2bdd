// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "os/runtime_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "os/errno_status.h"
#include "os/fail_nth.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/remove_all.h"
#include "os/syscalls.h"
#include "os/testing.h"
#include "os/unix_socket.h"

namespace tractor::os {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uid_t kSomebodyElse = 12345;

mode_t ModeOf(const std::string& path) {
  struct stat st;
  return lstat(path.c_str(), &st) == 0 ? st.st_mode & 07777 : 0;
}

bool Exists(const std::string& path) {
  struct stat st;
  return lstat(path.c_str(), &st) == 0;
}

void Touch(const std::string& path) {
  const Fd fd(open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  ASSERT_TRUE(fd.valid()) << path;
}

// Makes one directory look as if it were somebody else's, or on another file
// system, without the privileges that the real thing needs.
class Disguise {
 public:
  enum class As { kForeign, kOtherDevice };

  Disguise(const std::string& path, As as) : table_(kRealSyscalls) {
    struct stat st;
    EXPECT_EQ(lstat(path.c_str(), &st), 0);
    inode_ = st.st_ino;
    as_ = as;
    table_.fstat = [](int fd, struct stat* st) {
      const int result = kRealSyscalls.fstat(fd, st);
      if (result != 0 || st->st_ino != inode_) return result;
      if (as_ == As::kForeign) st->st_uid = kSomebodyElse;
      if (as_ == As::kOtherDevice) st->st_dev += 1;
      return result;
    };
    scope_.emplace(&table_);
  }

 private:
  static ino_t inode_;
  static As as_;
  SyscallTable table_;
  std::optional<ScopedSyscallTable> scope_;
};
ino_t Disguise::inode_;
Disguise::As Disguise::as_;

class RuntimeDirTest : public ::testing::Test {
 protected:
  RuntimeDirTest()
      : xdg_(dir_.path() + "/xdg"),
        tmp_(dir_.path() + "/tmp"),
        own_tmp_(tmp_ + "/tractor-" + std::to_string(geteuid())) {
    EXPECT_EQ(mkdir(xdg_.c_str(), 0700), 0);
    EXPECT_EQ(mkdir(tmp_.c_str(), 0777), 0);
    EXPECT_EQ(chmod(tmp_.c_str(), 01777), 0);
    places_.xdg_runtime_dir = xdg_;
    places_.temporary = tmp_;
  }

  absl::StatusOr<RuntimeDir> Open() { return RuntimeDir::OpenRoot(places_); }

  TempDir dir_;
  const std::string xdg_, tmp_, own_tmp_;
  RuntimeDir::Places places_;
};

TEST_F(RuntimeDirTest, IsMadeBelowXdgForTheOwnerOnly) {
  TRACTOR_ASSERT_OK_AND_ASSIGN(RuntimeDir root, Open());
  EXPECT_EQ(root.path(), xdg_ + "/tractor");
  EXPECT_EQ(ModeOf(root.path()), 0700u);
  EXPECT_EQ(fcntl(root.fd(), F_GETFD), FD_CLOEXEC);
  TRACTOR_EXPECT_OK(Open());  // again
}

TEST_F(RuntimeDirTest, TheUmaskDoesNotMatter) {
  const mode_t former = umask(0777);
  const auto root = Open();
  umask(former);
  if (geteuid() == 0) {  // others cannot open it
    TRACTOR_EXPECT_OK(root);
  }
  if (root.ok()) {
    EXPECT_EQ(ModeOf(root->path()), 0700u);
  }
}

TEST_F(RuntimeDirTest, TheVariableIsReadFromTheEnvironment) {
  ASSERT_EQ(setenv("XDG_RUNTIME_DIR", xdg_.c_str(), 1), 0);
  EXPECT_EQ(RuntimeDir::OpenRoot().value().path(), xdg_ + "/tractor");
  ASSERT_EQ(unsetenv("XDG_RUNTIME_DIR"), 0);
  EXPECT_FALSE(RuntimeDir::Places().xdg_runtime_dir.has_value());
  EXPECT_EQ(RuntimeDir::Places().temporary, "/tmp");
}

TEST_F(RuntimeDirTest, FallsBackWhereXdgCannotBeUsed) {
  for (const char* xdg : {"", "relative", "/no/such/directory", "/dev/null"}) {
    places_.xdg_runtime_dir = xdg;
    TRACTOR_ASSERT_OK_AND_ASSIGN(RuntimeDir root, Open());
    EXPECT_EQ(root.path(), own_tmp_) << xdg;
    EXPECT_EQ(ModeOf(own_tmp_), 0700u);
  }
  places_.xdg_runtime_dir.reset();
  EXPECT_EQ(Open().value().path(), own_tmp_);
}

TEST_F(RuntimeDirTest, FallsBackWhereXdgIsReadOnlyOrForeign) {
  {
    FailNth fault("faccessat", 1, EROFS);
    EXPECT_EQ(Open().value().path(), own_tmp_);
    EXPECT_TRUE(fault.fired());
  }
  const Disguise foreign(xdg_, Disguise::As::kForeign);
  EXPECT_EQ(Open().value().path(), own_tmp_);
  EXPECT_FALSE(Exists(xdg_ + "/tractor"));
}

TEST_F(RuntimeDirTest, AWrongModeOfOursIsCorrected) {
  ASSERT_EQ(mkdir((xdg_ + "/tractor").c_str(), 0755), 0);
  TRACTOR_ASSERT_OK(Open());
  EXPECT_EQ(ModeOf(xdg_ + "/tractor"), 0700u);
}

TEST_F(RuntimeDirTest, C087_ASymbolicLinkIsRefusedAndNotFollowed) {
  const std::string target = dir_.path() + "/target";
  ASSERT_EQ(mkdir(target.c_str(), 0755), 0);
  ASSERT_EQ(symlink(target.c_str(), (xdg_ + "/tractor").c_str()), 0);
  EXPECT_THAT(Open(), HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(ModeOf(target), 0755u);
  places_.xdg_runtime_dir.reset();
  ASSERT_EQ(symlink(target.c_str(), own_tmp_.c_str()), 0);
  EXPECT_THAT(Open(), HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(ModeOf(target), 0755u);
  TRACTOR_ASSERT_OK_AND_ASSIGN(
      Fd fd, ::tractor::os::Open(target, O_RDONLY | O_DIRECTORY));
  EXPECT_TRUE(ListDir(fd.get()).value().empty());
}

TEST_F(RuntimeDirTest, C087_AFileIsRefused) {
  Touch(xdg_ + "/tractor");
  const auto root = Open();
  EXPECT_THAT(root, HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(std::string(root.status().message()),
              HasSubstr("unsafe runtime directory " + xdg_ + "/tractor"));
}

TEST_F(RuntimeDirTest, C087_AForeignOneIsRefusedAndLeftAlone) {
  const std::string path = xdg_ + "/tractor";
  ASSERT_EQ(mkdir(path.c_str(), 0755), 0);
  const Disguise foreign(path, Disguise::As::kForeign);
  FailNth chmods("fchmod", 0, 0);
  EXPECT_THAT(Open(), HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(chmods.calls(), 0);
  EXPECT_EQ(ModeOf(path), 0755u);
}

TEST_F(RuntimeDirTest, ATemporaryDirectoryWithoutStickyBitIsRefused) {
  places_.xdg_runtime_dir.reset();
  ASSERT_EQ(chmod(tmp_.c_str(), 0777), 0);
  EXPECT_THAT(Open(), HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_FALSE(Exists(own_tmp_));
}

TEST_F(RuntimeDirTest, C087_AFullDiskIsSaidAndLeavesNothing) {
  FailNth fault("mkdirat", 1, ENOSPC);
  const auto root = Open();
  EXPECT_THAT(root, HasErrno(ENOSPC));
  EXPECT_THAT(root, HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_FALSE(Exists(xdg_ + "/tractor"));
}

TEST_F(RuntimeDirTest, TreesAreMadeOnceListedAndRemoved) {
  TRACTOR_ASSERT_OK_AND_ASSIGN(RuntimeDir root, Open());
  TRACTOR_ASSERT_OK_AND_ASSIGN(RuntimeDir tree, root.CreateTree("8c1f"));
  EXPECT_EQ(tree.path(), root.path() + "/8c1f");
  EXPECT_EQ(ModeOf(tree.path()), 0700u);
  EXPECT_THAT(root.CreateTree("8c1f"),
              HasCode(absl::StatusCode::kAlreadyExists));
  EXPECT_EQ(root.OpenTree("8c1f").value().path(), tree.path());
  EXPECT_THAT(root.OpenTree("none"), HasCode(absl::StatusCode::kNotFound));
  Touch(root.path() + "/file");
  EXPECT_THAT(root.Trees().value(), ElementsAre("8c1f"));
  TRACTOR_EXPECT_OK(root.RemoveTree("8c1f"));
  TRACTOR_EXPECT_OK(root.RemoveTree("8c1f"));
  EXPECT_THAT(root.Trees().value(), IsEmpty());
}

TEST_F(RuntimeDirTest, NamesThatAreNoComponentAreRefused) {
  TRACTOR_ASSERT_OK_AND_ASSIGN(RuntimeDir root, Open());
  const auto is_refused = HasCode(absl::StatusCode::kInvalidArgument);
  for (const std::string& name :
       {std::string(), std::string("."), std::string(".."), std::string("a/b"),
        std::string("/abs"), std::string("../x"), std::string("a\0b", 3),
        std::string(300, 'a')}) {
    EXPECT_THAT(root.CreateTree(name), is_refused) << name;
    EXPECT_THAT(root.OpenTree(name), is_refused) << name;
    EXPECT_THAT(root.RemoveTree(name), is_refused) << name;
  }
}

TEST_F(RuntimeDirTest, SocketPathsAreCheckedAndWork) {
  TRACTOR_ASSERT_OK_AND_ASSIGN(RuntimeDir root, Open());
  TRACTOR_ASSERT_OK_AND_ASSIGN(RuntimeDir tree, root.CreateTree("t"));
  TRACTOR_ASSERT_OK_AND_ASSIGN(const std::string path,
                               tree.SocketPath("root.sock"));
  TRACTOR_EXPECT_OK(ListenUnix(path, SOCK_STREAM));
  TRACTOR_EXPECT_OK(root.RemoveTree("t"));
  EXPECT_FALSE(Exists(tree.path()));
  const auto too_long = tree.SocketPath(std::string(107, 's'));
  EXPECT_THAT(too_long, HasErrno(ENAMETOOLONG));
  EXPECT_THAT(std::string(too_long.status().message()), HasSubstr("107"));
  EXPECT_THAT(tree.SocketPath("../x"), HasErrno(EINVAL));
}

// The directory itself may be longer than a socket's path: only sockets in it
// are refused.
TEST_F(RuntimeDirTest, ADirectoryThatIsTooLongForSocketsIsSaid) {
  const std::string deep = xdg_ + "/" + std::string(100, 'd');
  ASSERT_EQ(mkdir(deep.c_str(), 0700), 0);
  places_.xdg_runtime_dir = deep;
  TRACTOR_ASSERT_OK_AND_ASSIGN(RuntimeDir root, Open());
  TRACTOR_ASSERT_OK_AND_ASSIGN(RuntimeDir tree, root.CreateTree("t"));
  ASSERT_GT(tree.path().size(), kMaxSocketPath);
  const auto path = tree.SocketPath("s");
  EXPECT_THAT(path, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(path, HasErrno(ENAMETOOLONG));
  EXPECT_THAT(std::string(path.status().message()), HasSubstr(tree.path()));
  TRACTOR_EXPECT_OK(root.RemoveTree("t"));
}

TEST_F(RuntimeDirTest, EveryFailedCallIsReportedAndLeavesNothingOpen) {
  const FdCheck fds;
  for (int n = 1;; ++n) {
    FailNth fault(FailNth::kAnyCall, n, EIO);
    const auto root = Open();
    if (!fault.fired()) break;
    // A base that cannot be used is no failure.
    if (root.ok()) {
      EXPECT_TRUE(root->path() == own_tmp_ || fault.failed_call() == "close");
    } else {
      EXPECT_THAT(root, HasErrno(EIO)) << fault.failed_call();
    }
  }
  fds.CheckNothingNew();
}

// ---- Removal ----

class RemoveAllTest : public ::testing::Test {
 protected:
  std::string Path(const std::string& name) { return dir_.path() + "/" + name; }

  TempDir dir_;
};

TEST_F(RemoveAllTest, TakesEveryKindOfFile) {
  ASSERT_EQ(mkdir(Path("d").c_str(), 0700), 0);
  ASSERT_EQ(mkdir(Path("d/e").c_str(), 0700), 0);
  Touch(Path("d/e/file"));
  ASSERT_EQ(mkfifo(Path("d/fifo").c_str(), 0600), 0);
  ASSERT_EQ(symlink("nowhere", Path("d/dangling").c_str()), 0);
  TRACTOR_EXPECT_OK(RemoveAllAt(dir_.fd(), "d"));
  EXPECT_FALSE(Exists(Path("d")));
  Touch(Path("file"));
  TRACTOR_EXPECT_OK(RemoveAllAt(dir_.fd(), "file"));
  EXPECT_FALSE(Exists(Path("file")));
  TRACTOR_EXPECT_OK(RemoveAllAt(dir_.fd(), "never there"));
}

TEST_F(RemoveAllTest, FollowsNoLink) {
  ASSERT_EQ(mkdir(Path("precious").c_str(), 0700), 0);
  Touch(Path("precious/file"));
  ASSERT_EQ(mkdir(Path("d").c_str(), 0700), 0);
  ASSERT_EQ(symlink("../precious", Path("d/link").c_str()), 0);
  TRACTOR_EXPECT_OK(RemoveAllAt(dir_.fd(), "d"));
  EXPECT_TRUE(Exists(Path("precious/file")));
  ASSERT_EQ(symlink("precious", Path("top").c_str()), 0);
  TRACTOR_EXPECT_OK(RemoveAllAt(dir_.fd(), "top"));
  EXPECT_FALSE(Exists(Path("top")));
  EXPECT_TRUE(Exists(Path("precious/file")));
}

TEST_F(RemoveAllTest, StopsAtADepthInsteadOfRunningOutOfDescriptors) {
  const FdCheck fds;
  int at = dup(dir_.fd());
  for (int depth = 0; depth < 200; ++depth) {
    ASSERT_EQ(mkdirat(at, "d", 0700), 0);
    const int next = openat(at, "d", O_RDONLY | O_DIRECTORY);
    close(at);
    at = next;
  }
  close(at);
  EXPECT_THAT(RemoveAllAt(dir_.fd(), "d"), HasErrno(ELOOP));
  fds.CheckNothingNew();
  // The test's own clean-up goes as deep: shorten it.
  at = dup(dir_.fd());
  for (int depth = 0; depth < 100; ++depth) {
    const int next = openat(at, "d", O_RDONLY | O_DIRECTORY);
    close(at);
    at = next;
  }
  TRACTOR_EXPECT_OK(RemoveAllAt(at, "d"));
  close(at);
}

TEST_F(RemoveAllTest, LeavesOtherFileSystemsAlone) {
  ASSERT_EQ(mkdir(Path("d").c_str(), 0700), 0);
  ASSERT_EQ(mkdir(Path("d/mount").c_str(), 0700), 0);
  Touch(Path("d/file"));
  Touch(Path("d/mount/precious"));
  const Disguise mounted(Path("d/mount"), Disguise::As::kOtherDevice);
  EXPECT_THAT(RemoveAllAt(dir_.fd(), "d"), HasErrno(EXDEV));
  EXPECT_TRUE(Exists(Path("d/mount/precious")));
  EXPECT_FALSE(Exists(Path("d/file")));
}

TEST_F(RemoveAllTest, EveryFailedCallIsReportedAndTheNextTimeItWorks) {
  const FdCheck fds;
  bool fired = true;
  for (int n = 1; fired; ++n) {
    ASSERT_TRUE(mkdir(Path("d").c_str(), 0700) == 0 || errno == EEXIST);
    Touch(Path("d/file"));
    {
      FailNth fault(FailNth::kAnyCall, n, EIO);
      const absl::Status status = RemoveAllAt(dir_.fd(), "d");
      fired = fault.fired();
      if (fired && fault.failed_call() != "close") {
        EXPECT_THAT(status, HasErrno(EIO)) << fault.failed_call();
      }
    }
    TRACTOR_EXPECT_OK(RemoveAllAt(dir_.fd(), "d"));
    EXPECT_FALSE(Exists(Path("d")));
  }
  fds.CheckNothingNew();
}

}  // namespace
}  // namespace tractor::os
