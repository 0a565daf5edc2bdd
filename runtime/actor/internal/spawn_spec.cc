// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/actor/internal/spawn_spec.h"

#include <algorithm>
#include <cstdlib>
#include <string>

#include "absl/strings/escaping.h"
#include "runtime/actor/errors.h"
#include "runtime/wire/utf8.h"

namespace tractor::internal {
namespace {

proto::SpawnSpec::Method ToProto(SpawnMethod method) {
  switch (method) {
    case SpawnMethod::kForkserver:
      return proto::SpawnSpec::FORKSERVER;
    case SpawnMethod::kExec:
      return proto::SpawnSpec::EXEC;
    case SpawnMethod::kThread:
      return proto::SpawnSpec::THREAD;
  }
  return proto::SpawnSpec::METHOD_UNSPECIFIED;
}

proto::StdioPolicy ToProto(const Stdio& stdio) {
  proto::StdioPolicy policy;
  switch (stdio.kind()) {
    case Stdio::kInherit:
      policy.set_kind(proto::StdioPolicy::INHERIT);
      break;
    case Stdio::kNull:
      policy.set_kind(proto::StdioPolicy::NULL_DEVICE);
      break;
    case Stdio::kFile:
      policy.set_kind(proto::StdioPolicy::FILE);
      policy.set_path(stdio.path());
      break;
    case Stdio::kPipe:
      policy.set_kind(proto::StdioPolicy::PIPE);
      break;
  }
  return policy;
}

}  // namespace

std::optional<SpawnMethod> SpawnMethodFromEnvironment() {
  const char* name = std::getenv("TRACTOR_SPAWN_METHOD");
  if (name == nullptr || *name == '\0') return std::nullopt;
  try {
    return ParseSpawnMethod(name);
  } catch (const RuntimeFailure& error) {
    throw RuntimeFailure(std::string("TRACTOR_SPAWN_METHOD: ") + error.what());
  }
}

SpawnMethod ChooseSpawnMethod(const Runtime& runtime,
                              const ActorOptions& options) {
  const SpawnMethod method = SpawnMethodFromEnvironment().value_or(
      options.spawn_method().value_or(runtime.vars().spawn_method));
  CheckSpawnMethod(method, runtime.config().in_process);
  return method;
}

proto::SpawnSpec MakeSpawnSpec(const Runtime& runtime,
                               const ActorOptions& options, const Aid& child,
                               SpawnMethod method) {
  const RuntimeConfig& config = runtime.config();
  proto::SpawnSpec spec;
  *spec.mutable_actor() = ToProto(child);
  *spec.mutable_parent() = ToProto(config.self);
  spec.mutable_tree()->set_value(config.tree_id);
  spec.set_method(ToProto(method));
  for (const std::string& name : options.endpoints()) spec.add_endpoints(name);
  RuntimeVars vars = runtime.vars();
  vars.is_root = false;
  if (!options.log_level().empty()) vars.log_level = options.log_level();
  spec.set_runtime_variables(SerializeVars(vars));
  spec.set_log_level(vars.log_level);
  spec.set_secret(config.secret);
  *spec.mutable_stdin_policy() = ToProto(options.stdin_policy());
  *spec.mutable_stdout_policy() = ToProto(options.stdout_policy());
  *spec.mutable_stderr_policy() = ToProto(options.stderr_policy());
  spec.set_nice(options.nice());
  spec.set_working_directory(options.working_directory());
  for (const auto& [name, value] : options.environment()) {
    proto::EnvironmentEntry& entry = *spec.add_environment();
    entry.set_name(name);
    entry.set_value(value);
  }
  spec.set_boot_budget_ns(absl::ToInt64Nanoseconds(options.boot_timeout()));
  spec.set_depth(static_cast<uint32_t>(config.path.size()));
  for (const std::string& name : config.path) {
    spec.add_path(wire::ToUtf8(name));
  }
  spec.add_path(wire::ToUtf8(child.name));
  spec.set_runtime_directory(config.runtime_directory);
  return spec;
}

std::string ShortTreeId(std::string_view tree_id) {
  return absl::BytesToHexString(
      absl::string_view(tree_id.data(), std::min<size_t>(4, tree_id.size())));
}

RuntimeConfig ConfigFromSpec(const proto::SpawnSpec& spec) {
  RuntimeConfig config;
  config.self = FromProto(spec.actor());
  config.parent = FromProto(spec.parent());
  config.tree_id = spec.tree().value();
  config.secret = spec.secret();
  config.runtime_directory = spec.runtime_directory();
  config.path.assign(spec.path().begin(), spec.path().end());
  config.endpoints.assign(spec.endpoints().begin(), spec.endpoints().end());
  config.vars = ParseVars(spec.runtime_variables());
  config.in_process = spec.method() == proto::SpawnSpec::THREAD;
  config.watch_signals = !config.in_process;
  return config;
}

}  // namespace tractor::internal
