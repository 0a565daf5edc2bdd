// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// ActorNursery: the block that child actors, each its own process, cannot
// outlive.
//
//   co_await tractor::WithActorNursery(
//       [&](tractor::ActorNursery& an) -> tractor::Task<> {
//         tractor::Portal worker = co_await an.StartActor(
//             tractor::ActorOptions("worker").Expose(Square));
//         SquareReply reply = co_await worker.Call(Square, request);
//         co_await an.Cancel();   // or wait for somebody else to do it
//       });
//
// Rules (docs/semantics.md).
// - The block ends when its body has ended and every child's process has, with
//   everything that it had started. An actor lives until it is cancelled.
// - One fails, all are cancelled, at once: when the body fails or is cancelled,
//   and when a child dies that nobody has asked to. Its error is ActorDied.
// - One error comes out bare, several as an ExceptionGroup, in the order in
//   which they happened.
// - Ending a child: it is asked to cancel itself and told how long it has
//   (kCancelBudget; what is left of our own budget, less kLevelReserve). No
//   answer within kCancelAckTimeout: SIGTERM, and kTerminateGrace later
//   SIGKILL; both sooner when its time is up. An answer, but not done in time:
//   SIGKILL. SIGKILL takes its whole subtree. Whoever had to be killed is named
//   by an ActorTooSlowError.
#ifndef TRACTOR_RUNTIME_ACTOR_ACTOR_NURSERY_H_
#define TRACTOR_RUNTIME_ACTOR_ACTOR_NURSERY_H_

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "runtime/actor/actor_options.h"
#include "runtime/actor/constants.h"
#include "runtime/actor/endpoint.h"
#include "runtime/actor/portal.h"
#include "runtime/task/cancel_scope.h"
#include "runtime/task/nursery.h"
#include "runtime/task/outcome.h"
#include "runtime/task/task.h"

namespace tractor {

namespace internal {
struct Child;
class Runtime;
}  // namespace internal

class ActorNurseryOptions {
 public:
  ActorNurseryOptions() = default;
  // What children get to end in.
  ActorNurseryOptions& set_cancel_budget(absl::Duration budget) {
    cancel_budget_ = budget;
    return *this;
  }
  absl::Duration cancel_budget() const { return cancel_budget_; }

 private:
  absl::Duration cancel_budget_ = kCancelBudget;
};

class ActorNursery {
 public:
  ActorNursery(const ActorNursery&) = delete;
  ActorNursery& operator=(const ActorNursery&) = delete;
  ~ActorNursery();

  // Starts a child and waits for its hello. Throws ActorDied when it ends
  // before that, ActorTooSlowError when its time is up, RuntimeFailure when it
  // cannot be started, as after Cancel(). A checkpoint; cancelled, it takes the
  // half-born child with it.
  Task<Portal> StartActor(ActorOptions options);

  // Starts a child for one call, and ends it: the result, or the error, at
  // once.
  template <class R, class A>
  Task<R> RunInActor(Task<R> (*endpoint)(A),
                     const std::remove_cvref_t<A>& request) {
    return RunIn<R>(OptionsFor(endpoint), endpoint, request);
  }
  template <class R, class A>
  Task<R> RunInActor(ActorOptions options, Task<R> (*endpoint)(A),
                     const std::remove_cvref_t<A>& request) {
    options.Expose(endpoint);
    return RunIn<R>(std::move(options), endpoint, request);
  }
  template <class R>
  Task<R> RunInActor(Task<R> (*endpoint)()) {
    static const Nothing nothing;
    return RunIn<R>(OptionsFor(endpoint), endpoint, nothing);
  }
  template <class R>
  Task<R> RunInActor(ActorOptions options, Task<R> (*endpoint)()) {
    static const Nothing nothing;
    options.Expose(endpoint);
    return RunIn<R>(std::move(options), endpoint, nothing);
  }

  // Ends all children, and waits for that. Shielded and bounded. The body goes
  // on behind it; what had to be killed is an error of the nursery.
  Task<> Cancel(std::string_view reason = {});
  // The same without asking: SIGKILL to the subtrees of all children at once,
  // none of whose clean-up runs. Also while Cancel() waits, which is cut short.
  // Calls in progress get ActorDied. Children on threads cannot be killed: they
  // are told that their parent is gone, and have kOrphanBudget.
  Task<> Kill();
  bool cancel_called() const { return cancel_called_; }

  // Children that have not ended.
  size_t size() const;

