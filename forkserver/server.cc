// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The loop, the connections, the requests. server_ends.cc has the ends,
// server_spare.cc the spare.

#include "forkserver/server.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/escaping.h"
#include "forkserver/spawner.h"
#include "os/clock.h"
#include "os/errno_status.h"
#include "os/signals.h"
#include "os/status_macros.h"
#include "os/syscalls.h"

namespace tractor::forkserver {
namespace {

// epoll keys; all others are ids of actors.
constexpr uint64_t kSignalKey = UINT64_MAX;
constexpr uint64_t kRootProcessKey = UINT64_MAX - 1;

// Requests of one actor before the others get their turn.
constexpr int kBatch = 16;

absl::Status Refuse(std::string message, int err) {
  return os::MakeStatus(absl::StatusCode::kInvalidArgument, message, err);
}

}  // namespace

Server::Server(ChildContext context, os::Fd root_control, os::Fd root_pidfd,
               std::vector<std::string> warnings)
    : context_(std::move(context)),
      warnings_(std::move(warnings)),
      root_pidfd_(std::move(root_pidfd)),
      undertaker_(&table_) {
  table_.root().link = std::make_unique<Link>(std::move(root_control));
  table_.root().name = "root";
}

absl::Status Server::SetUp() {
  epoll_ = os::Fd(os::Sys().epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_.valid()) return os::ErrnoStatus(errno, "epoll_create1");
  TRACTOR_ASSIGN_OR_RETURN(signals_, os::MakeSignalFd({SIGCHLD}));
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.u64 = kSignalKey;
  if (os::Sys().epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, signals_.get(), &event) <
      0) {
    return os::ErrnoStatus(errno, "epoll_ctl(signalfd)");
  }
  event.data.u64 = kRootProcessKey;
  if (root_pidfd_.valid() &&
      os::Sys().epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, root_pidfd_.get(),
                          &event) < 0) {
    return os::ErrnoStatus(errno, "epoll_ctl(pidfd)");
  }
  Watch(table_.root());
  return absl::OkStatus();
}

int Server::Run() {
  if (absl::Status status = SetUp(); !status.ok()) return 1;
  while (!done_) {
    epoll_event events[64];
    const int count =
        os::Sys().epoll_wait(epoll_.get(), events, 64, TimeoutMs());
    for (int i = 0; i < count; ++i) {
      Handle(events[i].data.u64, events[i].events);
    }
    RunTimers();
    if (std::exchange(bury_, false)) Bury();
    if (count == 0) MakeSpareIfDue();
  }
  return exit_code_;
}

void Server::Handle(uint64_t key, uint32_t events) {
  if (key == kSignalKey) {
    while (true) {
      auto signal = os::ReadSignal(signals_.get());
      if (!signal.ok() || !signal->has_value()) break;
    }
    bury_ = true;
    return;
  }
  if (key == kRootProcessKey) return OwnerGone(table_.root());
  Actor* actor = table_.Find(key);
  if (actor == nullptr || actor->link == nullptr) return;
  if (events & EPOLLOUT) actor->link->Flush();
  const bool hung_up = events & (EPOLLHUP | EPOLLERR);
  if (events & EPOLLIN) {
    ReadRequests(key);
  } else if (hung_up) {
    return OwnerGone(*actor);
  }
  // A request may have changed everything.
  actor = table_.Find(key);
  if (actor != nullptr && actor->link != nullptr) Watch(*actor);
}

void Server::RunTimers() {
  while (!timers_.empty() && timers_.begin()->first <= os::MonotonicNanos()) {
    auto node = timers_.extract(timers_.begin());
    node.mapped()();
  }
}

