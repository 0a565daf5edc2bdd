// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Long: the life of a child, whose steps are only right together.
#include "runtime/actor/actor_nursery.h"

#include <sys/socket.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "os/unix_socket.h"
#include "runtime/actor/errors.h"
#include "runtime/actor/internal/child.h"
#include "runtime/actor/internal/child_main.h"
#include "runtime/actor/internal/line_relay.h"
#include "runtime/actor/internal/runtime.h"
#include "runtime/actor/internal/spawn_spec.h"
#include "runtime/log/log.h"
#include "runtime/task/exception_group.h"
#include "runtime/task/internal/exceptions.h"
#include "runtime/task/timeouts.h"

namespace tractor {
namespace {

using internal::Child;

// How long after its own deadline a child that has answered may still be on its
// last way out.
constexpr absl::Duration kDeadlineSlack = absl::Milliseconds(50);

// Waits, shielded, until `holds()`, at most until `deadline`. True: it does.
template <class Condition>
Task<bool> WaitShielded(Child& child, const char* what, absl::Time deadline,
                        Condition holds) {
  CancelScope scope(deadline, /*shield=*/true);
  auto wait = [&]() -> Task<> {
    while (!holds()) co_await child.changed->Wait(what);
  };
  if (!holds()) co_await scope.Run(wait);
  co_return holds();
}

std::exception_ptr DeathOf(const Child& child) {
  ActorExit exit = child.process->exit().value_or(ActorExit());
  exit.booting = child.starting;
  if (exit.detail.empty()) exit.detail = child.process->failure();
  // It was hung up on, or killed, because of what it said. Otherwise the loss
  // of its connection is no news beside its death.
  const bool hung_up_on = child.expelled || child.link->refused();
  if (exit.detail.empty() && hung_up_on && child.link->error()) {
    exit.detail = DescribeException(child.link->error());
  }
  Aid who = child.aid;
  if (who.pid == 0) who.pid = child.process->pid();
  return std::make_exception_ptr(ActorDied(who, exit));
}

}  // namespace

struct ActorNursery::Waiters {
  internal::WaitList child_done;
};

internal::Runtime& internal::RuntimeForNursery() { return Runtime::Current(); }

ActorNursery::ActorNursery(internal::Runtime& runtime, Nursery& nursery,
                           ActorNurseryOptions options)
    : runtime_(runtime),
      nursery_(nursery),
      options_(options),
      waiters_(std::make_unique<Waiters>()) {}

ActorNursery::~ActorNursery() = default;

size_t ActorNursery::size() const { return children_.size(); }

std::shared_ptr<internal::Link> ActorNursery::LinkOf(const Child& child) {
  return child.link;
}

// ---- birth ----

Task<Portal> ActorNursery::StartActor(ActorOptions options) {
  const ChildPtr child = co_await Start(std::move(options), /*one_shot=*/false);
  co_return Portal(child->link);
}

Task<ActorNursery::ChildPtr> ActorNursery::Start(ActorOptions options,
                                                 bool one_shot) {
  // Nobody would end it: Cancel() ends those that it finds.
  if (cancel_called_) {
    throw RuntimeFailure("cannot start actor '" + options.name() +
                         "': its nursery has been cancelled");
  }
  const SpawnMethod method = internal::ChooseSpawnMethod(runtime_, options);
  auto child = std::make_shared<Child>(std::move(options));
  // A process says the rest of its identity in its hello.
  child->aid = GetSpawnBackend(method).in_process
                   ? MakeAid(child->options.name())
                   : MakeBareAid(child->options.name());
  child->one_shot = one_shot;
  internal::CheckIdentity(runtime_.config(), child->aid);
  const proto::SpawnSpec spec =
      internal::MakeSpawnSpec(runtime_, child->options, child->aid, method);
  auto pair = os::SocketPair(SOCK_STREAM | SOCK_NONBLOCK);
  if (!pair.ok()) {
    throw RuntimeFailure("cannot start actor '" + child->aid.name +
                         "': " + std::string(pair.status().message()));
  }
  auto& [ours, theirs] = *pair;
  child->process =
      GetSpawnBackend(method).in_process
          ? internal::SpawnThread(spec, std::move(theirs), &internal::ChildMain)
          : runtime_.spawner()->Spawn(spec, std::move(theirs));
  child->process->set_observer(child->changed);
  child->link =
      runtime_.AddLink(std::move(ours), /*connector=*/true, child->aid.uuid);
  child->link->set_observer(child->changed);
  children_.push_back(child);
  nursery_.StartSoon(
      TaskName("supervisor of " + child->aid.name),
      [this](ChildPtr supervised) -> Task<> {
        return Supervise(std::move(supervised));
      },
      child);
  auto wait = [&]() -> Task<> {
    return WaitReady(child, child->options.boot_timeout());
  };
  auto end = co_await Observe(wait);
  if (!end.has_value()) {
    co_await EndChild(child, "its start has failed");
    co_await std::move(end).Get();
  }
  child->aid = child->link->peer();
  child->starting = false;
  co_return child;
}

Task<> ActorNursery::WaitReady(ChildPtr child, absl::Duration limit) {
  CancelScope scope(Now() + limit);
  auto wait = [&]() -> Task<> {
    while (!child->link->ready() && !child->unborn() && !child->exited() &&
           !child->link->closed()) {
      co_await child->changed->Wait("hello of a child");
    }
  };
  co_await scope.Run(wait);
  if (child->link->ready()) co_return;
  if (scope.cancelled_caught()) {
    throw ActorTooSlowError(child->aid, "its hello", limit);
  }
  // The end of the channel is seen before the news of how the process ended.
  co_await WaitShielded(*child, "exit of a child", Now() + kExitNewsTimeout,
                        [&] { return child->exited() || child->unborn(); });
  if (child->unborn()) {
    throw RuntimeFailure("cannot start actor '" + child->aid.name +
                         "': " + child->process->failure());
  }
  if (child->exited()) std::rethrow_exception(DeathOf(*child));
  if (child->link->error()) std::rethrow_exception(child->link->error());
  throw RuntimeFailure("actor '" + child->aid.name +
                       "' has closed its channel before its hello");
}

// ---- life ----

Task<> ActorNursery::Supervise(ChildPtr child) {
  CancelScope shield(absl::InfiniteFuture(), /*shield=*/true);
  auto watch = [&]() -> Task<> { co_await WatchEnd(*child); };
  co_await shield.Run(watch);
  child->done = true;
  std::erase(children_, child);
  child->changed->NotifyAll();
  waiters_->child_done.NotifyAll();
}

Task<> ActorNursery::WatchEnd(Child& child) {
  bool relayed = false;
  while (!child.exited() && !child.unborn() && !child.link->closed() &&
         !child.abandoned) {
    if (!relayed && child.process->pid() != 0) {
      relayed = true;
      internal::RelayOutput(child, nursery_);
    }
    co_await child.changed->Wait("end of a child");
  }
  auto over = [&] {
    return child.exited() || child.unborn() || child.abandoned;
  };
  if (!over()) {
    // Its channel has ended first: the news of the process is on its way.
    const absl::Duration grace =
        child.link->said_goodbye() ? kTerminateGrace : kExitNewsTimeout;
    if (!co_await WaitShielded(child, "exit of a child", Now() + grace, over)) {
      child.expelled = true;
      child.process->KillSubtree();
      co_await WaitShielded(child, "exit of a killed child",
                            Now() + kKillTimeout, over);
    }
  }
  if (child.unborn() || child.abandoned) {
    child.link->Close(nullptr);
    child.link->FailDialogs(std::make_exception_ptr(
        TransportClosed("actor " + ToString(child.aid) + " is given up")));
    co_return;
  }
  // What it has said last is still to be read.
  co_await WaitShielded(child, "last words of a child",
                        Now() + kExitNewsTimeout,
                        [&] { return child.link->closed(); });
  child.link->Close(nullptr);
  Judge(child);
  co_await WaitShielded(
      child, "sweep of a child's processes", Now() + kKillTimeout,
      [&] { return child.process->swept() || child.abandoned; });
}

void ActorNursery::Judge(Child& child) {
  const ActorExit exit = child.process->exit().value_or(ActorExit());
  const bool clean = child.link->said_goodbye() && exit.signal == 0 &&
                     exit.code == 0 && child.link->goodbye_error() == nullptr;
  std::exception_ptr error;
  if (clean) {
    child.link->FailDialogs(std::make_exception_ptr(
        TransportClosed("actor " + ToString(child.aid) + " has ended")));
    return;
  }
  error = child.link->goodbye_error() ? child.link->goodbye_error()
                                      : DeathOf(child);
  child.link->FailDialogs(error);
  TRACTOR_LOG(cancel) << DescribeBriefly(error);
  // Whoever started it is told by its exception.
  if (child.starting || child.one_shot || child.killed) return;
  AddError(error);
}

void ActorNursery::AddError(std::exception_ptr error) {
  errors_.push_back(std::move(error));
  body_scope_.Cancel(CancelReason::kSibling, DescribeBriefly(errors_.back()));
}

Task<> ActorNursery::WaitForChildren() {
  while (!children_.empty()) {
    co_await waiters_->child_done.Wait("children of an actor nursery");
  }
}

// ---- end ----

Task<> ActorNursery::Cancel(std::string_view reason) {
  cancel_called_ = true;
  const std::string why =
      reason.empty() ? "the actor nursery was cancelled" : std::string(reason);
  const absl::Time deadline =
      runtime_.TeardownDeadline(options_.cancel_budget());
  const std::function<Task<>(ChildPtr)> end = [&](ChildPtr child) -> Task<> {
    return EndChildBy(std::move(child), why, deadline);
  };
  co_await EndAll(end);
}

Task<> ActorNursery::Kill() {
  cancel_called_ = true;
  const std::function<Task<>(ChildPtr)> end = [&](ChildPtr child) -> Task<> {
    child->ending = true;
    return KillChild(std::move(child), {}, absl::ZeroDuration());
  };
  co_await EndAll(end);
}

Task<> ActorNursery::EndAll(const std::function<Task<>(ChildPtr)>& end) {
  const std::vector<ChildPtr> children = children_;
  auto all = [&](Nursery& nursery) -> Task<> {
    for (const ChildPtr& child : children) {
      nursery.StartSoon(
          TaskName("end of " + child->aid.name),
          [&end](ChildPtr ended) -> Task<> { return end(std::move(ended)); },
          child);
    }
    co_return;
  };
  CancelScope shield(absl::InfiniteFuture(), /*shield=*/true);
  auto shielded = [&]() -> Task<> { co_await WithNursery(all); };
  co_await shield.Run(shielded);
}

Task<> ActorNursery::EndOneShot(ChildPtr child, internal::Dialog* dialog,
                                Outcome<> end) {
  co_await EndChild(child, "its call has ended");
  // A call that is cancelled waits for kContextCancelTimeout, its actor has had
  // longer. That we have killed it is no news: an error of the nursery says so.
  if (end.cancelled() && dialog != nullptr &&
      !(child->killed && dialog->remote_error() == child->link->error())) {
    co_await internal::EndCall(*dialog, std::move(end));
    co_return;
  }
  co_await std::move(end).Get();
}

Task<> ActorNursery::EndChild(ChildPtr child, std::string reason) {
  return EndChildBy(std::move(child), std::move(reason),
                    runtime_.TeardownDeadline(options_.cancel_budget()));
}

Task<> ActorNursery::EndChildBy(ChildPtr child, std::string reason,
                                absl::Time deadline) {
  auto done = [&] { return child->done; };
  if (done()) co_return;
  child->ending = true;
  const absl::Duration budget =
      std::max(deadline - Now(), absl::ZeroDuration());
  if (!child->link->ready()) {
    co_await KillChild(child, {}, budget);
    co_return;
  }
  child->link->SendCancelActor(reason, runtime_.config().self, budget);
  auto answered = [&] {
    return child->done || child->link->actor_cancel_acked().has_value() ||
           child->link->closed();
  };
  // Nothing of this may take longer than what it was told: our own parent gives
  // us no longer.
  const absl::Time limit = deadline + kDeadlineSlack;
  if (!co_await WaitShielded(*child, "ack of a cancelled child",
                             std::min(Now() + kCancelAckTimeout, limit),
                             answered)) {
    TRACTOR_LOG(cancel) << ToString(child->aid) << " does not answer: SIGTERM";
    if (child->process->Terminate()) {
      co_await WaitShielded(*child, "child after SIGTERM",
                            std::min(Now() + kTerminateGrace, limit), done);
    }
    if (!done()) {
      co_await KillChild(child, "the ack of a cancel",
                         std::min(kCancelAckTimeout, budget));
    }
    co_return;
  }
  if (!co_await WaitShielded(*child, "end of a cancelled child", limit, done)) {
    co_await KillChild(child, "its end after a cancel", budget);
  }
}

Task<> ActorNursery::KillChild(ChildPtr child, std::string_view missed,
                               absl::Duration budget) {
  auto done = [&] { return child->done; };
  if (done()) co_return;
  const bool killed = child->process->KillSubtree();
  if (!missed.empty()) {
    TRACTOR_LOG(cancel) << ToString(child->aid) << " has missed " << missed
                        << (killed ? ": SIGKILL" : ": given up");
    errors_.push_back(
        std::make_exception_ptr(ActorTooSlowError(child->aid, missed, budget)));
  }
  child->killed = true;
  if (!killed) {
    // A thread cannot be killed, but it ends when its parent seems to be gone.
    child->link->Close(nullptr);
    if (co_await WaitShielded(*child, "thread that has lost its parent",
                              Now() + kOrphanBudget + kLevelReserve, done)) {
      co_return;
    }
    if (missed.empty()) {
      errors_.push_back(std::make_exception_ptr(
          ActorTooSlowError(child->aid, "its end", kOrphanBudget)));
    }
  }
  if (killed && co_await WaitShielded(*child, "killed child",
                                      Now() + kKillTimeout, done)) {
    co_return;
  }
  if (killed) {
    errors_.push_back(std::make_exception_ptr(
        RuntimeFailure("the process of " + ToString(child->aid) +
                       " has outlived its SIGKILL: the kernel is holding it")));
  }
  child->abandoned = true;
  child->changed->NotifyAll();
  co_await WaitShielded(*child, "child that is given up", Now() + kKillTimeout,
                        done);
}

std::string ActorNursery::ReasonFor(const Outcome<>& body_end) const {
  if (!errors_.empty()) return DescribeBriefly(errors_.front());
  if (body_end.has_error()) return DescribeBriefly(body_end.error());
  return "the parent is cancelled";
}

// A child's death comes out of the body as well, out of every task that was
// calling it. That is one error, not several.
std::exception_ptr ActorNursery::WithoutRecorded(
    const std::exception_ptr& error) const {
  auto recorded = [this](const std::exception_ptr& one) {
    return std::find(errors_.begin(), errors_.end(), one) != errors_.end();
  };
  return internal::WithoutErrors(error, recorded);
}

Task<> ActorNursery::Finish(Outcome<> end) {
  if (end.has_error()) {
    if (std::exception_ptr news = WithoutRecorded(end.error())) {
      errors_.push_back(std::move(news));
    }
  }
  if (!children_.empty()) co_await Cancel(ReasonFor(end));
  ThrowCollapsed("errors in an actor nursery", std::move(errors_));
  if (end.cancelled()) co_await std::move(end).Get();
}

}  // namespace tractor
