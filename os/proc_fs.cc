// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "os/proc_fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "os/cgroup.h"
#include "os/clock.h"
#include "os/errno_status.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/proc_parse.h"
#include "os/status_macros.h"
#include "os/syscalls.h"

namespace tractor::os {
namespace {

constexpr size_t kEnvironChunk = 4096;

std::string PathOf(pid_t pid, std::string_view file) {
  return "/proc/" + std::to_string(pid) + "/" + std::string(file);
}

// Whoever is gone is NOT_FOUND: ENOENT before the open, ESRCH after it.
absl::StatusOr<std::string> ReadOf(pid_t pid, std::string_view file) {
  return ReadFile(PathOf(pid, file));
}

absl::StatusOr<Fd> OpenDirOf(const std::string& path) {
  return Open(path, O_RDONLY | O_DIRECTORY);
}

// The entries of a directory that are numbers, ascending.
absl::StatusOr<std::vector<int>> NumbersIn(const std::string& path) {
  TRACTOR_ASSIGN_OR_RETURN(Fd dir, OpenDirOf(path));
  TRACTOR_ASSIGN_OR_RETURN(std::vector<DirEntry> entries, ListDir(dir.get()));
  std::vector<int> numbers;
  for (const DirEntry& entry : entries) {
    const std::optional<int64_t> number = ParseNumber(entry.name);
    if (number.has_value()) numbers.push_back(static_cast<int>(*number));
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

absl::StatusOr<std::string> ReadLink(const std::string& path) {
  char target[PATH_MAX];
  const ssize_t size =
      Sys().readlinkat(AT_FDCWD, path.c_str(), target, sizeof(target));
  if (size < 0) return ErrnoStatus(errno, "readlink(" + path + ")");
  return std::string(target, static_cast<size_t>(size));
}

absl::StatusOr<std::vector<pid_t>> ChildrenByScan(pid_t pid) {
  TRACTOR_ASSIGN_OR_RETURN(std::vector<pid_t> all, AllPids());
  std::vector<pid_t> children;
  for (const pid_t candidate : all) {
    const absl::StatusOr<ProcStat> stat = ReadProcStat(candidate);
    if (stat.ok() && stat->parent == pid) children.push_back(candidate);
  }
  return children;
}

bool HasChildrenFiles() {
  const std::string self = std::to_string(::getpid());
  const std::string path = "/proc/self/task/" + self + "/children";
  return Sys().faccessat(AT_FDCWD, path.c_str(), F_OK, 0) == 0;
}

// The value of `name` at the front of "A=1\0B=2\0...", whole entries only.
std::optional<std::string> FindVariable(std::string_view block,
                                        std::string_view name) {
  while (!block.empty()) {
    const size_t end = block.find('\0');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view entry = block.substr(0, end);
    if (entry.size() > name.size() && entry[name.size()] == '=' &&
        entry.substr(0, name.size()) == name) {
      return std::string(entry.substr(name.size() + 1));
    }
    block.remove_prefix(end + 1);
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<ProcStat> ReadProcStat(pid_t pid) {
  TRACTOR_ASSIGN_OR_RETURN(std::string text, ReadOf(pid, "stat"));
  return ParseProcStat(text);
}

absl::StatusOr<ProcStat> ReadTaskStat(pid_t pid, pid_t tid) {
  TRACTOR_ASSIGN_OR_RETURN(
      std::string text, ReadOf(pid, "task/" + std::to_string(tid) + "/stat"));
  return ParseProcStat(text);
}

absl::StatusOr<ProcessKey> GetProcessKey(pid_t pid) {
  TRACTOR_ASSIGN_OR_RETURN(const ProcStat stat, ReadProcStat(pid));
  return stat.key();
}

absl::StatusOr<ProcStatus> ReadProcStatus(pid_t pid) {
  TRACTOR_ASSIGN_OR_RETURN(std::string text, ReadOf(pid, "status"));
  return ParseProcStatus(text);
}

absl::StatusOr<std::vector<pid_t>> ChildrenOf(pid_t pid) {
  TRACTOR_ASSIGN_OR_RETURN(std::vector<pid_t> threads, ThreadsOf(pid));
  if (!HasChildrenFiles()) return ChildrenByScan(pid);
  std::vector<pid_t> children;
  for (const pid_t thread : threads) {
    const absl::StatusOr<std::string> text =
        ReadOf(pid, "task/" + std::to_string(thread) + "/children");
    if (!text.ok() && absl::IsNotFound(text.status())) continue;  // it ended
    if (!text.ok()) return text.status();
    for (const std::string& word : SplitWords(*text, ' ')) {
      const std::optional<int64_t> child = ParseNumber(word);
      if (child.has_value()) children.push_back(static_cast<pid_t>(*child));
    }
  }
  return children;
}

absl::StatusOr<std::vector<pid_t>> AllPids() { return NumbersIn("/proc"); }

absl::StatusOr<std::vector<pid_t>> ThreadsOf(pid_t pid) {
  return NumbersIn(PathOf(pid, "task"));
}

absl::StatusOr<std::vector<std::string>> CommandLine(pid_t pid) {
  TRACTOR_ASSIGN_OR_RETURN(std::string text, ReadOf(pid, "cmdline"));
  // A title that was written over longer arguments leaves NULs behind.
  text.erase(text.find_last_not_of('\0') + 1);
  if (text.empty()) return std::vector<std::string>();
  return SplitKeepingEmpty(text, '\0');
}

absl::StatusOr<std::vector<std::string>> Environment(pid_t pid) {
  TRACTOR_ASSIGN_OR_RETURN(std::string text, ReadOf(pid, "environ"));
  return SplitWords(text, '\0');
}

absl::StatusOr<std::optional<std::string>> EnvironmentValue(
    pid_t pid, std::string_view name) {
  const std::string path = PathOf(pid, "environ");
  TRACTOR_ASSIGN_OR_RETURN(Fd fd, Open(path, O_RDONLY));
  std::string block;
  while (true) {
    char chunk[kEnvironChunk];
    const ssize_t got = Sys().read(fd.get(), chunk, sizeof(chunk));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, "read(" + path + ")");
    if (got == 0) return FindVariable(block + '\0', name);
    block.append(chunk, static_cast<size_t>(got));
    std::optional<std::string> value = FindVariable(block, name);
    if (value.has_value()) return value;
    const size_t whole = block.rfind('\0');
    if (whole != std::string::npos) block.erase(0, whole + 1);
  }
}

absl::StatusOr<std::string> Comm(pid_t pid) {
  TRACTOR_ASSIGN_OR_RETURN(std::string comm, ReadOf(pid, "comm"));
  if (!comm.empty() && comm.back() == '\n') comm.pop_back();
  return comm;
}

absl::StatusOr<std::string> ExecutablePath(pid_t pid) {
  return ReadLink(PathOf(pid, "exe"));
}

absl::StatusOr<MemoryUse> ReadMemoryUse(pid_t pid) {
  TRACTOR_ASSIGN_OR_RETURN(std::string text, ReadOf(pid, "smaps_rollup"));
  MemoryUse use;
  const auto kib = [&](std::string_view key) {
    return FindField(text, key).value_or(0);
  };
  use.rss_kib = kib("Rss:");
  use.pss_kib = kib("Pss:");
  use.private_kib = kib("Private_Clean:") + kib("Private_Dirty:");
  use.swap_kib = kib("Swap:");
  return use;
}

absl::StatusOr<int> FdCount(pid_t pid) {
  TRACTOR_ASSIGN_OR_RETURN(std::vector<int> fds, NumbersIn(PathOf(pid, "fd")));
  const int own = pid == ::getpid() ? 1 : 0;  // the look's own descriptor
  return static_cast<int>(fds.size()) - own;
}

absl::StatusOr<std::vector<std::pair<int, std::string>>> FdTargets(pid_t pid) {
  const std::string path = PathOf(pid, "fd");
  TRACTOR_ASSIGN_OR_RETURN(std::vector<int> fds, NumbersIn(path));
  std::vector<std::pair<int, std::string>> targets;
  for (const int fd : fds) {
    absl::StatusOr<std::string> target =
        ReadLink(path + "/" + std::to_string(fd));
    if (target.ok()) targets.emplace_back(fd, *std::move(target));
  }
  return targets;
}

absl::StatusOr<std::string> CgroupOf(pid_t pid) {
  TRACTOR_ASSIGN_OR_RETURN(std::string text, ReadOf(pid, "cgroup"));
  const std::optional<std::string> path = ParseOwnCgroup(text);
  if (path.has_value()) return *path;
  return absl::NotFoundError(PathOf(pid, "cgroup") + ": no cgroup v2");
}

int64_t ClockTicksPerSecond() {
  static const int64_t ticks = ::sysconf(_SC_CLK_TCK);
  return ticks;
}

absl::StatusOr<int64_t> StartTimeToUnixNanos(uint64_t start_time_ticks) {
  const int64_t ticks = ClockTicksPerSecond();
  if (ticks <= 0) return absl::InternalError("sysconf(_SC_CLK_TCK)");
  const int64_t boot = UnixNanos() - BootNanos();
  const int64_t tick = 1'000'000'000 / ticks;
  return boot + static_cast<int64_t>(start_time_ticks) * tick;
}

}  // namespace tractor::os
