// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "forkserver/spare.h"

#include <errno.h>

#include <utility>

#include "forkserver/birth.h"
#include "os/clock.h"
#include "os/errno_status.h"
#include "os/status_macros.h"

namespace tractor::forkserver {

absl::Status MakeSpare(ChildContext& context, const Tree& tree,
                       ActorTable& table, const Actor& owner) {
  TRACTOR_ASSIGN_OR_RETURN(Birth birth, PrepareBirth(tree, table, owner));
  Actor& spare = *birth.actor;
  spare.spare = true;
  spare.reported = true;  // nobody wants to know
  spare.name = "spare";
  absl::StatusOr<os::ForkResult> fork = Fork(birth);
  if (!fork.ok()) {
    Undo(birth);
    return fork.status();
  }
  if (fork->in_child()) {
    RunSpare(context, std::move(birth.control), birth.boot_ns_before);
  }
  spare.forked_ns = os::MonotonicNanos();
  spare.pidfd = std::move(fork->pidfd);
  table.Add(std::move(birth.actor));
  return absl::OkStatus();
}

bool SpareFits(const Actor* spare, const Actor& owner,
               const proto::SpawnSpec& spec) {
  if (spare == nullptr || spare->parent != owner.id || spare->killed_by_us ||
      spec.method() != proto::SpawnSpec::FORKSERVER) {
    return false;
  }
  const absl::StatusOr<bool> ended = spare->pidfd.HasEnded();
  return ended.ok() && !*ended;
}

absl::Status HandOver(const Actor& spare, proto::SpawnSpec& spec,
                      const proto::SpawnTiming& timing, const NamedFds& fds) {
  proto::ForkserverEvent event;
  event.set_version(kProtocolVersion);
  SetFdNames(fds, &event);
  *event.mutable_become()->mutable_timing() = timing;
  event.mutable_become()->mutable_spec()->Swap(&spec);
  const absl::StatusOr<bool> sent = SendPacket(spare.link->fd(), event, fds);
  event.mutable_become()->mutable_spec()->Swap(&spec);
  if (!sent.ok()) return sent.status();
  if (*sent) return absl::OkStatus();
  return os::MakeStatus(absl::StatusCode::kUnavailable,
                        "the spare's control socket is full", EAGAIN);
}

}  // namespace tractor::forkserver
