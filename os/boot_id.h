// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The identity of this boot of this machine: with a ProcessKey it names a
// process among all hosts, for ever.

#ifndef TRACTOR_OS_BOOT_ID_H_
#define TRACTOR_OS_BOOT_ID_H_

#include <string>

#include "absl/status/statusor.h"

namespace tractor::os {

// 36 characters, "0f04addf-8e71-4193-b14b-8ac0d07bb27a".
absl::StatusOr<std::string> BootId();

// The host's name (uname), never empty.
std::string HostName();

}  // namespace tractor::os

#endif  // TRACTOR_OS_BOOT_ID_H_
