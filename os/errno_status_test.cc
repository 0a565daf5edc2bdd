// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "os/errno_status.h"

#include <errno.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "os/status_macros.h"
#include "os/testing.h"

namespace tractor::os {
namespace {

TEST(ErrnoStatusTest, SaysWhatWasTriedOnWhatAndWhy) {
  const absl::Status status = ErrnoStatus(EACCES, "open(/sys/fs/cgroup/x)");
  EXPECT_EQ(status.message(), "open(/sys/fs/cgroup/x): Permission denied");
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
}

TEST(ErrnoStatusTest, MapsErrnoToTheCanonicalCode) {
  EXPECT_THAT(ErrnoStatus(ENOENT, ""), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(ErrnoStatus(ESRCH, ""), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(ErrnoStatus(EEXIST, ""),
              HasCode(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(ErrnoStatus(EMFILE, ""),
              HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(ErrnoStatus(EAGAIN, ""), HasCode(absl::StatusCode::kUnavailable));
}

TEST(ErrnoStatusTest, GivesTheErrnoBack) {
  EXPECT_EQ(StatusErrno(ErrnoStatus(ENOSPC, "write")), ENOSPC);
  EXPECT_EQ(StatusErrno(absl::OkStatus()), 0);
  EXPECT_EQ(StatusErrno(absl::InternalError("ours")), 0);
}

TEST(ErrnoStatusTest, NoErrnoIsNeverOk) {
  EXPECT_THAT(ErrnoStatus(0, "x"), HasCode(absl::StatusCode::kUnknown));
}

TEST(ErrnoStatusTest, AnnotateKeepsCodeAndErrno) {
  const absl::Status status = Annotate(ErrnoStatus(EPERM, "chmod(a)"), "tree");
  EXPECT_EQ(status.message(), "tree: chmod(a): Operation not permitted");
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(StatusErrno(status), EPERM);
  TRACTOR_EXPECT_OK(Annotate(absl::OkStatus(), "tree"));
}

absl::StatusOr<int> Half(int n) {
  if (n % 2 != 0) return ErrnoStatus(EDOM, "half");
  return n / 2;
}

absl::StatusOr<int> Quarter(int n) {
  TRACTOR_ASSIGN_OR_RETURN(const int half, Half(n));
  TRACTOR_ASSIGN_OR_RETURN(const int quarter, Half(half));
  return quarter;
}

absl::Status CheckFour(int n) {
  TRACTOR_RETURN_IF_ERROR(Quarter(n).status());
  return absl::OkStatus();
}

TEST(StatusMacrosTest, ReturnTheFirstError) {
  EXPECT_EQ(Quarter(8).value(), 2);
  EXPECT_THAT(Quarter(6), HasErrno(EDOM));
  TRACTOR_EXPECT_OK(CheckFour(4));
  EXPECT_THAT(CheckFour(7), HasErrno(EDOM));
}

}  // namespace
}  // namespace tractor::os
