// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The loop and the connections. server_requests.cc has what is asked for,
// server_ends.cc the ends, server_spare.cc the spare.

#include "forkserver/server.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>

#include <algorithm>
#include <utility>

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

}  // namespace tractor::forkserver
