// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "os/testing.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "os/cgroup.h"
#include "os/errno_status.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/fork.h"
#include "os/pidfd.h"
#include "os/remove_all.h"

namespace tractor::os {
namespace {

constexpr int kEndMs = 10'000;

void DieIf(bool failed, const char* what) {
  if (!failed) return;
  perror(what);
  abort();
}

absl::StatusOr<Cgroup> MakeTestCgroup() {
  absl::StatusOr<Cgroup> parent = Cgroup::FindWritableParent();
  if (!parent.ok()) return parent.status();
  static int count = 0;
  return Cgroup::Create(*parent, "tractor-test-" + std::to_string(::getpid()) +
                                     "-" + std::to_string(++count));
}

}  // namespace

int ErrnoOf(const absl::Status& status) { return StatusErrno(status); }

TempDir::TempDir() {
  const char* place = getenv("TEST_TMPDIR");
  // A socket's path has 107 bytes, and Bazel's directory may take them all.
  const std::string parent =
      place == nullptr || strlen(place) > 60 ? "/tmp" : place;
  path_ = parent + "/t.XXXXXX";
  DieIf(mkdtemp(path_.data()) == nullptr, "mkdtemp");
  parent_ = Open(parent, O_RDONLY | O_DIRECTORY).value();
  fd_ = Open(path_, O_RDONLY | O_DIRECTORY).value();
}

TempDir::~TempDir() {
  TRACTOR_EXPECT_OK(
      RemoveAllAt(parent_.get(), path_.substr(path_.rfind('/') + 1)));
}

TestChild::TestChild(const std::function<int()>& body) {
  absl::StatusOr<ForkResult> fork = Fork();
  DieIf(!fork.ok(), "fork");
  if (fork->in_child()) _exit(body());
  pidfd_ = std::move(fork->pidfd);
}

TestChild::~TestChild() {
  if (joined_ || !pidfd_.valid()) return;
  (void)pidfd_.Signal(SIGKILL);
  (void)pidfd_.Wait();
}

int TestChild::Join() {
  const absl::StatusOr<ExitStatus> end = pidfd_.Wait();
  TRACTOR_EXPECT_OK(end);
  joined_ = true;
  if (!end.ok()) return -1;
  return end->signal != 0 ? 256 + end->signal : end->code;
}

int RunInChild(const std::function<int()>& body) {
  return TestChild(body).Join();
}

Signpost::Signpost() {
  int fds[2];
  DieIf(pipe2(fds, O_CLOEXEC) != 0, "pipe2");
  read_ = Fd(fds[0]);
  write_ = Fd(fds[1]);
}

void Signpost::Notify() { DieIf(write(write_.get(), "x", 1) != 1, "write"); }

bool Signpost::Wait() {
  char byte;
  return TEMP_FAILURE_RETRY(read(read_.get(), &byte, 1)) == 1;
}

FdCheck::FdCheck() : before_(OpenFds().value()) {}

void FdCheck::CheckNothingNew() const {
  EXPECT_EQ(OpenFds().value(), before_) << "descriptors were left open";
}

TestCgroup::TestCgroup() {
  absl::StatusOr<Cgroup> made = MakeTestCgroup();
  if (made.ok()) {
    cgroup_ = *std::move(made);
  } else {
    why_not_ = made.status();
  }
}

TestCgroup::~TestCgroup() {
  if (!ok()) return;
  TRACTOR_EXPECT_OK(cgroup_.Kill());
  TRACTOR_EXPECT_OK(cgroup_.WaitUntilEmpty(kEndMs));
  TRACTOR_EXPECT_OK(cgroup_.Remove());
  EXPECT_NE(access(cgroup_.path().c_str(), F_OK), 0) << cgroup_.path();
}

}  // namespace tractor::os
