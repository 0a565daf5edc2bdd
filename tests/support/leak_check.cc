// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "tests/support/leak_check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "os/cgroup.h"
#include "os/fd.h"
#include "os/fork.h"
#include "os/proc_fs.h"

namespace tractor::testing {
namespace {

// A mark is the path of a directory: this, and something of its own.
constexpr char kMarkStem[] = "tractor-test-";
constexpr char kSharedMemory[] = "/dev/shm";

// Names and parents change, so they are no part of it.
std::string Describe(pid_t pid, const os::ProcStat& stat) {
  return (stat.zombie() ? "zombie " : "process ") + std::to_string(pid);
}

// The same for people.
std::string Explain(const std::string& thing) {
  const size_t space = thing.find(' ');
  const std::string kind = thing.substr(0, space);
  if (kind != "process" && kind != "zombie") return thing;
  const auto stat = os::ReadProcStat(std::stoi(thing.substr(space + 1)));
  if (!stat.ok()) return thing + " (gone since)";
  return thing + " (" + stat->comm + "), child of " +
         std::to_string(stat->parent);
}

// A zombie has no environment, but a parent that does.
bool CarriesMark(pid_t pid, const std::string& mark) {
  const auto value = os::EnvironmentValue(pid, kMarkVariable);
  return value.ok() && value->has_value() && **value == mark;
}

void AddProcesses(std::set<std::string>& things) {
  const char* mark = getenv(kMarkVariable);
  if (mark != nullptr) things.merge(MarkedProcesses(mark));
}

void AddFds(std::set<std::string>& things) {
  const auto fds = os::OpenFds();
  if (!fds.ok()) return;
  for (int fd : *fds) {
    std::error_code ignored;
    const auto target = std::filesystem::read_symlink(
        "/proc/self/fd/" + std::to_string(fd), ignored);
    things.insert("descriptor " + std::to_string(fd) + " -> " +
                  target.string());
  }
}

void AddThreads(std::set<std::string>& things) {
  const auto threads = os::ThreadsOf(getpid());
  if (!threads.ok()) return;
  for (pid_t thread : *threads) {
    things.insert("thread " + std::to_string(thread));
  }
}

void AddFiles(std::set<std::string>& things) {
  const char* base = getenv("XDG_RUNTIME_DIR");
  if (base == nullptr) return;
  // Directories may go while they are looked at.
  std::error_code gone;
  std::filesystem::recursive_directory_iterator entry(
      std::string(base) + "/tractor", gone);
  for (; entry != std::filesystem::recursive_directory_iterator();
       entry.increment(gone)) {
    if (gone) return;
    things.insert("file " + entry->path().string());
  }
}

// It has no place of its own: what bears the mark of another test program,
// which may run at the same time, is that one's business.
void AddSharedMemory(std::set<std::string>& things) {
  std::error_code gone;
  std::filesystem::directory_iterator entry(kSharedMemory, gone);
  for (; entry != std::filesystem::directory_iterator();
       entry.increment(gone)) {
    if (gone) return;
    const std::string name = entry->path().filename();
    const bool ours = name.find("tractor") != std::string::npos;
    const bool marked = name.find(kMarkStem) != std::string::npos;
    if (ours && (!marked || name.find(MarkName()) != std::string::npos)) {
      things.insert("shared memory " + entry->path().string());
    }
  }
}

void AddCgroups(std::set<std::string>& things) {
  const auto parent = os::Cgroup::FindWritableParent();
  if (!parent.ok()) return;
  const auto children = parent->Children();
  if (!children.ok()) return;
  for (const std::string& name : *children) {
    if (name.starts_with("tractor-")) things.insert("cgroup " + name);
  }
}

// A program that has ended may have a forkserver that is still sweeping.
constexpr int kSweepMs = 5000;
constexpr int kLookMs = 10;
// One a millisecond.
constexpr int kThreadLooks = 2000;

[[noreturn]] void RunMarked(char** argv, const std::string& base,
                            const os::Cgroup& cgroup) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (cgroup.valid()) cgroup.AddProcess(0).IgnoreError();
  setenv(kMarkVariable, base.c_str(), 1);
  setenv("XDG_RUNTIME_DIR", base.c_str(), 1);
  execv("/proc/self/exe", argv);
  perror("cannot execute this program again");
  _exit(2);
}

os::Cgroup MakeCgroup(const std::string& base) {
  const auto parent = os::Cgroup::FindWritableParent();
  if (!parent.ok()) return {};
  auto made = os::Cgroup::Create(*parent, base.substr(base.rfind('/') + 1));
  return made.ok() ? *std::move(made) : os::Cgroup();
}

// True: all that the program had started is gone, maybe after a moment.
bool AllGone(const std::string& mark) {
  for (int waited = 0; waited < kSweepMs; waited += kLookMs) {
    if (MarkedProcesses(mark).empty()) return true;
    usleep(kLookMs * 1000);
  }
  for (const std::string& process : MarkedProcesses(mark)) {
    fprintf(stderr, "outlived the test program: %s\n",
            Explain(process).c_str());
  }
  return false;
}

}  // namespace

