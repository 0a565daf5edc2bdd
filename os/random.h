// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Random bytes from the kernel. There is no state in the process, so a fork
// cannot make two children draw the same.

#ifndef TRACTOR_OS_RANDOM_H_
#define TRACTOR_OS_RANDOM_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tractor::os {

// Fills `to`; waits for the kernel's entropy only early in boot.
absl::Status FillRandom(std::span<std::byte> to);

absl::StatusOr<uint64_t> RandomU64();

// A version 4 UUID, "9f0c1d3e-5a7b-4c21-8f00-0123456789ab".
absl::StatusOr<std::string> RandomUuid();

// `bytes` random bytes as lower-case hexadecimal, two characters each.
absl::StatusOr<std::string> RandomHex(size_t bytes);

}  // namespace tractor::os

#endif  // TRACTOR_OS_RANDOM_H_
