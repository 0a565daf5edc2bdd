// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "forkserver/child_setup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <iostream>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "forkserver/preload.h"
#include "forkserver/timing.h"
#include "os/errno_status.h"
#include "os/file.h"
#include "os/inject.h"
#include "os/memfd.h"
#include "os/prctl.h"
#include "os/signals.h"
#include "os/status_macros.h"
#include "os/syscalls.h"
#include "proto/forkserver.pb.h"

namespace tractor::forkserver {
namespace {

constexpr char kExecSpecVariable[] = "TRACTOR_EXEC_SPEC";

std::string JoinedPath(const proto::SpawnSpec& spec) {
  std::string path;
  for (const std::string& name : spec.path()) {
    if (!path.empty()) path += '/';
    path += name;
  }
  return path;
}

std::string TreeHex(const proto::SpawnSpec& spec) {
  return absl::BytesToHexString(spec.tree().value());
}

std::string ActorHex(const proto::SpawnSpec& spec) {
  return absl::BytesToHexString(spec.actor().uuid());
}

std::vector<std::string> Marks(const ChildPlan& plan) {
  return {std::string(kTreeVariable) + "=" + TreeHex(plan.spec),
          std::string(kActorVariable) + "=" + ActorHex(plan.spec),
          std::string(kPathVariable) + "=" + JoinedPath(plan.spec)};
}

absl::Status SetUpSignals() {
  // The dispositions are the zygote's, which keeps them as children need them;
  // only its mask must go. An own process group, so that a kill(0, ...) of user
  // code hits this actor alone.
  TRACTOR_RETURN_IF_ERROR(os::SetSignalMask(os::SignalSet()));
  if (os::Sys().setpgid(0, 0) < 0) return os::ErrnoStatus(errno, "setpgid");
  return absl::OkStatus();
}

// Puts the stream `to` where the policy says. `pipe`: for PIPE.
absl::Status SetUpStream(const proto::StdioPolicy& policy, int to, int dev_null,
                         const os::Fd& pipe) {
  os::Fd file;
  int from = -1;
  switch (policy.kind()) {
    case proto::StdioPolicy::NULL_DEVICE:
      from = dev_null;
      break;
    case proto::StdioPolicy::FILE: {
      const int flags =
          to == STDIN_FILENO ? O_RDONLY : O_WRONLY | O_CREAT | O_APPEND;
      TRACTOR_ASSIGN_OR_RETURN(file, os::Open(policy.path(), flags, 0600));
      from = file.get();
      break;
    }
    case proto::StdioPolicy::PIPE:
      from = pipe.get();
      break;
    default:
      return absl::OkStatus();
  }
  if (os::Sys().dup3(from, to, 0) < 0) return os::ErrnoStatus(errno, "dup3");
  return absl::OkStatus();
}

absl::Status SetUpStdio(const ChildContext& context, const ChildPlan& plan) {
  const int null = context.dev_null.get();
  const os::Fd none;
  TRACTOR_RETURN_IF_ERROR(
      SetUpStream(plan.spec.stdin_policy(), STDIN_FILENO, null, none));
  TRACTOR_RETURN_IF_ERROR(SetUpStream(plan.spec.stdout_policy(), STDOUT_FILENO,
                                      null, plan.stdout_pipe));
  return SetUpStream(plan.spec.stderr_policy(), STDERR_FILENO, null,
                     plan.stderr_pipe);
}

absl::Status SetUpFds(const ChildContext& context, const ChildPlan& plan) {
  std::vector<int> keep = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO,
                           plan.channel.get(), plan.control.get()};
  for (const auto& [name, fd] : plan.fds) keep.push_back(fd.get());
  if (plan.spec.method() == proto::SpawnSpec::EXEC) {
    keep.push_back(context.executable.get());
  }
  TRACTOR_RETURN_IF_ERROR(os::CloseAllExcept(keep));
  // The zygote has raised its own limit.
  if (os::Sys().setrlimit(RLIMIT_NOFILE, &context.open_files) < 0) {
    return os::ErrnoStatus(errno, "setrlimit(RLIMIT_NOFILE)");
  }
  return absl::OkStatus();
}

absl::Status SetUpTitle(ChildContext& context, const ChildPlan& plan) {
  TRACTOR_RETURN_IF_ERROR(os::SetName(TitleOf(plan.spec)));
  // What others see is a help, not a need: a kernel that refuses it must not
  // cost the actor. The mark that exec'ed grandchildren inherit is set below.
  if (context.title.has_value() &&
      plan.spec.method() != proto::SpawnSpec::EXEC) {
    context.title->Set(TitleOf(plan.spec), Marks(plan)).IgnoreError();
  }
  return absl::OkStatus();
}

absl::Status SetVariable(const char* name, const char* value) {
  if (setenv(name, value, 1) == 0) return absl::OkStatus();
  return os::ErrnoStatus(errno, std::string("setenv(") + name + ")");
}

absl::Status SetUpEnvironment(const ChildPlan& plan) {
  for (const proto::EnvironmentEntry& entry : plan.spec.environment()) {
    if (entry.unset()) {
      if (unsetenv(entry.name().c_str()) != 0) {
        return os::ErrnoStatus(errno, "unsetenv(" + entry.name() + ")");
      }
    } else {
      TRACTOR_RETURN_IF_ERROR(
          SetVariable(entry.name().c_str(), entry.value().c_str()));
    }
  }
  TRACTOR_RETURN_IF_ERROR(
      SetVariable(kTreeVariable, TreeHex(plan.spec).c_str()));
  TRACTOR_RETURN_IF_ERROR(
      SetVariable(kActorVariable, ActorHex(plan.spec).c_str()));
  return SetVariable(kPathVariable, JoinedPath(plan.spec).c_str());
}

absl::Status SetUpPlace(const proto::SpawnSpec& spec) {
  if (!spec.working_directory().empty() &&
      os::Sys().chdir(spec.working_directory().c_str()) < 0) {
    return os::ErrnoStatus(errno, "chdir(" + spec.working_directory() + ")");
  }
  if (spec.nice() == 0) return absl::OkStatus();
  errno = 0;  // -1 is a niceness as well
  if (nice(spec.nice()) == -1 && errno != 0) {
    return os::ErrnoStatus(errno, "nice(" + std::to_string(spec.nice()) + ")");
  }
  return absl::OkStatus();
}

void CompleteAid(const ChildContext& context, ChildPlan& plan) {
  proto::Aid* aid = plan.spec.mutable_actor();
  aid->set_pid(getpid());
  aid->set_start_time(StartTimeBetween(plan.boot_ns_before_fork,
                                       plan.boot_ns_after_fork, getpid()));
  aid->set_host(context.host);
  aid->set_boot_id(context.boot_id);
}

// Returns only when it fails.
absl::Status Execute(const ChildContext& context, ChildPlan& plan) {
  proto::ExecStart start;
  auto& numbers = *start.mutable_fds();
  TRACTOR_RETURN_IF_ERROR(os::SetCloexec(plan.channel.get(), false));
  TRACTOR_RETURN_IF_ERROR(os::SetCloexec(plan.control.get(), false));
  numbers["channel"] = plan.channel.get();
  numbers["control"] = plan.control.get();
  for (const auto& [name, fd] : plan.fds) {
    TRACTOR_RETURN_IF_ERROR(os::SetCloexec(fd.get(), false));
    numbers[name] = fd.get();
  }
  const std::string title = TitleOf(plan.spec);
  start.mutable_spec()->Swap(&plan.spec);
  start.mutable_timing()->Swap(&plan.timing);
  TRACTOR_ASSIGN_OR_RETURN(
      os::Fd memfd,
      os::MakeSealedMemfd("tractor-exec", start.SerializeAsString()));
  TRACTOR_RETURN_IF_ERROR(os::SetCloexec(memfd.get(), false));
  TRACTOR_RETURN_IF_ERROR(
      SetVariable(kExecSpecVariable, std::to_string(memfd.get()).c_str()));
  char* const argv[] = {const_cast<char*>(title.c_str()), nullptr};
  os::Sys().execveat(context.executable.get(), "", argv, environ,
                     AT_EMPTY_PATH);
  return os::ErrnoStatus(errno, "execveat(/proc/self/exe)");
}

// Runs the steps one after another, stamping each, until one fails.
class Steps {
 public:
  explicit Steps(ChildPlan& plan) : plan_(plan) {}

