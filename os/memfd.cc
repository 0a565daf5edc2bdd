// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "os/memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/mman.h>

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "os/errno_status.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/status_macros.h"
#include "os/syscalls.h"

namespace tractor::os {
namespace {

constexpr size_t kMaxName = 249;           // NAME_MAX less "memfd:"
constexpr unsigned kNoExecSeal = 0x0008U;  // MFD_NOEXEC_SEAL, Linux 6.3
constexpr int kAllSeals =
    F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

absl::StatusOr<size_t> SizeOf(int fd) {
  struct stat st;
  if (Sys().fstat(fd, &st) != 0) {
    return ErrnoStatus(errno, "fstat(fd " + std::to_string(fd) + ")");
  }
  return static_cast<size_t>(st.st_size);
}

}  // namespace

absl::StatusOr<Fd> MakeMemfd(const std::string& name) {
  const std::string cut = name.substr(0, kMaxName);
  constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  Fd fd(Sys().memfd_create(cut.c_str(), kFlags | kNoExecSeal));
  if (!fd.valid() && errno == EINVAL) {
    fd = Fd(Sys().memfd_create(cut.c_str(), kFlags));
  }
  if (!fd.valid()) return ErrnoStatus(errno, "memfd_create(" + cut + ")");
  return fd;
}

absl::StatusOr<Fd> MakeSealedMemfd(const std::string& name,
                                   std::string_view bytes) {
  TRACTOR_ASSIGN_OR_RETURN(Fd fd, MakeMemfd(name));
  TRACTOR_RETURN_IF_ERROR(WriteAll(fd.get(), bytes));
  if (Sys().fcntl(fd.get(), F_ADD_SEALS, kAllSeals) != 0) {
    return ErrnoStatus(errno, "fcntl(F_ADD_SEALS, " + name + ")");
  }
  return fd;
}

absl::StatusOr<bool> IsSealed(int fd) {
  const int seals = Sys().fcntl(fd, F_GET_SEALS, 0);
  if (seals < 0 && errno == EINVAL) return false;  // not a memfd
  if (seals < 0) {
    return ErrnoStatus(errno,
                       "fcntl(F_GET_SEALS, fd " + std::to_string(fd) + ")");
  }
  return (seals & kAllSeals) == kAllSeals;
}

MappedBytes& MappedBytes::operator=(MappedBytes&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedBytes::~MappedBytes() {
  if (data_ != nullptr) Sys().munmap(data_, size_);
}

absl::StatusOr<MappedBytes> MappedBytes::Map(int fd) {
  TRACTOR_ASSIGN_OR_RETURN(const size_t size, SizeOf(fd));
  if (size == 0) return MappedBytes();
  void* data = Sys().mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  if (data == MAP_FAILED) {
    return ErrnoStatus(errno, "mmap(fd " + std::to_string(fd) + ")");
  }
  return MappedBytes(data, size);
}

}  // namespace tractor::os
