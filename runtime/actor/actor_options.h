// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// How a child actor is to be.
//
//   tractor::ActorOptions("worker").Expose(Square, Quotes).WithNice(5)
#ifndef TRACTOR_RUNTIME_ACTOR_ACTOR_OPTIONS_H_
#define TRACTOR_RUNTIME_ACTOR_ACTOR_OPTIONS_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "runtime/actor/constants.h"
#include "runtime/actor/endpoint.h"
#include "runtime/actor/spawn_method.h"

namespace tractor {

// Where one of a child's standard streams goes. Without effect on threads.
class Stdio {
 public:
  enum Kind { kInherit, kNull, kFile, kPipe };

  static Stdio Inherit() { return Stdio(kInherit, {}); }
  static Stdio Null() { return Stdio(kNull, {}); }
  // Appended to (stdin: read).
  static Stdio File(std::string path) { return Stdio(kFile, std::move(path)); }
  // stdout and stderr: line by line into the log of the parent. A child that
  // writes more than the parent reads waits; nobody else does.
  static Stdio Pipe() { return Stdio(kPipe, {}); }

  Kind kind() const { return kind_; }
  const std::string& path() const { return path_; }

 private:
  Stdio(Kind kind, std::string path) : kind_(kind), path_(std::move(path)) {}
  Kind kind_;
  std::string path_;
};

class ActorOptions {
 public:
  explicit ActorOptions(std::string_view name) : name_(name) {}

  // What others may call. Throws RuntimeFailure for a function that has no
  // TRACTOR_ENDPOINT.
  template <class... F>
  ActorOptions& Expose(F*... endpoints) {
    (endpoints_.push_back(
         internal::GetEndpoint(
             reinterpret_cast<internal::AnyFunction>(endpoints))
             .name),
     ...);
    return *this;
  }
  ActorOptions& WithSpawnMethod(SpawnMethod method) {
    method_ = method;
    return *this;
  }
  // From the request to the child's hello. Default: kBootTimeout.
  ActorOptions& WithBootTimeout(absl::Duration timeout) {
    boot_timeout_ = timeout;
    return *this;
  }
  ActorOptions& WithStdin(Stdio stdio) {
    stdin_ = std::move(stdio);
    return *this;
  }
  ActorOptions& WithStdout(Stdio stdio) {
    stdout_ = std::move(stdio);
    return *this;
  }
  ActorOptions& WithStderr(Stdio stdio) {
    stderr_ = std::move(stdio);
    return *this;
  }
  // Set for the child in addition to what it inherits. Not on threads.
  ActorOptions& WithEnvironment(std::string_view name, std::string_view value) {
    environment_[std::string(name)] = value;
    return *this;
  }
  ActorOptions& WithWorkingDirectory(std::string_view path) {
    directory_ = path;
    return *this;
  }
  ActorOptions& WithNice(int nice) {
    nice_ = nice;
    return *this;
  }
  ActorOptions& WithLogLevel(std::string_view level) {
    log_level_ = level;
    return *this;
  }

  const std::string& name() const { return name_; }
  const std::vector<std::string>& endpoints() const { return endpoints_; }
  const std::optional<SpawnMethod>& spawn_method() const { return method_; }
  absl::Duration boot_timeout() const { return boot_timeout_; }
  const Stdio& stdin_policy() const { return stdin_; }
  const Stdio& stdout_policy() const { return stdout_; }
  const Stdio& stderr_policy() const { return stderr_; }
  const std::map<std::string, std::string>& environment() const {
    return environment_;
  }
  const std::string& working_directory() const { return directory_; }
  int nice() const { return nice_; }
  const std::string& log_level() const { return log_level_; }

 private:
  std::string name_;
  std::vector<std::string> endpoints_;
  std::optional<SpawnMethod> method_;
  absl::Duration boot_timeout_ = kBootTimeout;
  Stdio stdin_ = Stdio::Null();
  Stdio stdout_ = Stdio::Inherit();
  Stdio stderr_ = Stdio::Inherit();
  std::map<std::string, std::string> environment_;
  std::string directory_;
  int nice_ = 0;
  std::string log_level_;
};

}  // namespace tractor

#endif  // TRACTOR_RUNTIME_ACTOR_ACTOR_OPTIONS_H_
