// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "os/random.h"

#include <errno.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "os/errno_status.h"
#include "os/status_macros.h"
#include "os/syscalls.h"

namespace tractor::os {
namespace {

std::string ToHex(std::span<const std::byte> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::byte byte : bytes) {
    text += kDigits[std::to_integer<int>(byte >> 4)];
    text += kDigits[std::to_integer<int>(byte & std::byte{15})];
  }
  return text;
}

}  // namespace

absl::Status FillRandom(std::span<std::byte> to) {
  while (!to.empty()) {
    const ssize_t got = Sys().getrandom(to.data(), to.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, "getrandom");
    to = to.subspan(static_cast<size_t>(got));
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> RandomU64() {
  uint64_t value = 0;
  TRACTOR_RETURN_IF_ERROR(
      FillRandom(std::as_writable_bytes(std::span(&value, 1))));
  return value;
}

absl::StatusOr<std::string> RandomUuid() {
  std::byte bytes[16];
  TRACTOR_RETURN_IF_ERROR(FillRandom(bytes));
  bytes[6] = (bytes[6] & std::byte{0x0F}) | std::byte{0x40};  // version 4
  bytes[8] = (bytes[8] & std::byte{0x3F}) | std::byte{0x80};  // RFC 4122
  std::string text = ToHex(bytes);
  for (const size_t dash : {8, 13, 18, 23}) text.insert(dash, 1, '-');
  return text;
}

absl::StatusOr<std::string> RandomHex(size_t bytes) {
  std::vector<std::byte> random(bytes);
  TRACTOR_RETURN_IF_ERROR(FillRandom(random));
  return ToHex(random);
}

}  // namespace tractor::os
