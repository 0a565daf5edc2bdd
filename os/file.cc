// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "os/errno_status.h"
#include "os/fd.h"
#include "os/status_macros.h"
#include "os/syscalls.h"

namespace tractor::os {
namespace {

// Reads are this long at least: /proc makes its text anew for each of them.
constexpr size_t kReadSize = 4096;

std::string Call(std::string_view name, std::string_view path) {
  return std::string(name).append("(").append(path).append(")");
}

ssize_t ReadRetrying(int fd, char* to, size_t size) {
  ssize_t got;
  do {
    got = Sys().read(fd, to, size);
  } while (got < 0 && errno == EINTR);
  return got;
}

bool IsDotOrDotDot(const char* name) {
  return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

// Appends the entries of one getdents64 buffer.
void AppendEntries(const char* buffer, size_t size,
                   std::vector<DirEntry>& entries) {
  for (size_t at = 0; at < size;) {
    const auto* entry = reinterpret_cast<const dirent64*>(buffer + at);
    if (!IsDotOrDotDot(entry->d_name)) {
      entries.push_back({entry->d_name, entry->d_type});
    }
    at += entry->d_reclen;
  }
}

}  // namespace

absl::StatusOr<Fd> OpenAt(int dir, const std::string& path, int flags,
                          mode_t mode) {
  int fd;
  do {
    fd = Sys().openat(dir, path.c_str(), flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return ErrnoStatus(errno, Call("open", path));
  return Fd(fd);
}

absl::StatusOr<std::string> ReadFileAt(int dir, const std::string& path,
                                       size_t limit) {
  TRACTOR_ASSIGN_OR_RETURN(Fd fd, OpenAt(dir, path, O_RDONLY));
  std::string text;
  size_t used = 0;
  while (true) {
    if (text.size() - used < kReadSize) text.resize(used * 2 + kReadSize);
    const ssize_t got =
        ReadRetrying(fd.get(), text.data() + used, text.size() - used);
    if (got < 0) return ErrnoStatus(errno, Call("read", path));
    if (got == 0) break;
    used += static_cast<size_t>(got);
    if (used > limit) {
      return MakeStatus(absl::StatusCode::kResourceExhausted,
                        Call("read", path) + ": more than " +
                            std::to_string(limit) + " bytes",
                        EFBIG);
    }
  }
  text.resize(used);
  return text;
}

absl::Status WriteFileAt(int dir, const std::string& path,
                         std::string_view bytes) {
  TRACTOR_ASSIGN_OR_RETURN(Fd fd, OpenAt(dir, path, O_WRONLY));
  ssize_t put;
  do {
    put = Sys().write(fd.get(), bytes.data(), bytes.size());
  } while (put < 0 && errno == EINTR);
  if (put < 0) return ErrnoStatus(errno, Call("write", path));
  if (static_cast<size_t>(put) != bytes.size()) {
    return MakeStatus(absl::StatusCode::kDataLoss,
                      Call("write", path) + ": wrote " + std::to_string(put) +
                          " of " + std::to_string(bytes.size()) + " bytes",
                      EIO);
  }
  return absl::OkStatus();
}

absl::Status WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = Sys().write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) {
      return ErrnoStatus(errno, "write(fd " + std::to_string(fd) + ")");
    }
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<DirEntry>> ListDir(int dir) {
  if (Sys().lseek(dir, 0, SEEK_SET) < 0) {
    return ErrnoStatus(errno, "lseek(fd " + std::to_string(dir) + ")");
  }
  std::vector<DirEntry> entries;
  alignas(dirent64) char buffer[size_t{16} << 10];
  while (true) {
    const ssize_t got = Sys().getdents64(dir, buffer, sizeof(buffer));
    if (got < 0) {
      return ErrnoStatus(errno, "getdents(fd " + std::to_string(dir) + ")");
    }
    if (got == 0) return entries;
    AppendEntries(buffer, static_cast<size_t>(got), entries);
  }
}

}  // namespace tractor::os
