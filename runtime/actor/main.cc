// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/actor/main.h"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/time/clock.h"
#include "forkserver/client.h"
#include "forkserver/embedded.h"
#include "forkserver/exec_child.h"
#include "forkserver/sweep.h"
#include "os/random.h"
#include "runtime/actor/constants.h"
#include "runtime/actor/internal/child_main.h"
#include "runtime/actor/internal/native_stack.h"
#include "runtime/actor/internal/runtime.h"
#include "runtime/actor/internal/spawn_spec.h"
#include "runtime/io/reactor.h"
#include "runtime/io/status_error.h"
#include "runtime/log/log.h"
#include "runtime/task/exception_group.h"
#include "runtime/task/internal/exceptions.h"
#include "runtime/task/scheduler.h"

namespace tractor {
namespace {

constexpr absl::Duration kOpenTimeout = absl::Seconds(10);
constexpr size_t kIdBytes = 16;
constexpr size_t kSecretBytes = 32;

// The forkserver of this program: one for all its roots.
struct Program {
  std::optional<forkserver::Embedded> embedded;
  std::optional<forkserver::Client> client;  // null while a root has it
  pid_t owner = 0;
};

Program& TheProgram() {
  static Program* const program = new Program;
  return *program;
}

std::atomic<bool> root_running = false;

std::string RandomBytes(size_t size) {
  std::string bytes(size, '\0');
  io::OrThrow(os::FillRandom(std::as_writable_bytes(std::span(bytes))));
  return bytes;
}

// Claims the place of the only root of this process.
class RootClaim {
 public:
  RootClaim() {
    const internal::Runtime* other = internal::Runtime::CurrentOrNull();
    if (other != nullptr) {
      throw RuntimeFailure("RunRoot: this is already the actor " +
                           ToString(other->config().self) +
                           "; a process has one root");
    }
    if (root_running.exchange(true)) {
      throw RuntimeFailure("RunRoot: this process has a root actor already");
    }
  }
  ~RootClaim() { root_running = false; }
};

// The options, or what the environment makes of them, make no sense: nothing of
// the program has run.
class UsageFailure : public RuntimeFailure {
 public:
  using RuntimeFailure::RuntimeFailure;
};

// The environment beats the option; it is worth a notice when they differ.
std::string Override(const char* variable, const std::string& option) {
  const char* value = std::getenv(variable);
  if (value == nullptr || *value == '\0') return option;
  if (!option.empty() && option != value) {
    TRACTOR_LOG(warning) << variable << "=" << value
                         << " is used instead of the option '" << option << "'";
  }
  return value;
}

void SetUpLog(const RuntimeVars& vars, const Aid& self,
              const std::string& tree) {
  SetLogIdentity(ToString(self), internal::ShortTreeId(tree));
  if (vars.log_level.empty()) return;
  const absl::StatusOr<LogLevel> level = ParseLogLevel(vars.log_level);
  if (!level.ok()) {
    throw UsageFailure(std::string(level.status().message()));
  }
  SetLogLevel(*level);
}

SpawnMethod ParseMethod(const std::string& name) {
  try {
    return ParseSpawnMethod(name);
  } catch (const RuntimeFailure& error) {
    throw UsageFailure(error.what());
  }
}

internal::RuntimeConfig MakeConfig(const RootOptions& options) {
  internal::RuntimeConfig config;
  config.self = MakeAid(options.name());
  config.tree_id = RandomBytes(kIdBytes);
  config.secret = RandomBytes(kSecretBytes);
  config.path = {options.name()};
  config.endpoints = options.endpoints();
  config.is_root = true;
  config.watch_signals = options.watch_signals();
  config.vars.is_root = true;
  config.vars.root_uuid = config.self.uuid;
  config.vars.log_level = Override("TRACTOR_LOGLEVEL", options.log_level());
  const std::string method =
      Override("TRACTOR_SPAWN_METHOD",
               options.spawn_method().has_value()
                   ? std::string(SpawnMethodName(*options.spawn_method()))
                   : std::string());
  if (!method.empty()) config.vars.spawn_method = ParseMethod(method);
  internal::CheckIdentity(config, config.self);
  SetUpLog(config.vars, config.self, config.tree_id);
  return config;
}

// The tree on the side of the forkserver, from OpenTree to CloseTree.
class OpenTree {
 public:
  OpenTree(const RootOptions& options, internal::RuntimeConfig& config)
      : client_(TakeClient()) {
    proto::OpenTree request;
    request.mutable_tree()->set_value(config.tree_id);
    *request.mutable_root() = ToProto(config.self);
    request.set_want_runtime_directory(true);
    request.set_runtime_base(options.runtime_base());
    request.set_want_cgroup(options.want_cgroup());
    const absl::StatusOr<uint64_t> id = client_->OpenTree(request);
    const forkserver::Event event = Answer(id);
    if (const auto* failed = std::get_if<forkserver::Failed>(&event)) {
      GiveBack(*std::exchange(client_, std::nullopt));
      throw RuntimeFailure(
          "cannot open a tree: " +
          std::string(forkserver::ToStatus(failed->body).message()));
    }
    const auto& opened = std::get<forkserver::TreeOpened>(event).body;
    config.runtime_directory = opened.runtime_directory();
    remains_.tree = absl::BytesToHexString(config.tree_id);
    remains_.cgroup = opened.cgroup();
    remains_.runtime_directory = opened.runtime_directory();
    for (const std::string& warning : opened.warnings()) {
      TRACTOR_LOG(warning) << warning;
    }
  }

