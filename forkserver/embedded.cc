// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "forkserver/embedded.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_replace.h"
#include "forkserver/child_setup.h"
#include "forkserver/preload.h"
#include "forkserver/server.h"
#include "os/boot_id.h"
#include "os/errno_status.h"
#include "os/file.h"
#include "os/fork.h"
#include "os/inject.h"
#include "os/prctl.h"
#include "os/signals.h"
#include "os/status_macros.h"
#include "os/syscalls.h"
#include "os/unix_socket.h"

namespace tractor::forkserver {
namespace {

// What the zygote takes over from the program.
struct Inheritance {
  EmbeddedOptions options;
  os::Fd control;
  os::Fd root;  // pidfd
  os::Fd executable;
  os::Fd dev_null;
};

// A program that was started with a closed stdin, stdout or stderr would get a
// socket of ours under that number.
absl::Status FillStdio() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (os::Sys().fcntl(fd, F_GETFD, 0) >= 0) continue;
    TRACTOR_ASSIGN_OR_RETURN(os::Fd null, os::Open("/dev/null", O_RDWR));
    if (os::Sys().dup3(null.get(), fd, 0) < 0 && errno != EINVAL) {
      return os::ErrnoStatus(errno, "dup3(/dev/null)");
    }
    if (null.get() == fd) {
      (void)null.release();
      TRACTOR_RETURN_IF_ERROR(os::SetCloexec(fd, false));
    }
  }
  return absl::OkStatus();
}

// Handlers that the program has installed would run in the forkserver and in
// every actor. What it ignores (nohup) stays ignored, and handlers of faults
// stay: they report crashes (sanitizers, glog) and nothing else.
absl::Status ResetHandlers() {
  constexpr std::array kFaults = {SIGSEGV, SIGBUS,  SIGFPE,
                                  SIGILL,  SIGABRT, SIGTRAP};
  for (int signal = 1; signal <= SIGRTMAX; ++signal) {
    if (std::count(kFaults.begin(), kFaults.end(), signal) != 0) continue;
    struct sigaction action = {};
    // Refused: SIGKILL, SIGSTOP, and those that libc keeps for itself.
    if (os::Sys().sigaction(signal, nullptr, &action) < 0) continue;
    if (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN) continue;
    action = {};
    action.sa_handler = SIG_DFL;
    if (os::Sys().sigaction(signal, &action, nullptr) < 0) {
      return os::ErrnoStatus(errno, "sigaction");
    }
  }
  return os::IgnoreSigpipe();
}

// As many descriptors as we may have: three for every actor.
absl::Status RaiseFdLimit(rlimit* original) {
  if (getrlimit(RLIMIT_NOFILE, original) < 0) {
    return os::ErrnoStatus(errno, "getrlimit(RLIMIT_NOFILE)");
  }
  rlimit raised = *original;
  raised.rlim_cur = raised.rlim_max;
  if (os::Sys().setrlimit(RLIMIT_NOFILE, &raised) < 0) {
    return os::ErrnoStatus(errno, "setrlimit(RLIMIT_NOFILE)");
  }
  return absl::OkStatus();
}

absl::StatusOr<ChildContext> BecomeZygote(Inheritance& from) {
  ChildContext context;
  context.entry = from.options.entry;
  context.rehearse = from.options.rehearse;
  context.zygote_pid = getpid();
  // Blocked instead of ignored: a child has only its mask to reset.
  TRACTOR_RETURN_IF_ERROR(os::SetSignalMask(os::SignalSet::All()));
  TRACTOR_RETURN_IF_ERROR(ResetHandlers());
  if (os::Sys().setpgid(0, 0) < 0) return os::ErrnoStatus(errno, "setpgid");
  TRACTOR_RETURN_IF_ERROR(os::SetSubreaper());
  const int keep[] = {STDIN_FILENO,       STDOUT_FILENO,
                      STDERR_FILENO,      from.control.get(),
                      from.root.get(),    from.executable.get(),
                      from.dev_null.get()};
  TRACTOR_RETURN_IF_ERROR(os::CloseAllExcept(keep));
  TRACTOR_RETURN_IF_ERROR(RaiseFdLimit(&context.open_files));
  TRACTOR_RETURN_IF_ERROR(os::SetName("tractor-zygote"));
  // Only their places: a child's setenv then need not copy the environment.
  for (const char* name : {kTreeVariable, kActorVariable, kPathVariable}) {
    if (setenv(name, "", 1) != 0) return os::ErrnoStatus(errno, "setenv");
  }
  if (from.options.argv != nullptr) {
    auto title =
        os::TitleArea::Capture(from.options.argc, from.options.argv, environ);
    if (title.ok()) {
      context.title = *std::move(title);
      context.title->Set("tractor-zygote").IgnoreError();
    }
  }
  context.executable = std::move(from.executable);
  context.dev_null = std::move(from.dev_null);
  context.host = os::HostName();
  if (auto boot = os::BootId(); boot.ok()) {
    context.boot_id =
        absl::HexStringToBytes(absl::StrReplaceAll(*boot, {{"-", ""}}));
  }
  return context;
}

