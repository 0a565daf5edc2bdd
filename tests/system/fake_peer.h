// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// FakePeer: a connection to an actor, whose other end a task of the root plays
// itself, frame by frame.
//
//   FakePeer fake;
//   co_await fake.ConnectTo("server");     // as any actor of the tree does
//   fake.SayHello();
//   fake.Start(1, NameOf<&Twice>(), "google.protobuf.Int64Value", bytes);
//   std::optional<wire::OwnedFrame> reply =
//       co_await fake.Next(wire::FrameKind::kReturn);
//
//   const Portal portal = fake.MakePortal();   // or: what the root calls
//
// Rules. Made in a task of a root; it has that actor's identity unless hello()
// is changed. What is sent must fit into the socket: a few frames.
#ifndef TRACTOR_TESTS_SYSTEM_FAKE_PEER_H_
#define TRACTOR_TESTS_SYSTEM_FAKE_PEER_H_

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "gtest/gtest.h"
#include "os/fd.h"
#include "os/unix_socket.h"
#include "proto/actor.pb.h"
#include "proto/error.pb.h"
#include "proto/forkserver.pb.h"
#include "runtime/actor/internal/error_codec.h"
#include "runtime/actor/internal/local_actors.h"
#include "runtime/actor/internal/runtime.h"
#include "runtime/io/fd_waiter.h"
#include "runtime/io/status_error.h"
#include "runtime/tractor.h"
#include "runtime/wire/frame_decoder.h"
#include "runtime/wire/hello.h"
#include "runtime/wire/send_queue.h"
#include "runtime/wire/testing.h"

namespace tractor::testing {

template <auto F>
std::string NameOf() {
  return internal::EndpointName<F>();
}

class FakePeer {
 public:
  FakePeer() {
    auto ends = io::OrThrow(os::SocketPair(SOCK_STREAM | SOCK_NONBLOCK));
    socket_ = std::move(ends.first);
    theirs_ = std::move(ends.second);
    waiter_.emplace(socket_.get());
    const internal::RuntimeConfig& root = internal::Runtime::Current().config();
    hello_.aid = ToProto(root.self);
    hello_.tree_id = root.tree_id;
    hello_.secret = root.secret;
  }
  ~FakePeer() { HangUp(); }
  FakePeer(const FakePeer&) = delete;
  FakePeer& operator=(const FakePeer&) = delete;

  // Gives the other end to the actor of that name, as FindActor() does.
  Task<> ConnectTo(std::string actor) {
    internal::Runtime& root = internal::Runtime::Current();
    proto::Connect target;
    target.set_name(actor);
    proto::Connected who;
    if (!co_await root.FindPeer(target, &who)) {
      throw std::runtime_error("no actor " + actor);
    }
    const std::string& tree = root.config().tree_id;
    if (internal::LocalActors::Connect(tree, target, os::Fd(), {}, &who)) {
      internal::LocalActors::Connect(tree, target, std::move(theirs_),
                                     root.config().self.uuid, &who);
    } else {
      co_await root.spawner()->Connect(target, std::move(theirs_), &who);
    }
  }
  // A portal of the root's whose calls come out here.
  Portal MakePortal() {
    return Portal(internal::Runtime::Current().AddLink(std::move(theirs_),
                                                       /*connector=*/true, {}));
  }

  wire::HelloOptions& hello() { return hello_; }

  void SayHello() { Send(io::OrThrow(wire::MakeHello(hello_))); }
  template <class Header>
  void Send(const Header& header, std::string_view payload = {}) {
    wire::SendQueue queue;
    io::OrThrow(queue.Append(header, payload));
    SendBytes(wire::TakeBytes(queue));
  }
  void SendBytes(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent =
          send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;  // it has hung up: that is seen by Next()
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }
  // Calls an endpoint.
  void Start(uint64_t cid, const std::string& endpoint, const std::string& type,
             std::string_view payload = {}) {
    proto::FrameHeader header;
    header.set_kind(proto::FRAME_START);
    header.set_cid(cid);
    header.set_type(type);
    header.mutable_start()->set_endpoint(endpoint);
    header.mutable_start()->set_kind(proto::ENDPOINT_CALL);
    Send(header, payload);
  }
  void HangUp() {
    if (waiter_.has_value()) waiter_->Close();
    socket_.reset();
  }

  // The next frame; nothing when the other side has hung up.
  Task<std::optional<wire::OwnedFrame>> Next() {
    while (true) {
      const auto frame = decoder_.Next();
      if (!frame.ok()) ADD_FAILURE() << frame.status();
      if (frame.ok() && frame->has_value()) {
        co_return wire::OwnedFrame(**frame);
      }
      const std::span<char> space = decoder_.WritableSpace();
      const ssize_t got = read(socket_.get(), space.data(), space.size());
      if (got > 0) {
        decoder_.Commit(static_cast<size_t>(got));
      } else if (got < 0 && errno == EAGAIN) {
        co_await waiter_->Readable();
      } else {
        co_return std::nullopt;
      }
    }
  }
  // The next frame of that kind.
  Task<std::optional<wire::OwnedFrame>> Next(wire::FrameKind kind) {
    while (true) {
      std::optional<wire::OwnedFrame> frame = co_await Next();
      if (!frame.has_value() || frame->kind == kind) co_return frame;
    }
  }
  // The error that the next ERROR frame carries.
  Task<std::exception_ptr> NextError() {
    const std::optional<wire::OwnedFrame> frame =
        co_await Next(wire::FrameKind::kError);
    proto::ErrorProto error;
    if (!frame.has_value() || !error.ParseFromString(frame->payload)) {
      throw std::runtime_error("no ERROR frame");
    }
    co_return internal::UnpackError(error);
  }
  // Reads until the other side hangs up.
  Task<> WaitForHangUp() {
    while (true) {
      const std::optional<wire::OwnedFrame> frame = co_await Next();
      if (!frame.has_value()) co_return;
    }
  }

 private:
  wire::HelloOptions hello_;
  os::Fd socket_, theirs_;
  std::optional<io::FdWaiter> waiter_;
  wire::FrameDecoder decoder_;
};

}  // namespace tractor::testing

#endif  // TRACTOR_TESTS_SYSTEM_FAKE_PEER_H_
