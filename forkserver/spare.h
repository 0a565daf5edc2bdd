// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// A spare: a process that is forked before it is asked for, so that an owner
// that spawns again gets its child without waiting for a fork.
//
//   MakeSpare(context, tree, table, owner);      // when there is nothing to do
//   ...
//   HandOver(*table.spare(), spec, timing, fds);   // at the next Spawn
//
// Rules:
// - There is one at most, below an owner that has spawned before
//   (server_spare.cc says when): a spare is born in its actor's cgroup, which
//   lies in its owner's, and moving processes between cgroups takes long.
// - It is set up as far as it can be without knowing who it will be, and waits
//   on its control socket. It dies with the forkserver, its owner, its tree.
// - It is no actor: no limit counts it, no event speaks of it, no Kill hits it.
// - It serves FORKSERVER spawns only. Whatever is in its way (it has died, no
//   descriptor, a large spec), the request forks as if there were none.

#ifndef TRACTOR_FORKSERVER_SPARE_H_
#define TRACTOR_FORKSERVER_SPARE_H_

#include "absl/status/status.h"
#include "forkserver/actor_table.h"
#include "forkserver/child_setup.h"
#include "forkserver/packet.h"
#include "forkserver/tree.h"
#include "proto/forkserver.pb.h"

namespace tractor::forkserver {

// Forks one below `owner` and puts it into the table. In the child this never
// returns. On errors there is none.
absl::Status MakeSpare(ChildContext& context, const Tree& tree,
                       ActorTable& table, const Actor& owner);

// Whether the spare can be a child of `owner`, spawned in this way.
bool SpareFits(const Actor* spare, const Actor& owner,
               const proto::SpawnSpec& spec);

// Sends the spare its spec and fds, all of which remain the caller's. On errors
// it is still a spare, if a useless one.
absl::Status HandOver(const Actor& spare, proto::SpawnSpec& spec,
                      const proto::SpawnTiming& timing, const NamedFds& fds);

}  // namespace tractor::forkserver

#endif  // TRACTOR_FORKSERVER_SPARE_H_
