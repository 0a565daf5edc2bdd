// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// A cgroup v2: the only fence that no double fork, setsid or exec gets over.
//
//   TRACTOR_ASSIGN_OR_RETURN(os::Cgroup mine,
//   os::Cgroup::FindWritableParent()); TRACTOR_ASSIGN_OR_RETURN(os::Cgroup
//   tree,
//                            os::Cgroup::Create(mine, "tractor-8c1f"));
//   auto child = os::ForkInto(tree.fd());
//   ...
//   tree.Kill();  tree.WaitUntilEmpty(1000);  tree.Remove();
//
// Rules:
// - Works on a pure v2 mount (/sys/fs/cgroup) and on a hybrid one
//   (/sys/fs/cgroup/unified); version 1 hierarchies are not touched.
// - No cgroup is normal (containers, old kernels): NOT_FOUND there is no v2
//   mount or our cgroup is not visible in it, PERMISSION_DENIED it is not ours
//   to write, FAILED_PRECONDITION it is read-only or of a type without
//   children. Callers report it and go on with the other containment layers.
// - The end of a Cgroup only closes its descriptor. Remove() removes.
// - A process cannot remove the cgroup that it sits in.
// - No controllers are enabled here, so the rule against processes in inner
//   nodes does not bite.

#ifndef TRACTOR_OS_CGROUP_H_
#define TRACTOR_OS_CGROUP_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "os/fd.h"

namespace tractor::os {

class [[nodiscard]] Cgroup {
 public:
  Cgroup() = default;  // none

  // The v2 cgroup that this process is in.
  static absl::StatusOr<Cgroup> Own();

  // A cgroup in which this process may create children and move processes from
  // its own into them: its own one, when writable. Makes nothing.
  static absl::StatusOr<Cgroup> FindWritableParent();

  // By absolute path, for tools.
  static absl::StatusOr<Cgroup> Open(const std::string& path);

  // A new child of `parent`. `name` is one path component, no "." at its start.
  // ALREADY_EXISTS when it is there.
  static absl::StatusOr<Cgroup> Create(const Cgroup& parent,
                                       std::string_view name);

  // An existing child of `parent`.
  static absl::StatusOr<Cgroup> OpenChild(const Cgroup& parent,
                                          std::string_view name);

  bool valid() const { return fd_.valid(); }
  int fd() const { return fd_.get(); }  // of the directory, for ForkInto
  const std::string& path() const { return path_; }

  // Moves a process with all its threads. 0 means the caller.
  absl::Status AddProcess(pid_t pid) const;

  // SIGKILLs every process here and below; forks in flight die as well. Returns
  // before they are gone: see WaitUntilEmpty. Without cgroup.kill (kernels
  // before 5.14) it freezes the cgroup, kills what is listed by pidfd, and
  // repeats until nothing is listed, 5 s at most (DEADLINE_EXCEEDED then).
  // Gone already is fine. FAILED_PRECONDITION for the root cgroup, and where
  // the fallback would freeze the caller.
  absl::Status Kill() const;

  // Whether a live process is here or below. Zombies do not count.
  absl::StatusOr<bool> Populated() const;

  // A descriptor of cgroup.events: ReadPopulated, poll for POLLPRI, repeat.
  absl::StatusOr<Fd> OpenEvents() const;

  // Populated() by such a descriptor, which it arms anew. False once the cgroup
  // is removed.
  static absl::StatusOr<bool> ReadPopulated(int events_fd);

  // Waits, `timeout_ms` at most, until no live process is here or below. False:
  // there still is one.
  absl::StatusOr<bool> WaitUntilEmpty(int timeout_ms) const;

  // The processes here and below, each once. Snapshot; 0 stands for processes
  // of foreign pid namespaces and is left out.
  absl::StatusOr<std::vector<pid_t>> Processes() const;

  // Names of the direct children.
  absl::StatusOr<std::vector<std::string>> Children() const;

  // Removes this cgroup and all below, deepest first. Gone already is fine.
  // FAILED_PRECONDITION (EBUSY) while a process is in one.
  absl::Status Remove() const;

  // How often the OOM killer struck here or below; nullopt when the memory
  // controller is not enabled here.
  absl::StatusOr<std::optional<int64_t>> OomKills() const;

 private:
  Cgroup(Fd fd, std::string path)
      : fd_(std::move(fd)), path_(std::move(path)) {}

  absl::Status KillByList() const;

  Fd fd_;
  std::string path_;
};

// A mount of the v2 hierarchy.
struct CgroupMount {
  std::string mount_point;
  std::string root;  // the part of the hierarchy that is mounted there
};

// All of them, out of the text of /proc/self/mountinfo, in its order.
std::vector<CgroupMount> ParseCgroupMounts(std::string_view mountinfo);

// Where the cgroup `path` is to be found under `mount`; nullopt when it is not.
std::optional<std::string> PathUnderMount(const CgroupMount& mount,
                                          std::string_view path);

// The v2 line of /proc/<pid>/cgroup ("0::/path"); empty when there is none.
std::optional<std::string> ParseOwnCgroup(std::string_view text);

}  // namespace tractor::os

#endif  // TRACTOR_OS_CGROUP_H_
