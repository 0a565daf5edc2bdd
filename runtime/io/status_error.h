// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The bridge between the system's absl::Status and the exceptions of tasks.
//
//   os::Fd fd = tractor::io::OrThrow(os::MakeSignalFd(set));
//   tractor::io::OrThrow(os::SetNonBlocking(fd.get()));
//
// Rules. A lost peer is a ConnectionClosed, whatever errno said it; a use of
// what this side has closed is a ResourceClosed. Everything else is the plain
// StatusError; os::StatusErrno(error.status()) gives the errno.
#ifndef TRACTOR_RUNTIME_IO_STATUS_ERROR_H_
#define TRACTOR_RUNTIME_IO_STATUS_ERROR_H_

#include <stdexcept>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tractor::io {

class StatusError : public std::runtime_error {
 public:
  explicit StatusError(absl::Status status);
  const absl::Status& status() const { return status_; }

 private:
  absl::Status status_;
};

// The peer is gone: EPIPE, ECONNRESET, ENOTCONN.
class ConnectionClosed : public StatusError {
 public:
  using StatusError::StatusError;
};

// This side has closed it: while somebody waited, or before.
class ResourceClosed : public StatusError {
 public:
  using StatusError::StatusError;
};

// Throws what `status`, which must not be OK, stands for.
[[noreturn]] void ThrowStatus(absl::Status status);
// The same of an errno; `what` says what was tried, and on what.
[[noreturn]] void ThrowErrno(int err, std::string_view what);

inline void OrThrow(absl::Status status) {
  if (!status.ok()) ThrowStatus(std::move(status));
}

template <class T>
T OrThrow(absl::StatusOr<T> result) {
  if (!result.ok()) ThrowStatus(std::move(result).status());
  return *std::move(result);
}

}  // namespace tractor::io

#endif  // TRACTOR_RUNTIME_IO_STATUS_ERROR_H_
