// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Ends processes by the mark that every process of a tree carries in its
// environment (child_start.h), without a forkserver: for a root whose
// forkserver was killed, and for tractor-reap.
//
//   auto swept = forkserver::KillTreeByMark(tree_id_hex, absl::Seconds(2));
//
// Limits, all of which a cgroup does not have: a process that has replaced its
// environment is not found; one of another user cannot be looked into. The
// whole of /proc is read, so it costs milliseconds per hundred processes.

#ifndef TRACTOR_FORKSERVER_SWEEP_H_
#define TRACTOR_FORKSERVER_SWEEP_H_

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace tractor::forkserver {

struct SweptProcess {
  pid_t pid = 0;     // for reports
  std::string name;  // comm
};

struct SweepResult {
  std::vector<SweptProcess> killed;
  std::vector<SweptProcess> left;  // still there at the deadline
};

// Kills (SIGKILL, by pidfd) every process that carries the tree's mark, again
// and again until a whole pass finds none or `timeout` is over. Never the
// caller itself. Zombies do not count. `tree`: lower-case hex of TreeId.value.
absl::StatusOr<SweepResult> KillTreeByMark(std::string_view tree,
                                           absl::Duration timeout);

// What a tree may leave behind when its forkserver was killed; empty: nothing.
struct TreeRemains {
  std::string tree;               // hex
  std::string cgroup;             // TreeOpened.cgroup
  std::string runtime_directory;  // TreeOpened.runtime_directory
};

// What the forkserver would have done: kills the cgroup, then by mark, then
// removes both directories. All is tried; the first failure is returned.
absl::StatusOr<SweepResult> SweepRemains(const TreeRemains& remains,
                                         absl::Duration timeout);

// The value of `variable` in the environment of a process as /proc shows it;
// empty: not there. NOT_FOUND: no such process (any more).
absl::StatusOr<std::string> ReadMark(pid_t pid, std::string_view variable);

}  // namespace tractor::forkserver

#endif  // TRACTOR_FORKSERVER_SWEEP_H_
