// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Spawn backends: the ways in which an actor comes into being.
//
//   an.StartActor(tractor::ActorOptions("x").WithSpawnMethod(
//       tractor::SpawnMethod::kExec));
//
//   forkserver  a fork of the tree's zygote: the default, and the quickest
//   exec        the same, then a fresh image of the program: new address space
//               layout, no inherited memory
//   thread      an actor on a thread of its parent's process; cannot be killed
//
// TRACTOR_SPAWN_METHOD beats every option.
#ifndef TRACTOR_RUNTIME_ACTOR_SPAWN_METHOD_H_
#define TRACTOR_RUNTIME_ACTOR_SPAWN_METHOD_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tractor {

enum class SpawnMethod : uint8_t { kForkserver, kExec, kThread };

// What a backend can do.
struct SpawnBackend {
  SpawnMethod method;
  std::string_view name;
  bool in_process;  // shares its parent's process, and cannot be killed alone
  bool forking;     // begins as a copy of the zygote's memory
  bool debuggable;  // a debugger can attach to it alone
};

// All of them.
std::span<const SpawnBackend> SpawnBackends();
const SpawnBackend& GetSpawnBackend(SpawnMethod method);
std::string_view SpawnMethodName(SpawnMethod method);

// Throws RuntimeFailure that lists what there is.
SpawnMethod ParseSpawnMethod(std::string_view name);

// Whether actors of that kind can be made here: an actor on a thread has no
// forkserver of its own. Throws RuntimeFailure that lists what can.
void CheckSpawnMethod(SpawnMethod method, bool parent_in_process);

}  // namespace tractor

#endif  // TRACTOR_RUNTIME_ACTOR_SPAWN_METHOD_H_
