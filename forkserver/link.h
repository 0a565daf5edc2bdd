// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The forkserver's end of one actor's control socket.
//
// A slow reader must cost the forkserver nothing but memory, and not much of
// that: events that the socket cannot take wait in a queue, the connection is
// not read from while kPauseAt of them wait, and at kWedgedAt the owner is
// given up (wedged()). Since every event but Exited and Swept answers a
// request, a queue of kWedgedAt means thousands of children and an owner that
// has not read for all of their lives.

#ifndef TRACTOR_FORKSERVER_LINK_H_
#define TRACTOR_FORKSERVER_LINK_H_

#include <cstddef>
#include <deque>
#include <utility>

#include "forkserver/packet.h"
#include "os/fd.h"
#include "proto/forkserver.pb.h"

namespace tractor::forkserver {

class Link {
 public:
  static constexpr size_t kPauseAt = 64;
  static constexpr size_t kWedgedAt = 4096;
  // For a test that has not so many processes; in the forkserver's process.
  static void SetWedgedAtForTesting(size_t events) { wedged_at_ = events; }

  // Takes a non-blocking SOCK_SEQPACKET socket.
  explicit Link(os::Fd socket) : socket_(std::move(socket)) {}

  int fd() const { return socket_.get(); }

  // Sends or queues. Errors show up as broken().
  void Send(proto::ForkserverEvent event, NamedFds fds = {});
  void Flush();

  bool wants_write() const { return !queue_.empty(); }
  bool wants_read() const { return queue_.size() < kPauseAt; }
  bool wedged() const { return queue_.size() >= wedged_at_; }
  // The peer is gone; nothing more can be sent.
  bool broken() const { return broken_; }
  size_t queued() const { return queue_.size(); }

 private:
  // False: the socket is full.
  bool TrySend(const proto::ForkserverEvent& event, const NamedFds& fds);

  static inline size_t wedged_at_ = kWedgedAt;

  os::Fd socket_;
  bool broken_ = false;
  std::deque<std::pair<proto::ForkserverEvent, NamedFds>> queue_;
};

}  // namespace tractor::forkserver

#endif  // TRACTOR_FORKSERVER_LINK_H_
