// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "forkserver/client.h"

#include <errno.h>
#include <poll.h>

#include <algorithm>
#include <iterator>

#include "os/clock.h"
#include "os/errno_status.h"
#include "os/memfd.h"
#include "os/status_macros.h"
#include "os/syscalls.h"
#include "os/unix_socket.h"

namespace tractor::forkserver {
namespace {

constexpr size_t kMaxOutbox = 4096;
// Below this a spec goes into the packet itself; the rest is for fd names.
constexpr size_t kMaxInlineSpec = kMaxPacketBytes / 2;

absl::Status Gone() {
  return os::MakeStatus(absl::StatusCode::kUnavailable,
                        "the forkserver is gone", EPIPE);
}

Forked TakeForked(uint64_t request_id, proto::Forked& body, NamedFds& fds) {
  Forked forked;
  forked.request_id = request_id;
  forked.child_id = body.child_id();
  forked.pid = body.pid();
  forked.start_time = body.start_time();
  forked.pidfd = TakeFd(fds, "pidfd");
  forked.stdout_pipe = TakeFd(fds, "stdout");
  forked.stderr_pipe = TakeFd(fds, "stderr");
  forked.timing = std::move(*body.mutable_timing());
  return forked;
}

template <typename Body>
Event MakeAnswer(uint64_t request_id, Body& body) {
  return Answer<Body>{request_id, std::move(body)};
}

absl::StatusOr<Event> ToEvent(proto::ForkserverEvent& event, NamedFds fds) {
  using Wire = proto::ForkserverEvent;
  const uint64_t id = event.request_id();
  switch (event.body_case()) {
    case Wire::kForked:
      return TakeForked(id, *event.mutable_forked(), fds);
    case Wire::kFailed:
      return MakeAnswer(id, *event.mutable_failed());
    case Wire::kExited:
      return MakeAnswer(id, *event.mutable_exited());
    case Wire::kSwept:
      return MakeAnswer(id, *event.mutable_swept());
    case Wire::kKilled:
      return MakeAnswer(id, *event.mutable_killed());
    case Wire::kTreeOpened:
      return MakeAnswer(id, *event.mutable_tree_opened());
    case Wire::kTreeClosed:
      return MakeAnswer(id, *event.mutable_tree_closed());
    case Wire::kConnected:
      return MakeAnswer(id, *event.mutable_connected());
    case Wire::kIncoming:
      return Incoming{0, TakeFd(fds, "channel"),
                      std::move(*event.mutable_incoming())};
    case Wire::kBecome:  // only to a spare, before there is a client in it
    case Wire::BODY_NOT_SET:
      break;
  }
  return os::MakeStatus(absl::StatusCode::kInternal,
                        "an event of the forkserver that is not known here",
                        EPROTO);
}

int TimeoutMs(absl::Time deadline) {
  if (deadline == absl::InfiniteFuture()) return -1;
  const int64_t ms = absl::ToInt64Milliseconds(
      absl::Ceil(deadline - absl::Now(), absl::Milliseconds(1)));
  return static_cast<int>(std::clamp<int64_t>(ms, 0, 3'600'000));
}

}  // namespace

uint64_t RequestId(const Event& event) {
  return std::visit([](const auto& e) { return e.request_id; }, event);
}

absl::Status ToStatus(const proto::Failed& failed) {
  std::string step = proto::SpawnStep_Name(failed.step());
  if (step.starts_with("STEP_")) step = step.substr(5);
  const std::string text = "forkserver: step " + step + ": " + failed.message();
  const int err = failed.errno_value();
  if (err == 0) {
    return os::MakeStatus(absl::StatusCode::kFailedPrecondition, text);
  }
  // The message has the text of errno already.
  return os::MakeStatus(os::ErrnoStatus(err, "").code(), text, err);
}

Client::Client(os::Fd control) : control_(std::move(control)) {}

absl::StatusOr<uint64_t> Client::Send(proto::ForkserverRequest request,
                                      NamedFds fds) {
  if (!control_.valid()) return Gone();
  if (outbox_.size() >= kMaxOutbox) {
    return os::MakeStatus(absl::StatusCode::kResourceExhausted,
                          "too many requests wait for the forkserver", EAGAIN);
  }
  const uint64_t id = next_request_++;
  request.set_version(kProtocolVersion);
  request.set_request_id(id);
  SetFdNames(fds, &request);
  if (request.ByteSizeLong() > kMaxPacketBytes ||
      fds.size() > os::kMaxFdsPerMessage) {
    return os::MakeStatus(absl::StatusCode::kInvalidArgument,
                          "a request of more than 64 KiB or 253 descriptors",
                          EMSGSIZE);
  }
  if (outbox_.empty()) {
    TRACTOR_ASSIGN_OR_RETURN(bool sent,
                             SendPacket(control_.get(), request, fds));
    if (sent) return id;
  } else {
    TRACTOR_RETURN_IF_ERROR(Flush());
  }
  outbox_.push_back({std::move(request), std::move(fds)});
  return id;
}

absl::Status Client::Flush() {
  while (!outbox_.empty()) {
    auto& [request, fds] = outbox_.front();
    TRACTOR_ASSIGN_OR_RETURN(bool sent,
                             SendPacket(control_.get(), request, fds));
    if (!sent) break;
    outbox_.pop_front();
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> Client::Spawn(const proto::SpawnSpec& spec,
                                       os::Fd channel,
                                       std::map<std::string, os::Fd> fds) {
  NamedFds named;
  named.emplace_back("channel", std::move(channel));
  for (auto& [name, fd] : fds) named.emplace_back(name, std::move(fd));
  proto::ForkserverRequest request;
  request.mutable_spawn()->set_requested_ns(os::MonotonicNanos());
  if (spec.ByteSizeLong() <= kMaxInlineSpec) {
    *request.mutable_spawn()->mutable_spec() = spec;
  } else {
    TRACTOR_ASSIGN_OR_RETURN(
        os::Fd memfd,
        os::MakeSealedMemfd("tractor-spec", spec.SerializeAsString()));
    named.emplace_back("spec", std::move(memfd));
  }
  return Send(std::move(request), std::move(named));
}

absl::StatusOr<uint64_t> Client::Kill(uint64_t child_id, int signal,
                                      bool subtree, absl::Duration after) {
  proto::ForkserverRequest request;
  proto::Kill* kill = request.mutable_kill();
  kill->set_child_id(child_id);
  kill->set_signal(signal);
  kill->set_subtree(subtree);
  kill->set_after_ns(std::max<int64_t>(0, absl::ToInt64Nanoseconds(after)));
  return Send(std::move(request), {});
}

absl::StatusOr<uint64_t> Client::Connect(const proto::Connect& target,
                                         os::Fd channel) {
  NamedFds named;
  if (channel.valid()) named.emplace_back("channel", std::move(channel));
  proto::ForkserverRequest request;
  *request.mutable_connect() = target;
  return Send(std::move(request), std::move(named));
}

absl::StatusOr<uint64_t> Client::OpenTree(const proto::OpenTree& body) {
  proto::ForkserverRequest request;
  *request.mutable_open_tree() = body;
  return Send(std::move(request), {});
}

absl::StatusOr<uint64_t> Client::CloseTree(absl::Duration grace) {
  proto::ForkserverRequest request;
  request.mutable_close_tree()->set_grace_ns(
      std::max<int64_t>(0, absl::ToInt64Nanoseconds(grace)));
  return Send(std::move(request), {});
}

absl::StatusOr<bool> Client::ReadOne() {
  if (!control_.valid()) return Gone();
  TRACTOR_ASSIGN_OR_RETURN(Received packet, reader_.Read(control_.get()));
  if (packet.kind == Received::Kind::kNothing) return false;
  if (packet.kind == Received::Kind::kEnd) return Gone();
  if (packet.fds_lost) {
    // Without its pidfd a child cannot be watched; but what the event says is
    // still true, and Exited comes all the same.
    packet.fds.clear();
  }
  proto::ForkserverEvent event;
  NamedFds fds;
  if (packet.too_long ||
      !event.ParseFromArray(packet.bytes.data(),
                            static_cast<int>(packet.bytes.size())) ||
      (!packet.fds_lost &&
       !NameFds(event.fds(), std::move(packet.fds), &fds))) {
    return os::MakeStatus(absl::StatusCode::kInternal,
                          "a malformed event of the forkserver", EPROTO);
  }
  if (event.version() != kProtocolVersion) {
    return os::MakeStatus(
        absl::StatusCode::kInternal,
        "the forkserver speaks version " + std::to_string(event.version()) +
            ", this program version " + std::to_string(kProtocolVersion),
        EPROTO);
  }
  TRACTOR_ASSIGN_OR_RETURN(Event parsed, ToEvent(event, std::move(fds)));
  events_.push_back(std::move(parsed));
  return true;
}

absl::StatusOr<std::vector<Event>> Client::Drain() {
  absl::Status status;
  while (status.ok()) {
    absl::StatusOr<bool> more = ReadOne();
    status = more.status();
    if (more.ok() && !*more) break;
  }
  if (status.ok()) status = Flush();
  // An error is told when all that arrived before it has been handed out.
  if (!status.ok() && events_.empty()) return status;
  std::vector<Event> events(std::make_move_iterator(events_.begin()),
                            std::make_move_iterator(events_.end()));
  events_.clear();
  return events;
}

absl::StatusOr<Event> Client::WaitFor(uint64_t request_id,
                                      absl::Time deadline) {
  size_t looked_at = 0;
  while (true) {
    for (; looked_at < events_.size(); ++looked_at) {
      if (RequestId(events_[looked_at]) != request_id) continue;
      Event event = std::move(events_[looked_at]);
      events_.erase(events_.begin() + static_cast<ptrdiff_t>(looked_at));
      return event;
    }
    TRACTOR_ASSIGN_OR_RETURN(bool more, ReadOne());
    if (more) continue;
    TRACTOR_RETURN_IF_ERROR(Flush());
    const int timeout = TimeoutMs(deadline);
    if (timeout == 0) {
      return os::MakeStatus(absl::StatusCode::kDeadlineExceeded,
                            "no answer of the forkserver in time", ETIMEDOUT);
    }
    pollfd waiting = {control_.get(), POLLIN, 0};
    if (os::Sys().poll(&waiting, 1, timeout) < 0 && errno != EINTR) {
      return os::ErrnoStatus(errno, "poll(control socket)");
    }
  }
}

}  // namespace tractor::forkserver
