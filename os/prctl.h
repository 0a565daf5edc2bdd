// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// What a process says to the kernel about itself: die with the parent, adopt
// orphans, be called so-and-so.

#ifndef TRACTOR_OS_PRCTL_H_
#define TRACTOR_OS_PRCTL_H_

#include <sys/types.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tractor::os {

// The kernel sends `signal` to this process when the *thread* that forked it
// ends. Call it in the child before anything else. `expected_parent` is the pid
// of the forking process, taken before the fork: if the parent is gone already
// the signal would never come, so that is an error (FAILED_PRECONDITION, errno
// ESRCH) and the child must end itself. (With a subreaper above, an orphan's
// getppid() is not 1: compare with the expected one.)
//
// An exec of a set-uid program clears it; fork clears it in the grandchild.
// When the caller is in another pid namespace than its parent, getppid() is 0:
// pass 0 then, and there is no check.
absl::Status SetParentDeathSignal(int signal, pid_t expected_parent);

// Orphans among our descendants become our children instead of init's.
absl::Status SetSubreaper(bool on = true);
absl::StatusOr<bool> IsSubreaper();

// The comm of the calling thread (ps -o comm, top, /proc/<pid>/comm). At most
// 15 bytes count; the rest is cut off, at a character's border in UTF-8.
absl::Status SetName(std::string_view name);
absl::StatusOr<std::string> GetName();

// Whether core dumps, ptrace by the same user and /proc/<pid> for the same user
// are allowed. A set-uid exec may have switched it off.
absl::Status SetDumpable(bool on);

}  // namespace tractor::os

#endif  // TRACTOR_OS_PRCTL_H_
