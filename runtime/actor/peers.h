// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Portals to actors that are neither children nor parents: any two actors of a
// tree can talk.
//
//   std::optional<Portal> cache = co_await FindActor("cache");
//   if (cache) co_await cache->Call(Get, key);
//
//   Portal sender = co_await ConnectTo(aid);   // an aid out of a message
//
// Rules.
// - Only actors of this tree are found, the root included. One that runs on a
//   thread finds, and is found by, the actors of its own process only.
// - The forkserver passes a socket on: there is no address, and no port. Two
//   actors have one connection for each side that has asked; it stays until one
//   of them ends.
// - What the other actor exposes, it exposes to all of its tree.
// - When its process dies, whoever waits gets an ActorDied that does not know
//   how it died (only its parent does); when it ends in good order, or the
//   connection is lost, a TransportClosed.
// - An actor that finds itself gets a portal that calls in process.
// - Both are checkpoints. ActorTooSlowError: the other one has not said hello
//   within kHelloTimeout. RuntimeFailure: it cannot be asked for.
#ifndef TRACTOR_RUNTIME_ACTOR_PEERS_H_
#define TRACTOR_RUNTIME_ACTOR_PEERS_H_

#include <optional>
#include <string>

#include "runtime/actor/aid.h"
#include "runtime/actor/portal.h"
#include "runtime/task/task.h"

namespace tractor {

// The living actor of that name; of several, the one that was made first.
Task<std::optional<Portal>> FindActor(std::string name);

// Throws ActorDied when it no longer lives.
Task<Portal> ConnectTo(Aid aid);

}  // namespace tractor

#endif  // TRACTOR_RUNTIME_ACTOR_PEERS_H_
