// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The beginning of a program with actors.
//
//   tractor::Task<> RootTask() { ... }
//   int main(int argc, char** argv) {
//     return tractor::Main(argc, argv, RootTask);
//   }
//
// or, for a program with a main of its own:
//
//   int main(int argc, char** argv) {
//     tractor::Init(argc, argv);            // first: before any thread exists
//     ParseFlags(argc, argv);
//     tractor::RunRoot([&]() -> tractor::Task<> { co_await Serve(flags); });
//   }
//
// Rules.
// - Init() forks the forkserver out of the program while that is still small
// and
//   has one thread. In the processes of actors it does not return: there,
//   main() is only the way to the actor.
// - One root at a time in a process; several one after another are fine. Each
// is
//   a tree of its own.
// - SIGINT and SIGTERM cancel the root's task; what it has to clean up, it
//   cleans up. A second one ends the process at once, and the forkserver ends
//   the tree.
// - When RunRoot() returns, nothing of the tree is left.
#ifndef TRACTOR_RUNTIME_ACTOR_MAIN_H_
#define TRACTOR_RUNTIME_ACTOR_MAIN_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "runtime/actor/endpoint.h"
#include "runtime/actor/errors.h"
#include "runtime/actor/spawn_method.h"
#include "runtime/task/task.h"

namespace tractor {

class RootOptions {
 public:
  RootOptions() = default;
  RootOptions& set_name(std::string_view name) {
    name_ = name;
    return *this;
  }
  // What the actors of the tree may call in the root (peers.h). Throws
  // RuntimeFailure for a function that has no TRACTOR_ENDPOINT.
  template <class... F>
  RootOptions& Expose(F*... endpoints) {
    (endpoints_.push_back(
         internal::GetEndpoint(
             reinterpret_cast<internal::AnyFunction>(endpoints))
             .name),
     ...);
    return *this;
  }
  // How children are made when their options do not say it.
  RootOptions& set_spawn_method(SpawnMethod method) {
    spawn_method_ = method;
    return *this;
  }
  // "warning" and so on; see runtime/log/log.h. RuntimeFailure for another
  // word.
  RootOptions& set_log_level(std::string_view level) {
    log_level_ = level;
    return *this;
  }
  // False: signals are the program's own business. Default: true.
  RootOptions& set_watch_signals(bool watch) {
    watch_signals_ = watch;
    return *this;
  }
  // Where the tree's runtime directory is made. Default: $XDG_RUNTIME_DIR/
  // tractor, else /tmp/tractor-<uid>.
  RootOptions& set_runtime_base(std::string_view path) {
    runtime_base_ = path;
    return *this;
  }
  // False: no cgroup is tried. Default: true.
  RootOptions& set_cgroup(bool want) {
    want_cgroup_ = want;
    return *this;
  }

  const std::string& name() const { return name_; }
  const std::optional<SpawnMethod>& spawn_method() const {
    return spawn_method_;
  }
  const std::string& log_level() const { return log_level_; }
  bool watch_signals() const { return watch_signals_; }
  const std::string& runtime_base() const { return runtime_base_; }
  bool want_cgroup() const { return want_cgroup_; }
  const std::vector<std::string>& endpoints() const { return endpoints_; }

 private:
  std::string name_ = "root";
  std::optional<SpawnMethod> spawn_method_;
  std::string log_level_;
  bool watch_signals_ = true;
  std::string runtime_base_;
  bool want_cgroup_ = true;
  std::vector<std::string> endpoints_;
};

// A signal has ended the root, and its tree in good order.
class Interrupted : public RuntimeFailure {
 public:
  explicit Interrupted(int signal);
  int signal() const { return signal_; }

 private:
  int signal_;
};

// See above. Throws RuntimeFailure when a thread exists already, and when the
// forkserver cannot be started.
void Init(int argc, char** argv);

// Ends the forkserver that Init() has started, and waits for that; no root can
// be run any more. Main() does it. A program that ends without it leaves the
// forkserver a moment to see that, no more.
void Shutdown();

namespace internal {
void RunRootTask(const RootOptions& options,
                 const std::function<Task<>()>& body);
int RunMain(int argc, char** argv, const RootOptions& options,
            const std::function<Task<int>()>& body);
}  // namespace internal

// Runs `body()` as the main task of a root actor, and gives its value. Throws
// what it throws; Interrupted after a signal; RuntimeFailure when this process
// has a root already, or has not called Init().
template <Body F>
BodyResult<F> RunRoot(F&& body, const RootOptions& options = RootOptions()) {
  using T = BodyResult<F>;
  if constexpr (std::is_void_v<T>) {
    internal::RunRootTask(options, [&body]() -> Task<> { return body(); });
  } else {
    std::optional<T> value;
    internal::RunRootTask(
        options, [&body, &value]() -> Task<> { value = co_await body(); });
    if (!value.has_value()) throw RuntimeFailure("the root was cancelled");
    return *std::move(value);
  }
}

// Init() and RunRoot() in one, with errors on stderr. Gives the exit code: the
// task's int, or 0; 1 after an error, 2 when options or environment make no
// sense, 128 + n after signal n.
template <Body F>
int Main(int argc, char** argv, F&& root_task,
         const RootOptions& options = RootOptions()) {
  return internal::RunMain(argc, argv, options, [&root_task]() -> Task<int> {
    if constexpr (std::is_void_v<BodyResult<F>>) {
      co_await root_task();
      co_return 0;
    } else {
      co_return co_await root_task();
    }
  });
}

}  // namespace tractor

#endif  // TRACTOR_RUNTIME_ACTOR_MAIN_H_