  ~OpenTree() {
    if (client_.has_value()) GiveBack(*std::exchange(client_, std::nullopt));
  }

  forkserver::Client Take() { return *std::exchange(client_, std::nullopt); }
  void Return(forkserver::Client client) { client_.emplace(std::move(client)); }

  // Ends what is left. Says what that was; normally nothing.
  std::string Close() {
    const forkserver::Event event =
        Answer(client_->CloseTree(absl::ZeroDuration()));
    const auto* closed = std::get_if<forkserver::TreeClosed>(&event);
    if (closed == nullptr) {
      throw RuntimeFailure("the forkserver could not close the tree");
    }
    std::string text;
    for (const proto::Survivor& survivor : closed->body.killed()) {
      text += (text.empty() ? "" : ", ") + survivor.name() + "@" +
              std::to_string(survivor.pid());
    }
    return text;
  }

  // Does the work of a forkserver that is gone, as far as it can be done
  // without one. There is none for later roots, either.
  std::string Sweep() {
    client_.reset();
    const absl::StatusOr<forkserver::SweepResult> swept =
        forkserver::SweepRemains(remains_, kKillTimeout);
    if (!swept.ok()) return std::string(swept.status().message());
    std::string text;
    for (const forkserver::SweptProcess& process : swept->killed) {
      text += (text.empty() ? "" : ", ") + process.name + "@" +
              std::to_string(process.pid);
    }
    return text;
  }

 private:
  static forkserver::Client TakeClient() {
    Program& program = TheProgram();
    if (!program.embedded.has_value() || program.owner != getpid()) {
      throw RuntimeFailure(
          "RunRoot: there is no forkserver; call tractor::Init(argc, argv) "
          "first thing in main, or use tractor::Main()");
    }
    if (!program.client.has_value()) {
      throw RuntimeFailure("RunRoot: the forkserver of this program is gone");
    }
    return *std::exchange(program.client, std::nullopt);
  }
  static void GiveBack(forkserver::Client client) {
    TheProgram().client.emplace(std::move(client));
  }