 private:
  template <Body<ActorNursery&> F>
  friend Task<> WithActorNursery(ActorNurseryOptions options, F body);
  template <Body<ActorNursery&> F>
  friend Task<> WithActorNursery(F body);

  using ChildPtr = std::shared_ptr<internal::Child>;

  ActorNursery(internal::Runtime& runtime, Nursery& nursery,
               ActorNurseryOptions options);

  template <class F>
  static ActorOptions OptionsFor(F* endpoint) {
    ActorOptions options(
        internal::GetEndpoint(reinterpret_cast<internal::AnyFunction>(endpoint))
            .name);
    options.Expose(endpoint);
    return options;
  }

  template <class R, class E, class A>
  Task<R> RunIn(ActorOptions options, E endpoint, const A& request) {
    const ChildPtr child =
        co_await Start(std::move(options), /*one_shot=*/true);
    std::unique_ptr<internal::Dialog> dialog;
    auto call = [&]() -> Task<> {
      dialog = Portal::StartCall(*LinkOf(*child), endpoint, request);
      co_await internal::WaitCall(*dialog);
    };
    auto end = co_await Observe(call);
    co_await EndOneShot(child, dialog.get(), std::move(end));
    co_return Portal::TakeResult<R>(*dialog);
  }

  static std::shared_ptr<internal::Link> LinkOf(const internal::Child& child);

  Task<ChildPtr> Start(ActorOptions options, bool one_shot);
  Task<> WaitReady(ChildPtr child, absl::Duration limit);
  // Waits for a child's end and judges it; one task for each child.
  Task<> Supervise(ChildPtr child);
  Task<> WatchEnd(internal::Child& child);
  void Judge(internal::Child& child);
  // Ends the child of a call that has ended like `end`, and goes on like it.
  // `dialog`: null when the call could not be started.
  Task<> EndOneShot(ChildPtr child, internal::Dialog* dialog, Outcome<> end);
  Task<> EndChild(ChildPtr child, std::string reason);
  Task<> EndChildBy(ChildPtr child, std::string reason, absl::Time deadline);
  Task<> KillChild(ChildPtr child, std::string_view missed,
                   absl::Duration budget);
  // Runs end(child) for all children side by side, shielded.
  Task<> EndAll(const std::function<Task<>(ChildPtr)>& end);
  Task<> WaitForChildren();
  // Runs the body, waits, ends what is left, throws.
  Task<> Finish(Outcome<> body_end);
  void AddError(std::exception_ptr error);
  // `error` without what is known already; null when nothing is left.
  std::exception_ptr WithoutRecorded(const std::exception_ptr& error) const;
  std::string ReasonFor(const Outcome<>& body_end) const;

  internal::Runtime& runtime_;
  Nursery& nursery_;
  const ActorNurseryOptions options_;
  CancelScope body_scope_;
  std::vector<ChildPtr> children_;
  std::vector<std::exception_ptr> errors_;
  bool cancel_called_ = false;
  struct Waiters;
  std::unique_ptr<Waiters> waiters_;
};

// Opens an actor nursery in the current actor.
template <Body<ActorNursery&> F>
Task<> WithActorNursery(ActorNurseryOptions options, F body);
template <Body<ActorNursery&> F>
Task<> WithActorNursery(F body);

template <Body<ActorNursery&> F>
Task<> WithActorNursery(F body) {
  return WithActorNursery<F>(ActorNurseryOptions(), std::move(body));
}

namespace internal {
Runtime& RuntimeForNursery();  // throws NoRuntime
}  // namespace internal

template <Body<ActorNursery&> F>
Task<> WithActorNursery(ActorNurseryOptions options, F body) {
  internal::Runtime& runtime = internal::RuntimeForNursery();
  auto in_nursery = [&](Nursery& nursery) -> Task<> {
    ActorNursery actors(runtime, nursery, options);
    auto run_body = [&]() -> Task<> {
      co_await body(actors);
      co_await actors.WaitForChildren();
    };
    auto in_scope = [&]() -> Task<> {
      co_await actors.body_scope_.Run(run_body);
    };
    auto end = co_await Observe(in_scope);
    co_await actors.Finish(std::move(end));
  };
  NurseryOptions nursery_options;
  nursery_options.set_collapse(true).set_name("actor nursery");
  co_await WithNursery(nursery_options, in_nursery);
}

}  // namespace tractor

#endif  // TRACTOR_RUNTIME_ACTOR_ACTOR_NURSERY_H_
