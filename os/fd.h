// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Ownership of file descriptors.
//
//   os::Fd fd(os::Sys().eventfd(0, EFD_CLOEXEC));
//   if (!fd.valid()) return ErrnoStatus(errno, "eventfd");
//
// Rules: an Fd is moved, never copied; its end closes it and keeps errno. Close
// errors are not reported: Linux has released the descriptor all the same, and
// nothing in tractor writes a file whose late error would matter.

#ifndef TRACTOR_OS_FD_H_
#define TRACTOR_OS_FD_H_

#include <span>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tractor::os {

class [[nodiscard]] Fd {
 public:
  Fd() = default;
  // Takes ownership of `fd`; a negative one means none.
  explicit Fd(int fd) : fd_(fd < 0 ? -1 : fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  ~Fd() { reset(); }

  // The descriptor, still owned here; -1 when there is none.
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  explicit operator bool() const { return valid(); }

  // Gives the descriptor away.
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }

  // Closes the descriptor and takes `fd` instead. Keeps errno.
  void reset(int fd = -1);

  // A second descriptor of the same open file, close-on-exec.
  absl::StatusOr<Fd> Dup() const;

 private:
  int fd_ = -1;
};

// A close-on-exec duplicate of `fd`, which stays with its owner.
absl::StatusOr<Fd> DupCloexec(int fd);

absl::Status SetNonBlocking(int fd, bool on = true);
absl::Status SetCloexec(int fd, bool on = true);

// The open descriptors of this process, ascending, without the one that the
// look itself needs.
absl::StatusOr<std::vector<int>> OpenFds();

// Closes every descriptor but `keep` (any order, doubles allowed, negative
// ones ignored): for a fresh child. Allocates; call it from a process that had
// one thread at its fork.
absl::Status CloseAllExcept(std::span<const int> keep);

}  // namespace tractor::os

#endif  // TRACTOR_OS_FD_H_
