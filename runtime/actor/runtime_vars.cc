// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/actor/runtime_vars.h"

#include <utility>

#include "proto/runtime_vars.pb.h"
#include "runtime/actor/errors.h"
#include "runtime/actor/internal/runtime.h"

namespace tractor {

RuntimeVars GetRuntimeVars() {
  const internal::Runtime* runtime = internal::Runtime::CurrentOrNull();
  return runtime == nullptr ? RuntimeVars() : runtime->vars();
}

void SetRuntimeVars(RuntimeVars vars) {
  internal::Runtime::Current().set_vars(std::move(vars));
}

namespace internal {

std::string SerializeVars(const RuntimeVars& vars) {
  proto::RuntimeVars message;
  message.set_log_level(vars.log_level);
  message.set_spawn_method(std::string(SpawnMethodName(vars.spawn_method)));
  message.set_is_root(vars.is_root);
  message.set_root_uuid(vars.root_uuid);
  for (const auto& [name, value] : vars.values) {
    (*message.mutable_values())[name] = value;
  }
  return message.SerializeAsString();
}

RuntimeVars ParseVars(std::string_view bytes) {
  proto::RuntimeVars message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    throw RuntimeFailure("runtime variables: malformed bytes from the parent");
  }
  RuntimeVars vars;
  vars.is_root = message.is_root();
  vars.log_level = message.log_level();
  vars.root_uuid = message.root_uuid();
  vars.spawn_method = ParseSpawnMethod(message.spawn_method());
  for (const auto& [name, value] : message.values()) vars.values[name] = value;
  return vars;
}

}  // namespace internal
}  // namespace tractor
