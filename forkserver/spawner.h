// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// One Spawn request: checks, resources, fork. A request that fails leaves
// nothing behind and harms no other.

#ifndef TRACTOR_FORKSERVER_SPAWNER_H_
#define TRACTOR_FORKSERVER_SPAWNER_H_

#include <cstdint>
#include <memory>
#include <variant>

#include "forkserver/actor_table.h"
#include "forkserver/child_setup.h"
#include "forkserver/packet.h"
#include "forkserver/tree.h"
#include "proto/forkserver.pb.h"

namespace tractor::forkserver {

struct Spawned {
  std::unique_ptr<Actor> actor;  // not in the table yet; or null, and then
  Actor* promoted = nullptr;     // it is there: the spare of before
  proto::Forked forked;
  NamedFds fds;  // that go with `forked`
};

struct SpawnRequest {
  uint64_t request_id = 0;
  int64_t received_ns = 0;  // CLOCK_MONOTONIC
  proto::Spawn* body = nullptr;
  NamedFds fds;
};

// In the child this never returns: it runs `context.entry`.
std::variant<Spawned, proto::Failed> SpawnActor(ChildContext& context,
                                                const Tree& tree,
                                                ActorTable& table, Actor& owner,
                                                SpawnRequest request);

// A failure of `step` with its errno and text.
proto::Failed MakeFailed(proto::SpawnStep step, const absl::Status& status);

}  // namespace tractor::forkserver

#endif  // TRACTOR_FORKSERVER_SPAWNER_H_