  template <typename Step>
  void Run(proto::SpawnStep name, const Step& step) {
    Need(name, step());
    Stamp(name, &plan_.timing);
  }

  void Need(proto::SpawnStep name, const absl::Status& status) {
    if (status.ok()) return;
    ReportSetupFailure(plan_.control.get(), name, status);
    _exit(kSetupFailedCode);
  }

 private:
  ChildPlan& plan_;
};

// What can be done before it is known which actor this is.
void SetUpProcess(const ChildContext& context, ChildPlan& plan, Steps& steps) {
  steps.Run(proto::STEP_PDEATHSIG, [&] {
    return os::SetParentDeathSignal(SIGKILL, context.zygote_pid);
  });
  Stamp(proto::STEP_CGROUP, &plan.timing);
  steps.Run(proto::STEP_SIGNALS, [] { return SetUpSignals(); });
}

absl::Status ShowAsSpare(ChildContext& context) {
  TRACTOR_RETURN_IF_ERROR(os::SetName("tractor-spare"));
  if (context.title.has_value()) {
    context.title->Set("tractor-spare").IgnoreError();
  }
  return absl::OkStatus();
}

// The rest of the set-up, and the entry.
[[noreturn]] void RunPlan(ChildContext& context, ChildPlan& plan,
                          Steps& steps) {
  steps.Run(proto::STEP_STDIO, [&] { return SetUpStdio(context, plan); });
  steps.Run(proto::STEP_FDS, [&] { return SetUpFds(context, plan); });
  // close_range has closed them; nobody may do so again.
  (void)plan.stdout_pipe.release();
  (void)plan.stderr_pipe.release();
  steps.Run(proto::STEP_TITLE, [&] { return SetUpTitle(context, plan); });
  steps.Run(proto::STEP_ENVIRONMENT, [&] { return SetUpEnvironment(plan); });
  const bool exec = plan.spec.method() == proto::SpawnSpec::EXEC;
  steps.Run(proto::STEP_RANDOM, [&] {
    if (!exec) RunAfterFork();
    return absl::OkStatus();
  });
  steps.Run(proto::STEP_CWD, [&] { return SetUpPlace(plan.spec); });
  CompleteAid(context, plan);
  if (exec) {
    Stamp(proto::STEP_EXEC, &plan.timing);
    steps.Run(proto::STEP_EXEC, [&] { return Execute(context, plan); });
  }
  ChildStart start{std::move(plan.spec),
                   std::move(plan.channel),
                   std::move(plan.control),
                   {},
                   {}};
  for (auto& [name, fd] : plan.fds) start.fds[name] = std::move(fd);
  Stamp(proto::STEP_ENTRY, &plan.timing);
  start.timing = std::move(plan.timing);
  TRACTOR_INJECT_POINT("child.entry");
  FlushAndExit(context.entry(std::move(start)));
}

// Waits for the Become. The forkserver sends nothing else to a spare; when it
// is gone, so are we.
absl::Status WaitForPlan(ChildPlan& plan) {
  PacketReader reader;
  absl::StatusOr<Received> packet;
  do {
    pollfd waiting = {plan.control.get(), POLLIN, 0};
    os::Sys().poll(&waiting, 1, -1);
    packet = reader.Read(plan.control.get());
    if (!packet.ok() || packet->kind == Received::Kind::kEnd) _exit(0);
  } while (packet->kind == Received::Kind::kNothing);
  proto::ForkserverEvent event;
  if (packet->too_long ||
      !event.ParseFromArray(packet->bytes.data(),
                            static_cast<int>(packet->bytes.size())) ||
      !event.has_become() ||
      !NameFds(event.fds(), std::move(packet->fds), &plan.fds)) {
    return os::MakeStatus(absl::StatusCode::kInternal,
                          "the hand-over to a spare process was incomplete",
                          packet->fds_lost ? EMFILE : EBADMSG);
  }
  plan.spec.Swap(event.mutable_become()->mutable_spec());
  plan.timing.Swap(event.mutable_become()->mutable_timing());
  plan.channel = TakeFd(plan.fds, "channel");
  plan.stdout_pipe = TakeFd(plan.fds, "stdout");
  plan.stderr_pipe = TakeFd(plan.fds, "stderr");
  return absl::OkStatus();
}

}  // namespace

