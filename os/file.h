// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Small files in one call: what /proc, /sys and the cgroup file system ask for.
// All of it is relative to a directory descriptor (or AT_FDCWD), close-on-exec,
// and retries EINTR.

#ifndef TRACTOR_OS_FILE_H_
#define TRACTOR_OS_FILE_H_

#include <fcntl.h>
#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "os/fd.h"

namespace tractor::os {

// openat with O_CLOEXEC added. The error names the call and `path`.
absl::StatusOr<Fd> OpenAt(int dir, const std::string& path, int flags,
                          mode_t mode = 0);
inline absl::StatusOr<Fd> Open(const std::string& path, int flags,
                               mode_t mode = 0) {
  return OpenAt(AT_FDCWD, path, flags, mode);
}

// The whole of a file. More than `limit` bytes: RESOURCE_EXHAUSTED.
absl::StatusOr<std::string> ReadFileAt(int dir, const std::string& path,
                                       size_t limit = size_t{64} << 20);
inline absl::StatusOr<std::string> ReadFile(const std::string& path,
                                            size_t limit = size_t{64} << 20) {
  return ReadFileAt(AT_FDCWD, path, limit);
}

// Writes `bytes` to an existing file by a single write, as the files of /proc
// and cgroups want it. A short write is an error.
absl::Status WriteFileAt(int dir, const std::string& path,
                         std::string_view bytes);

// Writes all of `bytes`, in as many writes as that takes.
absl::Status WriteAll(int fd, std::string_view bytes);

struct DirEntry {
  std::string name;
  unsigned char type;  // DT_DIR, DT_REG, ...; DT_UNKNOWN is possible
};

// The entries of a directory without "." and "..", in the kernel's order. `dir`
// must be open for reading and is read from its start.
absl::StatusOr<std::vector<DirEntry>> ListDir(int dir);

}  // namespace tractor::os

#endif  // TRACTOR_OS_FILE_H_
