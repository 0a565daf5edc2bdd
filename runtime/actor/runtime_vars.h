// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Runtime variables: what every actor of a tree inherits from its parent.
//
//   tractor::RuntimeVars vars = tractor::GetRuntimeVars();   // a copy
//   vars.values["shard"] = "7";
//   tractor::SetRuntimeVars(vars);      // for this actor and its later
//   children
//
// Rules.
// - Get never changes anything; Set replaces everything.
// - A child gets a copy of its parent's at the time of its spawn.
// - They are those of the root again when the root has ended: none.
// - TRACTOR_LOGLEVEL and TRACTOR_SPAWN_METHOD beat the root's options; a notice
//   is logged exactly when the two differ.
#ifndef TRACTOR_RUNTIME_ACTOR_RUNTIME_VARS_H_
#define TRACTOR_RUNTIME_ACTOR_RUNTIME_VARS_H_

#include <map>
#include <string>
#include <string_view>

#include "runtime/actor/spawn_method.h"

namespace tractor {

struct RuntimeVars {
  bool is_root = false;
  std::string log_level;  // its name; empty: the default
  SpawnMethod spawn_method = SpawnMethod::kForkserver;
  std::string root_uuid;                      // 16 bytes; empty: no runtime
  std::map<std::string, std::string> values;  // the user's own

  bool operator==(const RuntimeVars&) const = default;
};

// Those of the actor that runs on this thread; defaults outside of one.
RuntimeVars GetRuntimeVars();
// Throws NoRuntime outside of an actor.
void SetRuntimeVars(RuntimeVars vars);

namespace internal {
std::string SerializeVars(const RuntimeVars& vars);
// Throws RuntimeFailure for bytes that are none.
RuntimeVars ParseVars(std::string_view bytes);
}  // namespace internal

}  // namespace tractor

#endif  // TRACTOR_RUNTIME_ACTOR_RUNTIME_VARS_H_
