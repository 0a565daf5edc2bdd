// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// One conversation on a link, as one side of it sees it: a call or a context.
// Typed classes (Context, Stream, Portal) are thin covers of it.
//
// Rules it keeps (docs/semantics.md):
// - Frames are taken in without ever waiting: they change state and wake tasks.
// - The first RETURN or ERROR is the outcome. A lost link is an ERROR.
// - A remote error cancels the local scope, and wakes every task that waits
// here.
// - The answer to our own cancel (our peer's ContextCancelled that names us as
//   canceller) is an acknowledgement and no error.
#ifndef TRACTOR_RUNTIME_ACTOR_INTERNAL_DIALOG_H_
#define TRACTOR_RUNTIME_ACTOR_INTERNAL_DIALOG_H_

#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/time/time.h"
#include "os/inject.h"
#include "proto/actor.pb.h"
#include "proto/error.pb.h"
#include "runtime/actor/aid.h"
#include "runtime/actor/internal/inbox.h"
#include "runtime/actor/internal/wait_list.h"
#include "runtime/actor/payload.h"
#include "runtime/task/cancel_scope.h"
#include "runtime/task/exception_group.h"
#include "runtime/task/operation.h"
#include "runtime/task/outcome.h"
#include "runtime/task/task.h"
#include "runtime/wire/credits.h"
#include "runtime/wire/frame.h"
#include "runtime/wire/send_queue.h"

namespace tractor::internal {

class Link;
struct SendTag {};

// A task that wants to send on a stream and waits for credit.
class PendingSend : public Operation, public ListLink<SendTag> {
 public:
  // Puts the message into the link's queue.
  virtual void Append() = 0;
  void CompleteNow() { Complete(); }

 protected:
  ~PendingSend() = default;
};

class Dialog {
 public:
  enum class Side : uint8_t { kCaller, kCallee };

  Dialog(std::shared_ptr<Link> link, uint64_t cid, Side side, uint64_t window);
  Dialog(const Dialog&) = delete;
  Dialog& operator=(const Dialog&) = delete;
  ~Dialog();

  uint64_t cid() const { return cid_; }
  Side side() const { return side_; }
  Link& link() const { return *link_; }

  // ---- frames that arrive ----
  void OnStartAck(uint64_t window);
  void OnStarted(const wire::FrameView& frame);
  void OnData(const wire::FrameView& frame);  // throws RuntimeFailure: a liar
  void OnStop();
  void OnCredit(uint64_t bytes);  // the same
  void OnReturn(const wire::FrameView& frame);
  void OnError(const proto::ErrorProto& error);
  void OnCancel(const proto::Cancel& cancel);
  void OnCancelAck(const proto::CancelAck& ack);
  // The link is gone, or the peer's process.
  void OnLost(std::exception_ptr error);

  // ---- the local side ----
  // What is cancelled by the peer; null: nothing (any more). The task that
  // calls this owns the block in the scope.
  void set_scope(CancelScope* scope);

  // Asks the peer to end its side, by `deadline` of our clock.
  void RequestCancel(std::string_view reason, absl::Time deadline);
  // The called side ends its own task.
  void CancelSelf(std::string_view reason);
  bool cancel_called() const { return cancel_called_; }
  bool cancel_acked() const { return cancel_acked_; }
  // Who is to blame, once somebody is.
  const std::optional<Aid>& canceller() const { return canceller_; }
  const std::string& cancel_reason() const { return cancel_reason_; }
  // The callee's side was asked to end.
  bool cancel_requested() const { return cancel_requested_; }

  bool started() const { return started_; }
  // The outcome is known.
  bool ended() const { return returned_ || remote_error_ != nullptr; }
  bool returned() const { return returned_; }
  const std::exception_ptr& remote_error() const { return remote_error_; }
  // The deadline up to which an acknowledged cancel may take.
  absl::Time cancel_deadline() const { return cancel_deadline_; }
  // Throws the remote error, unless it only acknowledges our own cancel.
  void ThrowRemoteError();
  // The remote error, when a cancel of this side gives way to it: the peer has
  // failed, maybe in its clean-up. Null: it was only cancelled, or only the
  // connection has ended.
  std::exception_ptr FailureOfPeer() const;

