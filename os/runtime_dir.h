// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Where a user's trees keep their sockets:
// `$XDG_RUNTIME_DIR/tractor/<tree>/`, or `/tmp/tractor-<uid>/<tree>/` when the
// variable is unset, not an absolute path, or not a directory of ours that can
// be written.
//
//   TRACTOR_ASSIGN_OR_RETURN(os::RuntimeDir root, os::RuntimeDir::OpenRoot());
//   TRACTOR_ASSIGN_OR_RETURN(os::RuntimeDir tree, root.CreateTree("8c1f"));
//   TRACTOR_ASSIGN_OR_RETURN(std::string path, tree.SocketPath("root.sock"));
//   ...
//   root.RemoveTree("8c1f");
//
// Rules:
// - Every directory is ours and has mode 0700. An existing one of ours with
//   another mode is corrected; a symbolic link, another file type or a foreign
//   owner is PERMISSION_DENIED, and nothing in it is touched.
// - A tree name is one path component: "", ".", "..", anything with "/" or NUL
//   is INVALID_ARGUMENT.
// - Removal goes by descriptors, follows no link, crosses no mount.

#ifndef TRACTOR_OS_RUNTIME_DIR_H_
#define TRACTOR_OS_RUNTIME_DIR_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "os/fd.h"

namespace tractor::os {

class [[nodiscard]] RuntimeDir {
 public:
  // Where to look; the default is what the process has.
  struct Places {
    Places();  // from $XDG_RUNTIME_DIR, "/tmp"
    std::optional<std::string> xdg_runtime_dir;
    std::string temporary;
  };

  RuntimeDir() = default;  // none

  // The user's directory, made if needed.
  static absl::StatusOr<RuntimeDir> OpenRoot(const Places& places = Places());

  // A directory below. Create: ALREADY_EXISTS when there is one of that name.
  absl::StatusOr<RuntimeDir> CreateTree(std::string_view name) const;
  absl::StatusOr<RuntimeDir> OpenTree(std::string_view name) const;

  // The names of all directories below: for tools that sweep.
  absl::StatusOr<std::vector<std::string>> Trees() const;

  // Removes a directory below with all that is in it. Gone already is fine.
  absl::Status RemoveTree(std::string_view name) const;

  // path() + "/" + name, if it is short enough for a socket (107 bytes);
  // INVALID_ARGUMENT names the limit and the path else.
  absl::StatusOr<std::string> SocketPath(std::string_view name) const;

  bool valid() const { return fd_.valid(); }
  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }

 private:
  RuntimeDir(Fd fd, std::string path)
      : fd_(std::move(fd)), path_(std::move(path)) {}

  Fd fd_;
  std::string path_;
};

}  // namespace tractor::os

#endif  // TRACTOR_OS_RUNTIME_DIR_H_
