// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/actor/internal/link.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "os/inject.h"
#include "os/syscalls.h"
#include "runtime/actor/errors.h"
#include "runtime/actor/internal/error_codec.h"
#include "runtime/io/status_error.h"
#include "runtime/log/log.h"
#include "runtime/task/checkpoint.h"
#include "runtime/task/exception_group.h"
#include "runtime/task/internal/exceptions.h"
#include "runtime/task/nursery.h"

namespace tractor::internal {

std::string ClipReason(std::string_view reason) {
  return std::string(reason.substr(0, kMaxReason));
}

Link::Link(LinkOwner& owner, os::Fd socket, bool connector,
           wire::HelloOptions hello)
    : owner_(owner),
      scheduler_(Scheduler::Current()),
      socket_(std::move(socket)),
      waiter_(socket_.get()),
      connector_(connector),
      self_(FromProto(hello.aid)),
      hello_(std::move(hello)),
      next_cid_(connector ? 1 : 2) {
  const absl::StatusOr<proto::FrameHeader> first = wire::MakeHello(hello_);
  if (!first.ok()) {
    throw RuntimeFailure(std::string(first.status().message()));
  }
  io::OrThrow(queue_.Append(*first));
  TRACTOR_INJECT_POINT("link.hello");
  scheduler_.AddIdleHook(*this);
}

Link::~Link() = default;

Task<> Link::Run(std::shared_ptr<Link> link) {
  auto body = [&](Nursery& nursery) -> Task<> {
    nursery.StartSoon(TaskName("link writer"),
                      [&link]() -> Task<> { co_await link->Write(); });
    co_await link->Read();
    nursery.cancel_scope().Cancel(CancelReason::kShutdown, "link closed");
  };
  auto run = [&]() -> Task<> { co_await WithNursery(body); };
  auto end = co_await Observe(run);
  // An error here is that of a descriptor which was closed under a wait.
  link->Close(end.has_error() ? Collapse(end.error()) : nullptr);
  if (end.cancelled()) co_await std::move(end).Get();
}

Task<> Link::Read() {
  while (!closed_) {
    const std::span<char> space = decoder_.WritableSpace();
    iovec part = {space.data(), space.size()};
    msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    const ssize_t got =
        os::Sys().recvmsg(socket_.get(), &message, MSG_DONTWAIT);
    if (got > 0) {
      decoder_.Commit(static_cast<size_t>(got));
      if (!DecodeAll()) co_return;
      if (static_cast<size_t>(got) == space.size()) {
        co_await Checkpoint();  // there may be more; others want to run, too
        continue;
      }
    } else if (got == 0) {
      CloseWith(decoder_.CheckEof());
      co_return;
    } else if (errno != EAGAIN && errno != EINTR) {
      CloseWith(absl::UnavailableError(std::string("recvmsg: ") +
                                       std::strerror(errno)));
      co_return;
    }
    co_await waiter_.Readable();
  }
}

Task<> Link::Write() {
  while (!closed_) {
    while (!write_blocked_ && !closed_) {
      co_await writable_.Wait("more to write than the socket takes");
    }
    if (closed_) co_return;
    co_await waiter_.Writable();
    write_blocked_ = false;
    Flush();
  }
}

void Link::Flush() {
  iovec parts[wire::SendQueue::kGatherParts];
  while (!closed_ && !write_blocked_) {
    const size_t count = queue_.Gather(parts);
    if (count == 0) break;
    msghdr message = {};
    message.msg_iov = parts;
    message.msg_iovlen = count;
    const ssize_t sent =
        os::Sys().sendmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) {
      queue_.Consume(static_cast<size_t>(sent));
    } else if (errno == EAGAIN) {
      write_blocked_ = true;
      writable_.NotifyAll();
    } else if (errno != EINTR) {
      // The reading task sees the end, with everything that came before it.
      queue_.Consume(0);
      write_blocked_ = true;
      os::Sys().shutdown(socket_.get(), SHUT_WR);
      return;
    }
  }
  if (queue_.empty()) Changed();
}

Task<> Link::Drain() {
  Flush();
  while (!queue_.empty() && !closed_) {
    co_await changed_.Wait("the last bytes to be written");
  }
}

bool Link::DecodeAll() {
  while (!closed_) {
    const absl::StatusOr<std::optional<wire::FrameView>> frame =
        decoder_.Next();
    if (!frame.ok()) {
      refused_ = true;
      CloseWith(frame.status());
      return false;
    }
    if (!frame->has_value()) return true;
    const absl::Status handled = OnFrame(**frame);
    if (!handled.ok()) {
      refused_ = true;
      CloseWith(handled);
      return false;
    }
  }
  return false;
}

