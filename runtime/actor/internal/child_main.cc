// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/actor/internal/child_main.h"

#include <csignal>
#include <memory>
#include <optional>
#include <utility>

#include "forkserver/client.h"
#include "os/inject.h"
#include "os/signals.h"
#include "runtime/actor/errors.h"
#include "runtime/actor/internal/native_stack.h"
#include "runtime/actor/internal/runtime.h"
#include "runtime/actor/internal/spawn_spec.h"
#include "runtime/actor/internal/spawn_timing.h"
#include "runtime/io/reactor.h"
#include "runtime/io/status_error.h"
#include "runtime/log/log.h"
#include "runtime/task/checkpoint.h"
#include "runtime/task/exception_group.h"
#include "runtime/task/internal/exceptions.h"
#include "runtime/task/scheduler.h"
#include "runtime/task/timeouts.h"

namespace tractor::internal {
namespace {

// Log level and identity belong to the process, so not to an actor on a thread.
void SetUpLog(const RuntimeConfig& config) {
  if (config.in_process) return;
  SetLogIdentity(ToString(config.self), ShortTreeId(config.tree_id));
  const absl::StatusOr<LogLevel> level = ParseLogLevel(config.vars.log_level);
  if (level.ok()) SetLogLevel(*level);
}

// Those that the runtime watches, to the end of the process: one that comes
// when the loop has just ended, say from a parent that was answered late, must
// not make a death of a good end.
void BlockWatchedSignals(const RuntimeConfig& config) {
  if (!config.watch_signals) return;
  io::OrThrow(os::BlockSignals({SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1}));
}

int Run(forkserver::ChildStart start) {
  RuntimeConfig config = ConfigFromSpec(start.spec);
  SetUpLog(config);
  BlockWatchedSignals(config);
  TRACTOR_LOG(runtime) << "born: " << FormatTiming(start.timing);
  io::Reactor reactor;
  Scheduler scheduler(SchedulerOptions().set_driver(reactor));
  std::optional<forkserver::Client> client;
  if (start.control.valid()) client.emplace(std::move(start.control));
  Runtime runtime(std::move(config), std::move(client));
  auto main = [&]() -> Task<> {
    runtime.SetParentLink(runtime.AddLink(std::move(start.channel),
                                          /*connector=*/false,
                                          runtime.config().parent.uuid));
    co_await SleepForever();
  };
  auto run = [&]() -> Task<> { co_await runtime.Run(main); };
  const Outcome<> end = scheduler.Run(run);
  TRACTOR_INJECT_POINT("actor.exit");
  if (!end.has_error()) return 0;
  TRACTOR_LOG(error) << "actor ends: " << DescribeException(end.error());
  return 1;
}

Task<> DoNothing() { co_await Checkpoint(); }

}  // namespace

void Rehearse() {
  const std::exception_ptr error = Catch([] {
    io::Reactor reactor;
    Scheduler scheduler(SchedulerOptions().set_driver(reactor));
    scheduler.Run([]() -> Task<> { return DoNothing(); }).error();
  });
  // The actor meets the same error, and says it.
  static_cast<void>(error);
}

int ChildMain(forkserver::ChildStart start) {
  SetNativeStacks(true);
  int code = 1;
  const std::exception_ptr error = Catch([&] { code = Run(std::move(start)); });
  if (error != nullptr) {
    TRACTOR_LOG(error) << "actor cannot run: " << DescribeException(error);
  }
  return code;
}

}  // namespace tractor::internal
