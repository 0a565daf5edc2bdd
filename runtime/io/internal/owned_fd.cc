// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/io/internal/owned_fd.h"

#include <errno.h>

#include <utility>

#include "os/errno_status.h"
#include "runtime/io/status_error.h"

namespace tractor::io::internal {
namespace {

os::Fd NonBlocking(std::string_view kind, os::Fd fd) {
  if (!fd.valid()) ThrowErrno(EBADF, kind);
  OrThrow(os::SetNonBlocking(fd.get()));
  return fd;
}

}  // namespace

OwnedFd::OwnedFd(std::string_view kind, os::Fd fd)
    : kind_(kind), fd_(NonBlocking(kind, std::move(fd))), waiter_(fd_.get()) {}

void OwnedFd::Close() {
  waiter_.Close();
  fd_.reset();
}

void OwnedFd::CheckOpen() const {
  if (fd_.valid()) return;
  throw ResourceClosed(os::MakeStatus(absl::StatusCode::kFailedPrecondition,
                                      std::string(kind_) + ": closed here",
                                      EBADF));
}

std::string OwnedFd::What(std::string_view call) const {
  std::string what(kind_);
  what += "(fd " + std::to_string(fd_.get()) + "): ";
  what += call;
  return what;
}

}  // namespace tractor::io::internal