absl::Status Link::OnFrame(const wire::FrameView& frame) {
  if (!ready() && frame.kind != wire::FrameKind::kHello) {
    return absl::FailedPreconditionError(wire::FrameKindName(frame.kind) +
                                         " before the hello");
  }
  switch (frame.kind) {
    case wire::FrameKind::kHello:
      return OnHello(frame);
    case wire::FrameKind::kStart:
      return OnStart(frame);
    case wire::FrameKind::kCancel:
      OnCancel(frame);
      return absl::OkStatus();
    case wire::FrameKind::kCancelActor:
      owner_.OnCancelActor(*this, frame.header->cancel());
      return absl::OkStatus();
    case wire::FrameKind::kCancelActorAck:
      acked_until_ = Now() + absl::Nanoseconds(
                                 frame.header->cancel_ack().done_within_ns());
      Changed();
      return absl::OkStatus();
    case wire::FrameKind::kGoodbye:
      OnGoodbye(frame);
      return absl::OkStatus();
    default:
      return OnDialogFrame(frame);
  }
}

absl::Status Link::OnHello(const wire::FrameView& frame) {
  if (ready()) return absl::FailedPreconditionError("a second hello");
  const absl::StatusOr<wire::AgreedHello> agreed =
      wire::AcceptHello(*frame.header, hello_);
  if (!agreed.ok()) return agreed.status();
  queue_.LowerMaxFrameBytes(agreed->max_frame_bytes);
  peer_ = FromProto(agreed->peer);
  TRACTOR_INJECT_POINT("link.ready");
  Changed();
  return absl::OkStatus();
}

absl::Status Link::OnStart(const wire::FrameView& frame) {
  const bool peers = (frame.cid % 2 == 1) != connector_;
  if (!peers || frame.cid <= last_peer_cid_) {
    return absl::InvalidArgumentError("START with cid " +
                                      std::to_string(frame.cid) +
                                      ", which is not the peer's next one");
  }
  last_peer_cid_ = frame.cid;
  if (goodbye_) return absl::OkStatus();
  auto dialog = std::make_unique<Dialog>(shared_from_this(), frame.cid,
                                         Dialog::Side::kCallee,
                                         wire::kDefaultWindowBytes);
  dialog->OnStartAck(frame.window);
  dialogs_[frame.cid] = dialog.get();
  owner_.OnStart(shared_from_this(), std::move(dialog), frame);
  return absl::OkStatus();
}

absl::Status Link::OnDialogFrame(const wire::FrameView& frame) {
  const auto found = dialogs_.find(frame.cid);
  // Late frames of a dialog that has ended here are no fault of anybody.
  if (found == dialogs_.end()) {
    if (frame.kind == wire::FrameKind::kError) LogLateError(frame);
    return absl::OkStatus();
  }
  Dialog& dialog = *found->second;
  try {
    switch (frame.kind) {
      case wire::FrameKind::kData:
        dialog.OnData(frame);
        break;
      case wire::FrameKind::kCredit:
        dialog.OnCredit(frame.credit);
        break;
      case wire::FrameKind::kStop:
        dialog.OnStop();
        break;
      case wire::FrameKind::kStartAck:
        dialog.OnStartAck(frame.window);
        break;
      case wire::FrameKind::kStarted:
        dialog.OnStarted(frame);
        break;
      case wire::FrameKind::kReturn:
        dialog.OnReturn(frame);
        break;
      case wire::FrameKind::kCancelAck:
        dialog.OnCancelAck(frame.header->cancel_ack());
        break;
      case wire::FrameKind::kError: {
        proto::ErrorProto error;
        if (!error.ParseFromArray(frame.payload.data(),
                                  static_cast<int>(frame.payload.size()))) {
          return absl::InvalidArgumentError("ERROR with a malformed payload");
        }
        dialog.OnError(error);
        break;
      }
      default:
        return absl::InvalidArgumentError("unexpected " +
                                          wire::FrameKindName(frame.kind));
    }
  } catch (const RuntimeFailure& lie) {
    return absl::FailedPreconditionError(lie.what());
  }
  return absl::OkStatus();
}

