// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The part of the server that decides when there is a spare, and whose.
//
// A spare is worth a fork only to somebody who spawns again: it is made below
// the actor that has spawned the last two times. It is made when nobody waits
// for a child: no spawn has come for a while, or somebody has ended, who may
// have to be replaced. That is before his end is told, because who hears of it
// may spawn at once. A burst of spawns is never slowed down by it; of a burst,
// only the first has a spare.

#include <signal.h>

#include "forkserver/server.h"
#include "forkserver/spare.h"
#include "os/clock.h"

namespace tractor::forkserver {
namespace {

// Longer than a child takes to its first call, so that on a single core the
// fork does not come in between.
constexpr int64_t kQuietNs = 2'000'000;
constexpr int kDemand = 2;

}  // namespace

void Server::NoteSpawn(const Actor& owner, proto::SpawnSpec::Method method) {
  if (method != proto::SpawnSpec::FORKSERVER) return;
  spare_demand_ = owner.id == spare_owner_ ? spare_demand_ + 1 : 1;
  spare_owner_ = owner.id;
  spare_at_ns_ = os::MonotonicNanos() + kQuietNs;
}

void Server::NoteShortage() {
  // Whatever is short, the spare has some of it.
  if (table_.spare() != nullptr) DropSpareOf(table_.spare()->parent);
  spare_demand_ = 0;
}

bool Server::WantsSpare() {
  if (!tree_.has_value() || closing_.has_value() || spare_demand_ < kDemand) {
    return false;
  }
  const Actor* spare = table_.spare();
  if (spare != nullptr) {
    // Of somebody else: that one must go first. Killed: it is going.
    return spare->parent != spare_owner_ && !spare->killed_by_us;
  }
  const Actor* owner = table_.Find(spare_owner_);
  return owner != nullptr && owner->alive && owner->link != nullptr;
}

void Server::MakeSpareIfDue() {
  if (os::MonotonicNanos() >= spare_at_ns_) MakeSpareNow();
}

void Server::MakeSpareNow() {
  if (!WantsSpare()) return;
  if (const Actor* other = table_.spare(); other != nullptr) {
    return DropSpareOf(other->parent);
  }
  const Actor& owner = *table_.Find(spare_owner_);
  if (!MakeSpare(context_, *tree_, table_, owner).ok()) spare_demand_ = 0;
}

void Server::DropSpareOf(uint64_t owner) {
  Actor* spare = table_.spare();
  if (spare != nullptr && spare->parent == owner) undertaker_.KillActor(*spare);
}

}  // namespace tractor::forkserver
