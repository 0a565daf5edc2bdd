// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// What every process of a tree is made of, whether it is an actor at once or a
// spare at first: an entry of the table, a control socket, a cgroup.
//
//   TRACTOR_ASSIGN_OR_RETURN(Birth birth, PrepareBirth(tree, table, owner));
//   TRACTOR_ASSIGN_OR_RETURN(os::ForkResult fork, Fork(birth));
//   if (fork.in_child()) ...              // has birth.control
//
// A birth that comes to nothing is undone by Undo.

#ifndef TRACTOR_FORKSERVER_BIRTH_H_
#define TRACTOR_FORKSERVER_BIRTH_H_

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "forkserver/actor_table.h"
#include "forkserver/tree.h"
#include "os/fd.h"
#include "os/fork.h"

namespace tractor::forkserver {

struct Birth {
  std::unique_ptr<Actor> actor;  // with id, parent, link and cgroup
  os::Fd control;                // the child's end of the link
  int cgroup_fd = -1;            // where to fork it into; -1: nowhere
  int64_t boot_ns_before = 0;    // around the fork: see timing.h
  int64_t boot_ns_after = 0;
};

absl::StatusOr<Birth> PrepareBirth(const Tree& tree, ActorTable& table,
                                   const Actor& owner);

// In the parent, the actor has its start time then; its pidfd is the caller's
// to put in.
absl::StatusOr<os::ForkResult> Fork(Birth& birth);

void Undo(Birth& birth);

}  // namespace tractor::forkserver

#endif  // TRACTOR_FORKSERVER_BIRTH_H_
