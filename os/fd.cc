// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "os/errno_status.h"
#include "os/file.h"
#include "os/status_macros.h"
#include "os/syscalls.h"

namespace tractor::os {
namespace {

std::string Call(const char* name, int fd) {
  return std::string(name) + "(fd " + std::to_string(fd) + ")";
}

// Sets or clears `flag` in the flags that `get` reads and `set` writes.
absl::Status ChangeFlag(int fd, int get, int set, int flag, bool on) {
  const int flags = Sys().fcntl(fd, get, 0);
  if (flags < 0) return ErrnoStatus(errno, Call("fcntl", fd));
  const int wanted = on ? flags | flag : flags & ~flag;
  if (wanted == flags) return absl::OkStatus();
  if (Sys().fcntl(fd, set, wanted) < 0) {
    return ErrnoStatus(errno, Call("fcntl", fd));
  }
  return absl::OkStatus();
}

// Nothing to close between two neighbours is the caller's care.
absl::Status CloseRange(unsigned first, unsigned last) {
  if (Sys().close_range(first, last, 0) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, "close_range(" + std::to_string(first) + ", " +
                                std::to_string(last) + ")");
}

}  // namespace

void Fd::reset(int fd) {
  const int old = std::exchange(fd_, fd < 0 ? -1 : fd);
  if (old < 0) return;
  const int saved = errno;
  Sys().close(old);
  errno = saved;
}

absl::StatusOr<Fd> Fd::Dup() const { return DupCloexec(fd_); }

absl::StatusOr<Fd> DupCloexec(int fd) {
  Fd copy(Sys().fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy.valid()) return ErrnoStatus(errno, Call("dup", fd));
  return copy;
}

absl::Status SetNonBlocking(int fd, bool on) {
  return ChangeFlag(fd, F_GETFL, F_SETFL, O_NONBLOCK, on);
}

absl::Status SetCloexec(int fd, bool on) {
  return ChangeFlag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, on);
}

absl::StatusOr<std::vector<int>> OpenFds() {
  TRACTOR_ASSIGN_OR_RETURN(Fd dir,
                           Open("/proc/self/fd", O_RDONLY | O_DIRECTORY));
  TRACTOR_ASSIGN_OR_RETURN(std::vector<DirEntry> entries, ListDir(dir.get()));
  std::vector<int> fds;
  fds.reserve(entries.size());
  for (const DirEntry& entry : entries) {
    int fd = -1;
    const std::string& name = entry.name;
    std::from_chars(name.data(), name.data() + name.size(), fd);
    if (fd >= 0 && fd != dir.get()) fds.push_back(fd);
  }
  std::sort(fds.begin(), fds.end());
  return fds;
}

absl::Status CloseAllExcept(std::span<const int> keep) {
  std::vector<int> kept(keep.begin(), keep.end());
  std::sort(kept.begin(), kept.end());
  unsigned next = 0;  // the lowest descriptor not dealt with
  for (const int fd : kept) {
    if (fd < 0) continue;
    const unsigned stay = static_cast<unsigned>(fd);
    if (stay > next) TRACTOR_RETURN_IF_ERROR(CloseRange(next, stay - 1));
    next = std::max(next, stay + 1);
  }
  return CloseRange(next, UINT_MAX);
}

}  // namespace tractor::os
