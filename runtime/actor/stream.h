// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Stream<In, Out>: typed messages, both ways, inside a context.
//
//   co_await ctx.WithStream([&](auto& stream) -> tractor::Task<> {
//     co_await stream.Send(order);
//     while (std::optional<Quote> quote = co_await stream.Receive()) { ... }
//   });
//
// Rules.
// - In order, nothing lost, each direction for itself. Send() and Receive() are
//   checkpoints; several tasks may send, one may receive.
// - Back-pressure is by credit: a receiver that does not keep up parks the
//   *tasks* that send to it, never an actor's loop. A window is 256 KiB; one
//   message may be larger than that.
// - Receive() gives nullopt when the other side has left its stream block or
// has
//   returned; again and again. What was sent before is received first.
// - A remote error comes out of both before everything else.
// - The block of one side ends its own sending; the other may go on.
// - A side that would rather lose messages, or fail, than hold up its sender
//   says so: WithStream(StreamOptions().set_overrun(...), body).
#ifndef TRACTOR_RUNTIME_ACTOR_STREAM_H_
#define TRACTOR_RUNTIME_ACTOR_STREAM_H_

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <utility>

#include "runtime/actor/internal/dialog.h"
#include "runtime/actor/payload.h"
#include "runtime/task/internal/exceptions.h"
#include "runtime/task/operation.h"

namespace tractor {

// What becomes of messages that arrive while max_queued() of them wait to be
// received. It is the receiver's choice, for what it receives.
enum class Overrun : uint8_t {
  kPark,        // the sender waits (default); max_queued() means nothing then
  kDropOldest,  // the new one takes the place of the oldest one
  kDropNewest,  // the new one is dropped
  kFail,        // the stream block is cancelled, and throws StreamOverrun
};

class StreamOptions {
 public:
  StreamOptions() = default;
  StreamOptions& set_overrun(Overrun overrun) {
    overrun_ = overrun;
    return *this;
  }
  // At least 1. Default: 64.
  StreamOptions& set_max_queued(size_t messages) {
    max_queued_ = messages;
    return *this;
  }

  Overrun overrun() const { return overrun_; }
  size_t max_queued() const { return max_queued_; }

 private:
  Overrun overrun_ = Overrun::kPark;
  size_t max_queued_ = 64;
};

namespace internal {

// Sends one message; parks while there is no credit.
template <class Ref>
class [[nodiscard]] StreamSendOperation final : public PendingSend {
 public:
  StreamSendOperation(Dialog& dialog, Ref message)
      : dialog_(dialog), message_(static_cast<Ref>(message)) {}

  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> frame) {
    if (!Park(frame)) return;
    if (!dialog_.can_send()) {
      dialog_.QueueSend(*this);
      return;
    }
    Append();
    CompleteNow();
  }
  void await_resume() {
    if (error_) std::rethrow_exception(std::move(error_));
  }

  void Append() override {
    error_ = Catch([this] {
      dialog_.CheckSend();
      dialog_.AppendData(static_cast<Ref>(message_));
    });
  }

 private:
  bool Abort() noexcept override {
    Unlink();
    return true;
  }
  const char* Describe() const noexcept override {
    return "credit to send on a stream";
  }

  Dialog& dialog_;
  Ref message_;
  std::exception_ptr error_;
};

struct ReceiveTag {};

// Receives one message.
template <class T>
class [[nodiscard]] StreamReceiveOperation final {
 public:
  explicit StreamReceiveOperation(Dialog& dialog)
      : dialog_(dialog), wait_(dialog.receivable(), "message of a stream") {}

  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> frame) {
    wait_.await_suspend(frame);
    if (dialog_.can_receive()) wait_.CompleteIfWaiting();
  }
  std::optional<T> await_resume() { return dialog_.TakeMessage<T>(); }

 private:
  Dialog& dialog_;
  WaitList::Waiter wait_;
};

}  // namespace internal

template <class In, class Out>
class Stream {
 public:
  explicit Stream(internal::Dialog& dialog) : dialog_(dialog) {}
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // A reference: the message must live until the co_await is over, which it
  // does in one expression.
  internal::StreamSendOperation<const Out&> Send(const Out& message) {
    return {dialog_, message};
  }
  // Takes the message where that saves a copy (std::string).
  internal::StreamSendOperation<Out&&> Send(Out&& message) {
    return {dialog_, std::move(message)};
  }

  // nullopt: the end of the stream.
  internal::StreamReceiveOperation<In> Receive() {
    return internal::StreamReceiveOperation<In>(dialog_);
  }

  // How many messages were dropped on this side (Overrun::kDrop...).
  uint64_t dropped() const { return dialog_.dropped(); }

 private:
  internal::Dialog& dialog_;
};

}  // namespace tractor

#endif  // TRACTOR_RUNTIME_ACTOR_STREAM_H_
