// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "forkserver/preload.h"

#include <stdlib.h>

#include <exception>
#include <utility>

#include "os/random.h"

namespace tractor::forkserver {
namespace {

template <typename Result>
struct Hook {
  std::string name;
  std::function<Result()> run;
  bool done = false;
};

// Never destroyed: children end without running destructors, and so may roots.
std::vector<Hook<absl::Status>>& Preloads() {
  static auto* hooks = new std::vector<Hook<absl::Status>>;
  return *hooks;
}

std::vector<Hook<void>>& AfterForks() {
  static auto* hooks = new std::vector<Hook<void>>;
  return *hooks;
}

absl::Status RunGuarded(const std::function<absl::Status()>& hook) {
  try {
    return hook();
  } catch (const std::exception& error) {
    return absl::UnknownError(error.what());
  }
}

}  // namespace

bool RegisterPreload(std::string name, std::function<absl::Status()> hook) {
  Preloads().push_back({std::move(name), std::move(hook)});
  return true;
}

bool RegisterAfterFork(std::string name, std::function<void()> hook) {
  AfterForks().push_back({std::move(name), std::move(hook)});
  return true;
}

std::vector<std::string> RunPreloads() {
  std::vector<std::string> failures;
  for (auto& hook : Preloads()) {
    if (std::exchange(hook.done, true)) continue;
    const absl::Status status = RunGuarded(hook.run);
    if (status.ok()) continue;
    failures.push_back("preload hook \"" + hook.name +
                       "\": " + std::string(status.message()));
  }
  return failures;
}

void RunAfterFork() {
  if (absl::StatusOr<uint64_t> seed = os::RandomU64(); seed.ok()) {
    srand(static_cast<unsigned>(*seed));
    srandom(static_cast<unsigned>(*seed >> 32));
  }
  for (auto& hook : AfterForks()) hook.run();
}

}  // namespace tractor::forkserver