  forkserver::Event Answer(const absl::StatusOr<uint64_t>& request) {
    if (!request.ok()) Fail(request.status());
    absl::StatusOr<forkserver::Event> event =
        client_->WaitFor(*request, absl::Now() + kOpenTimeout);
    if (!event.ok()) Fail(event.status());
    return *std::move(event);
  }
  [[noreturn]] static void Fail(const absl::Status& status) {
    throw RuntimeFailure("forkserver: " + std::string(status.message()));
  }

  std::optional<forkserver::Client> client_;
  forkserver::TreeRemains remains_;
};

}  // namespace

Interrupted::Interrupted(int signal)
    : RuntimeFailure("ended by signal " + std::to_string(signal) + " (" +
                     strsignal(signal) + ")"),
      signal_(signal) {}

void Init(int argc, char** argv) {
  if (std::optional<forkserver::ChildStart> child =
          forkserver::TakeExecChild()) {
    const int code = internal::ChildMain(*std::move(child));
    std::fflush(nullptr);
    _exit(code);
  }
  Program& program = TheProgram();
  if (program.embedded.has_value()) return;
  forkserver::EmbeddedOptions options;
  options.entry = &internal::ChildMain;
  options.rehearse = &internal::Rehearse;
  options.argc = argc;
  options.argv = argv;
  absl::StatusOr<forkserver::Embedded> embedded =
      forkserver::StartEmbedded(options);
  if (!embedded.ok()) {
    throw RuntimeFailure("cannot start the forkserver: " +
                         std::string(embedded.status().message()));
  }
  program.client.emplace(std::move(embedded->control));
  program.embedded.emplace(*std::move(embedded));
  program.owner = getpid();
}

void Shutdown() {
  Program& program = TheProgram();
  if (!program.embedded.has_value()) return;
  program.client.reset();
  const absl::Status end = program.embedded->WaitForEnd(kKillTimeout);
  if (!end.ok()) TRACTOR_LOG(error) << "forkserver: " << end.message();
  program.embedded.reset();
}

namespace internal {

void RunRootTask(const RootOptions& options,
                 const std::function<Task<>()>& body) {
  const RootClaim claim;
  SetNativeStacks(true);
  RuntimeConfig config = MakeConfig(options);
  OpenTree tree(options, config);
  Outcome<> end = Outcome<>::Cancelled();
  int signal = 0;
  {
    io::Reactor reactor;
    Scheduler scheduler(SchedulerOptions().set_driver(reactor));
    Runtime runtime(std::move(config), tree.Take());
    auto run = [&]() -> Task<> { co_await runtime.Run(body); };
    end = scheduler.Run(run);
    signal = runtime.signal();
    tree.Return(std::move(runtime.spawner()->client()));
  }
  std::string left;
  const std::exception_ptr lost = Catch([&] { left = tree.Close(); });
  if (lost != nullptr) left = tree.Sweep();
  if (!left.empty()) {
    TRACTOR_LOG(warning) << "had to end what was left of the tree: " << left;
  }
  if (end.has_error()) std::rethrow_exception(end.error());
  if (lost != nullptr) std::rethrow_exception(lost);
  if (signal != 0) throw Interrupted(signal);
}

namespace {

// Says what has ended the program; gives its exit code.
int ReportError(const std::exception_ptr& error) {
  int code = 1;
  VisitAs<UsageFailure>(error, [&](const UsageFailure& e) {
    std::fprintf(stderr, "tractor: %s\n", e.what());
    code = 2;
  });
  if (code == 2) return code;
  std::fprintf(stderr, "%s\n", DescribeException(error).c_str());
  VisitAs<Interrupted>(error,
                       [&](const Interrupted& e) { code = 128 + e.signal(); });
  return code;
}

}  // namespace

int RunMain(int argc, char** argv, const RootOptions& options,
            const std::function<Task<int>()>& body) {
  int code = 0;
  const std::exception_ptr error = Catch([&] {
    Init(argc, argv);
    code = RunRoot(body, options);
  });
  if (error != nullptr) code = ReportError(error);
  Shutdown();
  return code;
}

}  // namespace internal
}  // namespace tractor