std::string TitleOf(const proto::SpawnSpec& spec) {
  if (!spec.title().empty()) return spec.title();
  return "tractor[" + spec.actor().name() + "]";
}

void ReportSetupFailure(int control, proto::SpawnStep step,
                        const absl::Status& status) {
  proto::ForkserverRequest request;
  request.set_version(kProtocolVersion);
  request.set_request_id(1);
  proto::SetupFailed* failed = request.mutable_setup_failed();
  failed->set_step(step);
  failed->set_errno_value(os::StatusErrno(status));
  failed->set_message(Clip(os::FromAbsl(status.message())));
  // Nobody to tell when this fails: the exit code remains.
  SendPacket(control, request, {}).status().IgnoreError();
}

void FlushAndExit(int code) {
  std::cout.flush();
  std::clog.flush();
  fflush(nullptr);
  _exit(code & 0xff);
}

void RunChild(ChildContext& context, ChildPlan plan) {
  plan.boot_ns_after_fork = os::BootNanos();
  TRACTOR_INJECT_NAME(plan.spec.actor().name());
  TRACTOR_INJECT_POINT("child.born");
  Stamp(proto::STEP_CHILD, &plan.timing);
  Steps steps(plan);
  SetUpProcess(context, plan, steps);
  RunPlan(context, plan, steps);
}

void RunSpare(ChildContext& context, os::Fd control,
              int64_t boot_ns_before_fork) {
  ChildPlan plan;
  plan.boot_ns_before_fork = boot_ns_before_fork;
  plan.boot_ns_after_fork = os::BootNanos();
  plan.control = std::move(control);
  Steps steps(plan);
  SetUpProcess(context, plan, steps);
  const int keep[] = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO,
                      plan.control.get(), context.dev_null.get()};
  steps.Run(proto::STEP_FDS, [&] { return os::CloseAllExcept(keep); });
  steps.Run(proto::STEP_TITLE, [&] { return ShowAsSpare(context); });
  if (context.rehearse != nullptr) context.rehearse();
  const absl::Status told = WaitForPlan(plan);
  Stamp(proto::STEP_CHILD, &plan.timing);
  steps.Need(proto::STEP_FDS, told);
  TRACTOR_INJECT_NAME(plan.spec.actor().name());
  TRACTOR_INJECT_POINT("child.born");
  RunPlan(context, plan, steps);
}

}  // namespace tractor::forkserver
