// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The zygote's loop: takes requests, makes actors, watches their ends, and ends
// what must not go on. One thread, epoll, nothing in it waits for a peer.
//
//   Server server(std::move(context), std::move(root_control), root_pidfd,
//                 warnings);
//   _exit(server.Run());
//
// It ends when the root does (EOF on its socket or its pidfd), after the tree.

#ifndef TRACTOR_FORKSERVER_SERVER_H_
#define TRACTOR_FORKSERVER_SERVER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "forkserver/actor_table.h"
#include "forkserver/child_setup.h"
#include "forkserver/packet.h"
#include "forkserver/tree.h"
#include "forkserver/undertaker.h"
#include "os/fd.h"
#include "proto/forkserver.pb.h"

namespace tractor::forkserver {

// How a tree is being closed, while it is.
struct Closing {
  std::optional<uint64_t> request_id;  // to answer; none: the root is gone
  bool killed = false;                 // the grace is over
  proto::TreeClosed report;
};

class Server {
 public:
  // SIGCHLD must be blocked.
  Server(ChildContext context, os::Fd root_control, os::Fd root_pidfd,
         std::vector<std::string> warnings);

  // The exit code: 0, or 1 when a process could not be killed.
  int Run();

 private:
  // ---- loop
  absl::Status SetUp();
  void Handle(uint64_t key, uint32_t events);
  void RunTimers();
  int TimeoutMs();
  void After(int64_t delay_ns, std::function<void()> what);

  // ---- connections
  void Watch(Actor& actor);
  void CloseLink(Actor& actor);
  void Answer(Actor& actor, uint64_t request_id, proto::ForkserverEvent event,
              NamedFds fds = {});
  void AnswerFailed(Actor& actor, uint64_t request_id, proto::SpawnStep step,
                    const absl::Status& status);
  void ReadRequests(uint64_t id);
  void OwnerGone(Actor& actor);

  // ---- requests
  void Dispatch(Actor& actor, Received packet, int64_t received_ns);
  void HandleOpenTree(Actor& actor, uint64_t id, const proto::OpenTree& body);
  void HandleCloseTree(Actor& actor, uint64_t id, const proto::CloseTree& body);
  void HandleSpawn(Actor& actor, uint64_t id, proto::Spawn& body, NamedFds fds,
                   int64_t received_ns);
  void HandleKill(Actor& actor, uint64_t id, const proto::Kill& body);
  void HandleConnect(Actor& actor, uint64_t id, const proto::Connect& body,
                     NamedFds fds);
  void HandleSetupFailed(Actor& actor, const proto::SetupFailed& body);
  int Signal(uint64_t id, int signal, bool subtree);

  // ---- the spare (server_spare.cc)
  void NoteSpawn(const Actor& owner, proto::SpawnSpec::Method method);
  void NoteShortage();
  bool WantsSpare();
  void MakeSpareIfDue();
  void MakeSpareNow();
  void DropSpareOf(uint64_t owner);

  // ---- ends
  void Bury();
  void ReadLastWords(Actor& actor);
  void ReportExit(const ActorExit& exit, bool swept);
  void ReportSwept(const Actor& actor);
  void EndChildrenOf(Actor& actor);
  void BeginClosing(int64_t grace_ns, std::optional<uint64_t> request_id);
  void KillTree();
  void FinishClosing();

  ChildContext context_;
  std::vector<std::string> warnings_;
  os::Fd root_pidfd_;
  os::Fd epoll_;
  os::Fd signals_;
  PacketReader reader_;
  ActorTable table_;
  Undertaker undertaker_;
  std::optional<Tree> tree_;
  std::optional<Closing> closing_;
  std::multimap<int64_t, std::function<void()>> timers_;  // CLOCK_MONOTONIC
  std::map<uint64_t, uint32_t> watched_;  // actor -> events asked of epoll
  uint64_t spare_owner_ = kRootId;        // who has spawned last
  int spare_demand_ = 0;                  // how often in a row
  int64_t spare_at_ns_ = 0;               // when it is time for another one
  uint64_t tree_number_ = 0;  // so that a timer of a former tree does nothing
  bool bury_ = false;         // somebody has exited, or a pass is due
  bool retry_armed_ = false;
  int64_t retry_ns_ = 1'000'000;  // until the next pass; doubles
  bool root_gone_ = false;
  bool done_ = false;
  int exit_code_ = 0;
};

}  // namespace tractor::forkserver

#endif  // TRACTOR_FORKSERVER_SERVER_H_
