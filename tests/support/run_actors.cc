// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "tests/support/run_actors.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "absl/time/clock.h"
#include "runtime/actor/actor.h"
#include "runtime/task/task_tree.h"

namespace tractor::testing {
namespace {

// From the cancel of a main task that was late to the end of the program.
constexpr absl::Duration kLastChance = absl::Seconds(15);

}  // namespace

Watchdog::Watchdog(absl::Duration limit)
    : thread_([this, limit] { Run(limit); }) {}

Watchdog::~Watchdog() {
  {
    std::lock_guard lock(mutex_);
    over_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Watchdog::Watch(Scheduler& scheduler) {
  std::lock_guard lock(mutex_);
  scheduler_ = scheduler.remote();
}

void Watchdog::Run(absl::Duration limit) {
  std::unique_lock lock(mutex_);
  auto over = [this] { return over_; };
  if (changed_.wait_for(lock, absl::ToChronoMilliseconds(limit), over)) return;
  Bark(limit);
  if (changed_.wait_for(lock, absl::ToChronoMilliseconds(kLastChance), over)) {
    return;
  }
  std::fprintf(stderr, "the root does not even end when it is cancelled\n");
  std::fflush(nullptr);
  _exit(3);
}

void Watchdog::Bark(absl::Duration limit) {
  if (scheduler_ == nullptr) return;
  scheduler_->Post([limit] {
    ADD_FAILURE() << "the root has not ended within "
                  << absl::FormatDuration(limit) << ":\n"
                  << DumpTaskTree();
    if (InActor()) CurrentActor().CancelSoon("test watchdog");
  });
}

}  // namespace tractor::testing
