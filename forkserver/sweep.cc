// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "forkserver/sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "forkserver/child_start.h"
#include "os/cgroup.h"
#include "os/errno_status.h"
#include "os/file.h"
#include "os/pidfd.h"
#include "os/proc_fs.h"
#include "os/remove_all.h"
#include "os/status_macros.h"
#include "os/syscalls.h"

namespace tractor::forkserver {
namespace {

constexpr int kPauseMs = 2;
// A process that is just executing a program shows no environment; two passes
// with a pause in between see it.
constexpr int kQuietPasses = 2;

bool HasMark(pid_t pid, std::string_view tree) {
  absl::StatusOr<std::string> mark = ReadMark(pid, kTreeVariable);
  return mark.ok() && *mark == tree;
}

// A handle of `pid` if it carries the mark; read while the handle's process
// was alive, so the mark is that process's.
std::optional<os::Pidfd> OpenMarked(pid_t pid, std::string_view tree) {
  // Cheap look first: nearly all processes are others'.
  if (pid == getpid() || !HasMark(pid, tree)) return std::nullopt;
  absl::StatusOr<os::Pidfd> pidfd = os::Pidfd::Open(pid);
  if (!pidfd.ok() || !HasMark(pid, tree)) return std::nullopt;
  absl::StatusOr<bool> ended = pidfd->HasEnded();
  if (!ended.ok() || *ended) return std::nullopt;
  return *std::move(pidfd);
}

SweptProcess Describe(pid_t pid) {
  absl::StatusOr<std::string> comm = os::Comm(pid);
  return {pid, comm.ok() ? *std::move(comm) : std::string("?")};
}

}  // namespace

absl::StatusOr<std::string> ReadMark(pid_t pid, std::string_view variable) {
  TRACTOR_ASSIGN_OR_RETURN(std::optional<std::string> value,
                           os::EnvironmentValue(pid, variable));
  return value.value_or("");
}

absl::StatusOr<SweepResult> KillTreeByMark(std::string_view tree,
                                           absl::Duration timeout) {
  if (tree.empty()) {
    return os::MakeStatus(absl::StatusCode::kInvalidArgument,
                          "the mark of a tree is not empty", EINVAL);
  }
  const absl::Time deadline = absl::Now() + timeout;
  SweepResult result;
  std::set<pid_t> named;
  int quiet = 0;
  while (true) {
    TRACTOR_ASSIGN_OR_RETURN(std::vector<pid_t> pids, os::AllPids());
    std::vector<os::Pidfd> found;
    for (pid_t pid : pids) {
      auto pidfd = OpenMarked(pid, tree);
      if (!pidfd.has_value()) continue;
      if (named.insert(pid).second) result.killed.push_back(Describe(pid));
      found.push_back(*std::move(pidfd));
    }
    for (const os::Pidfd& pidfd : found) pidfd.Signal(SIGKILL).IgnoreError();
    quiet = found.empty() ? quiet + 1 : 0;
    if (quiet == kQuietPasses) return result;
    if (!found.empty() && absl::Now() >= deadline) {
      for (const os::Pidfd& one : found) {
        result.left.push_back(Describe(one.pid()));
      }
      return result;
    }
    os::Sys().poll(nullptr, 0, kPauseMs);
  }
}

namespace {

absl::Status KillCgroup(const std::string& path, absl::Duration timeout) {
  absl::StatusOr<os::Cgroup> cgroup = os::Cgroup::Open(path);
  if (os::StatusErrno(cgroup.status()) == ENOENT) return absl::OkStatus();
  TRACTOR_RETURN_IF_ERROR(cgroup.status());
  TRACTOR_RETURN_IF_ERROR(cgroup->Kill());
  const int64_t ms = absl::ToInt64Milliseconds(timeout);
  TRACTOR_RETURN_IF_ERROR(cgroup
                              ->WaitUntilEmpty(static_cast<int>(
                                  std::clamp<int64_t>(ms, 0, 1 << 30)))
                              .status());
  return cgroup->Remove();
}

absl::Status RemoveDirectory(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos || slash == 0) {
    return os::MakeStatus(absl::StatusCode::kInvalidArgument,
                          "no absolute path of a tree: " + path, EINVAL);
  }
  absl::StatusOr<os::Fd> parent =
      os::Open(path.substr(0, slash), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (os::StatusErrno(parent.status()) == ENOENT) return absl::OkStatus();
  TRACTOR_RETURN_IF_ERROR(parent.status());
  return os::RemoveAllAt(parent->get(), path.substr(slash + 1));
}

}  // namespace

absl::StatusOr<SweepResult> SweepRemains(const TreeRemains& remains,
                                         absl::Duration timeout) {
  absl::Status status;
  if (!remains.cgroup.empty()) {
    status.Update(KillCgroup(remains.cgroup, timeout));
  }
  absl::StatusOr<SweepResult> swept = KillTreeByMark(remains.tree, timeout);
  status.Update(swept.status());
  if (!remains.runtime_directory.empty()) {
    status.Update(RemoveDirectory(remains.runtime_directory));
  }
  if (!status.ok()) return status;
  return swept;
}

}  // namespace tractor::forkserver
