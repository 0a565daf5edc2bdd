// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The part of the server that is about ends: of actors, of owners, of trees.

#include <signal.h>

#include <algorithm>
#include <utility>

#include "forkserver/server.h"
#include "os/clock.h"
#include "os/inject.h"

namespace tractor::forkserver {
namespace {

constexpr int kMaxNamed = 100;
// How long SIGKILLed processes may take to go before a tree is closed without
// them: they sit in the kernel (a dead network disk) and nobody can help.
constexpr int64_t kUnkillableNs = 5'000'000'000;
constexpr int64_t kFirstRetryNs = 1'000'000;
constexpr int64_t kLastRetryNs = 50'000'000;

uint64_t Micros(const timeval& time) {
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000 +
         static_cast<uint64_t>(time.tv_usec);
}

void SetUse(const rusage& usage, proto::ResourceUse* use) {
  use->set_user_us(Micros(usage.ru_utime));
  use->set_system_us(Micros(usage.ru_stime));
  use->set_max_rss_kb(static_cast<uint64_t>(usage.ru_maxrss));
  use->set_minor_faults(static_cast<uint64_t>(usage.ru_minflt));
  use->set_major_faults(static_cast<uint64_t>(usage.ru_majflt));
}

}  // namespace

void Server::Bury() {
  const std::vector<ActorExit> exits = undertaker_.Reap();
  for (const ActorExit& exit : exits) {
    // Not asked for again unless it was killed: it would only die again.
    if (exit.actor->spare && !exit.actor->killed_by_us) NoteShortage();
    ReadLastWords(*exit.actor);
    CloseLink(*exit.actor);
    EndChildrenOf(*exit.actor);
  }
  if (!tree_.has_value()) return;
  if (!exits.empty()) MakeSpareNow();
  // When the last actor of a closing tree is gone, every process is a stray.
  const bool everything =
      closing_.has_value() && (closing_->killed || table_.living() == 0);
  // Actors that Sweep takes out of the table must live until they are reported.
  auto swept = undertaker_.Sweep(*tree_, everything);
  for (const ActorExit& exit : exits) {
    const bool gone = std::any_of(
        swept.begin(), swept.end(),
        [&](const auto& actor) { return actor.get() == exit.actor; });
    ReportExit(exit, gone && exit.actor->swept.killed_count() == 0);
  }
  for (const auto& actor : swept) ReportSwept(*actor);
  if (everything && table_.size() == 0 && !undertaker_.unfinished() &&
      undertaker_.SweepTreeCgroup(*tree_)) {
    return FinishClosing();
  }
  if (!undertaker_.unfinished()) {
    retry_ns_ = kFirstRetryNs;
  } else if (!std::exchange(retry_armed_, true)) {
    After(retry_ns_, [this] {
      retry_armed_ = false;
      bury_ = true;
    });
    retry_ns_ = std::min(retry_ns_ * 2, kLastRetryNs);
  }
}

void Server::ReadLastWords(Actor& actor) {
  if (actor.link == nullptr) return;
  // Only a failed set-up is worth hearing of the dead; their other requests
  // have nobody left to answer to.
  while (true) {
    absl::StatusOr<Received> packet = reader_.Read(actor.link->fd());
    if (!packet.ok() || packet->kind != Received::Kind::kPacket) return;
    proto::ForkserverRequest request;
    if (!packet->too_long &&
        request.ParseFromArray(packet->bytes.data(),
                               static_cast<int>(packet->bytes.size())) &&
        request.version() == kProtocolVersion && request.has_setup_failed()) {
      HandleSetupFailed(actor, request.setup_failed());
    }
  }
}

void Server::ReportExit(const ActorExit& exit, bool swept) {
  Actor& actor = *exit.actor;
  if (actor.spare) return;
  if (closing_.has_value() && actor.killed_by_us) {
    // The tree's report is about those who had to be killed for it.
    proto::TreeClosed& report = closing_->report;
    report.set_killed_count(report.killed_count() + 1);
    if (report.killed_size() < kMaxNamed) {
      proto::Survivor* survivor = report.add_killed();
      survivor->set_pid(actor.pidfd.pid());
      survivor->set_name(actor.name);
      survivor->set_actor(true);
    }
  }
  Actor* owner = table_.Find(actor.parent);
  if (owner == nullptr) return;
  proto::ForkserverEvent event;
  proto::Exited& exited = *event.mutable_exited();
  exited.set_child_id(actor.id);
  exited.set_code(exit.status.code);
  exited.set_signal(exit.status.signal);
  exited.set_core(exit.status.core_dumped);
  exited.set_oom(exit.oom);
  SetUse(exit.status.usage, exited.mutable_use());
  exited.set_lifetime_ns(
      static_cast<uint64_t>(os::MonotonicNanos() - actor.forked_ns));
  exited.set_swept(swept);
  TRACTOR_INJECT_POINT("forkserver.exited");
  actor.reported = swept;
  Answer(*owner, actor.request_id, std::move(event));
}

void Server::ReportSwept(const Actor& actor) {
  if (closing_.has_value()) {
    proto::TreeClosed& report = closing_->report;
    report.set_killed_count(report.killed_count() + actor.swept.killed_count());
    for (const proto::Survivor& survivor : actor.swept.killed()) {
      if (report.killed_size() < kMaxNamed) *report.add_killed() = survivor;
    }
  }
  Actor* owner = table_.Find(actor.parent);
  if (actor.reported || owner == nullptr) return;
  proto::ForkserverEvent event;
  *event.mutable_swept() = actor.swept;
  event.mutable_swept()->set_child_id(actor.id);
  Answer(*owner, actor.request_id, std::move(event));
}

void Server::EndChildrenOf(Actor& actor) {
  DropSpareOf(actor.id);
  if (actor.children.empty() || !tree_.has_value()) return;
  // Mostly EOF is seen first and the death right after.
  if (std::exchange(actor.children_ending, true)) return;
  // They see EOF on their channels and end themselves; this is for those that
  // do not. What they leave is swept as for every other.
  After(tree_->orphan_grace_ns(), [this, id = actor.id] {
    Actor* gone = table_.Find(id);
    if (gone == nullptr) return;
    for (Actor* below : table_.Below(id)) {
      if (!below->killed_by_us && undertaker_.KillActor(*below)) {
        proto::Survivor* survivor = gone->swept.add_killed();
        survivor->set_pid(below->pidfd.pid());
        survivor->set_name(below->name);
        survivor->set_actor(true);
        gone->swept.set_killed_count(gone->swept.killed_count() + 1);
      }
    }
    if (!gone->alive) undertaker_.KillBelow(*gone);
    bury_ = true;
  });
}

void Server::BeginClosing(int64_t grace_ns,
                          std::optional<uint64_t> request_id) {
  if (closing_.has_value()) {
    // The root has died while its tree was being closed: no more grace.
    closing_->request_id.reset();
  } else {
    closing_.emplace();
    closing_->request_id = request_id;
  }
  if (table_.spare() != nullptr) DropSpareOf(table_.spare()->parent);
  bury_ = true;
  TRACTOR_INJECT_POINT("forkserver.closing");
  if (grace_ns == 0) return KillTree();
  After(grace_ns, [this] { KillTree(); });
}

void Server::KillTree() {
  if (!closing_.has_value() || closing_->killed) return;
  closing_->killed = true;
  bury_ = true;
  undertaker_.KillTree(*tree_);
  After(kUnkillableNs, [this] { FinishClosing(); });
}

void Server::FinishClosing() {
  proto::TreeClosed& report = closing_->report;
  for (proto::Survivor& survivor : undertaker_.unclaimed()) {
    report.set_killed_count(report.killed_count() + 1);
    if (report.killed_size() < kMaxNamed) *report.add_killed() = survivor;
  }
  auto add_unkillable = [&](const proto::Survivor& survivor) {
    exit_code_ = 1;
    if (report.unkillable_size() < kMaxNamed) {
      *report.add_unkillable() = survivor;
    }
  };
  for (const proto::Survivor& survivor : undertaker_.Adopted()) {
    add_unkillable(survivor);
  }
  std::vector<Actor*> left = table_.Below(kRootId);
  std::reverse(left.begin(), left.end());
  for (Actor* actor : left) {
    if (actor->alive) {
      proto::Survivor survivor;
      survivor.set_pid(actor->pidfd.pid());
      survivor.set_name(actor->name);
      survivor.set_actor(true);
      add_unkillable(survivor);
      table_.MarkDead(*actor);
    }
    CloseLink(*actor);
    table_.Take(*actor);
  }
  undertaker_.Forget();
  tree_->Remove(&report);
  proto::ForkserverEvent event;
  event.mutable_tree_closed()->Swap(&report);
  const std::optional<uint64_t> request_id = closing_->request_id;
  closing_.reset();
  tree_.reset();
  table_.NameRoot("", "root");
  spare_demand_ = 0;  // the next tree has other habits
  ++tree_number_;     // no timer of this tree may fire any more
  retry_armed_ = false;
  TRACTOR_INJECT_POINT("forkserver.closed");
  if (request_id.has_value()) {
    Answer(table_.root(), *request_id, std::move(event));
  }
  if (root_gone_) done_ = true;
}

}  // namespace tractor::forkserver