int Server::TimeoutMs() {
  if (bury_) return 0;
  const bool spare = WantsSpare();
  if (timers_.empty() && !spare) return -1;
  int64_t next_ns = timers_.empty() ? INT64_MAX : timers_.begin()->first;
  if (spare) next_ns = std::min(next_ns, spare_at_ns_);
  const int64_t left = next_ns - os::MonotonicNanos();
  return static_cast<int>(
      std::clamp<int64_t>((left + 999'999) / 1'000'000, 0, 60'000));
}

void Server::After(int64_t delay_ns, std::function<void()> what) {
  // A timer is about processes of this tree; the next one has others.
  auto guarded = [this, number = tree_number_, what = std::move(what)] {
    if (number == tree_number_) what();
  };
  timers_.emplace(os::MonotonicNanos() + std::max<int64_t>(delay_ns, 0),
                  std::move(guarded));
}

// ---- connections

void Server::Watch(Actor& actor) {
  Link& link = *actor.link;
  if (link.broken() || link.wedged()) {
    // Wedged: it has not read for the lives of thousands of children.
    if (!link.broken()) undertaker_.KillActor(actor);
    return OwnerGone(actor);
  }
  const uint32_t wanted =
      (link.wants_read() ? EPOLLIN : 0u) | (link.wants_write() ? EPOLLOUT : 0u);
  auto [it, fresh] = watched_.try_emplace(actor.id, 0);
  if (!fresh && it->second == wanted) return;
  it->second = wanted;
  epoll_event event = {};
  event.events = wanted;
  event.data.u64 = actor.id;
  if (os::Sys().epoll_ctl(epoll_.get(), fresh ? EPOLL_CTL_ADD : EPOLL_CTL_MOD,
                          link.fd(), &event) < 0) {
    OwnerGone(actor);
  }
}

void Server::CloseLink(Actor& actor) {
  if (actor.link == nullptr) return;
  // A close alone would not do: a child that was just forked holds a duplicate
  // until it has closed its fds, and epoll goes by the open file.
  if (watched_.erase(actor.id) != 0) {
    os::Sys().epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, actor.link->fd(), nullptr);
  }
  actor.link.reset();
}

void Server::Answer(Actor& actor, uint64_t request_id,
                    proto::ForkserverEvent event, NamedFds fds) {
  if (actor.link == nullptr) return;
  event.set_request_id(request_id);
  actor.link->Send(std::move(event), std::move(fds));
  Watch(actor);
}

void Server::AnswerFailed(Actor& actor, uint64_t request_id,
                          proto::SpawnStep step, const absl::Status& status) {
  proto::ForkserverEvent event;
  *event.mutable_failed() = MakeFailed(step, status);
  Answer(actor, request_id, std::move(event));
}

void Server::ReadRequests(uint64_t id) {
  for (int i = 0; i < kBatch; ++i) {
    Actor* actor = table_.Find(id);
    if (actor == nullptr || actor->link == nullptr ||
        !actor->link->wants_read()) {
      return;
    }
    absl::StatusOr<Received> packet = reader_.Read(actor->link->fd());
    // A kernel that is short of memory: epoll brings us here again.
    const int err = os::StatusErrno(packet.status());
    if (err == ENOMEM || err == ENOBUFS) return;
    if (!packet.ok() || packet->kind == Received::Kind::kEnd) {
      return OwnerGone(*actor);
    }
    if (packet->kind == Received::Kind::kNothing) return;
    Dispatch(*actor, *std::move(packet), os::MonotonicNanos());
  }
}

void Server::OwnerGone(Actor& actor) {
  CloseLink(actor);
  if (actor.id != kRootId) return EndChildrenOf(actor);
  if (std::exchange(root_gone_, true)) return;
  if (root_pidfd_.valid()) {
    os::Sys().epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, root_pidfd_.get(),
                        nullptr);
  }
  if (tree_.has_value()) return BeginClosing(0, std::nullopt);
  done_ = true;
}

// ---- requests

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
  if (!channel.valid()) return refuse("no fd \"channel\"", EINVAL);
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
  proto::ForkserverEvent incoming;
  incoming.mutable_incoming()->set_uuid(absl::HexStringToBytes(actor.uuid));
  incoming.mutable_incoming()->set_name(actor.name);
  NamedFds passed;
  passed.emplace_back("channel", std::move(channel));
  proto::ForkserverEvent connected;
  connected.mutable_connected()->set_uuid(absl::HexStringToBytes(target->uuid));
  connected.mutable_connected()->set_name(target->name);
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