void MarkThisProgram(char** argv) {
  if (getenv(kMarkVariable) != nullptr) return;
  // Not by pid: tests in pid namespaces share /tmp.
  std::string base = std::string("/tmp/") + kMarkStem + "XXXXXX";
  if (mkdtemp(base.data()) == nullptr) {
    perror(base.c_str());
    _exit(2);
  }
  const os::Cgroup cgroup = MakeCgroup(base);
  auto fork = os::Fork();
  if (!fork.ok()) {
    fprintf(stderr, "%s\n", fork.status().ToString().c_str());
    _exit(2);
  }
  if (fork->in_child()) RunMarked(argv, base, cgroup);
  const auto end = fork->pidfd.Wait();
  int code = !end.ok() ? 2 : end->signal != 0 ? 128 + end->signal : end->code;
  if (!AllGone(base) && code == 0) code = kLeftCode;
  if (cgroup.valid()) {
    cgroup.Kill().IgnoreError();
    (void)cgroup.WaitUntilEmpty(kSweepMs);
    cgroup.Remove().IgnoreError();
  }
  std::filesystem::remove_all(base);
  _exit(code);
}

std::set<std::string> MarkedProcesses(const std::string& mark) {
  std::set<std::string> found;
  const auto pids = os::AllPids();
  if (!pids.ok()) return found;
  for (pid_t pid : *pids) {
    if (pid == getpid()) continue;
    const auto stat = os::ReadProcStat(pid);
    if (!stat.ok()) continue;
    const pid_t who = stat->zombie() ? stat->parent : pid;
    if (CarriesMark(who, mark)) found.insert(Describe(pid, *stat));
  }
  return found;
}

std::string MarkName() {
  const char* mark = getenv(kMarkVariable);
  if (mark == nullptr) return "";
  return std::filesystem::path(mark).filename();
}

LeakCheck::LeakCheck() {
  AddProcesses(things_);
  AddFds(things_);
  AddThreads(things_);
  AddFiles(things_);
  AddSharedMemory(things_);
  AddCgroups(things_);
}

std::vector<std::string> LeakCheck::NewSince() const {
  const std::vector<std::string> found = LookOnce();
  const bool only_threads = std::all_of(
      found.begin(), found.end(),
      [](const std::string& thing) { return thing.starts_with("thread "); });
  if (found.empty() || !only_threads) return found;
  // A thread that was joined leaves /proc a moment later.
  for (int look = 0; look < kThreadLooks; ++look) {
    std::set<std::string> threads;
    AddThreads(threads);
    if (std::ranges::includes(things_, threads)) break;
    usleep(1000);
  }
  return LookOnce();
}

std::vector<std::string> LeakCheck::LookOnce() const {
  std::vector<std::string> found;
  for (const std::string& thing : LeakCheck().things_) {
    if (!things_.contains(thing)) found.push_back(Explain(thing));
  }
  return found;
}

}  // namespace tractor::testing
