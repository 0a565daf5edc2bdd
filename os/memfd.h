// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Memory with a descriptor: named, passed to other processes, sealed.

#ifndef TRACTOR_OS_MEMFD_H_
#define TRACTOR_OS_MEMFD_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "os/fd.h"

namespace tractor::os {

// An empty, writable, sealable memfd. `name` (cut at 249 bytes) shows up in
// /proc/<pid>/fd as "/memfd:name".
absl::StatusOr<Fd> MakeMemfd(const std::string& name);

// A memfd that holds `bytes`, and that nobody can ever write, grow or shrink.
absl::StatusOr<Fd> MakeSealedMemfd(const std::string& name,
                                   std::string_view bytes);

// Whether `fd` is such a memfd: check one that a peer sent before mapping it,
// or a shrinking peer gives SIGBUS.
absl::StatusOr<bool> IsSealed(int fd);

// A read-only mapping of a whole file; unmaps at its end. Moved, not copied.
class [[nodiscard]] MappedBytes {
 public:
  MappedBytes() = default;
  MappedBytes(MappedBytes&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  MappedBytes& operator=(MappedBytes&& other) noexcept;
  ~MappedBytes();

  // Maps `fd`, which may be closed afterwards. An empty file gives empty bytes.
  static absl::StatusOr<MappedBytes> Map(int fd);

  std::string_view bytes() const {
    return {static_cast<const char*>(data_), size_};
  }

 private:
  MappedBytes(void* data, size_t size) : data_(data), size_(size) {}

  void* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace tractor::os

#endif  // TRACTOR_OS_MEMFD_H_
