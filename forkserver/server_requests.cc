// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The part of the server that does what it is asked for.

#include <errno.h>
#include <signal.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/escaping.h"
#include "forkserver/server.h"
#include "forkserver/spawner.h"
#include "os/errno_status.h"
#include "os/inject.h"

namespace tractor::forkserver {
namespace {

absl::Status Refuse(std::string message, int err) {
  return os::MakeStatus(absl::StatusCode::kInvalidArgument, message, err);
}

}  // namespace

void Server::Dispatch(Actor& actor, Received packet, int64_t received_ns) {
  using Wire = proto::ForkserverRequest;
  Wire request;
  const bool parsed =
      !packet.too_long &&
      request.ParseFromArray(packet.bytes.data(),
                             static_cast<int>(packet.bytes.size()));
  const uint64_t id = parsed ? request.request_id() : 0;
  auto refuse = [&](std::string message, int err) {
    AnswerFailed(actor, id, proto::STEP_CHECK, Refuse(std::move(message), err));
  };
  if (packet.too_long) return refuse("a packet of more than 64 KiB", EMSGSIZE);
  if (!parsed) return refuse("a malformed packet", EBADMSG);
  if (request.version() != kProtocolVersion) {
    return refuse("the forkserver speaks version " +
                      std::to_string(kProtocolVersion) +
                      " of its protocol, the request version " +
                      std::to_string(request.version()),
                  EPROTONOSUPPORT);
  }
  if (id == 0) return refuse("a request without an id", EBADMSG);
  if (packet.fds_lost) {
    return refuse("the forkserver has no descriptor left for the request's",
                  EMFILE);
  }
  NamedFds fds;
  if (!NameFds(request.fds(), std::move(packet.fds), &fds)) {
    return refuse("not as many descriptors as names of such", EBADMSG);
  }
  switch (request.body_case()) {
    case Wire::kOpenTree:
      return HandleOpenTree(actor, id, request.open_tree());
    case Wire::kCloseTree:
      return HandleCloseTree(actor, id, request.close_tree());
    case Wire::kSpawn:
      return HandleSpawn(actor, id, *request.mutable_spawn(), std::move(fds),
                         received_ns);
    case Wire::kKill:
      return HandleKill(actor, id, request.kill());
    case Wire::kConnect:
      return HandleConnect(actor, id, request.connect(), std::move(fds));
    case Wire::kSetupFailed:
      return HandleSetupFailed(actor, request.setup_failed());
    case Wire::BODY_NOT_SET:
      return refuse("a request of a kind that is not known here", EOPNOTSUPP);
  }
}

void Server::HandleOpenTree(Actor& actor, uint64_t id,
                            const proto::OpenTree& body) {
  if (actor.id != kRootId || tree_.has_value()) {
    return AnswerFailed(
        actor, id, proto::STEP_CHECK,
        actor.id != kRootId
            ? Refuse("only the root opens a tree", EPERM)
            : Refuse("a tree is open already; close it first", EBUSY));
  }
  proto::ForkserverEvent event;
  absl::StatusOr<Tree> tree = Tree::Open(body, event.mutable_tree_opened());
  if (!tree.ok()) {
    return AnswerFailed(actor, id, proto::STEP_RESOURCES, tree.status());
  }
  tree_ = *std::move(tree);
  table_.NameRoot(absl::BytesToHexString(body.root().uuid()),
                  body.root().name().empty() ? "root" : body.root().name());
  constexpr size_t kMaxWarnings = 16;
  warnings_.resize(std::min(warnings_.size(), kMaxWarnings));
  for (const std::string& warning : warnings_) {
    event.mutable_tree_opened()->add_warnings(Clip(warning));
  }
  Answer(actor, id, std::move(event));
}

void Server::HandleCloseTree(Actor& actor, uint64_t id,
                             const proto::CloseTree& body) {
  if (actor.id != kRootId || !tree_.has_value() || closing_.has_value()) {
    return AnswerFailed(
        actor, id, proto::STEP_CHECK,
        actor.id != kRootId
            ? Refuse("only the root closes a tree", EPERM)
            : Refuse("no tree is open, or it is being closed", EALREADY));
  }
  // Capped, so that now + grace does not overflow.
  constexpr uint64_t kMaxGraceNs = uint64_t{3600} * 24 * 1'000'000'000;
  BeginClosing(static_cast<int64_t>(std::min(body.grace_ns(), kMaxGraceNs)),
               id);
}

void Server::HandleSpawn(Actor& actor, uint64_t id, proto::Spawn& body,
                         NamedFds fds, int64_t received_ns) {
  if (!tree_.has_value() || closing_.has_value()) {
    return AnswerFailed(
        actor, id, proto::STEP_CHECK,
        Refuse("no tree is open, or it is being closed", ESHUTDOWN));
  }
  TRACTOR_INJECT_POINT("forkserver.spawn");
  const proto::SpawnSpec::Method method = body.spec().method();
  auto result = SpawnActor(context_, *tree_, table_, actor,
                           {id, received_ns, &body, std::move(fds)});
  proto::ForkserverEvent event;
  if (auto* failed = std::get_if<proto::Failed>(&result)) {
    if (failed->step() != proto::STEP_CHECK) NoteShortage();
    *event.mutable_failed() = std::move(*failed);
    return Answer(actor, id, std::move(event));
  }
  Spawned& spawned = std::get<Spawned>(result);
  *event.mutable_forked() = std::move(spawned.forked);
  Actor& child = spawned.promoted != nullptr
                     ? *spawned.promoted
                     : table_.Add(std::move(spawned.actor));
  NoteSpawn(actor, method);
  TRACTOR_INJECT_POINT("forkserver.forked");
  Answer(actor, id, std::move(event), std::move(spawned.fds));
  Watch(child);
}

void Server::HandleKill(Actor& actor, uint64_t id, const proto::Kill& body) {
  const Actor* target = table_.Find(body.child_id());
  if (target != nullptr && target->spare) target = nullptr;
  if (body.signal() < 1 || body.signal() > SIGRTMAX) {
    return AnswerFailed(actor, id, proto::STEP_CHECK,
                        Refuse("no such signal", EINVAL));
  }
  if (target != nullptr && !table_.IsBelow(body.child_id(), actor.id)) {
    return AnswerFailed(
        actor, id, proto::STEP_CHECK,
        Refuse("an actor may kill what is below it only", EPERM));
  }
  proto::ForkserverEvent event;
  proto::Killed& killed = *event.mutable_killed();
  if (target != nullptr && body.after_ns() > 0) {
    killed.set_scheduled(true);
    After(static_cast<int64_t>(
              std::min<uint64_t>(body.after_ns(), INT64_MAX / 2)),
          [this, body] {
            Signal(body.child_id(), body.signal(), body.subtree());
          });
  } else if (target != nullptr) {
    killed.set_signalled(static_cast<uint32_t>(
        Signal(body.child_id(), body.signal(), body.subtree())));
  }
  Answer(actor, id, std::move(event));
}

void Server::HandleConnect(Actor& actor, uint64_t id,
                           const proto::Connect& body, NamedFds fds) {
  const std::string uuid = absl::BytesToHexString(body.uuid());
  Actor* target =
      body.has_uuid() ? table_.FindUuid(uuid) : table_.FindName(body.name());
  auto refuse = [&](const std::string& message, int err) {
    AnswerFailed(actor, id, proto::STEP_CHECK, Refuse(message, err));
  };
  os::Fd channel = TakeFd(fds, "channel");
  if (target == nullptr || !target->alive || target->link == nullptr) {
    return refuse("no actor \"" + (body.has_uuid() ? uuid : body.name()) +
                      "\" lives in this tree",
                  ENOENT);
  }
  // What is queued for it without end would make it wedged, by our doing.
  if (!target->link->wants_read()) {
    return refuse("the actor \"" + target->name +
                      "\" does not read what the forkserver tells it",
                  EAGAIN);
  }
  proto::ForkserverEvent connected;
  connected.mutable_connected()->set_uuid(absl::HexStringToBytes(target->uuid));
  connected.mutable_connected()->set_name(target->name);
  if (!channel.valid()) return Answer(actor, id, std::move(connected));
  proto::ForkserverEvent incoming;
  incoming.mutable_incoming()->set_uuid(absl::HexStringToBytes(actor.uuid));
  incoming.mutable_incoming()->set_name(actor.name);
  NamedFds passed;
  passed.emplace_back("channel", std::move(channel));
  const uint64_t asker = actor.id;
  Answer(*target, 0, std::move(incoming), std::move(passed));
  // It may have been found wedged or gone by that.
  if (Actor* still = table_.Find(asker); still != nullptr) {
    Answer(*still, id, std::move(connected));
  }
}

void Server::HandleSetupFailed(Actor& actor, const proto::SetupFailed& body) {
  Actor* owner = table_.Find(actor.parent);
  if (actor.id == kRootId || actor.spare || owner == nullptr) return;
  proto::ForkserverEvent event;
  proto::Failed& failed = *event.mutable_failed();
  failed.set_child_id(actor.id);
  failed.set_step(body.step());
  failed.set_errno_value(body.errno_value());
  failed.set_message(Clip(body.message()));
  Answer(*owner, actor.request_id, std::move(event));
}

int Server::Signal(uint64_t id, int signal, bool subtree) {
  Actor* actor = table_.Find(id);
  if (actor == nullptr) return 0;
  if (signal == SIGKILL) {
    int killed = undertaker_.KillActor(*actor);
    if (subtree) killed += undertaker_.KillBelow(*actor);
    return killed;
  }
  int signalled = actor->alive && actor->pidfd.Signal(signal).ok();
  if (!subtree) return signalled;
  for (Actor* below : table_.Below(id)) {
    if (!below->alive || below->spare) continue;
    signalled += below->pidfd.Signal(signal).ok();
  }
  return signalled;
}

}  // namespace tractor::forkserver
