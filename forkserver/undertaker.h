// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Ends processes and buries them: reaps what has exited, and finds and kills
// what ended actors have left behind.
//
// A *stray* is a process that an actor has started and that outlives it. All
// orphans below the forkserver become its children (subreaper), so strays are
// found among these, without a race: a child keeps its number until we reap it.
// A pass over them
//  * leaves alone what belongs to a living actor: its daemons are its business;
//  * kills what carries the mark of an ended one (child_start.h), together with
//    all that is below it, at once and not link by link;
//  * kills what is left in the cgroup of an ended actor, marked or not.
// Killed strays come back as SIGCHLD, and the next pass sees what they had
// started meanwhile; when a pass finds nothing, nothing is there.
//
// Limit: a stray that has replaced its environment, in a tree without cgroups,
// cannot be told from a living actor's. It is killed when the tree is closed.

#ifndef TRACTOR_FORKSERVER_UNDERTAKER_H_
#define TRACTOR_FORKSERVER_UNDERTAKER_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "forkserver/actor_table.h"
#include "forkserver/tree.h"
#include "os/pidfd.h"
#include "proto/forkserver.pb.h"

namespace tractor::forkserver {

struct ActorExit {
  Actor* actor = nullptr;
  os::ExitStatus status;
  bool oom = false;  // see proto::Exited
};

class Undertaker {
 public:
  explicit Undertaker(ActorTable* table) : table_(table) {}

  // Reaps all that has exited: actors are returned, strays forgotten.
  std::vector<ActorExit> Reap();

  // One pass. `everything`: at the end of a tree, all processes below us are
  // strays, the living actors' as well. Returns the ended actors of which
  // nothing is left, children before parents: they are out of the table, and
  // their cgroups are removed.
  std::vector<std::unique_ptr<Actor>> Sweep(const Tree& tree, bool everything);

  // At the end of a tree: whether its cgroup is empty. Kills what is there, and
  // is unfinished then.
  bool SweepTreeCgroup(const Tree& tree);

  // Whether the last pass has left something that may need another one.
  bool unfinished() const { return unfinished_; }

  // SIGKILL for an actor, if it still lives; true if so.
  bool KillActor(Actor& actor);
  // For all actors below and, where there is a cgroup, all their strays.
  int KillBelow(Actor& actor);

  // What passes with `everything` have killed and no ended actor answers for.
  std::vector<proto::Survivor>& unclaimed() { return unclaimed_; }

  // SIGKILL for all of a tree.
  void KillTree(const Tree& tree);
  // Forgets all about the tree that was.
  void Forget();

  // Our child processes that are no actors; for reports.
  std::vector<proto::Survivor> Adopted();

 private:
  struct Stray {
    os::Pidfd pidfd;
    std::string actor;  // uuid of its mark; empty: none found (yet)
    std::string tree;
    int looks = 0;  // at an unmarked one
    bool killed = false;
  };

  std::vector<pid_t> AdoptedPids();
  // Reads the marks of a stray that has not shown any yet.
  void Look(pid_t pid, Stray& stray);
  // Whether to kill it; if so, *owner is the ended actor that answers for it,
  // or null.
  bool Condemned(const Tree& tree, const Stray& stray, bool everything,
                 Actor** owner);
  // Kills a stray and all that is below it.
  void KillLineage(pid_t pid, Stray& stray, Actor* owner);
  void Record(Actor* owner, pid_t pid);
  // Kills all in a cgroup and below, after noting the strays among them.
  void KillCgroup(const os::Cgroup& cgroup, Actor* owner);
  void SweepAdopted(const Tree& tree, bool everything);
  // True: nothing is left in its cgroup, which is gone.
  bool SweepCgroup(Actor& actor);
  // Kills what is directly in its cgroup, not what is in its children's.
  void KillMembers(Actor& actor);

  ActorTable* const table_;
  std::map<pid_t, Stray> strays_;
  std::map<uint64_t, int> claimed_;  // ended actor -> strays seen in this pass
  std::set<pid_t> recorded_;         // in a report already
  std::vector<proto::Survivor> unclaimed_;
  bool unfinished_ = false;
  bool undecided_ = false;  // somebody's mark may show up yet
};

}  // namespace tractor::forkserver

#endif  // TRACTOR_FORKSERVER_UNDERTAKER_H_
