// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/actor/internal/runtime.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "os/inject.h"
#include "runtime/actor/constants.h"
#include "runtime/actor/errors.h"
#include "runtime/actor/internal/error_codec.h"
#include "runtime/actor/internal/local_actors.h"
#include "runtime/io/signals.h"
#include "runtime/log/log.h"
#include "runtime/task/exception_group.h"
#include "runtime/task/internal/exceptions.h"
#include "runtime/task/outcome.h"
#include "runtime/task/task_tree.h"
#include "runtime/task/timeouts.h"

namespace tractor::internal {
namespace {

thread_local Runtime* this_thread = nullptr;

// How much longer than its caller's deadline a served task may live: the
// caller's own cancel is the one that should be seen.
constexpr absl::Duration kDeadlineSlack = absl::Milliseconds(100);

// Of an actor; what a forkserver takes.
constexpr size_t kMaxNameBytes = 255;

wire::HelloOptions HelloOf(const RuntimeConfig& config) {
  wire::HelloOptions hello;
  hello.aid = ToProto(config.self);
  hello.tree_id = config.tree_id;
  hello.secret = config.secret;
  return hello;
}

}  // namespace

void CheckIdentity(const RuntimeConfig& config, const Aid& actor) {
  wire::HelloOptions hello = HelloOf(config);
  hello.aid = ToProto(actor);
  absl::Status status = wire::MakeHello(hello).status();
  if (actor.name.find('\0') != std::string::npos) {
    status.Update(absl::InvalidArgumentError("its name has a zero byte"));
  }
  if (actor.name.size() > kMaxNameBytes) {
    status.Update(absl::InvalidArgumentError(
        "its name has " + std::to_string(actor.name.size()) +
        " bytes, at most " + std::to_string(kMaxNameBytes) + " are allowed"));
  }
  if (status.ok()) return;
  throw RuntimeFailure("this cannot be an actor's identity: " +
                       std::string(status.message()));
}

Runtime* Runtime::CurrentOrNull() { return this_thread; }

Runtime& Runtime::Current() {
  if (this_thread == nullptr) {
    throw NoRuntime(
        "no actor runs on this thread: call this from a task of "
        "tractor::Main() or tractor::RunRoot()");
  }
  return *this_thread;
}

Runtime::Runtime(RuntimeConfig config, std::optional<forkserver::Client> client)
    : config_(std::move(config)),
      exposed_(config_.endpoints.begin(), config_.endpoints.end()) {
  if (this_thread != nullptr) {
    throw RuntimeFailure("this thread is already the actor " +
                         ToString(this_thread->config_.self));
  }
  if (client.has_value()) {
    spawner_ = std::make_unique<Spawner>(*std::move(client));
    spawner_->set_on_incoming([this](os::Fd channel, const std::string& peer) {
      KeepPeer(AddLink(std::move(channel), /*connector=*/false, peer));
    });
  }
  this_thread = this;
}

Runtime::~Runtime() { this_thread = nullptr; }

// ---- life ----

Task<> Runtime::Run(const std::function<Task<>()>& main) {
  // Before main: the threads that it starts inherit the mask, or one of them
  // would take the signal, and die of it with all others.
  std::optional<io::SignalWatcher> signals;
  if (config_.watch_signals) {
    signals.emplace(os::SignalSet({SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1}));
  }
  auto body = [&](Nursery& system) -> Task<> {
    system_ = &system;
    if (spawner_ != nullptr) {
      system.StartSoon(TaskName("forkserver events"),
                       [this]() -> Task<> { co_await spawner_->Run(); });
    }
    if (signals.has_value()) {
      system.StartSoon(TaskName("signals"), [this, &signals]() -> Task<> {
        co_await WatchSignals(*signals);
      });
    }
    system.StartSoon(TaskName("cancel deadline"),
                     [this]() -> Task<> { co_await WatchDeadline(); });
    const LocalActors::Entry local(
        config_.self, config_.tree_id,
        [this](os::Fd channel, const std::string& peer) {
          KeepPeer(AddLink(std::move(channel), /*connector=*/false, peer));
        });
    auto serve = [&]() -> Task<> { co_await Serve(main); };
    auto end = co_await Observe(serve);
    co_await Teardown();
    system.cancel_scope().Cancel(CancelReason::kShutdown, "the actor ends");
    co_await std::move(end).Get();
  };
  NurseryOptions options;
  options.set_collapse(true).set_name("system");
  co_await WithNursery(options, body);
  system_ = nullptr;
}

Task<> Runtime::Serve(const std::function<Task<>()>& main) {
  auto in_nursery = [&](Nursery& service) -> Task<> {
    service_ = &service;
    co_await main();
    service.cancel_scope().Cancel(CancelReason::kShutdown,
                                  "the main task has ended");
  };
  auto in_scope = [&]() -> Task<> {
    NurseryOptions options;
    options.set_collapse(true).set_name("service");
    co_await WithNursery(options, in_nursery);
  };
  struct Guard {
    Nursery*& service;
    ~Guard() { service = nullptr; }
  } guard{service_};
  co_await service_scope_.Run(in_scope);
}

void Runtime::BeginCancel(CancelReason::Source source, std::string_view reason,
                          const Aid& canceller, absl::Time deadline) {
  TRACTOR_INJECT_POINT("actor.cancelled");
  cancel_deadline_ = std::min(cancel_deadline_, deadline);
  if (!std::exchange(cancelling_, true)) {
    canceller_ = canceller;
    TRACTOR_LOG(cancel) << "cancelled by " << ToString(canceller) << ": "
                        << reason;
    service_scope_.Cancel(source, reason, ToString(canceller));
  }
  cancel_begun_.NotifyAll();
}

absl::Time Runtime::TeardownDeadline(absl::Duration budget) const {
  const absl::Time own = Now() + budget;
  if (cancel_deadline_ == absl::InfiniteFuture()) return own;
  return std::min(own, cancel_deadline_ - kLevelReserve);
}

absl::Time Runtime::ContextDeadline() {
  const absl::Time now = Now();
  const absl::Time usual = now + kContextCancelTimeout;
  const Runtime* runtime = CurrentOrNull();
  if (runtime == nullptr || !runtime->cancelling_) return usual;
  return std::min(usual, now + (runtime->cancel_deadline_ - now) / 2);
}

// Says which tasks are late. To kill them is the business of the parent, and of
// the forkserver when there is none.
Task<> Runtime::WatchDeadline() {
  while (!cancelling_) co_await cancel_begun_.Wait("cancel of the actor");
  while (Now() < cancel_deadline_) co_await SleepUntil(cancel_deadline_);
  TRACTOR_LOG(error) << "still running after the deadline of the cancel:\n"
                     << DumpTaskTree();
}

Task<> Runtime::WatchSignals(io::SignalWatcher& watcher) {
  while (true) {
    const os::ReceivedSignal received = co_await watcher.Receive();
    OnSignal(received.signal);
  }
}

void Runtime::OnSignal(int signal) {
  if (signal == SIGUSR1 || signal == SIGQUIT) {
    const std::string tree =
        "tasks of " + ToString(config_.self) + "\n" + DumpTaskTree();
    (void)!write(STDERR_FILENO, tree.data(), tree.size());
    return;
  }
  if (signal == SIGHUP) return;  // a terminal that is gone ends nothing
  if (signal_ != 0) {
    // The second one forces. What is below goes with us: the forkserver sees to
    // it.
    _exit(128 + signal);
  }
  signal_ = signal;
  const std::string name = signal == SIGINT ? "SIGINT" : "SIGTERM";
  BeginCancel(CancelReason::kShutdown, name, config_.self,
              Now() + kCancelBudget + kLevelReserve);
}

Task<> Runtime::WatchParent() {
  while (!parent_link_->closed()) {
    co_await parent_link_->changed().Wait("end of the parent's link");
  }
  std::exception_ptr error = parent_link_->error();
  if (error == nullptr) {
    error = std::make_exception_ptr(TransportClosed("the parent is gone"));
  }
  parent_link_->FailDialogs(error);
  if (cancelling_) co_return;
  BeginCancel(CancelReason::kShutdown, "the parent is gone", config_.self,
              Now() + kOrphanBudget);
}

Task<> Runtime::Teardown() {
  TRACTOR_INJECT_POINT("actor.teardown");
  RunHooks();
  // The parent first: it waits.
  std::vector<std::shared_ptr<Link>> links;
  if (parent_link_ != nullptr) links.push_back(parent_link_);
  links.insert(links.end(), peers_.begin(), peers_.end());
  for (const auto& link : links) link->SendGoodbye(nullptr);
  CancelScope scope(Now() + kContextCancelTimeout, /*shield=*/true);
  auto drain = [&links]() -> Task<> {
    for (const auto& link : links) {
      if (!link->closed()) co_await link->Drain();
    }
  };
  co_await scope.Run(drain);
}

void Runtime::RunHooks() {
  while (!hooks_.empty()) {
    const std::function<void()> hook = std::move(hooks_.back());
    hooks_.pop_back();
    if (std::exception_ptr error = Catch(hook)) {
      TRACTOR_LOG(error) << "a teardown hook failed: "
                         << DescribeBriefly(error);
    }
  }
}

std::shared_ptr<Link> Runtime::AddLink(os::Fd socket, bool connector,
                                       const std::string& peer) {
  wire::HelloOptions hello = HelloOf(config_);
  hello.peer_id = peer;
  auto link = std::make_shared<Link>(*this, std::move(socket), connector,
                                     std::move(hello));
  system_->StartSoon(TaskName("link"), &Link::Run, link);
  return link;
}

void Runtime::SetParentLink(std::shared_ptr<Link> link) {
  parent_link_ = std::move(link);
  system_->StartSoon(TaskName("parent"),
                     [this]() -> Task<> { co_await WatchParent(); });
}

// ---- what peers ask for ----

void Runtime::OnCancelActor(Link& link, const proto::Cancel& cancel) {
  const absl::Duration budget = cancel.has_budget_ns()
                                    ? absl::Nanoseconds(cancel.budget_ns())
                                    : kCancelBudget;
  link.SendCancelActorAck(budget);
  BeginCancel(CancelReason::kPeer, cancel.reason(),
              FromProto(cancel.canceller()), Now() + budget);
}

std::exception_ptr Runtime::CheckStart(const EndpointInfo* info,
                                       const wire::FrameView& frame) const {
  const proto::Start& start = frame.header->start();
  if (!exposed_.contains(start.endpoint())) {
    return std::make_exception_ptr(EndpointNotExposed(start.endpoint()));
  }
  if (info == nullptr) {
    return std::make_exception_ptr(EndpointNotExposed(
        start.endpoint(), "it is not registered there: put TRACTOR_ENDPOINT(" +
                              start.endpoint() +
                              ") in a .cc file that is linked in"));
  }
  const bool wants_context = start.kind() == proto::ENDPOINT_CONTEXT;
  if (wants_context != info->is_context) {
    return std::make_exception_ptr(MsgTypeError(
        "endpoint " + info->name, info->is_context ? "WithContext()" : "Call()",
        wants_context ? "WithContext()" : "Call()"));
  }
  if (frame.type != info->request_type) {
    return std::make_exception_ptr(
        MsgTypeError("request", info->request_type, frame.type));
  }
  return nullptr;
}

void Runtime::OnStart(std::shared_ptr<Link>, std::unique_ptr<Dialog> dialog,
                      const wire::FrameView& frame) {
  const proto::Start& start = frame.header->start();
  const EndpointInfo* info = FindEndpoint(start.endpoint());
  std::exception_ptr refusal = CheckStart(info, frame);
  if (refusal == nullptr && (service_ == nullptr || cancelling_)) {
    refusal = std::make_exception_ptr(ContextCancelled(
        cancelling_ ? canceller_ : config_.self, "the actor is ending"));
  }
  if (refusal != nullptr) {
    dialog->SendError(PackError(refusal, config_.self));
    return;
  }
  absl::Time deadline = absl::InfiniteFuture();
  if (start.has_budget_ns()) {
    deadline = Now() + absl::Nanoseconds(start.budget_ns()) + kDeadlineSlack;
  }
  service_->StartSoon(
      TaskName(info->name),
      [this](std::unique_ptr<Dialog> dialog, std::string request,
             const EndpointInfo* info, absl::Time deadline) -> Task<> {
        return ServeDialog(std::move(dialog), std::move(request), info,
                           deadline);
      },
      std::move(dialog), std::string(frame.payload), info, deadline);
}

Task<> Runtime::ServeDialog(std::unique_ptr<Dialog> dialog, std::string request,
                            const EndpointInfo* info, absl::Time deadline) {
  CancelScope scope(deadline);
  dialog->set_scope(&scope);
  TRACTOR_INJECT_POINT("call.serve");
  auto serve = [&]() -> Task<> {
    auto task = info->serve(*dialog, std::move(request));
    co_await std::move(task);
  };
  auto in_scope = [&]() -> Task<> { co_await scope.Run(serve); };
  auto end = co_await Observe(in_scope);
  dialog->set_scope(nullptr);
  if (end.has_error()) {
    TRACTOR_LOG(runtime) << info->name
                         << " failed: " << DescribeBriefly(end.error());
    dialog->SendError(PackError(end.error(), config_.self, info->name));
  } else if (end.cancelled() || scope.cancelled_caught()) {
    // Neither asked for: the deadline that the caller gave along, or our own
    // end.
    const bool in_time = scope.reason().source != CancelReason::kDeadline;
    const Aid canceller = dialog->cancel_requested() && dialog->canceller()
                              ? *dialog->canceller()
                          : cancelling_ ? canceller_
                          : in_time     ? config_.self
                                        : dialog->link().peer();
    const std::string reason = dialog->cancel_requested()
                                   ? dialog->cancel_reason()
                                   : ToString(scope.reason());
    dialog->SendError(
        PackError(std::make_exception_ptr(ContextCancelled(canceller, reason)),
                  config_.self, info->name));
  }
  if (end.cancelled()) co_await std::move(end).Get();
}

}  // namespace tractor::internal
