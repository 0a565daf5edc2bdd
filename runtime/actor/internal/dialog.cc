// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Long: one state machine, whose steps are only right together.
#include "runtime/actor/internal/dialog.h"

#include <algorithm>
#include <utility>

#include "os/inject.h"
#include "runtime/actor/errors.h"
#include "runtime/actor/internal/error_codec.h"
#include "runtime/actor/internal/link.h"
#include "runtime/actor/internal/runtime.h"
#include "runtime/log/log.h"
#include "runtime/task/exception_group.h"
#include "runtime/task/internal/exceptions.h"
#include "runtime/task/outcome.h"
#include "runtime/task/scheduler.h"
#include "runtime/wire/header_codec.h"

namespace tractor::internal {

Dialog::Dialog(std::shared_ptr<Link> link, uint64_t cid, Side side,
               uint64_t window)
    : link_(std::move(link)), cid_(cid), side_(side), receive_credit_(window) {}

Dialog::~Dialog() { link_->Forget(*this); }

wire::SendQueue& Dialog::Queue() { return link_->queue(); }
void Dialog::Appended() { link_->Appended(); }

size_t Dialog::HeaderBytes(const wire::SimpleHeader& header) {
  return wire::HeaderBytes(header);
}

// ---- frames that arrive ----

void Dialog::OnStartAck(uint64_t window) {
  send_credit_ = wire::SendCredit(wire::WindowFromWire(window));
  PumpSends();
}

void Dialog::OnStarted(const wire::FrameView& frame) {
  if (started_) return;
  TRACTOR_INJECT_POINT("context.begun");
  started_ = true;
  started_type_ = frame.type;
  started_bytes_ = frame.payload;
  changed_.NotifyAll();
}

void Dialog::OnData(const wire::FrameView& frame) {
  TRACTOR_INJECT_POINT("stream.receive");
  const absl::Status credit = receive_credit_.OnReceived(frame.payload.size());
  if (!credit.ok()) throw RuntimeFailure(std::string(credit.message()));
  // Nobody will take what comes after the local end; it is given back at once.
  if (stream_ == StreamState::kClosed || overrun_) {
    Consumed(frame.payload.size());
    return;
  }
  if (!frame.type.empty() && frame.type != data_type_) {
    data_type_ = frame.type;
    type_checked_ = false;
  }
  inbox_.PushBack(frame.payload);
  TrimInbox();
  receivable_.NotifyAll();
}

void Dialog::LimitInbox(Excess excess, size_t max_queued, CancelScope* scope) {
  excess_ = excess;
  max_queued_ = max_queued;
  stream_scope_ = scope;
  TrimInbox();
}

void Dialog::DropFront() {
  const size_t size = inbox_.front().size();
  inbox_.PopFront();
  Consumed(size);
}

// What is dropped is given back as if it had been received.
void Dialog::TrimInbox() {
  if (excess_ == Excess::kPark || overrun_) return;
  while (inbox_.size() > max_queued_) {
    if (excess_ == Excess::kFail) {
      overrun_ = true;
      stream_scope_->Cancel(CancelReason::kExplicit, "a stream has overrun");
      return;
    }
    ++dropped_;
    if (excess_ == Excess::kDropOldest) {
      DropFront();
    } else {
      const size_t size = inbox_.back_size();
      inbox_.PopBack();
      Consumed(size);
    }
  }
}

void Dialog::OnStop() {
  peer_stopped_ = true;
  receivable_.NotifyAll();
}

void Dialog::OnCredit(uint64_t bytes) {
  const absl::Status status = send_credit_.OnCredit(bytes);
  if (!status.ok()) throw RuntimeFailure(std::string(status.message()));
  PumpSends();
}

void Dialog::PumpSends() {
  while (!sends_.empty() && (send_credit_.CanSend() || ended())) {
    PendingSend* send = sends_.PopFront();
    send->Append();
    send->CompleteNow();
  }
}

void Dialog::WakeAll() {
  changed_.NotifyAll();
  receivable_.NotifyAll();
  PumpSends();
}

void Dialog::OnReturn(const wire::FrameView& frame) {
  TRACTOR_INJECT_POINT("call.returned");
  if (ended()) return;
  returned_ = true;
  result_type_ = frame.type;
  result_bytes_ = frame.payload;
  WakeAll();
}

void Dialog::OnError(const proto::ErrorProto& error) {
  TRACTOR_INJECT_POINT("call.failed");
  if (ended()) return;
  std::exception_ptr exception = UnpackError(error);
  std::optional<Aid> by;
  bool acknowledges = false;
  VisitAs<ContextCancelled>(exception, [&](const ContextCancelled& e) {
    by = e.canceller();
    acknowledges = cancel_called_ && *by == link_->self();
  });
  // Who is to blame, as seen here: ourselves, or the actor where it happened.
  if (!canceller_.has_value()) canceller_ = FromProto(error.source());
  SetRemoteError(std::move(exception), acknowledges, "the peer failed",
                 link_->peer());
}

void Dialog::SetRemoteError(std::exception_ptr error, bool acknowledges,
                            std::string_view text, const Aid& who) {
  remote_error_ = std::move(error);
  cancel_acked_ = acknowledges;
  const bool cancel = !(acknowledges && OwnerWaitsHere());
  // Who waits here gets the error; everybody else is cancelled.
  WakeAll();
  if (scope_ == nullptr || !cancel) return;
  scope_->Cancel(CancelReason::kPeer, text, ToString(who));
}

void Dialog::OnLost(std::exception_ptr error) {
  if (ended()) return;
  if (side_ == Side::kCallee && !cancel_requested_) {
    cancel_requested_ = true;
    canceller_ = link_->self();
    cancel_reason_ = "the caller is gone";
  }
  SetRemoteError(std::move(error), false, "the peer is gone",
                 link_->ready() ? link_->peer() : link_->self());
}

void Dialog::OnCancel(const proto::Cancel& cancel) {
  TRACTOR_INJECT_POINT("cancel.asked");
  const absl::Duration budget = cancel.has_budget_ns()
                                    ? absl::Nanoseconds(cancel.budget_ns())
                                    : absl::InfiniteDuration();
  wire::SendQueue& queue = Queue();
  proto::FrameHeader ack;
  ack.set_kind(proto::FRAME_CANCEL_ACK);
  ack.set_cid(cid_);
  ack.mutable_cancel_ack()->set_state(proto::CancelAck::CANCELLING);
  if (cancel.has_budget_ns()) {
    ack.mutable_cancel_ack()->set_done_within_ns(cancel.budget_ns());
  }
  queue.Append(ack).IgnoreError();
  Appended();
  if (std::exchange(cancel_requested_, true)) return;
  canceller_ = FromProto(cancel.canceller());
  cancel_reason_ = cancel.reason();
  cancel_deadline_ = Now() + budget;
  if (scope_ == nullptr) return;
  scope_->Cancel(CancelReason::kPeer, cancel_reason_, ToString(*canceller_));
}

void Dialog::OnCancelAck(const proto::CancelAck& ack) {
  TRACTOR_INJECT_POINT("cancel.acked");
  if (ack.done_within_ns() > 0) {
    cancel_deadline_ = Now() + absl::Nanoseconds(ack.done_within_ns());
  }
  changed_.NotifyAll();
}

// ---- the local side ----

// Counts a wait of the owner from its begin to its end: a task that was woken
// and has not run yet is out of the lists, but it is still here.
class Dialog::OwnerWait {
 public:
  explicit OwnerWait(Dialog& dialog)
      : dialog_(dialog),
        counted_(Scheduler::Current().current_task() == dialog.owner_) {
    if (counted_) ++dialog_.owner_waits_;
  }
  ~OwnerWait() {
    if (counted_) --dialog_.owner_waits_;
  }
  OwnerWait(const OwnerWait&) = delete;
  OwnerWait& operator=(const OwnerWait&) = delete;

