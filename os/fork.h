// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// fork(), with the child held by a pidfd from its first moment.
//
//   TRACTOR_ASSIGN_OR_RETURN(os::ForkResult fork, os::Fork());
//   if (fork.in_child()) _exit(ChildMain());
//   ... fork.pidfd is the parent's handle ...
//
// Rules:
// - Fork from a process with one thread (check IsSingleThreaded() before):
//   another thread's locks would stay locked for ever in the child.
// - Either the child runs and the parent has its pidfd, or there is no child:
//   a shortage of descriptors is found before the fork, and a child whose
//   handle cannot be made is killed and reaped.
// - Flush stdio before; use _exit in the child.

#ifndef TRACTOR_OS_FORK_H_
#define TRACTOR_OS_FORK_H_

#include <sys/types.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "os/pidfd.h"

namespace tractor::os {

struct ForkResult {
  pid_t pid = 0;  // of the child, in the parent; 0 in the child. For reports.
  Pidfd pidfd;    // of the child, in the parent; empty in the child

  bool in_child() const { return pid == 0; }
};

// fork(2) through glibc, with all that it does for a child (atfork handlers,
// malloc, stdio), then pidfd_open before anybody can reap.
// UNAVAILABLE (EAGAIN): process limit; RESOURCE_EXHAUSTED: memory, descriptors.
absl::StatusOr<ForkResult> Fork();

// How a child gets into a cgroup. See fork.cc for what each one costs and why
// kAuto is what it is.
enum class ForkIntoMethod {
  kAuto,          // kCloneInto where it is safe and works, kForkThenJoin else
  kCloneInto,     // clone3(CLONE_INTO_CGROUP): atomic, but no atfork handlers
  kForkThenJoin,  // fork, and the child moves itself before Fork returns in it
};

// A child that is in the cgroup of `cgroup_fd` (a directory descriptor, see
// cgroup.h) before it returns from here, so nothing that it starts can be
// elsewhere.
// With kCloneInto, handlers of pthread_atfork do not run. kAuto may use it:
// a forkserver must not depend on such handlers. FAILED_PRECONDITION from
// kCloneInto when the process has a second thread or a sanitizer forbids it.
// With kForkThenJoin, a child that cannot join ends at once, and the parent
// gets the error.
absl::StatusOr<ForkResult> ForkInto(
    int cgroup_fd, ForkIntoMethod method = ForkIntoMethod::kAuto);

// The number of threads of this process, from /proc/self/task.
absl::StatusOr<int> ThreadCount();

// Whether a fork is safe: one thread. ThreadSanitizer's own background thread,
// which its fork() knows how to treat, is not counted.
absl::StatusOr<bool> IsSingleThreaded();

}  // namespace tractor::os

#endif  // TRACTOR_OS_FORK_H_
