// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// An actor's side of the forkserver protocol, without a loop of its own: the
// caller's loop waits for fd() and calls Drain().
//
//   forkserver::Client client(std::move(control));
//   auto id = client.Spawn(spec, std::move(their_end));
//   ... fd() is readable ...
//   for (forkserver::Event& event : *client.Drain())
//     if (auto* forked = std::get_if<forkserver::Forked>(&event)) ...
//
// Rules:
// - Requests are answered in any order; match by request_id. A Spawn is
//   answered by exactly one Forked, or one Failed with child_id 0. After
//   Forked: at most one Failed with the child_id (its set-up failed), then one
//   Exited, then one Swept if Exited says so.
// - Nothing here blocks, but for WaitFor. What the socket cannot take now waits
//   in the client and goes out in a later call; every request is answered, so
//   fd() becomes readable in time without a poll for writing. More than 4096
//   waiting requests: RESOURCE_EXHAUSTED.
// - UNAVAILABLE from any call: the forkserver is gone. From Drain it comes
//   after all events that had arrived.
// - One thread at a time.

#ifndef TRACTOR_FORKSERVER_CLIENT_H_
#define TRACTOR_FORKSERVER_CLIENT_H_

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "forkserver/packet.h"
#include "os/fd.h"
#include "proto/forkserver.pb.h"

namespace tractor::forkserver {

struct Forked {
  uint64_t request_id = 0;
  uint64_t child_id = 0;
  pid_t pid = 0;            // for reports
  uint64_t start_time = 0;  // as Aid.start_time
  os::Fd pidfd;             // readable when the process has ended
  os::Fd stdout_pipe;       // valid where the policy is PIPE; non-blocking
  os::Fd stderr_pipe;
  proto::SpawnTiming timing;  // up to STEP_FORK
};

// The answers that carry no fds are the protocol's own messages.
template <typename Body>
struct Answer {
  uint64_t request_id = 0;
  Body body;
};
using Failed = Answer<proto::Failed>;
using Exited = Answer<proto::Exited>;
using Swept = Answer<proto::Swept>;
using Killed = Answer<proto::Killed>;
using TreeOpened = Answer<proto::TreeOpened>;
using TreeClosed = Answer<proto::TreeClosed>;
using Connected = Answer<proto::Connected>;

// Another actor has connected to this one.
struct Incoming {
  uint64_t request_id = 0;  // always
  os::Fd channel;
  proto::Incoming body;
};

using Event = std::variant<Forked, Failed, Exited, Swept, Killed, TreeOpened,
                           TreeClosed, Connected, Incoming>;

uint64_t RequestId(const Event& event);

// Failed as a status: "spawn: step FORK: Resource temporarily unavailable",
// its errno kept (os/errno_status.h).
absl::Status ToStatus(const proto::Failed& failed);

class Client {
 public:
  // Takes Embedded::control or ChildStart::control.
  explicit Client(os::Fd control);
  Client(Client&&) = default;
  Client& operator=(Client&&) = default;

  // Readable when Drain has something to return. -1 after Close.
  int fd() const { return control_.get(); }

  // Each returns the request's id. `channel` is the child's end of a fresh
  // socketpair; `fds` arrive in ChildStart::fds under their names.
  absl::StatusOr<uint64_t> Spawn(const proto::SpawnSpec& spec, os::Fd channel,
                                 std::map<std::string, os::Fd> fds = {});

  // One actor, or with `subtree` it and all actors below it; SIGKILL with
  // `subtree` also takes all strays. `after`: not before, and only if it is
  // still there. Only own children and what is below them.
  absl::StatusOr<uint64_t> Kill(uint64_t child_id, int signal,
                                bool subtree = false,
                                absl::Duration after = absl::ZeroDuration());

  // `channel`: the other one's end of a fresh socketpair; none: only asks who
  // the target is.
  absl::StatusOr<uint64_t> Connect(const proto::Connect& target,
                                   os::Fd channel);

  // Root only. One tree at a time.
  absl::StatusOr<uint64_t> OpenTree(const proto::OpenTree& request);
  // What still runs after `grace` is killed.
  absl::StatusOr<uint64_t> CloseTree(absl::Duration grace);

  // All events that have arrived, in their order; does not block.
  absl::StatusOr<std::vector<Event>> Drain();

  // Blocks until the answer to `request_id` is there, for roots that have no
  // loop yet or no more. Other events are kept for Drain (fd() does not become
  // readable for these: call Drain once after). DEADLINE_EXCEEDED. A Failed is
  // an event like any other here.
  absl::StatusOr<Event> WaitFor(uint64_t request_id, absl::Time deadline);

  // For a root: the forkserver ends the tree. For an actor: its children are
  // ended as if it had died.
  void Close() { control_.reset(); }

 private:
  absl::StatusOr<uint64_t> Send(proto::ForkserverRequest request, NamedFds fds);
  // Sends what waits in outbox_, as far as the socket takes it.
  absl::Status Flush();
  // Reads one packet into events_; false: none there.
  absl::StatusOr<bool> ReadOne();

  os::Fd control_;
  uint64_t next_request_ = 1;
  PacketReader reader_;
  std::deque<std::pair<proto::ForkserverRequest, NamedFds>> outbox_;
  std::deque<Event> events_;
};

}  // namespace tractor::forkserver

#endif  // TRACTOR_FORKSERVER_CLIENT_H_
