// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The thread backend: an actor on a thread of its parent's process.
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "runtime/actor/internal/spawner.h"
#include "runtime/task/scheduler.h"

namespace tractor::internal {
namespace {

// Shared by the thread and the parent's loop, whichever lives longer.
struct Meeting {
  std::mutex mutex;
  Scheduler* parent = nullptr;  // guarded by mutex; null: nobody listens
};

class ThreadProcess final : public Process,
                            public std::enable_shared_from_this<ThreadProcess> {
 public:
  ThreadProcess() : meeting_(std::make_shared<Meeting>()) {
    meeting_->parent = &Scheduler::Current();
  }

  ~ThreadProcess() override {
    {
      std::lock_guard lock(meeting_->mutex);
      meeting_->parent = nullptr;
    }
    if (!thread_.joinable()) return;
    // One that has ended is joined; one that would not end is left behind, for
    // a thread cannot be killed.
    if (exit_.has_value()) {
      thread_.join();
    } else {
      thread_.detach();
    }
  }

  void Start(forkserver::ChildStart start,
             int (*entry)(forkserver::ChildStart)) {
    pid_ = start.spec.actor().pid();
    thread_ = std::thread([meeting = meeting_, self = weak_from_this(), entry,
                           start = std::move(start)]() mutable {
      const int code = entry(std::move(start));
      std::lock_guard lock(meeting->mutex);
      if (meeting->parent == nullptr) return;
      meeting->parent->Post([self, code] {
        if (auto process = self.lock()) process->OnEnd(code);
      });
    });
  }

  bool Terminate() override { return false; }
  bool KillSubtree() override { return false; }

 private:
  void OnEnd(int code) {
    ActorExit exit;
    exit.code = code;
    SetExit(exit, true);
  }

  const std::shared_ptr<Meeting> meeting_;
  std::thread thread_;
};

}  // namespace

std::shared_ptr<Process> SpawnThread(const proto::SpawnSpec& spec,
                                     os::Fd channel,
                                     int (*entry)(forkserver::ChildStart)) {
  auto process = std::make_shared<ThreadProcess>();
  forkserver::ChildStart start;
  start.spec = spec;
  start.channel = std::move(channel);
  process->Start(std::move(start), entry);
  return process;
}

}  // namespace tractor::internal