[[noreturn]] void RunZygote(Inheritance from) {
  TRACTOR_INJECT_NAME("forkserver");
  absl::StatusOr<ChildContext> context = BecomeZygote(from);
  if (!context.ok()) {
    // The root sees EOF at its first request; say why.
    const std::string line = "tractor: the forkserver cannot start: " +
                             std::string(context.status().message()) + "\n";
    os::WriteAll(STDERR_FILENO, line).IgnoreError();
    _exit(1);
  }
  std::vector<std::string> warnings = RunPreloads();
  // Never destroyed, and on no stack: children run on this one.
  auto* server = new Server(*std::move(context), std::move(from.control),
                            std::move(from.root), std::move(warnings));
  _exit(server->Run());
}

}  // namespace

absl::StatusOr<Embedded> StartEmbedded(const EmbeddedOptions& options) {
  static bool started = false;
  if (options.entry == nullptr) {
    return os::MakeStatus(absl::StatusCode::kInvalidArgument,
                          "StartEmbedded needs a child entry");
  }
  if (started) {
    return os::MakeStatus(absl::StatusCode::kFailedPrecondition,
                          "the forkserver has been started in this process");
  }
  TRACTOR_ASSIGN_OR_RETURN(bool single, os::IsSingleThreaded());
  if (!single) {
    return os::MakeStatus(
        absl::StatusCode::kFailedPrecondition,
        "the forkserver must be started before any thread: call tractor::Main "
        "first thing in main, and start no thread in initialisers of globals");
  }
  TRACTOR_RETURN_IF_ERROR(FillStdio());
  Inheritance zygote;
  zygote.options = options;
  TRACTOR_ASSIGN_OR_RETURN(zygote.executable,
                           os::Open("/proc/self/exe", O_PATH));
  TRACTOR_ASSIGN_OR_RETURN(zygote.dev_null, os::Open("/dev/null", O_RDWR));
  TRACTOR_ASSIGN_OR_RETURN(os::Pidfd self, os::Pidfd::Open(getpid()));
  zygote.root = self.Release();
  TRACTOR_ASSIGN_OR_RETURN(auto control,
                           os::SocketPair(SOCK_SEQPACKET | SOCK_NONBLOCK));
  zygote.control = std::move(control.second);
  std::cout.flush();
  std::clog.flush();
  fflush(nullptr);
  TRACTOR_ASSIGN_OR_RETURN(os::ForkResult fork, os::Fork());
  if (fork.in_child()) {
    control.first.reset();
    RunZygote(std::move(zygote));
  }
  started = true;
  return Embedded{std::move(control.first), std::move(fork.pidfd)};
}

absl::Status Embedded::WaitForEnd(absl::Duration timeout) {
  const int64_t ms = absl::ToInt64Milliseconds(timeout);
  TRACTOR_ASSIGN_OR_RETURN(
      bool ended,
      zygote.WaitForEnd(static_cast<int>(std::clamp<int64_t>(ms, 0, 1 << 30))));
  if (!ended) zygote.Signal(SIGKILL).IgnoreError();
  TRACTOR_ASSIGN_OR_RETURN(os::ExitStatus status, zygote.Wait());
  if (!ended) {
    return os::MakeStatus(absl::StatusCode::kDeadlineExceeded,
                          "the forkserver did not end in time and was killed",
                          ETIMEDOUT);
  }
  if (status.ok()) return absl::OkStatus();
  return os::MakeStatus(absl::StatusCode::kInternal,
                        "the forkserver ended with " + status.ToString());
}

}  // namespace tractor::forkserver
