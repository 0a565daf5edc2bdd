// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Other processes, as /proc tells it.
//
// Everything here is a snapshot: the process may have gone before the answer is
// used. NOT_FOUND says that it is gone, or was never there; PERMISSION_DENIED
// that it is somebody else's. To act on a process: Pidfd::Open, then compare
// GetProcessKey with the one that was looked at, then signal the pidfd.

#ifndef TRACTOR_OS_PROC_FS_H_
#define TRACTOR_OS_PROC_FS_H_

#include <sys/types.h>

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tractor::os {

// Names one process of this boot for ever: a number may come again, but not
// with the same start time.
struct ProcessKey {
  pid_t pid = 0;
  uint64_t start_time = 0;  // clock ticks since boot, field 22 of stat

  friend auto operator<=>(const ProcessKey&, const ProcessKey&) = default;
};

// /proc/<pid>/stat.
struct ProcStat {
  pid_t pid = 0;
  std::string comm;  // may hold spaces, parentheses and newlines
  char state = '?';  // R S D Z T t X I
  pid_t parent = 0;
  pid_t group = 0;
  pid_t session = 0;
  uint64_t user_ticks = 0;  // CPU time, clock ticks
  uint64_t system_ticks = 0;
  int threads = 0;
  uint64_t start_time = 0;  // clock ticks since boot
  uint64_t virtual_bytes = 0;
  int64_t resident_pages = 0;
  int processor = -1;  // that it last ran on

  ProcessKey key() const { return {pid, start_time}; }
  bool zombie() const { return state == 'Z' || state == 'X'; }
};
absl::StatusOr<ProcStat> ReadProcStat(pid_t pid);
absl::StatusOr<ProcStat> ParseProcStat(std::string_view text);
// One thread of a process.
absl::StatusOr<ProcStat> ReadTaskStat(pid_t pid, pid_t tid);

absl::StatusOr<ProcessKey> GetProcessKey(pid_t pid);

// /proc/<pid>/status, what stat does not have.
struct ProcStatus {
  std::string name;
  uid_t real_uid = 0;
  uid_t effective_uid = 0;
  gid_t real_gid = 0;
  pid_t tracer = 0;              // the debugger; 0: none
  uint64_t blocked_signals = 0;  // bit n-1: signal n
  uint64_t ignored_signals = 0;
  uint64_t caught_signals = 0;
  std::optional<int64_t> vm_rss_kib;  // a zombie has none
  std::optional<int64_t> vm_swap_kib;
  std::vector<pid_t> namespace_pids;  // outermost first
};
absl::StatusOr<ProcStatus> ReadProcStatus(pid_t pid);
absl::StatusOr<ProcStatus> ParseProcStatus(std::string_view text);

// The children of all threads of a process. Reliable only while they are
// stopped or do not fork: repeat until nothing new comes. Kernels without
// CONFIG_PROC_CHILDREN are handled by scanning every process.
absl::StatusOr<std::vector<pid_t>> ChildrenOf(pid_t pid);

// Every process that is visible, ascending.
absl::StatusOr<std::vector<pid_t>> AllPids();
// The threads of a process.
absl::StatusOr<std::vector<pid_t>> ThreadsOf(pid_t pid);

// The arguments. Empty for zombies and kernel threads.
absl::StatusOr<std::vector<std::string>> CommandLine(pid_t pid);

// The environment, as it was at exec or has been re-told (process_title.h).
absl::StatusOr<std::vector<std::string>> Environment(pid_t pid);
// The value of one variable; nullopt when it is not set. Reads no more than it
// has to.
absl::StatusOr<std::optional<std::string>> EnvironmentValue(
    pid_t pid, std::string_view name);

absl::StatusOr<std::string> Comm(pid_t pid);
absl::StatusOr<std::string> ExecutablePath(pid_t pid);

struct MemoryUse {
  int64_t rss_kib = 0;  // resident, shared pages counted fully
  int64_t pss_kib = 0;  // resident, shared pages divided by their users
  int64_t private_kib = 0;
  int64_t swap_kib = 0;
};
absl::StatusOr<MemoryUse> ReadMemoryUse(pid_t pid);  // smaps_rollup

absl::StatusOr<int> FdCount(pid_t pid);
// The number and the target ("socket:[123]", "/dev/null") of each descriptor.
absl::StatusOr<std::vector<std::pair<int, std::string>>> FdTargets(pid_t pid);

// The cgroup v2 path of a process ("/user.slice/...").
absl::StatusOr<std::string> CgroupOf(pid_t pid);

// Clock ticks a second (100), and a start time as nanoseconds since the epoch.
int64_t ClockTicksPerSecond();
absl::StatusOr<int64_t> StartTimeToUnixNanos(uint64_t start_time_ticks);

}  // namespace tractor::os

#endif  // TRACTOR_OS_PROC_FS_H_