// Its caller was cancelled, and could not wait for it any longer.
void Link::LogLateError(const wire::FrameView& frame) const {
  proto::ErrorProto error;
  if (!error.ParseFromArray(frame.payload.data(),
                            static_cast<int>(frame.payload.size()))) {
    return;
  }
  const std::exception_ptr late = UnpackError(error);
  if (IsA<ContextCancelled>(late)) return;
  TRACTOR_LOG(warning) << "came too late for its caller: "
                       << DescribeBriefly(late);
}

void Link::OnCancel(const wire::FrameView& frame) {
  const auto found = dialogs_.find(frame.cid);
  if (found != dialogs_.end()) found->second->OnCancel(frame.header->cancel());
}

void Link::OnGoodbye(const wire::FrameView& frame) {
  goodbye_ = true;
  proto::ErrorProto error;
  if (!frame.payload.empty() &&
      error.ParseFromArray(frame.payload.data(),
                           static_cast<int>(frame.payload.size()))) {
    goodbye_error_ = UnpackError(error);
  }
  Changed();
}

std::unique_ptr<Dialog> Link::OpenDialog(uint64_t window) {
  // Closed, but not told why yet: this one is told with all the others.
  if (failed_ || goodbye_) {
    if (error_ != nullptr) std::rethrow_exception(error_);
    throw TransportClosed("the connection to " +
                          (ready() ? ToString(*peer_) : "the peer") +
                          " is closed");
  }
  const uint64_t cid = next_cid_;
  next_cid_ += 2;
  auto dialog = std::make_unique<Dialog>(shared_from_this(), cid,
                                         Dialog::Side::kCaller, window);
  dialogs_[cid] = dialog.get();
  return dialog;
}

void Link::Forget(Dialog& dialog) { dialogs_.erase(dialog.cid()); }

void Link::SendCancelActor(std::string_view reason, const Aid& canceller,
                           std::optional<absl::Duration> budget) {
  if (closed_) return;
  actor_cancel_sent_ = true;
  TRACTOR_INJECT_POINT("actor.cancel");
  proto::FrameHeader header;
  header.set_kind(proto::FRAME_CANCEL_ACTOR);
  proto::Cancel& cancel = *header.mutable_cancel();
  cancel.set_reason(ClipReason(reason));
  *cancel.mutable_canceller() = ToProto(canceller);
  if (budget.has_value()) {
    cancel.set_budget_ns(absl::ToInt64Nanoseconds(*budget));
  }
  queue_.Append(header).IgnoreError();
  Appended();
}

void Link::SendCancelActorAck(absl::Duration done_within) {
  if (closed_) return;
  proto::FrameHeader header;
  header.set_kind(proto::FRAME_CANCEL_ACTOR_ACK);
  header.mutable_cancel_ack()->set_state(proto::CancelAck::CANCELLING);
  header.mutable_cancel_ack()->set_done_within_ns(
      absl::ToInt64Nanoseconds(done_within));
  queue_.Append(header).IgnoreError();
  Appended();
}

void Link::SendGoodbye(const std::exception_ptr& error) {
  if (closed_) return;
  TRACTOR_INJECT_POINT("actor.goodbye");
  const wire::SimpleHeader header(wire::FrameKind::kGoodbye, 0);
  if (error == nullptr) {
    queue_.Append(header).IgnoreError();
  } else {
    const proto::ErrorProto packed = PackError(error, self_);
    queue_
        .Append(header,
                static_cast<const google::protobuf::MessageLite&>(packed))
        .IgnoreError();
  }
  Appended();
}

void Link::FailDialogs(const std::exception_ptr& error) {
  error_ = error;
  failed_ = true;
  std::vector<Dialog*> dialogs;
  dialogs.reserve(dialogs_.size());
  for (const auto& [cid, dialog] : dialogs_) dialogs.push_back(dialog);
  for (Dialog* dialog : dialogs) dialog->OnLost(error);
}

void Link::Close(std::exception_ptr error) {
  if (closed_) return;
  closed_ = true;
  if (error_ == nullptr) error_ = std::move(error);
  IdleHook::Unlink();
  waiter_.Close();
  socket_.reset();
  writable_.NotifyAll();
  Changed();
}

void Link::CloseWith(const absl::Status& status) {
  if (status.ok()) {
    Close(nullptr);
    return;
  }
  const std::string who = ready() ? ToString(*peer_) : "a peer";
  Close(std::make_exception_ptr(TransportClosed(
      "connection to " + who + " lost: " + std::string(status.message()))));
}

}  // namespace tractor::internal
