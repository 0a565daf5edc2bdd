// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The engine of one actor, root or child: its tasks, its links, its end.
//
//   system nursery      links, signals, events of the forkserver
//     service scope     what a cancel of the actor ends
//       service nursery the main task, and a task for each served call
//
// The system nursery outlives the service scope, so that what ends can still
// talk: errors are shipped and children are ended through it.
#ifndef TRACTOR_RUNTIME_ACTOR_INTERNAL_RUNTIME_H_
#define TRACTOR_RUNTIME_ACTOR_INTERNAL_RUNTIME_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "forkserver/client.h"
#include "runtime/actor/aid.h"
#include "runtime/actor/endpoint.h"
#include "runtime/actor/internal/dialog.h"
#include "runtime/actor/internal/link.h"
#include "runtime/actor/internal/spawner.h"
#include "runtime/actor/runtime_vars.h"
#include "runtime/io/signals.h"
#include "runtime/task/cancel_scope.h"
#include "runtime/task/nursery.h"
#include "runtime/wire/hello.h"

namespace tractor::internal {

struct RuntimeConfig {
  Aid self;
  Aid parent;  // empty for a root
  std::string tree_id;
  std::string secret;
  std::string runtime_directory;
  std::vector<std::string> path;  // names from the root to this actor
  std::vector<std::string> endpoints;
  RuntimeVars vars;
  bool is_root = false;
  bool in_process = false;  // on a thread of its parent's process
  bool watch_signals = true;
};

// Throws RuntimeFailure for an identity that no peer would accept: a name that
// is empty, too long or has a zero byte.
void CheckIdentity(const RuntimeConfig& config, const Aid& actor);

class Runtime final : public LinkOwner {
 public:
  // `client`: to the tree's forkserver; none for an actor on a thread.
  Runtime(RuntimeConfig config, std::optional<forkserver::Client> client);
  ~Runtime();

  static Runtime* CurrentOrNull();
  static Runtime& Current();  // throws NoRuntime

  // Runs `main` as the actor's main task, and takes the actor down behind it.
  Task<> Run(const std::function<Task<>()>& main);

  // Ends the actor: all its tasks are cancelled, and have to be done by
  // `deadline`. Idempotent, but for a deadline that is earlier still.
  void BeginCancel(CancelReason::Source source, std::string_view reason,
                   const Aid& canceller, absl::Time deadline);
  bool cancelling() const { return cancelling_; }
  const CancelReason& cancel_reason() const { return service_scope_.reason(); }
  // By when the children of this actor have to have ended, if it begins to end
  // them now with `budget`.
  absl::Time TeardownDeadline(absl::Duration budget) const;
  // By when a peer's task has to have ended that one of this thread's tasks
  // cancels now: kContextCancelTimeout. An actor that is ending itself gives
  // half of what it has left, for its children are ended behind that.
  static absl::Time ContextDeadline();
  // The signal that ended it; 0: none did.
  int signal() const { return signal_; }

  // A link to a new peer; runs until it closes. `peer`: the uuid that it must
  // have; empty: any of this tree.
  std::shared_ptr<Link> AddLink(os::Fd socket, bool connector,
                                const std::string& peer);
  // A link to another actor of the tree, by its uuid: one for each, which stays
  // until either one ends. Null: there is no such actor.
  Task<std::shared_ptr<Link>> ConnectPeer(proto::Connect target);
  // Who is meant. False: there is no such actor.
  Task<bool> FindPeer(const proto::Connect& target, proto::Connected* who);
  // For a child: the link to its parent. Its end is the end of the actor.
  void SetParentLink(std::shared_ptr<Link> link);

  const RuntimeConfig& config() const { return config_; }
  const RuntimeVars& vars() const { return config_.vars; }
  void set_vars(RuntimeVars vars) { config_.vars = std::move(vars); }
  Spawner* spawner() { return spawner_.get(); }
  Nursery& system() { return *system_; }
  void AddTeardownHook(std::function<void()> hook) {
    hooks_.push_back(std::move(hook));
  }

 private:
  void OnStart(std::shared_ptr<Link> link, std::unique_ptr<Dialog> dialog,
               const wire::FrameView& frame) override;
  void OnCancelActor(Link& link, const proto::Cancel& cancel) override;

  // What a call of `endpoint` has to be refused with; null: nothing.
  std::exception_ptr CheckStart(const EndpointInfo* info,
                                const wire::FrameView& frame) const;
  Task<> ServeDialog(std::unique_ptr<Dialog> dialog, std::string request,
                     const EndpointInfo* info, absl::Time deadline);
  Task<> Serve(const std::function<Task<>()>& main);
  Task<> WatchSignals(io::SignalWatcher& watcher);
  Task<> WatchParent();
  // A link with a peer, for its whole life.
  void KeepPeer(std::shared_ptr<Link> link);
  Task<> WatchPeer(std::shared_ptr<Link> link);
  Task<> WatchDeadline();
  Task<> Teardown();
  void RunHooks();
  void OnSignal(int signal);

  RuntimeConfig config_;
  absl::flat_hash_set<std::string> exposed_;
  std::unique_ptr<Spawner> spawner_;
  std::shared_ptr<Link> parent_link_;
  std::vector<std::shared_ptr<Link>> peers_;  // links that are not of the tree
  Nursery* system_ = nullptr;
  Nursery* service_ = nullptr;
  CancelScope service_scope_;
  bool cancelling_ = false;
  Aid canceller_;
  absl::Time cancel_deadline_ = absl::InfiniteFuture();
  WaitList cancel_begun_;
  int signal_ = 0;
  std::vector<std::function<void()>> hooks_;
};

}  // namespace tractor::internal

#endif  // TRACTOR_RUNTIME_ACTOR_INTERNAL_RUNTIME_H_
