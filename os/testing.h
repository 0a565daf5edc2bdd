// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// What tests of system code share: status assertions, a private directory, a
// child that runs a function, and the check that nothing is left.

#ifndef TRACTOR_OS_TESTING_H_
#define TRACTOR_OS_TESTING_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "os/cgroup.h"
#include "os/fd.h"
#include "os/pidfd.h"

namespace tractor::os {

inline const absl::Status& StatusOf(const absl::Status& status) {
  return status;
}
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

#define TRACTOR_EXPECT_OK(expr) \
  EXPECT_EQ(::tractor::os::StatusOf(expr).ToString(), std::string("OK"))
#define TRACTOR_ASSERT_OK(expr) \
  ASSERT_EQ(::tractor::os::StatusOf(expr).ToString(), std::string("OK"))

// Declares `lhs` from a StatusOr, or fails the test.
#define TRACTOR_ASSERT_OK_AND_ASSIGN(lhs, expr) \
  TRACTOR_ASSERT_OK_AND_ASSIGN_(                \
      TRACTOR_TESTING_CONCAT_(testing_statusor_, __LINE__), lhs, expr)
#define TRACTOR_ASSERT_OK_AND_ASSIGN_(tmp, lhs, expr) \
  auto tmp = (expr);                                  \
  ASSERT_EQ(tmp.status().ToString(), "OK");           \
  lhs = *std::move(tmp)
#define TRACTOR_TESTING_CONCAT_(a, b) TRACTOR_TESTING_CONCAT_2_(a, b)
#define TRACTOR_TESTING_CONCAT_2_(a, b) a##b

int ErrnoOf(const absl::Status& status);

// EXPECT_THAT(status, HasErrno(EBADF)); of a StatusOr, too.
MATCHER_P(HasErrno, err, "") {
  *result_listener << "status " << StatusOf(arg).ToString();
  return ErrnoOf(StatusOf(arg)) == err;
}
// EXPECT_THAT(status, HasCode(absl::StatusCode::kNotFound));
MATCHER_P(HasCode, code, "") {
  *result_listener << "status " << StatusOf(arg).ToString();
  return StatusOf(arg).code() == code;
}
// A directory of the test's own below $TEST_TMPDIR, or below /tmp where that
// leaves no room for the path of a socket; removed at the end.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::string& path() const { return path_; }
  int fd() const { return fd_.get(); }

 private:
  std::string path_;
  Fd parent_;
  Fd fd_;
};

// A forked child that runs `body` and exits with what it returns. Its end kills
// and reaps it.
class TestChild {
 public:
  explicit TestChild(const std::function<int()>& body);
  explicit TestChild(Pidfd pidfd) : pidfd_(std::move(pidfd)) {}
  TestChild(TestChild&&) = default;
  ~TestChild();

  const Pidfd& pidfd() const { return pidfd_; }
  pid_t pid() const { return pidfd_.pid(); }
  // Waits for its end; the exit code, or 256 plus the signal.
  int Join();

 private:
  Pidfd pidfd_;
  bool joined_ = false;
};

// Runs `body` in a child; its exit code as above.
int RunInChild(const std::function<int()>& body);

// One end tells the other, without a clock: Wait returns when Notify was called
// or when every process that could do so is gone (false).
class Signpost {
 public:
  Signpost();
  void Notify();
  bool Wait();
  // Closes this process's end for notifying; Wait then notices the others' end.
  void DropWriter() { write_.reset(); }

 private:
  Fd read_;
  Fd write_;
};

// Remembers the open descriptors; CheckNothingNew fails the test when there are
// others at the end.
class FdCheck {
 public:
  FdCheck();
  void CheckNothingNew() const;

 private:
  std::vector<int> before_;
};

// A fresh cgroup for a test, or why there is none: print it and skip.
//
//   TestCgroup cgroup;
//   if (!cgroup.ok()) GTEST_SKIP() << cgroup.why_not();
class TestCgroup {
 public:
  TestCgroup();
  // Kills and removes what is left.
  ~TestCgroup();

  bool ok() const { return cgroup_.valid(); }
  const absl::Status& why_not() const { return why_not_; }
  const Cgroup& get() const { return cgroup_; }

 private:
  Cgroup cgroup_;
  absl::Status why_not_;
};

}  // namespace tractor::os

#endif  // TRACTOR_OS_TESTING_H_