  // Wait for the callee's Started() or its outcome, for the outcome.
  Task<> WaitStarted();
  Task<> WaitEnd();
  // The same under a shield, for at most until `deadline`, which moves when the
  // peer says how long it will take. True: the outcome is known.
  Task<bool> WaitEndShielded(absl::Time deadline);

  // ---- sending; no checkpoints; a closed link drops what is sent ----
  // Throws RuntimeFailure for what does not fit into a frame.
  template <class T>
  void SendStart(const std::string& endpoint, bool is_context, const T& value) {
    using Traits = PayloadTraits<T>;
    CheckAppend(Traits::Append(
        Queue(), StartHeader(endpoint, is_context, Traits::Name()), value));
    Appended();
    TRACTOR_INJECT_POINT("call.start");
  }
  template <class T>
  void SendReturn(T&& value) {
    TRACTOR_INJECT_POINT("call.return");
    SendPayload(wire::FrameKind::kReturn, std::forward<T>(value));
  }
  template <class T>
  void SendStarted(const T& value) {
    CheckStarted();
    TRACTOR_INJECT_POINT("context.started");
    SendPayload(wire::FrameKind::kStarted, value);
    started_ = true;
  }
  void SendError(const proto::ErrorProto& error);

  // ---- the stream ----
  void OpenStream();   // throws RuntimeFailure: too early, or a second time
  void CloseStream();  // sends STOP
  bool stream_open() const { return stream_ == StreamState::kOpen; }
  // From here on at most `max_queued` messages wait to be received; of more,
  // the oldest or the newest are dropped, or `scope` is cancelled.
  enum class Excess : uint8_t { kPark, kDropOldest, kDropNewest, kFail };
  void LimitInbox(Excess excess, size_t max_queued, CancelScope* scope);
  uint64_t dropped() const { return dropped_; }
  // There were more, and the scope was cancelled for it.
  bool overrun() const { return overrun_; }
  size_t max_queued() const { return max_queued_; }
  // Why nothing can be sent (any more): throws. Remote errors come first.
  void CheckSend();
  bool can_send() const {
    return sends_.empty() && (send_credit_.CanSend() || ended());
  }
  void QueueSend(PendingSend& send) { sends_.PushBack(send); }

  template <class T>
  void AppendData(T&& value) {
    TRACTOR_INJECT_POINT("stream.send");
    using Traits = PayloadTraits<std::remove_cvref_t<T>>;
    const wire::SimpleHeader header(
        wire::FrameKind::kData, cid_,
        said_type_ ? std::string_view() : Traits::Name());
    wire::SendQueue& queue = Queue();
    const size_t before = queue.pending_bytes();
    CheckAppend(Traits::Append(queue, header, std::forward<T>(value)));
    said_type_ = true;  // a message that was refused has said nothing
    const size_t frame = queue.pending_bytes() - before;
    send_credit_.OnSent(frame - wire::kPrefixBytes - HeaderBytes(header));
    Appended();
  }

  // Something can be received at once: a message, the end, or an error.
  bool can_receive() const {
    return !inbox_.empty() || peer_stopped_ || ended() || !stream_open();
  }
  WaitList& receivable() { return receivable_; }

  // Takes the next message; nullopt at the end of the stream; throws the remote
  // error, or MsgTypeError.
  template <class T>
  std::optional<T> TakeMessage() {
    if (!BeginTake(PayloadTraits<T>::Name())) return std::nullopt;
    std::optional<T> value(std::in_place);
    const std::string_view bytes = inbox_.front();
    const bool parsed = PayloadTraits<T>::Parse(bytes, *value);
    const size_t size = bytes.size();
    inbox_.PopFront();
    Consumed(size);
    if (!parsed) ThrowUnparsable("stream", PayloadTraits<T>::Name());
    return value;
  }

  // ---- values of the other side ----
  template <class T>
  T TakeStarted() {
    return TakeValue<T>("started", started_type_, started_bytes_);
  }
  template <class T>
  T TakeResult() {
    return TakeValue<T>("result", result_type_, result_bytes_);
  }
  [[noreturn]] void ThrowUnparsable(std::string_view place,
                                    std::string_view expected);

