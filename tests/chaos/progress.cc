// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "tests/chaos/progress.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <utility>

#include "os/fd.h"
#include "os/proc_fs.h"
#include "tests/chaos/strike.h"

namespace tractor::chaos {
namespace {

thread_local std::optional<Progress> current;

}  // namespace

Plan PlanOfThisTree() {
  const std::string world = getenv(kWorldVariable);
  return MakePlan(std::strtoull(getenv(kSeedVariable), nullptr, 10),
                  world == "threads" ? World::kThreads : World::kProcesses);
}

void Tell(const std::string& line) {
  const os::Fd fifo(
      open(getenv(kNewsVariable), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fifo.valid()) return;  // the monkey has gone home
  const std::string text = line + "\n";
  (void)!write(fifo.get(), text.data(), text.size());
}

void Progress::Begin(Plan plan, int node) {
  current.emplace(Progress(std::move(plan), node));
  const auto key = os::GetProcessKey(getpid());
  Tell("born " + std::to_string(node) + " " + std::to_string(getpid()) + " " +
       std::to_string(key.ok() ? key->start_time : 0));
}

Progress& Progress::Current() {
  if (!current.has_value()) throw std::logic_error("no progress has begun");
  return *current;
}

void Progress::Step() {
  ++steps_;
  for (size_t i = 0; i < plan_.faults.size(); ++i) {
    const Fault& fault = plan_.faults[i];
    if (fault.after >= 0 || fault.trigger != number_) continue;
    if (fault.step != steps_) continue;
    Tell((fault.by_itself ? "strike " : "point ") + std::to_string(i));
    if (fault.by_itself) StrikeHere(fault);
  }
}

}  // namespace tractor::chaos
