// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "os/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "os/clock.h"
#include "os/errno_status.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/pidfd.h"
#include "os/status_macros.h"
#include "os/syscalls.h"

namespace tractor::os {
namespace {

constexpr int64_t kNanosPerMs = 1'000'000;
constexpr int64_t kKillByListNanos = 5'000 * kNanosPerMs;
constexpr int kKillRoundMs = 5;

// A removed cgroup says ENOENT for its files, ENODEV for those that are open.
bool IsGone(const absl::Status& status) {
  const int err = StatusErrno(status);
  return err == ENOENT || err == ENODEV;
}

absl::Status CheckName(std::string_view name) {
  if (!name.empty() && name[0] != '.' && name.size() <= NAME_MAX &&
      name.find_first_of(std::string_view("/\n\0", 3)) == name.npos) {
    return absl::OkStatus();
  }
  return MakeStatus(absl::StatusCode::kInvalidArgument,
                    "cgroup name \"" + std::string(name) + "\"", EINVAL);
}

// The number after "key " at the start of a line.
std::optional<int64_t> FindValue(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.substr(0, key.size()) != key) continue;
    line.remove_prefix(key.size());
    if (line.empty() || line[0] != ' ') continue;
    int64_t value = 0;
    std::from_chars(line.data() + 1, line.data() + line.size(), value);
    return value;
  }
  return std::nullopt;
}

void AppendPids(std::string_view text, std::vector<pid_t>& pids) {
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    pid_t pid = 0;
    at = std::from_chars(at, end, pid).ptr + 1;  // over the newline
    if (pid > 0) pids.push_back(pid);
  }
}

