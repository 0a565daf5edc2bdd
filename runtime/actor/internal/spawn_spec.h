// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// From a child's options to what the forkserver is asked for, and back to a
// configuration in the child.
#ifndef TRACTOR_RUNTIME_ACTOR_INTERNAL_SPAWN_SPEC_H_
#define TRACTOR_RUNTIME_ACTOR_INTERNAL_SPAWN_SPEC_H_

#include <optional>
#include <string>
#include <string_view>

#include "proto/spawn.pb.h"
#include "runtime/actor/actor_options.h"
#include "runtime/actor/aid.h"
#include "runtime/actor/internal/runtime.h"
#include "runtime/actor/spawn_method.h"

namespace tractor::internal {

// TRACTOR_SPAWN_METHOD, which beats every option. Throws RuntimeFailure for a
// name that there is not.
std::optional<SpawnMethod> SpawnMethodFromEnvironment();

// How a child of `runtime` with these options is made.
SpawnMethod ChooseSpawnMethod(const Runtime& runtime,
                              const ActorOptions& options);

proto::SpawnSpec MakeSpawnSpec(const Runtime& runtime,
                               const ActorOptions& options, const Aid& child,
                               SpawnMethod method);

// The first eight hexadecimal digits of a tree's id: what logs show of it.
std::string ShortTreeId(std::string_view tree_id);

// Throws RuntimeFailure for a spec that makes no sense.
RuntimeConfig ConfigFromSpec(const proto::SpawnSpec& spec);

}  // namespace tractor::internal

#endif  // TRACTOR_RUNTIME_ACTOR_INTERNAL_SPAWN_SPEC_H_
