// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/actor/spawn_method.h"

#include <array>

#include "runtime/actor/errors.h"

namespace tractor {
namespace {

constexpr std::array<SpawnBackend, 3> kBackends = {{
    {SpawnMethod::kForkserver, "forkserver", false, true, true},
    {SpawnMethod::kExec, "exec", false, false, true},
    {SpawnMethod::kThread, "thread", true, false, false},
}};

std::string Names(bool only_in_process) {
  std::string names;
  for (const SpawnBackend& backend : kBackends) {
    if (only_in_process && !backend.in_process) continue;
    if (!names.empty()) names += ", ";
    names += backend.name;
  }
  return names;
}

}  // namespace

std::span<const SpawnBackend> SpawnBackends() { return kBackends; }

const SpawnBackend& GetSpawnBackend(SpawnMethod method) {
  for (const SpawnBackend& backend : kBackends) {
    if (backend.method == method) return backend;
  }
  return kBackends.front();
}

std::string_view SpawnMethodName(SpawnMethod method) {
  return GetSpawnBackend(method).name;
}

SpawnMethod ParseSpawnMethod(std::string_view name) {
  for (const SpawnBackend& backend : kBackends) {
    if (backend.name == name) return backend.method;
  }
  throw RuntimeFailure("unknown spawn method '" + std::string(name) +
                       "'; there are: " + Names(false));
}

void CheckSpawnMethod(SpawnMethod method, bool parent_in_process) {
  if (!parent_in_process || GetSpawnBackend(method).in_process) return;
  throw RuntimeFailure(
      "spawn method '" + std::string(SpawnMethodName(method)) +
      "' is not available to an actor on a thread, which has no forkserver of "
      "its own; available here: " +
      Names(true));
}

}  // namespace tractor
