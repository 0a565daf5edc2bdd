// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Contexts: a task here and a task in another actor, linked as if they were in
// one nursery. Context is the side that was called, RemoteContext the side that
// called (Portal::WithContext).
//
//   tractor::Task<Summary> Quotes(tractor::Context<Ready, Order, Quote>& ctx,
//                                 Subscription request) {
//     co_await ctx.Started(Ready());
//     co_await ctx.WithStream([&](auto& stream) -> tractor::Task<> {
//       while (std::optional<Order> order = co_await stream.Receive()) {
//         co_await stream.Send(Fill(*order));
//       }
//     });
//     co_return Summary();
//   }
//
// Rules (docs/semantics.md).
// - Started() exactly once, before WithStream(). One stream a context.
// - The error of either side ends the other: the caller gets a
//   RemoteActorError out of its block, the callee is cancelled.
// - Cancel() on the calling side asks, and waits for the answer; the block goes
//   on behind it, and that the callee ended as cancelled is no error then.
//   Cancel() on the called side ends its own task: the caller gets
//   ContextCancelled with the callee's actor as canceller.
#ifndef TRACTOR_RUNTIME_ACTOR_CONTEXT_H_
#define TRACTOR_RUNTIME_ACTOR_CONTEXT_H_

#include <coroutine>
#include <exception>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "absl/time/time.h"
#include "runtime/actor/aid.h"
#include "runtime/actor/constants.h"
#include "runtime/actor/internal/dialog.h"
#include "runtime/actor/payload.h"
#include "runtime/actor/stream.h"
#include "runtime/task/cancel_scope.h"
#include "runtime/task/operation.h"
#include "runtime/task/outcome.h"
#include "runtime/task/task.h"

namespace tractor {

namespace internal {

template <class S>
class [[nodiscard]] StartedOperation final : public Operation {
 public:
  StartedOperation(Dialog& dialog, const S& value)
      : dialog_(dialog), value_(value) {}

  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> frame) {
    if (!Park(frame)) return;
    error_ = Catch([this] { dialog_.SendStarted(value_); });
    Complete();
  }
  void await_resume() {
    if (error_) std::rethrow_exception(std::move(error_));
  }

 private:
  bool Abort() noexcept override { return false; }
  const char* Describe() const noexcept override { return "Started"; }

  Dialog& dialog_;
  const S& value_;
  std::exception_ptr error_;
};

const Aid& PeerOf(const Dialog& dialog);

// Checks the options, and puts them to work.
void SetOverrun(Dialog& dialog, const StreamOptions& options,
                CancelScope* scope);
// Throws StreamOverrun when there was one.
void CheckOverrun(const Dialog& dialog);

// What both sides do with a stream.
template <class In, class Out, class F>
Task<> RunStream(Dialog& dialog, StreamOptions options, F body) {
  dialog.OpenStream();
  Stream<In, Out> stream(dialog);
  CancelScope scope;
  auto run = [&]() -> Task<> {
    SetOverrun(dialog, options, &scope);
    co_await body(stream);
  };
  auto in_scope = [&]() -> Task<> { co_await scope.Run(run); };
  auto end = co_await Observe(in_scope);
  dialog.CloseStream();
  if (scope.cancelled_caught()) CheckOverrun(dialog);
  co_await std::move(end).Get();
}

}  // namespace internal

// The side that was called.
template <class S = Nothing, class ToCallee = Nothing, class ToCaller = Nothing>
class Context {
 public:
  using StreamType = Stream<ToCallee, ToCaller>;

  explicit Context(internal::Dialog& dialog) : dialog_(dialog) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  // Lets the caller go on, with a first value. A checkpoint. A second call
  // throws RuntimeFailure.
  internal::StartedOperation<S> Started(const S& value) {
    return {dialog_, value};
  }
  internal::StartedOperation<S> Started()
    requires std::is_same_v<S, Nothing>
  {
    static const Nothing nothing;
    return {dialog_, nothing};
  }

  // Runs body(stream). Leaving it ends what this side sends.
  template <Body<StreamType&> F>
  Task<> WithStream(F body) {
    return internal::RunStream<ToCallee, ToCaller, F>(dialog_, {},
                                                      std::move(body));
  }
  template <Body<StreamType&> F>
  Task<> WithStream(const StreamOptions& options, F body) {
    return internal::RunStream<ToCallee, ToCaller, F>(dialog_, options,
                                                      std::move(body));
  }

  // Ends this task as cancelled by itself, at its next checkpoint.
  void Cancel(std::string_view reason = {}) { dialog_.CancelSelf(reason); }

  // The caller has asked for the end.
  bool cancel_requested() const { return dialog_.cancel_requested(); }
  const std::optional<Aid>& canceller() const { return dialog_.canceller(); }
  // The actor that called.
  const Aid& peer() const { return internal::PeerOf(dialog_); }

 private:
  internal::Dialog& dialog_;
};

// The side that called; lives in a WithContext block.
template <class S, class ToCallee, class ToCaller, class Result>
class RemoteContext {
 public:
  using StreamType = Stream<ToCaller, ToCallee>;

  RemoteContext(internal::Dialog& dialog, S first)
      : dialog_(dialog), first_(std::move(first)) {}
  RemoteContext(const RemoteContext&) = delete;
  RemoteContext& operator=(const RemoteContext&) = delete;

  // What the callee gave to Started().
  const S& first() const { return first_; }

  template <Body<StreamType&> F>
  Task<> WithStream(F body) {
    return internal::RunStream<ToCaller, ToCallee, F>(dialog_, {},
                                                      std::move(body));
  }
  template <Body<StreamType&> F>
  Task<> WithStream(const StreamOptions& options, F body) {
    return internal::RunStream<ToCaller, ToCallee, F>(dialog_, options,
                                                      std::move(body));
  }

  // The callee's result; its error as a RemoteActorError. When this side has
  // cancelled the context and the callee has obeyed, ContextCancelled, which
  // the block absorbs. A checkpoint.
  Task<Result> WaitResult() {
    co_await dialog_.WaitEnd();
    if (dialog_.remote_error()) std::rethrow_exception(dialog_.remote_error());
    if constexpr (std::is_void_v<Result>) {
      dialog_.TakeResult<Nothing>();
    } else {
      co_return dialog_.TakeResult<Result>();
    }
  }

  // Asks the callee to end, and waits for that, shielded, for at most
  // `timeout` (longer where the callee says that it needs longer). True: it has
  // ended. Idempotent. Does not end this block.
  Task<bool> Cancel(std::string_view reason = {},
                    absl::Duration timeout = kContextCancelTimeout) {
    return internal::CancelAndWait(dialog_, std::string(reason), timeout);
  }

  bool cancel_called() const { return dialog_.cancel_called(); }
  // The callee ended because of this side's Cancel().
  bool cancel_acked() const { return dialog_.cancel_acked(); }
  // Who is to blame for the end: this actor, or the one where it happened.
  const std::optional<Aid>& canceller() const { return dialog_.canceller(); }
  // The error of the callee; null as long as there is none.
  const std::exception_ptr& remote_error() const {
    return dialog_.remote_error();
  }

 private:
  internal::Dialog& dialog_;
  const S first_;
};

}  // namespace tractor

#endif  // TRACTOR_RUNTIME_ACTOR_CONTEXT_H_