 private:
  enum class StreamState : uint8_t { kNone, kOpen, kClosed };
  class OwnerWait;

  // The owner waits for something of this dialog, so it learns of an outcome
  // by itself.
  bool OwnerWaitsHere() const;

  template <class T>
  void SendPayload(wire::FrameKind kind, T&& value) {
    using Traits = PayloadTraits<std::remove_cvref_t<T>>;
    const wire::SimpleHeader header(kind, cid_, Traits::Name());
    CheckAppend(Traits::Append(Queue(), header, std::forward<T>(value)));
    Appended();
  }
  template <class T>
  T TakeValue(std::string_view place, const std::string& type,
              const std::string& bytes) {
    CheckType(place, PayloadTraits<T>::Name(), type);
    T value;
    if (!PayloadTraits<T>::Parse(bytes, value)) {
      ThrowUnparsable(place, PayloadTraits<T>::Name());
    }
    return value;
  }

  static size_t HeaderBytes(const wire::SimpleHeader& header);
  proto::FrameHeader StartHeader(const std::string& endpoint, bool is_context,
                                 std::string_view type) const;
  void CheckStarted() const;
  void CheckAppend(const absl::Status& status);
  void CheckType(std::string_view place, std::string_view expected,
                 std::string_view got) const;
  bool BeginTake(std::string_view expected);
  void TrimInbox();
  void DropFront();
  void Consumed(size_t bytes);
  wire::SendQueue& Queue();
  void Appended();
  void WakeAll();
  void PumpSends();
  void SetRemoteError(std::exception_ptr error, bool acknowledges,
                      std::string_view text, const Aid& who);

  const std::shared_ptr<Link> link_;
  const uint64_t cid_;
  const Side side_;
  CancelScope* scope_ = nullptr;
  const TaskNode* owner_ = nullptr;
  int owner_waits_ = 0;  // of the waits below that are coroutines

  bool started_ = false;
  bool returned_ = false;
  bool peer_stopped_ = false;
  bool cancel_called_ = false;
  bool cancel_acked_ = false;
  bool cancel_requested_ = false;
  bool said_type_ = false;
  bool type_checked_ = false;
  StreamState stream_ = StreamState::kNone;

  std::string started_type_, started_bytes_;
  std::string result_type_, result_bytes_;
  std::string data_type_;
  std::exception_ptr remote_error_;
  std::optional<Aid> canceller_;
  std::string cancel_reason_;
  absl::Time cancel_deadline_ = absl::InfiniteFuture();

  Inbox inbox_;
  Excess excess_ = Excess::kPark;
  size_t max_queued_ = 0;
  uint64_t dropped_ = 0;
  bool overrun_ = false;
  CancelScope* stream_scope_ = nullptr;  // of the open stream, with kFail
  wire::ReceiveCredit receive_credit_;
  wire::SendCredit send_credit_;
  WaitList changed_;     // started, outcome, cancel acknowledged
  WaitList receivable_;  // can_receive() may have become true
  IntrusiveList<PendingSend, SendTag> sends_;
};

// `error` without the errors, at any level of a group, for which `match` holds;
// null when nothing is left.
std::exception_ptr WithoutErrors(const std::exception_ptr& error,
                                 const ExceptionGroup::Predicate& match);

// Waits for the result of a call; throws the error of the callee. Cancelled, it
// cancels the callee and waits for it, shielded, and goes on as EndCall() says.
Task<> WaitCall(Dialog& dialog);

// How a call ends whose wait has ended like `wait`. Cancelled, that is: a
// result that has come nevertheless is delivered, an error of the callee's
// clean-up is thrown, as one of our own would be; else the cancel goes on.
Task<> EndCall(Dialog& dialog, Outcome<> wait);

// Asks the peer to end and waits for that, shielded, for at most `timeout`.
Task<bool> CancelAndWait(Dialog& dialog, std::string reason,
                         absl::Duration timeout);

// Ends a calling side whose block has ended like `end`: cancels the peer where
// that is needed, and throws or goes on with what is left of it all.
Task<> FinishCaller(Dialog& dialog, Outcome<> end);

}  // namespace tractor::internal

#endif  // TRACTOR_RUNTIME_ACTOR_INTERNAL_DIALOG_H_
