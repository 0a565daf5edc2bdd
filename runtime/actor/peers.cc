// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/actor/peers.h"

#include <memory>
#include <utility>

#include "proto/forkserver.pb.h"
#include "runtime/actor/errors.h"
#include "runtime/actor/internal/runtime.h"
#include "runtime/task/checkpoint.h"

namespace tractor {

Task<std::optional<Portal>> FindActor(std::string name) {
  internal::Runtime& runtime = internal::Runtime::Current();
  proto::Connect target;
  target.set_name(name);
  proto::Connected who;
  const bool found = co_await runtime.FindPeer(target, &who);
  if (!found) co_return std::nullopt;
  if (who.uuid() == runtime.config().self.uuid) co_return Portal(nullptr);
  target.set_uuid(who.uuid());
  std::shared_ptr<internal::Link> link = co_await runtime.ConnectPeer(target);
  if (link == nullptr) co_return std::nullopt;
  co_return Portal(std::move(link));
}

Task<Portal> ConnectTo(Aid aid) {
  internal::Runtime& runtime = internal::Runtime::Current();
  if (aid.uuid == runtime.config().self.uuid) {
    co_await Checkpoint();
    co_return Portal(nullptr);
  }
  proto::Connect target;
  target.set_uuid(aid.uuid);
  std::shared_ptr<internal::Link> link = co_await runtime.ConnectPeer(target);
  if (link == nullptr) {
    ActorExit exit;
    exit.unknown = true;
    throw ActorDied(aid, exit);
  }
  co_return Portal(std::move(link));
}

}  // namespace tractor