 private:
  Dialog& dialog_;
  const bool counted_;
};

bool Dialog::OwnerWaitsHere() const {
  return owner_waits_ > 0 || receivable_.Contains(owner_);
}

void Dialog::set_scope(CancelScope* scope) {
  scope_ = scope;
  owner_ = Scheduler::Current().current_task();
  if (scope == nullptr || !cancel_requested_) return;
  scope->Cancel(CancelReason::kPeer, cancel_reason_, ToString(*canceller_));
}

void Dialog::RequestCancel(std::string_view reason, absl::Time deadline) {
  if (ended() || link_->closed()) return;
  TRACTOR_INJECT_POINT("cancel.ask");
  const bool again = std::exchange(cancel_called_, true);
  if (!again) canceller_ = link_->self();
  proto::FrameHeader header;
  header.set_kind(proto::FRAME_CANCEL);
  header.set_cid(cid_);
  proto::Cancel& cancel = *header.mutable_cancel();
  cancel.set_reason(ClipReason(reason));
  *cancel.mutable_canceller() = ToProto(link_->self());
  if (deadline != absl::InfiniteFuture()) {
    const absl::Duration budget =
        std::max(absl::ZeroDuration(), deadline - Now());
    cancel.set_budget_ns(absl::ToInt64Nanoseconds(budget));
  }
  Queue().Append(header).IgnoreError();
  Appended();
}

void Dialog::CancelSelf(std::string_view reason) {
  if (std::exchange(cancel_requested_, true)) return;
  canceller_ = link_->self();
  cancel_reason_ = reason.empty() ? "itself" : std::string(reason);
  if (scope_ == nullptr) return;
  scope_->Cancel(CancelReason::kPeer, cancel_reason_, ToString(*canceller_));
}

void Dialog::ThrowRemoteError() {
  if (remote_error_ == nullptr || cancel_acked_) return;
  std::rethrow_exception(remote_error_);
}

std::exception_ptr Dialog::FailureOfPeer() const {
  if (remote_error_ == nullptr) return nullptr;
  if (IsA<ContextCancelled>(remote_error_)) return nullptr;
  if (IsA<TransportClosed>(remote_error_)) return nullptr;
  return remote_error_;
}

Task<> Dialog::WaitStarted() {
  const OwnerWait here(*this);
  while (!started_ && !ended()) co_await changed_.Wait("Started of a peer");
  ThrowRemoteError();
  if (!started_ && returned_) {
    throw RuntimeFailure(
        "the endpoint returned without calling Started() on its context");
  }
}

Task<> Dialog::WaitEnd() {
  const OwnerWait here(*this);
  while (!ended()) co_await changed_.Wait("result of a peer");
}

Task<bool> Dialog::WaitEndShielded(absl::Time deadline) {
  const OwnerWait here(*this);
  CancelScope scope(deadline, /*shield=*/true);
  auto body = [&]() -> Task<> {
    while (!ended()) {
      co_await changed_.Wait("cancelled peer");
      // It has said how long it will take: that is what it gets.
      if (cancel_deadline_ != absl::InfiniteFuture()) {
        scope.set_deadline(std::max(deadline, cancel_deadline_));
      }
    }
  };
  if (!ended()) co_await scope.Run(body);
  co_return ended();
}

void Dialog::SendError(const proto::ErrorProto& error) {
  TRACTOR_INJECT_POINT("call.error");
  const wire::SimpleHeader header(wire::FrameKind::kError, cid_);
  Queue()
      .Append(header, static_cast<const google::protobuf::MessageLite&>(error))
      .IgnoreError();
  Appended();
}

void Dialog::CheckStarted() const {
  if (side_ == Side::kCaller) {
    throw RuntimeFailure("Started() is for the side that was called");
  }
  if (started_) throw RuntimeFailure("Started() was called twice");
}

void Dialog::CheckAppend(const absl::Status& status) {
  if (status.ok()) return;
  throw RuntimeFailure("cannot send: " + std::string(status.message()));
}

// ---- the stream ----

void Dialog::OpenStream() {
  if (!started_) {
    throw RuntimeFailure(
        "WithStream() before Started(): the context has not begun");
  }
  if (cancel_called_ || cancel_requested_) {
    ThrowRemoteError();
    throw RuntimeFailure("WithStream() after the context was cancelled");
  }
  if (stream_ == StreamState::kClosed) {
    throw RuntimeFailure("WithStream(): the stream of this context is closed");
  }
  if (stream_ == StreamState::kOpen) {
    throw RuntimeFailure("WithStream(): the stream is open already");
  }
  stream_ = StreamState::kOpen;
}

void Dialog::CloseStream() {
  if (stream_ != StreamState::kOpen) return;
  TRACTOR_INJECT_POINT("stream.close");
  stream_ = StreamState::kClosed;
  // What nobody will take any more is given back, so that a peer that waits for
  // credit learns of our end instead.
  while (!inbox_.empty()) DropFront();
  stream_scope_ = nullptr;
  receivable_.NotifyAll();
  if (link_->closed()) return;
  Queue()
      .Append(wire::SimpleHeader(wire::FrameKind::kStop, cid_))
      .IgnoreError();
  Appended();
}

void SetOverrun(Dialog& dialog, const StreamOptions& options,
                CancelScope* scope) {
  if (options.max_queued() == 0) {
    throw RuntimeFailure("WithStream(): max_queued is 0; it is at least 1");
  }
  dialog.LimitInbox(static_cast<Dialog::Excess>(options.overrun()),
                    options.max_queued(), scope);
}

void CheckOverrun(const Dialog& dialog) {
  if (!dialog.overrun()) return;
  throw StreamOverrun("more than " + std::to_string(dialog.max_queued()) +
                      " messages of a stream waited to be received");
}

void Dialog::CheckSend() {
  // Also one that only acknowledges: the edge of the block absorbs it.
  if (remote_error_ != nullptr) std::rethrow_exception(remote_error_);
  if (stream_ != StreamState::kOpen) {
    throw RuntimeFailure("Send() on a stream that is closed");
  }
  if (ended()) {
    throw RuntimeFailure("Send() on a context that has ended");
  }
}

bool Dialog::BeginTake(std::string_view expected) {
  ThrowRemoteError();
  if (inbox_.empty()) {
    if (remote_error_ != nullptr) std::rethrow_exception(remote_error_);
    return false;
  }
  if (!type_checked_) CheckType("stream", expected, data_type_);
  type_checked_ = true;
  return true;
}

void Dialog::Consumed(size_t bytes) {
  const uint64_t credit = receive_credit_.OnConsumed(bytes);
  if (credit == 0 || link_->closed()) return;
  Queue().Append(wire::SimpleHeader::Credit(cid_, credit)).IgnoreError();
  Appended();
}

void Dialog::CheckType(std::string_view place, std::string_view expected,
                       std::string_view got) const {
  if (expected != got) {
    throw MsgTypeError(std::string(place), std::string(expected),
                       std::string(got));
  }
}

void Dialog::ThrowUnparsable(std::string_view place,
                             std::string_view expected) {
  throw MsgTypeError(std::string(place), std::string(expected),
                     "bytes that are none");
}

proto::FrameHeader Dialog::StartHeader(const std::string& endpoint,
                                       bool is_context,
                                       std::string_view type) const {
  proto::FrameHeader header;
  header.set_kind(proto::FRAME_START);
  header.set_cid(cid_);
  header.set_type(type.data(), type.size());
  header.set_window(receive_credit_.window());
  proto::Start& start = *header.mutable_start();
  start.set_endpoint(endpoint);
  start.set_kind(is_context ? proto::ENDPOINT_CONTEXT : proto::ENDPOINT_CALL);
  const absl::Time deadline = CurrentEffectiveDeadline();
  if (deadline != absl::InfiniteFuture()) {
    start.set_budget_ns(absl::ToInt64Nanoseconds(
        std::max(absl::ZeroDuration(), deadline - Now())));
  }
  return header;
}

// ---- how a calling side ends ----

Task<> WaitCall(Dialog& dialog) {
  auto wait = [&]() -> Task<> { co_await dialog.WaitEnd(); };
  auto end = co_await Observe(wait);
  if (end.cancelled()) {
    const absl::Time deadline = Runtime::ContextDeadline();
    dialog.RequestCancel(ToString(CurrentCancelReason()), deadline);
    co_await dialog.WaitEndShielded(deadline);
  }
  co_await EndCall(dialog, std::move(end));
}

Task<> EndCall(Dialog& dialog, Outcome<> wait) {
  if (dialog.returned()) co_return;
  if (!wait.cancelled()) dialog.ThrowRemoteError();
  if (std::exception_ptr failure = dialog.FailureOfPeer()) {
    std::rethrow_exception(std::move(failure));
  }
  co_await std::move(wait).Get();
}

Task<bool> CancelAndWait(Dialog& dialog, std::string reason,
                         absl::Duration timeout) {
  const absl::Time deadline = Now() + timeout;
  dialog.RequestCancel(reason, deadline);
  co_return co_await dialog.WaitEndShielded(deadline);
}

namespace {

std::string ReasonOf(const Outcome<>& end) {
  if (end.has_error()) {
    return "the caller failed: " + DescribeBriefly(end.error());
  }
  return ToString(CurrentCancelReason());
}

// Takes the answer to our own cancel out of the end of the block, alone or in
// groups: tasks of the block have merely passed it on.
Outcome<> WithoutAcknowledgement(const Dialog& dialog, Outcome<> end) {
  if (!dialog.cancel_acked() || !end.has_error()) return end;
  std::exception_ptr rest =
      WithoutErrors(end.error(), [&](const std::exception_ptr& error) {
        return error == dialog.remote_error();
      });
  if (rest == nullptr) return Outcome<>::Of({});
  return Outcome<>::Error(std::move(rest));
}

}  // namespace

std::exception_ptr WithoutErrors(const std::exception_ptr& error,
                                 const ExceptionGroup::Predicate& match) {
  if (match(error)) return nullptr;
  std::exception_ptr rest = error;
  VisitAs<ExceptionGroup>(error, [&](const ExceptionGroup& group) {
    auto [taken, left] = group.Split(match);
    if (!taken.has_value()) return;
    rest =
        left.has_value() ? Collapse(std::make_exception_ptr(*left)) : nullptr;
  });
  return rest;
}

Task<> FinishCaller(Dialog& dialog, Outcome<> end) {
  dialog.set_scope(nullptr);
  const bool failed_first = dialog.remote_error() != nullptr;
  if (!dialog.ended()) {
    const absl::Time deadline = Runtime::ContextDeadline();
    dialog.RequestCancel(ReasonOf(end), deadline);
    if (!co_await dialog.WaitEndShielded(deadline)) {
      TRACTOR_LOG(warning) << "a cancelled task of "
                           << ToString(dialog.link().peer())
                           << " has not ended within its budget";
    }
  }
  end = WithoutAcknowledgement(dialog, std::move(end));
  // An error here has made the rest. A cancel from outside gives way to an
  // error of the callee, as it would to one of a clean-up here. A block that
  // was cut short by the remote error counts as ended.
  if (!end.has_value()) {
    const std::exception_ptr failure = dialog.FailureOfPeer();
    if (failure != nullptr && end.cancelled()) {
      std::rethrow_exception(failure);
    }
    if (failure != nullptr && !failed_first) {
      TRACTOR_LOG(warning) << "gives way to the error that has cancelled it: "
                           << DescribeBriefly(failure);
    }
    co_await std::move(end).Get();
  }
  dialog.ThrowRemoteError();
}

}  // namespace tractor::internal
