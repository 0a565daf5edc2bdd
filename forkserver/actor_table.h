// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Who is there and whose child it is: the actors of one tree, as the forkserver
// sees them. Pure bookkeeping; no system calls.
//
// An actor that has ended stays in the table until all below it and all strays
// of it are gone ("swept"). Actor 0 is the root, which is no process of ours.
// One entry may be the spare (spare.h): a process below its owner that is no
// actor yet, so it counts as living but not as an actor.

#ifndef TRACTOR_FORKSERVER_ACTOR_TABLE_H_
#define TRACTOR_FORKSERVER_ACTOR_TABLE_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "forkserver/link.h"
#include "os/cgroup.h"
#include "os/pidfd.h"
#include "proto/forkserver.pb.h"

namespace tractor::forkserver {

inline constexpr uint64_t kRootId = 0;

struct Actor {
  uint64_t id = kRootId;
  uint64_t parent = kRootId;
  uint64_t request_id = 0;  // of the Spawn that made it
  std::string name;
  std::string uuid;   // lower-case hex
  os::Pidfd pidfd;    // empty for the root
  os::Cgroup cgroup;  // its own; none: it is in that of an ancestor, or in none
  std::unique_ptr<Link> link;  // null when it is closed
  int64_t forked_ns = 0;
  bool alive = true;
  bool killed_by_us = false;     // we have sent it a SIGKILL
  bool children_ending = false;  // their grace has begun
  bool reported = false;         // its owner knows that it has ended
  bool spare = false;            // nobody yet: see spare.h
  uint64_t start_time = 0;       // as Aid.start_time
  std::set<uint64_t> children;
  proto::Swept swept;  // what has been killed of what it left
};

class ActorTable {
 public:
  ActorTable();

  Actor& root() { return *actors_.at(kRootId); }
  // Null: no such actor.
  Actor* Find(uint64_t id);
  Actor* FindPid(pid_t pid);  // living ones only
  Actor* FindUuid(const std::string& uuid);
  // The living one of that name that was made first, maybe the root.
  Actor* FindName(const std::string& name);
  // Who the root is, from the opening of a tree to its end; empty: nobody.
  void NameRoot(std::string uuid, std::string name);

  // A new child of `parent`, with the next id.
  uint64_t NextId() { return next_id_++; }
  Actor& Add(std::unique_ptr<Actor> actor);

  // The living spare; null: there is none.
  Actor* spare() { return spare_; }
  // The spare is the actor `uuid` from now on.
  void Promote(Actor& spare, std::string uuid);

  // The process is gone; its number may mean somebody else from now on.
  void MarkDead(Actor& actor);

  // Takes a dead actor without children out of the table.
  std::unique_ptr<Actor> Take(Actor& actor);

  // Whether `id` is below `above` (not itself).
  bool IsBelow(uint64_t id, uint64_t above);

  // All below `id`, parents before children; not itself.
  std::vector<Actor*> Below(uint64_t id);

  // Living processes, without the root.
  size_t living() const { return by_pid_.size(); }
  // Those of them that are actors.
  size_t living_actors() const { return living() - (spare_ != nullptr); }
  // All without the root.
  size_t size() const { return actors_.size() - 1; }

 private:
  std::map<uint64_t, std::unique_ptr<Actor>> actors_;
  std::unordered_map<pid_t, Actor*> by_pid_;
  std::unordered_map<std::string, Actor*> by_uuid_;
  Actor* spare_ = nullptr;
  uint64_t next_id_ = 1;
};

}  // namespace tractor::forkserver

#endif  // TRACTOR_FORKSERVER_ACTOR_TABLE_H_
