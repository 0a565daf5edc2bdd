// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Portal: a handle to a peer actor, through which its endpoints are called.
//
//   SquareReply reply = co_await worker.Call(Square, request);
//
//   co_await worker.WithContext(Quotes, subscription,
//                               [&](auto& ctx) -> tractor::Task<> {
//     co_await ctx.WithStream([&](auto& stream) -> tractor::Task<> { ... });
//   });
//
// Rules.
// - Both are checkpoints, and linked: cancelling the caller cancels the callee
//   and waits for it, for at most kContextCancelTimeout. What the callee's
//   clean-up throws comes out instead of the cancel.
// - Errors of the callee are RemoteActorErrors; the death of its process is an
//   ActorDied, and wakes every waiter.
// - The effective deadline of the caller goes along.
// - A portal may be copied, kept and used by several tasks; it does not keep
//   the actor alive.
// - A portal of one's own actor (peers.h) calls the endpoint as any function:
//   its errors come as they are. A context to oneself is a RuntimeFailure.
#ifndef TRACTOR_RUNTIME_ACTOR_PORTAL_H_
#define TRACTOR_RUNTIME_ACTOR_PORTAL_H_

#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "absl/time/time.h"
#include "proto/spawn.pb.h"
#include "runtime/actor/aid.h"
#include "runtime/actor/constants.h"
#include "runtime/actor/context.h"
#include "runtime/actor/endpoint.h"
#include "runtime/actor/internal/dialog.h"
#include "runtime/actor/internal/link.h"
#include "runtime/actor/payload.h"
#include "runtime/task/cancel_scope.h"
#include "runtime/task/outcome.h"
#include "runtime/task/task.h"

namespace tractor {

namespace internal {

// What a caller of a context gets: nothing when it has cancelled the context.
template <class R>
using ContextResult =
    std::conditional_t<std::is_void_v<R>, void, std::optional<R>>;

// Opens a dialog and sends its START.
template <class A>
std::unique_ptr<Dialog> StartDialog(Link& link, const EndpointInfo& endpoint,
                                    const A& request) {
  std::unique_ptr<Dialog> dialog = link.OpenDialog(wire::kDefaultWindowBytes);
  dialog->SendStart(endpoint.name, endpoint.is_context, request);
  return dialog;
}

}  // namespace internal

class Portal {
 public:
  // Null: of the actor itself.
  explicit Portal(std::shared_ptr<internal::Link> link)
      : link_(std::move(link)) {}

  const Aid& aid() const { return to_self() ? OwnAid() : link_->peer(); }
  bool connected() const { return to_self() || !link_->closed(); }

  // Calls a one-shot endpoint. The request must live until the co_await is
  // over, which it does in one expression.
  template <class R, class A>
  Task<R> Call(Task<R> (*endpoint)(A),
               const std::remove_cvref_t<A>& request) const {
    if (to_self()) return endpoint(request);
    return DoCall<R>(link_, endpoint, request);
  }
  template <class R>
  Task<R> Call(Task<R> (*endpoint)()) const {
    if (to_self()) return endpoint();
    static const Nothing nothing;
    return DoCall<R>(link_, endpoint, nothing);
  }

  // Opens a context and runs body(ctx) in it, behind Started(). The result is
  // that of the callee; for an endpoint with a value an optional of it, nullopt
  // when this side has cancelled the context.
  template <class R, class S, class I, class O, class A,
            Body<RemoteContext<S, I, O, R>&> F>
  Task<internal::ContextResult<R>> WithContext(
      Task<R> (*endpoint)(Context<S, I, O>&, A),
      const std::remove_cvref_t<A>& request, F body) const {
    CheckContext();
    return DoContext<R, S, I, O>(link_, endpoint, request, std::move(body));
  }
  template <class R, class S, class I, class O,
            Body<RemoteContext<S, I, O, R>&> F>
  Task<internal::ContextResult<R>> WithContext(
      Task<R> (*endpoint)(Context<S, I, O>&), F body) const {
    CheckContext();
    static const Nothing nothing;
    return DoContext<R, S, I, O>(link_, endpoint, nothing, std::move(body));
  }

  // Asks the whole actor to end. True: it has ended, or is ending and has said
  // goodbye. False: it has not within `timeout`, or was gone before. With
  // `raise_on_timeout` ActorTooSlowError instead. Shielded.
  Task<bool> CancelActor(absl::Duration timeout = kCancelBudget,
                         bool raise_on_timeout = false) const;

 private:
  friend class ActorNursery;

  bool to_self() const { return link_ == nullptr; }
  static const Aid& OwnAid();
  void CheckContext() const;  // throws RuntimeFailure

  template <class E, class A>
  static std::unique_ptr<internal::Dialog> StartCall(internal::Link& link,
                                                     E endpoint,
                                                     const A& request) {
    return internal::StartDialog(
        link,
        internal::GetEndpoint(
            reinterpret_cast<internal::AnyFunction>(endpoint)),
        request);
  }
  template <class R>
  static R TakeResult(internal::Dialog& dialog) {
    if constexpr (std::is_void_v<R>) {
      dialog.template TakeResult<Nothing>();
    } else {
      return dialog.template TakeResult<R>();
    }
  }

  template <class R, class E, class A>
  static Task<R> DoCall(std::shared_ptr<internal::Link> link, E endpoint,
                        const A& request) {
    const std::unique_ptr<internal::Dialog> dialog =
        StartCall(*link, endpoint, request);
    co_await internal::WaitCall(*dialog);
    co_return TakeResult<R>(*dialog);
  }

  template <class R, class S, class I, class O, class E, class A, class F>
  static Task<internal::ContextResult<R>> DoContext(
      std::shared_ptr<internal::Link> link, E endpoint, const A& request,
      F body) {
    const std::unique_ptr<internal::Dialog> dialog =
        StartCall(*link, endpoint, request);
    CancelScope scope;
    dialog->set_scope(&scope);
    auto block = [&]() -> Task<> {
      co_await dialog->WaitStarted();
      if (!dialog->started()) co_return;
      RemoteContext<S, I, O, R> context(*dialog,
                                        dialog->template TakeStarted<S>());
      co_await body(context);
      co_await dialog->WaitEnd();
    };
    auto in_scope = [&]() -> Task<> { co_await scope.Run(block); };
    auto end = co_await Observe(in_scope);
    co_await internal::FinishCaller(*dialog, std::move(end));
    if constexpr (std::is_void_v<R>) {
      if (dialog->returned()) dialog->template TakeResult<Nothing>();
    } else {
      std::optional<R> result;
      if (dialog->returned()) result = dialog->template TakeResult<R>();
      co_return result;
    }
  }

  std::shared_ptr<internal::Link> link_;
};

}  // namespace tractor

#endif  // TRACTOR_RUNTIME_ACTOR_PORTAL_H_
