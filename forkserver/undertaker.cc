// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "forkserver/undertaker.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include "forkserver/child_start.h"
#include "os/errno_status.h"
#include "os/file.h"
#include "os/proc_fs.h"
#include "os/syscalls.h"

namespace tractor::forkserver {
namespace {

constexpr int kMaxNamed = 100;        // survivors that an event names
constexpr size_t kMaxLineage = 4096;  // processes killed with one stray, a pass
// An exec leaves /proc/<pid>/environ empty for a moment: only a process that
// shows no mark this often has none.
constexpr int kLooks = 3;

os::ExitStatus ToExitStatus(const siginfo_t& info, const rusage& usage) {
  os::ExitStatus status;
  if (info.si_code == CLD_EXITED) {
    status.code = info.si_status;
  } else {
    status.signal = info.si_status;
    status.core_dumped = info.si_code == CLD_DUMPED;
  }
  status.usage = usage;
  return status;
}

bool HasEnded(const os::Pidfd& pidfd) {
  absl::StatusOr<bool> ended = pidfd.HasEnded();
  return !ended.ok() || *ended;
}

// A handle of `pid` if it is a child of `parent`. A number read from /proc may
// have changed hands since: it has not, if its owner is this parent's child and
// still runs after that was read, and so does the parent.
absl::StatusOr<os::Pidfd> OpenChildOf(pid_t pid, pid_t parent,
                                      const os::Pidfd& parent_pidfd) {
  absl::StatusOr<os::Pidfd> pidfd = os::Pidfd::Open(pid);
  if (!pidfd.ok()) return pidfd;
  absl::StatusOr<os::ProcStat> stat = os::ReadProcStat(pid);
  if (!stat.ok()) return stat.status();
  if (stat->parent != parent || HasEnded(*pidfd) || HasEnded(parent_pidfd)) {
    return absl::NotFoundError("no longer its child");
  }
  return pidfd;
}

std::string CommOf(pid_t pid) {
  absl::StatusOr<std::string> comm = os::Comm(pid);
  return comm.ok() ? *std::move(comm) : std::string("?");
}

// Only where the memory controller counts; false may mean "not known".
bool KilledByOom(const Actor& actor, const os::ExitStatus& status) {
  if (status.signal != SIGKILL || actor.killed_by_us || !actor.cgroup.valid()) {
    return false;
  }
  auto kills = actor.cgroup.OomKills();
  return kills.ok() && kills->has_value() && **kills > 0;
}

// What is directly in a cgroup.
std::vector<pid_t> MembersOf(const os::Cgroup& cgroup) {
  std::vector<pid_t> pids;
  auto text = os::ReadFileAt(cgroup.fd(), "cgroup.procs");
  if (!text.ok()) return pids;
  std::istringstream words(*text);
  for (pid_t pid; words >> pid;) pids.push_back(pid);
  return pids;
}

}  // namespace

std::vector<ActorExit> Undertaker::Reap() {
  std::vector<ActorExit> exits;
  while (true) {
    siginfo_t info = {};
    rusage usage = {};
    const int result =
        os::Sys().waitid(P_ALL, 0, &info, WEXITED | WNOHANG | __WALL, &usage);
    if (result < 0 && errno == EINTR) continue;
    if (result < 0 || info.si_pid == 0) return exits;
    Actor* actor = table_->FindPid(info.si_pid);
    if (actor == nullptr) {
      strays_.erase(info.si_pid);
      recorded_.erase(info.si_pid);
      continue;
    }
    table_->MarkDead(*actor);
    const os::ExitStatus status = ToExitStatus(info, usage);
    // Asked now: the cgroup is gone when the actor is reported.
    exits.push_back({actor, status, KilledByOom(*actor, status)});
  }
}

bool Undertaker::KillActor(Actor& actor) {
  if (!actor.alive || actor.id == kRootId) return false;
  if (!actor.pidfd.Signal(SIGKILL).ok()) return false;
  actor.killed_by_us = true;
  return true;
}

int Undertaker::KillBelow(Actor& actor) {
  int killed = 0;
  for (Actor* below : table_->Below(actor.id)) {
    killed += KillActor(*below) && !below->spare;
  }
  if (actor.cgroup.valid()) KillCgroup(actor.cgroup, &actor);
  return killed;
}

void Undertaker::KillTree(const Tree& tree) {
  for (Actor* actor : table_->Below(kRootId)) KillActor(*actor);
  if (tree.cgroup().valid()) KillCgroup(tree.cgroup(), nullptr);
}

void Undertaker::KillCgroup(const os::Cgroup& cgroup, Actor* owner) {
  if (auto pids = cgroup.Processes(); pids.ok()) {
    for (pid_t pid : *pids) {
      if (table_->FindPid(pid) == nullptr) Record(owner, pid);
    }
  }
  cgroup.Kill().IgnoreError();
}

void Undertaker::Forget() {
  strays_.clear();
  recorded_.clear();
  unclaimed_.clear();
}

std::vector<pid_t> Undertaker::AdoptedPids() {
  std::vector<pid_t> adopted;
  absl::StatusOr<std::vector<pid_t>> children = os::ChildrenOf(getpid());
  if (!children.ok()) {
    unfinished_ = true;
    return adopted;
  }
  for (pid_t pid : *children) {
    if (table_->FindPid(pid) == nullptr) adopted.push_back(pid);
  }
  return adopted;
}

void Undertaker::Record(Actor* owner, pid_t pid) {
  if (!recorded_.insert(pid).second) return;
  proto::Survivor survivor;
  survivor.set_pid(pid);
  survivor.set_name(CommOf(pid));
  if (owner == nullptr) {
    unclaimed_.push_back(std::move(survivor));
    return;
  }
  owner->swept.set_killed_count(owner->swept.killed_count() + 1);
  if (owner->swept.killed_size() < kMaxNamed) {
    *owner->swept.add_killed() = std::move(survivor);
  }
}

void Undertaker::Look(pid_t pid, Stray& stray) {
  if (!stray.actor.empty()) return;
  auto actor = os::EnvironmentValue(pid, kActorVariable);
  if (actor.ok() && actor->has_value()) {
    stray.actor = **actor;
    auto tree = os::EnvironmentValue(pid, kTreeVariable);
    if (tree.ok() && tree->has_value()) stray.tree = **tree;
    return;
  }
  if (++stray.looks < kLooks) unfinished_ = undecided_ = true;
}

bool Undertaker::Condemned(const Tree& tree, const Stray& stray,
                           bool everything, Actor** owner) {
  *owner = stray.tree == tree.hex() ? table_->FindUuid(stray.actor) : nullptr;
  if (everything) return true;
  // Without a mark, or with that of a tree of its own, it is not ours to judge.
  if (stray.actor.empty() || stray.tree != tree.hex()) return false;
  return *owner == nullptr || !(*owner)->alive;
}

void Undertaker::KillLineage(pid_t pid, Stray& stray, Actor* owner) {
  absl::StatusOr<os::Pidfd> top = os::Pidfd::Open(pid);
  if (!top.ok()) return;
  std::vector<os::Pidfd> lineage;
  lineage.push_back(*std::move(top));
  for (size_t i = 0; i < lineage.size() && lineage.size() < kMaxLineage; ++i) {
    const pid_t parent = lineage[i].pid();
    absl::StatusOr<std::vector<pid_t>> children = os::ChildrenOf(parent);
    if (!children.ok()) continue;
    for (pid_t child : *children) {
      auto pidfd = OpenChildOf(child, parent, lineage[i]);
      if (pidfd.ok()) lineage.push_back(*std::move(pidfd));
    }
  }
  for (const os::Pidfd& one : lineage) {
    Record(owner, one.pid());
    one.Signal(SIGKILL).IgnoreError();
  }
  stray.killed = true;
}

void Undertaker::SweepAdopted(const Tree& tree, bool everything) {
  for (pid_t pid : AdoptedPids()) {
    Stray& stray = strays_[pid];
    Look(pid, stray);
    Actor* owner = nullptr;
    if (!Condemned(tree, stray, everything, &owner)) continue;
    unfinished_ = true;
    if (owner != nullptr) ++claimed_[owner->id];
    if (!stray.killed) KillLineage(pid, stray, owner);
  }
}

void Undertaker::KillMembers(Actor& actor) {
  const std::vector<pid_t> listed = MembersOf(actor.cgroup);
  if (listed.empty()) return;
  std::vector<os::Pidfd> pidfds;
  for (pid_t pid : listed) {
    // An actor for which no cgroup could be made may be in here.
    if (table_->FindPid(pid) != nullptr) continue;
    if (auto pidfd = os::Pidfd::Open(pid); pidfd.ok()) {
      pidfds.push_back(*std::move(pidfd));
    }
  }
  // Who is still listed now is the one that the pidfd means.
  const std::vector<pid_t> still = MembersOf(actor.cgroup);
  for (const os::Pidfd& pidfd : pidfds) {
    if (std::find(still.begin(), still.end(), pidfd.pid()) == still.end()) {
      continue;
    }
    unfinished_ = true;
    Record(&actor, pidfd.pid());
    pidfd.Signal(SIGKILL).IgnoreError();
  }
}

bool Undertaker::SweepCgroup(Actor& actor) {
  if (!actor.cgroup.valid()) return true;
  if (!actor.children.empty()) {
    KillMembers(actor);
    return false;
  }
  // Mostly it is empty: then this one call is all.
  const absl::Status removed = actor.cgroup.Remove();
  if (removed.ok() || os::StatusErrno(removed) != EBUSY) {
    actor.cgroup = os::Cgroup();
    return true;
  }
  unfinished_ = true;
  KillCgroup(actor.cgroup, &actor);
  return false;
}

bool Undertaker::SweepTreeCgroup(const Tree& tree) {
  if (!tree.cgroup().valid()) return true;
  absl::StatusOr<bool> populated = tree.cgroup().Populated();
  if (!populated.ok() || !*populated) return true;
  unfinished_ = true;
  KillCgroup(tree.cgroup(), nullptr);
  return false;
}

std::vector<std::unique_ptr<Actor>> Undertaker::Sweep(const Tree& tree,
                                                      bool everything) {
  std::vector<std::unique_ptr<Actor>> done;
  unfinished_ = undecided_ = false;
  claimed_.clear();
  SweepAdopted(tree, everything);
  if (table_->size() == table_->living()) return done;
  std::vector<Actor*> actors = table_->Below(kRootId);
  std::reverse(actors.begin(), actors.end());
  for (Actor* actor : actors) {
    if (actor->alive) continue;
    const bool cgroup_gone = SweepCgroup(*actor);
    if (!cgroup_gone || !actor->children.empty() || undecided_ ||
        claimed_.contains(actor->id)) {
      continue;
    }
    done.push_back(table_->Take(*actor));
  }
  return done;
}

std::vector<proto::Survivor> Undertaker::Adopted() {
  std::vector<proto::Survivor> found;
  for (pid_t pid : AdoptedPids()) {
    proto::Survivor survivor;
    survivor.set_pid(pid);
    survivor.set_name(CommOf(pid));
    found.push_back(std::move(survivor));
  }
  return found;
}

}  // namespace tractor::forkserver
