// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The part of an actor's engine that is about actors that are no relatives.
#include <sys/socket.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "os/unix_socket.h"
#include "runtime/actor/constants.h"
#include "runtime/actor/errors.h"
#include "runtime/actor/internal/local_actors.h"
#include "runtime/actor/internal/runtime.h"
#include "runtime/task/checkpoint.h"
#include "runtime/task/timeouts.h"

namespace tractor::internal {

void Runtime::KeepPeer(std::shared_ptr<Link> link) {
  peers_.push_back(link);
  system_->StartSoon(
      TaskName("peer"),
      [this](std::shared_ptr<Link> link) -> Task<> {
        return WatchPeer(std::move(link));
      },
      std::move(link));
}

Task<> Runtime::WatchPeer(std::shared_ptr<Link> link) {
  auto hello = [&link]() -> Task<> {
    while (!link->ready() && !link->closed()) {
      co_await link->changed().Wait("hello of a peer");
    }
  };
  co_await MoveOnAfter(kHelloTimeout, hello);
  if (!link->ready()) {
    link->Close(std::make_exception_ptr(
        TransportClosed("a peer that never said hello")));
  }
  while (!link->closed()) co_await link->changed().Wait("end of a peer");
  std::exception_ptr error = link->error();
  if (error == nullptr && link->ready() && !link->said_goodbye()) {
    ActorExit exit;
    exit.unknown = true;
    error = std::make_exception_ptr(ActorDied(link->peer(), exit));
  } else if (error == nullptr) {
    error = std::make_exception_ptr(TransportClosed(
        (link->ready() ? "actor '" + ToString(link->peer()) + "'"
                       : std::string("a peer")) +
        " has ended its connection"));
  }
  link->FailDialogs(error);
  std::erase(peers_, link);
}

Task<bool> Runtime::FindPeer(const proto::Connect& target,
                             proto::Connected* who) {
  if (LocalActors::Connect(config_.tree_id, target, os::Fd(), {}, who)) {
    co_await Checkpoint();
    co_return true;
  }
  if (spawner_ == nullptr) {
    co_await Checkpoint();
    co_return false;
  }
  co_return co_await spawner_->Connect(target, os::Fd(), who);
}

Task<std::shared_ptr<Link>> Runtime::ConnectPeer(proto::Connect target) {
  proto::Connected who;
  for (const std::shared_ptr<Link>& link : peers_) {
    if (link->ready() && !link->closed() && !link->said_goodbye() &&
        link->peer().uuid == target.uuid()) {
      co_return link;
    }
  }
  absl::StatusOr<std::pair<os::Fd, os::Fd>> ends =
      os::SocketPair(SOCK_STREAM | SOCK_NONBLOCK);
  if (!ends.ok()) {
    throw RuntimeFailure("cannot connect to an actor: " +
                         std::string(ends.status().message()));
  }
  bool there =
      LocalActors::Connect(config_.tree_id, target, os::Fd(), {}, &who);
  if (there) {
    there =
        LocalActors::Connect(config_.tree_id, target, std::move(ends->second),
                             config_.self.uuid, &who);
  } else if (spawner_ != nullptr) {
    there = co_await spawner_->Connect(target, std::move(ends->second), &who);
  }
  if (!there) co_return nullptr;
  std::shared_ptr<Link> link =
      AddLink(std::move(ends->first), /*connector=*/true, who.uuid());
  KeepPeer(link);
  const absl::Time asked = Now();
  while (!link->ready() && !link->closed()) {
    co_await link->changed().Wait("hello of a peer");
  }
  if (link->ready()) co_return link;
  if (Now() - asked < kHelloTimeout) co_return nullptr;
  Aid silent;
  silent.name = who.name();
  silent.uuid = who.uuid();
  throw ActorTooSlowError(silent, "its hello", kHelloTimeout);
}

}  // namespace tractor::internal
