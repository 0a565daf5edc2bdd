// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "os/boot_id.h"

#include <sys/utsname.h>

#include <string>

#include "absl/status/statusor.h"
#include "os/file.h"
#include "os/status_macros.h"

namespace tractor::os {

absl::StatusOr<std::string> BootId() {
  TRACTOR_ASSIGN_OR_RETURN(std::string id,
                           ReadFile("/proc/sys/kernel/random/boot_id"));
  while (!id.empty() && id.back() == '\n') id.pop_back();
  return id;
}

std::string HostName() {
  utsname name;
  if (uname(&name) != 0 || name.nodename[0] == '\0') return "localhost";
  return name.nodename;
}

}  // namespace tractor::os
