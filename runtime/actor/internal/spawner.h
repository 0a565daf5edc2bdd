// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Child processes as an actor sees them: asks the tree's forkserver for them,
// and tells what becomes of each.
//
// Rules. A Process changes only through events, and every change wakes its
// observer. When the forkserver is gone, every process is as good as
// ended (the kernel kills actors whose forkserver dies), and Run() throws.
#ifndef TRACTOR_RUNTIME_ACTOR_INTERNAL_SPAWNER_H_
#define TRACTOR_RUNTIME_ACTOR_INTERNAL_SPAWNER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "forkserver/child_start.h"
#include "forkserver/client.h"
#include "os/fd.h"
#include "proto/spawn.pb.h"
#include "runtime/actor/errors.h"
#include "runtime/actor/internal/wait_list.h"
#include "runtime/io/fd_waiter.h"
#include "runtime/task/task.h"

namespace tractor::internal {

// A child, whichever way it was made.
class Process {
 public:
  virtual ~Process() = default;

  // How it ended; nothing while it runs.
  const std::optional<ActorExit>& exit() const { return exit_; }
  // Everything that it had started is gone as well.
  bool swept() const { return swept_; }
  int pid() const { return pid_; }
  // Set when the spawn failed: there is no process.
  const std::string& failure() const { return failure_; }
  const proto::SpawnTiming& timing() const { return timing_; }
  os::Fd& stdout_pipe() { return stdout_pipe_; }
  os::Fd& stderr_pipe() { return stderr_pipe_; }
  // Every change is told to `observer`, too.
  void set_observer(std::shared_ptr<WaitList> observer) {
    observer_ = std::move(observer);
  }

  // Both do nothing to a process that has ended. False: it cannot be done (a
  // thread).
  virtual bool Terminate() = 0;    // SIGTERM, to this one
  virtual bool KillSubtree() = 0;  // SIGKILL, to it and all below it

 protected:
  friend class Spawner;
  void SetExit(const ActorExit& exit, bool swept) {
    exit_ = exit;
    swept_ = swept;
    Changed();
  }
  void Changed() {
    if (observer_ != nullptr) observer_->NotifyAll();
  }

  std::optional<ActorExit> exit_;
  bool swept_ = false;
  int pid_ = 0;
  std::string failure_;
  proto::SpawnTiming timing_;
  os::Fd stdout_pipe_;
  os::Fd stderr_pipe_;
  std::shared_ptr<WaitList> observer_;
};

class Spawner {
 public:
  explicit Spawner(forkserver::Client client);
  ~Spawner();

  // Asks for a child. `channel` is its end of the socketpair.
  std::shared_ptr<Process> Spawn(const proto::SpawnSpec& spec, os::Fd channel);

  // Asks the forkserver to connect this actor with `target`, or only who that
  // is. `channel`: the other one's end. False: there is no such actor. Throws
  // RuntimeFailure when the forkserver refuses it for another reason.
  Task<bool> Connect(const proto::Connect& target, os::Fd channel,
                     proto::Connected* who);
  // Called with the channel and the uuid of every actor that connects to this
  // one.
  void set_on_incoming(std::function<void(os::Fd, const std::string&)> call) {
    on_incoming_ = std::move(call);
  }

  // Takes in events until cancelled. Throws RuntimeFailure when the forkserver
  // is gone.
  Task<> Run();

  // Back to who owns the client, when the loop has ended.
  forkserver::Client& client() { return client_; }

 private:
  class ForkedProcess;
  struct Asked;

  void OnEvent(forkserver::Event& event);
  void OnForked(ForkedProcess& process, forkserver::Forked& forked);
  void OnFailed(ForkedProcess& process, const forkserver::Failed& failed);
  // Looks whether a request has failed because the forkserver is gone.
  void OnRequest(const absl::Status& status);
  // Takes in what has come, or that nothing will come any more.
  void TakeIn();
  // Makes Run() end.
  void OnLost(const absl::Status& status);
  void GiveUpAll();

  forkserver::Client client_;
  absl::Status lost_;               // why the forkserver is lost; OK: it is not
  io::FdWaiter* waiter_ = nullptr;  // of Run()
  std::map<uint64_t, std::shared_ptr<ForkedProcess>> by_request_;
  std::map<uint64_t, Asked*> asked_;  // of Connect() calls that wait
  std::function<void(os::Fd, const std::string&)> on_incoming_;
};

// An actor on a thread of this process; `entry` runs there and gives its exit
// code.
std::shared_ptr<Process> SpawnThread(const proto::SpawnSpec& spec,
                                     os::Fd channel,
                                     int (*entry)(forkserver::ChildStart));

}  // namespace tractor::internal

#endif  // TRACTOR_RUNTIME_ACTOR_INTERNAL_SPAWNER_H_