absl::StatusOr<Fd> OpenDir(int dir, const std::string& path) {
  return OpenAt(dir, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

absl::StatusOr<std::vector<std::string>> ChildDirs(int dir) {
  TRACTOR_ASSIGN_OR_RETURN(Fd own, OpenDir(dir, "."));  // its own offset
  TRACTOR_ASSIGN_OR_RETURN(std::vector<DirEntry> entries, ListDir(own.get()));
  std::vector<std::string> names;
  for (DirEntry& entry : entries) {
    if (entry.type == DT_DIR) names.push_back(std::move(entry.name));
  }
  return names;
}

// Lists a directory's processes and those below. What vanishes is skipped.
absl::Status CollectPids(int dir, std::vector<pid_t>& pids) {
  const absl::StatusOr<std::string> text = ReadFileAt(dir, "cgroup.procs");
  if (text.ok()) {
    AppendPids(*text, pids);
  } else if (IsGone(text.status())) {
    return absl::OkStatus();
  } else if (StatusErrno(text.status()) != EOPNOTSUPP) {  // a threaded one
    return text.status();
  }
  TRACTOR_ASSIGN_OR_RETURN(std::vector<std::string> names, ChildDirs(dir));
  for (const std::string& name : names) {
    absl::StatusOr<Fd> child = OpenDir(dir, name);
    if (!child.ok() && IsGone(child.status())) continue;
    if (!child.ok()) return child.status();
    TRACTOR_RETURN_IF_ERROR(CollectPids(child->get(), pids));
  }
  return absl::OkStatus();
}

absl::Status RemoveDir(int parent, const std::string& name) {
  if (Sys().unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0 ||
      errno == ENOENT) {
    return absl::OkStatus();
  }
  const int err = errno;
  const absl::Status status = ErrnoStatus(err, "rmdir(" + name + ")");
  if (err != EBUSY) return status;
  return MakeStatus(absl::StatusCode::kFailedPrecondition,
                    FromAbsl(status.message()), err);
}

absl::Status RemoveChildren(int dir) {
  absl::StatusOr<std::vector<std::string>> names = ChildDirs(dir);
  if (!names.ok()) {
    return IsGone(names.status()) ? absl::OkStatus() : names.status();
  }
  for (const std::string& name : *names) {
    absl::StatusOr<Fd> child = OpenDir(dir, name);
    if (!child.ok() && IsGone(child.status())) continue;
    if (!child.ok()) return child.status();
    TRACTOR_RETURN_IF_ERROR(RemoveChildren(child->get()));
    child->reset();
    TRACTOR_RETURN_IF_ERROR(RemoveDir(dir, name));
  }
  return absl::OkStatus();
}

absl::Status CheckAccess(const Cgroup& cgroup, const char* file) {
  if (Sys().faccessat(cgroup.fd(), file, W_OK, AT_EACCESS) == 0) {
    return absl::OkStatus();
  }
  const int err = errno;
  const absl::Status status =
      ErrnoStatus(err, "access(" + cgroup.path() + "/" + file + ", write)");
  if (err != EROFS) return status;
  return MakeStatus(absl::StatusCode::kFailedPrecondition,
                    FromAbsl(status.message()), err);
}

// Children of threaded cgroups cannot hold processes. The root has no type.
absl::Status CheckType(const Cgroup& cgroup) {
  const absl::StatusOr<std::string> type =
      ReadFileAt(cgroup.fd(), "cgroup.type");
  if (!type.ok()) {
    return IsGone(type.status()) ? absl::OkStatus() : type.status();
  }
  if (*type == "domain\n") return absl::OkStatus();
  return MakeStatus(
      absl::StatusCode::kFailedPrecondition,
      cgroup.path() + ": is of type " + type->substr(0, type->size() - 1),
      EOPNOTSUPP);
}

absl::StatusOr<bool> IsRoot(const Cgroup& cgroup) {
  if (Sys().faccessat(cgroup.fd(), "cgroup.type", F_OK, 0) == 0) return false;
  if (errno != ENOENT && errno != ENODEV) {
    return ErrnoStatus(errno, "access(" + cgroup.path() + "/cgroup.type)");
  }
  // Of a removed cgroup even this one is gone.
  return Sys().faccessat(cgroup.fd(), "cgroup.procs", F_OK, 0) == 0;
}

// SIGKILLs those of `pids` that are in the cgroup still when their handles are
// open: between the list and a handle a number may have changed hands.
absl::Status KillListed(const Cgroup& cgroup, const std::vector<pid_t>& pids) {
  std::vector<Pidfd> handles;
  for (const pid_t pid : pids) {
    absl::StatusOr<Pidfd> handle = Pidfd::Open(pid);
    if (handle.ok()) handles.push_back(*std::move(handle));
  }
  TRACTOR_ASSIGN_OR_RETURN(std::vector<pid_t> still, cgroup.Processes());
  for (const Pidfd& handle : handles) {
    if (!std::binary_search(still.begin(), still.end(), handle.pid())) continue;
    const absl::Status killed = handle.Signal(SIGKILL);
    if (!killed.ok() && StatusErrno(killed) != ESRCH) return killed;
  }
  return absl::OkStatus();
}

absl::Status KillRounds(const Cgroup& cgroup) {
  const int64_t deadline = MonotonicNanos() + kKillByListNanos;
  while (MonotonicNanos() < deadline) {
    TRACTOR_ASSIGN_OR_RETURN(std::vector<pid_t> pids, cgroup.Processes());
    if (std::binary_search(pids.begin(), pids.end(), ::getpid())) {
      return MakeStatus(absl::StatusCode::kFailedPrecondition,
                        "kill(" + cgroup.path() + "): the caller is in it",
                        EDEADLK);
    }
    if (pids.empty()) return absl::OkStatus();
    TRACTOR_RETURN_IF_ERROR(KillListed(cgroup, pids));
    TRACTOR_ASSIGN_OR_RETURN(const bool empty,
                             cgroup.WaitUntilEmpty(kKillRoundMs));
    if (empty) return absl::OkStatus();
  }
  return MakeStatus(absl::StatusCode::kDeadlineExceeded,
                    "kill(" + cgroup.path() + "): processes are left after 5 s",
                    ETIMEDOUT);
}

}  // namespace

absl::StatusOr<Cgroup> Cgroup::Own() {
  TRACTOR_ASSIGN_OR_RETURN(std::string text, ReadFile("/proc/self/cgroup"));
  const std::optional<std::string> own = ParseOwnCgroup(text);
  TRACTOR_ASSIGN_OR_RETURN(std::string info, ReadFile("/proc/self/mountinfo"));
  const std::vector<CgroupMount> mounts = ParseCgroupMounts(info);
  if (!own.has_value() || mounts.empty()) {
    return MakeStatus(absl::StatusCode::kNotFound,
                      "cgroup v2: not mounted here", ENOENT);
  }
  for (const CgroupMount& mount : mounts) {
    const std::optional<std::string> path = PathUnderMount(mount, *own);
    if (path.has_value()) return Open(*path);
  }
  return MakeStatus(absl::StatusCode::kNotFound,
                    "cgroup v2: own cgroup " + *own + " is in no mount",
                    ENOENT);
}

absl::StatusOr<Cgroup> Cgroup::FindWritableParent() {
  TRACTOR_ASSIGN_OR_RETURN(Cgroup own, Own());
  TRACTOR_RETURN_IF_ERROR(CheckAccess(own, "."));
  // Whoever moves a process must be allowed to write to the cgroup that holds
  // both its old and its new place.
  TRACTOR_RETURN_IF_ERROR(CheckAccess(own, "cgroup.procs"));
  TRACTOR_RETURN_IF_ERROR(CheckType(own));
  return own;
}

absl::StatusOr<Cgroup> Cgroup::Open(const std::string& path) {
  TRACTOR_ASSIGN_OR_RETURN(Fd fd, OpenDir(AT_FDCWD, path));
  struct statfs fs;
  if (Sys().fstatfs(fd.get(), &fs) != 0) {
    return ErrnoStatus(errno, "statfs(" + path + ")");
  }
  if (fs.f_type != CGROUP2_SUPER_MAGIC) {
    return MakeStatus(absl::StatusCode::kInvalidArgument,
                      path + ": not in a cgroup v2 file system", EINVAL);
  }
  return Cgroup(std::move(fd), path);
}

absl::StatusOr<Cgroup> Cgroup::Create(const Cgroup& parent,
                                      std::string_view name) {
  TRACTOR_RETURN_IF_ERROR(CheckName(name));
  const std::string component(name);
  if (Sys().mkdirat(parent.fd(), component.c_str(), 0755) != 0) {
    return ErrnoStatus(errno, "mkdir(" + parent.path() + "/" + component + ")");
  }
  absl::StatusOr<Cgroup> made = OpenChild(parent, name);
  if (!made.ok()) (void)RemoveDir(parent.fd(), component);
  return made;
}

absl::StatusOr<Cgroup> Cgroup::OpenChild(const Cgroup& parent,
                                         std::string_view name) {
  TRACTOR_RETURN_IF_ERROR(CheckName(name));
  const std::string component(name);
  TRACTOR_ASSIGN_OR_RETURN(Fd fd, OpenDir(parent.fd(), component));
  return Cgroup(std::move(fd), parent.path() + "/" + component);
}

absl::Status Cgroup::AddProcess(pid_t pid) const {
  return Annotate(WriteFileAt(fd_.get(), "cgroup.procs", std::to_string(pid)),
                  path_ + ": adding process " + std::to_string(pid));
}

absl::Status Cgroup::Kill() const {
  const absl::Status killed = WriteFileAt(fd_.get(), "cgroup.kill", "1");
  if (killed.ok()) return killed;
  if (!IsGone(killed)) return Annotate(killed, path_);
  // No such file: an old kernel, the root (never!), or no such cgroup.
  TRACTOR_ASSIGN_OR_RETURN(const bool root, IsRoot(*this));
  if (!root) return KillByList();
  return MakeStatus(absl::StatusCode::kFailedPrecondition,
                    "kill(" + path_ + "): is the root cgroup", EPERM);
}

absl::Status Cgroup::KillByList() const {
  TRACTOR_ASSIGN_OR_RETURN(std::vector<pid_t> pids, Processes());
  const bool own = std::binary_search(pids.begin(), pids.end(), ::getpid());
  // Frozen processes cannot fork, but die as others do. Without a freezer the
  // rounds have to be faster than the forks.
  if (!own) (void)WriteFileAt(fd_.get(), "cgroup.freeze", "1");
  const absl::Status status = KillRounds(*this);
  if (!own) (void)WriteFileAt(fd_.get(), "cgroup.freeze", "0");
  return status;
}

absl::StatusOr<Fd> Cgroup::OpenEvents() const {
  return OpenAt(fd_.get(), "cgroup.events", O_RDONLY);
}

absl::StatusOr<bool> Cgroup::ReadPopulated(int events_fd) {
  char text[256];
  ssize_t got = Sys().lseek(events_fd, 0, SEEK_SET);
  if (got == 0) got = Sys().read(events_fd, text, sizeof(text));
  if (got < 0 && errno == ENODEV) return false;  // removed
  if (got < 0) return ErrnoStatus(errno, "read(cgroup.events)");
  const std::optional<int64_t> populated =
      FindValue({text, static_cast<size_t>(got)}, "populated");
  return populated.value_or(0) != 0;
}

absl::StatusOr<bool> Cgroup::Populated() const {
  TRACTOR_ASSIGN_OR_RETURN(const bool root, IsRoot(*this));
  if (root) return true;  // and has no cgroup.events
  absl::StatusOr<Fd> events = OpenEvents();
  if (!events.ok() && IsGone(events.status())) return false;
  if (!events.ok()) return events.status();
  return ReadPopulated(events->get());
}

absl::StatusOr<bool> Cgroup::WaitUntilEmpty(int timeout_ms) const {
  // The kernel's notice is lost when somebody removes the cgroup before it is
  // delivered; there is no other.
  constexpr int64_t kLookAgainMs = 20;
  absl::StatusOr<Fd> events = OpenEvents();
  if (!events.ok() && IsGone(events.status())) return true;
  if (!events.ok()) return events.status();
  const int64_t deadline = MonotonicNanos() + timeout_ms * kNanosPerMs;
  while (true) {
    TRACTOR_ASSIGN_OR_RETURN(const bool populated,
                             ReadPopulated(events->get()));
    if (!populated) return true;
    const int64_t rest = deadline - MonotonicNanos();
    if (rest <= 0) return false;
    pollfd poll = {events->get(), POLLPRI, 0};
    const int64_t rest_ms = (rest - 1) / kNanosPerMs + 1;
    const int wait_ms = static_cast<int>(std::min(rest_ms, kLookAgainMs));
    if (Sys().poll(&poll, 1, wait_ms) < 0 && errno != EINTR) {
      return ErrnoStatus(errno, "poll(" + path_ + "/cgroup.events)");
    }
  }
}

absl::StatusOr<std::vector<pid_t>> Cgroup::Processes() const {
  std::vector<pid_t> pids;
  TRACTOR_RETURN_IF_ERROR(CollectPids(fd_.get(), pids));
  std::sort(pids.begin(), pids.end());
  pids.erase(std::unique(pids.begin(), pids.end()), pids.end());
  return pids;
}

absl::StatusOr<std::vector<std::string>> Cgroup::Children() const {
  return ChildDirs(fd_.get());
}

absl::Status Cgroup::Remove() const {
  TRACTOR_RETURN_IF_ERROR(Annotate(RemoveChildren(fd_.get()), path_));
  return RemoveDir(AT_FDCWD, path_);
}

absl::StatusOr<std::optional<int64_t>> Cgroup::OomKills() const {
  const absl::StatusOr<std::string> events =
      ReadFileAt(fd_.get(), "memory.events");
  if (events.ok()) return FindValue(*events, "oom_kill");
  if (IsGone(events.status())) return std::nullopt;
  return events.status();
}

}  // namespace tractor::os
