// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "forkserver/birth.h"

#include <sys/socket.h>

#include <string>
#include <utility>

#include "forkserver/timing.h"
#include "os/clock.h"
#include "os/status_macros.h"
#include "os/unix_socket.h"

namespace tractor::forkserver {
namespace {

// The innermost cgroup around `actor`: that of the nearest ancestor which has
// one, or the tree's.
const os::Cgroup& EnclosingCgroup(const Tree& tree, ActorTable& table,
                                  uint64_t id) {
  const Actor* actor = table.Find(id);
  while (actor != nullptr && actor->id != kRootId) {
    if (actor->cgroup.valid()) return actor->cgroup;
    actor = table.Find(actor->parent);
  }
  return tree.cgroup();
}

}  // namespace

absl::StatusOr<Birth> PrepareBirth(const Tree& tree, ActorTable& table,
                                   const Actor& owner) {
  Birth birth;
  TRACTOR_ASSIGN_OR_RETURN(auto control,
                           os::SocketPair(SOCK_SEQPACKET | SOCK_NONBLOCK));
  birth.control = std::move(control.second);
  birth.actor = std::make_unique<Actor>();
  Actor& actor = *birth.actor;
  actor.id = table.NextId();
  actor.parent = owner.id;
  actor.link = std::make_unique<Link>(std::move(control.first));
  if (!tree.cgroup().valid()) return birth;
  const os::Cgroup& outer = EnclosingCgroup(tree, table, owner.id);
  // Without one of its own (a limit on depth or number) the actor is still
  // held by the enclosing one; only its strays are harder to tell.
  if (auto own = os::Cgroup::Create(outer, std::to_string(actor.id));
      own.ok()) {
    actor.cgroup = *std::move(own);
  }
  birth.cgroup_fd = actor.cgroup.valid() ? actor.cgroup.fd() : outer.fd();
  return birth;
}

absl::StatusOr<os::ForkResult> Fork(Birth& birth) {
  birth.boot_ns_before = os::BootNanos();
  absl::StatusOr<os::ForkResult> fork =
      birth.cgroup_fd >= 0 ? os::ForkInto(birth.cgroup_fd) : os::Fork();
  birth.boot_ns_after = os::BootNanos();
  if (fork.ok() && !fork->in_child()) {
    birth.actor->start_time =
        StartTimeBetween(birth.boot_ns_before, birth.boot_ns_after, fork->pid);
  }
  return fork;
}

void Undo(Birth& birth) {
  if (birth.actor != nullptr && birth.actor->cgroup.valid()) {
    birth.actor->cgroup.Remove().IgnoreError();
  }
}

}  // namespace tractor::forkserver
