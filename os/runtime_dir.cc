// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "os/runtime_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "os/errno_status.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/remove_all.h"
#include "os/status_macros.h"
#include "os/syscalls.h"
#include "os/unix_socket.h"

namespace tractor::os {
namespace {

constexpr mode_t kOwnerOnly = 0700;
constexpr mode_t kPermissions = 0777;

absl::Status CheckName(std::string_view name) {
  if (!name.empty() && name != "." && name != ".." && name.size() <= NAME_MAX &&
      name.find_first_of(std::string_view("/\0", 2)) == name.npos) {
    return absl::OkStatus();
  }
  return MakeStatus(absl::StatusCode::kInvalidArgument,
                    "runtime directory name \"" + std::string(name) +
                        "\": must be one path component",
                    EINVAL);
}

absl::Status Unsafe(const std::string& path, const std::string& why, int err) {
  return MakeStatus(absl::StatusCode::kPermissionDenied,
                    "unsafe runtime directory " + path + ": " + why, err);
}

absl::StatusOr<struct stat> Stat(int fd, const std::string& path) {
  struct stat st;
  if (Sys().fstat(fd, &st) != 0)
    return ErrnoStatus(errno, "stat(" + path + ")");
  return st;
}

// Opens directory `name` and makes sure that it is ours alone. The owner is
// checked before anything is changed. `path` is for errors.
absl::StatusOr<Fd> OpenOwn(int base, const std::string& name,
                           const std::string& path) {
  absl::StatusOr<Fd> fd =
      OpenAt(base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!fd.ok()) {
    const int err = StatusErrno(fd.status());
    if (err != ENOTDIR && err != ELOOP) return Annotate(fd.status(), path);
    return Unsafe(path, "is a symbolic link or no directory", err);
  }
  TRACTOR_ASSIGN_OR_RETURN(const struct stat st, Stat(fd->get(), path));
  if (st.st_uid != ::geteuid()) {
    return Unsafe(path,
                  "is owned by user " + std::to_string(st.st_uid) + ", not " +
                      std::to_string(::geteuid()),
                  EPERM);
  }
  if ((st.st_mode & kPermissions) != kOwnerOnly &&
      Sys().fchmod(fd->get(), kOwnerOnly) != 0) {
    return ErrnoStatus(errno, "chmod(" + path + ")");
  }
  return fd;
}

enum class Existing { kAccept, kRefuse };

absl::StatusOr<Fd> MakeOwn(int base, const std::string& name,
                           const std::string& path, Existing existing) {
  if (Sys().mkdirat(base, name.c_str(), kOwnerOnly) != 0) {
    const bool accepted = errno == EEXIST && existing == Existing::kAccept;
    if (!accepted) return ErrnoStatus(errno, "mkdir(" + path + ")");
  }
  return OpenOwn(base, name, path);
}

// $XDG_RUNTIME_DIR, if it is a directory that is ours and that can be written;
// an invalid Fd if not.
Fd OpenXdgBase(const std::optional<std::string>& path) {
  if (!path.has_value() || path->empty() || path->front() != '/') return Fd();
  absl::StatusOr<Fd> base = Open(*path, O_RDONLY | O_DIRECTORY);
  if (!base.ok()) return Fd();
  const absl::StatusOr<struct stat> st = Stat(base->get(), *path);
  if (!st.ok() || st->st_uid != ::geteuid()) return Fd();
  if (Sys().faccessat(base->get(), ".", W_OK | X_OK, AT_EACCESS) != 0) {
    return Fd();
  }
  return *std::move(base);
}

// Where anybody may write, only the sticky bit keeps others from putting
// theirs in the place of ours.
absl::StatusOr<Fd> OpenTemporaryBase(const std::string& path) {
  TRACTOR_ASSIGN_OR_RETURN(Fd base, Open(path, O_RDONLY | O_DIRECTORY));
  TRACTOR_ASSIGN_OR_RETURN(const struct stat st, Stat(base.get(), path));
  const bool trusted = st.st_uid == 0 || st.st_uid == ::geteuid();
  const bool open = (st.st_mode & (S_IWGRP | S_IWOTH)) != 0;
  if (trusted && (!open || (st.st_mode & S_ISVTX) != 0)) return base;
  return Unsafe(path, "others could replace what is in it", EPERM);
}

}  // namespace

RuntimeDir::Places::Places() : temporary("/tmp") {
  if (const char* xdg = ::getenv("XDG_RUNTIME_DIR")) xdg_runtime_dir = xdg;
}

absl::StatusOr<RuntimeDir> RuntimeDir::OpenRoot(const Places& places) {
  Fd base = OpenXdgBase(places.xdg_runtime_dir);
  std::string name = "tractor";
  std::string path = places.xdg_runtime_dir.value_or("") + "/" + name;
  if (!base.valid()) {
    name += "-" + std::to_string(::geteuid());
    path = places.temporary + "/" + name;
    TRACTOR_ASSIGN_OR_RETURN(base, OpenTemporaryBase(places.temporary));
  }
  TRACTOR_ASSIGN_OR_RETURN(Fd fd,
                           MakeOwn(base.get(), name, path, Existing::kAccept));
  return RuntimeDir(std::move(fd), path);
}

absl::StatusOr<RuntimeDir> RuntimeDir::CreateTree(std::string_view name) const {
  TRACTOR_RETURN_IF_ERROR(CheckName(name));
  const std::string component(name);
  const std::string path = path_ + "/" + component;
  TRACTOR_ASSIGN_OR_RETURN(
      Fd fd, MakeOwn(fd_.get(), component, path, Existing::kRefuse));
  return RuntimeDir(std::move(fd), path);
}

absl::StatusOr<RuntimeDir> RuntimeDir::OpenTree(std::string_view name) const {
  TRACTOR_RETURN_IF_ERROR(CheckName(name));
  const std::string component(name);
  const std::string path = path_ + "/" + component;
  TRACTOR_ASSIGN_OR_RETURN(Fd fd, OpenOwn(fd_.get(), component, path));
  return RuntimeDir(std::move(fd), path);
}

absl::StatusOr<std::vector<std::string>> RuntimeDir::Trees() const {
  TRACTOR_ASSIGN_OR_RETURN(Fd dir,
                           OpenAt(fd_.get(), ".", O_RDONLY | O_DIRECTORY));
  TRACTOR_ASSIGN_OR_RETURN(std::vector<DirEntry> entries, ListDir(dir.get()));
  std::vector<std::string> names;
  for (DirEntry& entry : entries) {
    if (entry.type == DT_DIR) names.push_back(std::move(entry.name));
  }
  return names;
}

absl::Status RuntimeDir::RemoveTree(std::string_view name) const {
  TRACTOR_RETURN_IF_ERROR(CheckName(name));
  return Annotate(RemoveAllAt(fd_.get(), std::string(name)), path_);
}

absl::StatusOr<std::string> RuntimeDir::SocketPath(
    std::string_view name) const {
  TRACTOR_RETURN_IF_ERROR(CheckName(name));
  std::string path = path_ + "/" + std::string(name);
  TRACTOR_RETURN_IF_ERROR(CheckSocketPath(path));
  return path;
}

}  // namespace tractor::os
