// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Removes a directory with all that is in it, safely: by descriptors, so that
// nobody can swap a link into the path meanwhile.

#ifndef TRACTOR_OS_REMOVE_ALL_H_
#define TRACTOR_OS_REMOVE_ALL_H_

#include <string>

#include "absl/status/status.h"

namespace tractor::os {

// Removes `name`, one path component, in directory `dir`: a file, a link (never
// what it points to), or a directory with all below. Gone already is fine. It
// tries to remove all that it can and returns the first error: a directory on
// another file system (EXDEV) stays, and so does what is deeper than 128 levels
// (ELOOP).
absl::Status RemoveAllAt(int dir, const std::string& name);

}  // namespace tractor::os

#endif  // TRACTOR_OS_REMOVE_ALL_H_
