// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "os/remove_all.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "os/errno_status.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/status_macros.h"
#include "os/syscalls.h"

namespace tractor::os {
namespace {

constexpr int kMaxDepth = 128;  // each level holds a descriptor
constexpr int kAttempts = 3;    // against somebody who goes on making files

absl::StatusOr<dev_t> DeviceOf(int fd) {
  struct stat st;
  if (Sys().fstat(fd, &st) != 0) return ErrnoStatus(errno, "fstat");
  return st.st_dev;
}

absl::Status Remove(int dir, const std::string& name, dev_t device, int depth);

// Empties an open directory as far as it can; the first error.
absl::Status Empty(int dir, dev_t device, int depth) {
  TRACTOR_ASSIGN_OR_RETURN(std::vector<DirEntry> entries, ListDir(dir));
  absl::Status first;
  for (const DirEntry& entry : entries) {
    absl::Status removed = Remove(dir, entry.name, device, depth + 1);
    if (first.ok()) first = std::move(removed);
  }
  return first;
}

absl::Status RemoveDir(int parent, const std::string& name, dev_t device,
                       int depth) {
  if (depth >= kMaxDepth) return ErrnoStatus(ELOOP, "remove(" + name + ")");
  TRACTOR_ASSIGN_OR_RETURN(
      Fd dir, OpenAt(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  TRACTOR_ASSIGN_OR_RETURN(const dev_t own, DeviceOf(dir.get()));
  if (own != device) return ErrnoStatus(EXDEV, "remove(" + name + ")");
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    TRACTOR_RETURN_IF_ERROR(Empty(dir.get(), device, depth));
    if (Sys().unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0 ||
        errno == ENOENT) {
      return absl::OkStatus();
    }
    if (errno != ENOTEMPTY) break;
  }
  return ErrnoStatus(errno, "rmdir(" + name + ")");
}

absl::Status Remove(int dir, const std::string& name, dev_t device, int depth) {
  if (Sys().unlinkat(dir, name.c_str(), 0) == 0 || errno == ENOENT) {
    return absl::OkStatus();
  }
  if (errno != EISDIR) return ErrnoStatus(errno, "unlink(" + name + ")");
  return RemoveDir(dir, name, device, depth);
}

}  // namespace

absl::Status RemoveAllAt(int dir, const std::string& name) {
  TRACTOR_ASSIGN_OR_RETURN(const dev_t device, DeviceOf(dir));
  return Remove(dir, name, device, 0);
}

}  // namespace tractor::os
