// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/io/status_error.h"

#include <errno.h>

#include <string>
#include <utility>

#include "os/errno_status.h"

namespace tractor::io {

StatusError::StatusError(absl::Status status)
    : std::runtime_error(std::string(os::FromAbsl(status.message()))),
      status_(std::move(status)) {}

void ThrowStatus(absl::Status status) {
  switch (os::StatusErrno(status)) {
    case EPIPE:
    case ECONNRESET:
    case ENOTCONN:
      throw ConnectionClosed(std::move(status));
    default:
      throw StatusError(std::move(status));
  }
}

void ThrowErrno(int err, std::string_view what) {
  ThrowStatus(os::ErrnoStatus(err, what));
}

}  // namespace tractor::io
