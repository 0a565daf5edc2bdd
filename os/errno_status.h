// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// errno as absl::Status, and back.
//
//   if (fd < 0) return ErrnoStatus(errno, "open(/sys/fs/cgroup/x)");
//
// gives PERMISSION_DENIED "open(/sys/fs/cgroup/x): Permission denied": what was
// tried, on what, and why it failed. The errno itself travels in the status, so
// that a caller can tell ENOSPC from EMFILE although both are
// RESOURCE_EXHAUSTED.

#ifndef TRACTOR_OS_ERRNO_STATUS_H_
#define TRACTOR_OS_ERRNO_STATUS_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tractor::os {

// A status for errno `err` (> 0), message "`what`: strerror". The code is
// abseil's canonical one for that errno. `err` == 0 is a bug of the caller and
// gives an UNKNOWN status, never OK.
absl::Status ErrnoStatus(int err, std::string_view what);

// A status of `code`, for conditions that are ours and not the kernel's; its
// errno is `err` (0: none). `message` is taken as it is.
absl::Status MakeStatus(absl::StatusCode code, std::string_view message,
                        int err = 0);

// The errno that `status` was made of; 0 when there was none.
int StatusErrno(const absl::Status& status);

// `status` with "`context`: " before its message; code and errno stay.
absl::Status Annotate(const absl::Status& status, std::string_view context);

// Debian's abseil is built with a string_view of its own. Our API speaks
// std::string_view; these two convert at the edge.
inline absl::string_view ToAbsl(std::string_view s) {
  return absl::string_view(s.data(), s.size());
}
inline std::string_view FromAbsl(absl::string_view s) {
  return std::string_view(s.data(), s.size());
}

}  // namespace tractor::os

#endif  // TRACTOR_OS_ERRNO_STATUS_H_
