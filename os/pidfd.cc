// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "os/pidfd.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "os/clock.h"
#include "os/errno_status.h"
#include "os/signals.h"
#include "os/status_macros.h"
#include "os/syscalls.h"

namespace tractor::os {
namespace {

constexpr int kWaitByPidfd = 3;  // P_PIDFD; older libcs do not name it

std::string Call(const char* name, pid_t pid) {
  return std::string(name) + "(pid " + std::to_string(pid) + ")";
}

ExitStatus ToExitStatus(const siginfo_t& info, const rusage& usage) {
  ExitStatus status;
  status.usage = usage;
  if (info.si_code == CLD_EXITED) {
    status.code = info.si_status;
  } else {
    status.signal = info.si_status;
    status.core_dumped = info.si_code == CLD_DUMPED;
  }
  return status;
}

// waitid on the pidfd; nullopt: WNOHANG was given and the child lives.
absl::StatusOr<std::optional<ExitStatus>> WaitFor(int fd, pid_t pid,
                                                  int options) {
  siginfo_t info = {};
  rusage usage = {};
  int result;
  do {
    result = Sys().waitid(kWaitByPidfd, fd, &info, WEXITED | options, &usage);
  } while (result < 0 && errno == EINTR);
  if (result < 0) return ErrnoStatus(errno, Call("waitid", pid));
  if (info.si_pid == 0) return std::nullopt;
  return ToExitStatus(info, usage);
}

}  // namespace

std::string ExitStatus::ToString() const {
  if (signal == 0) return "exit code " + std::to_string(code);
  return "killed by " + SignalName(signal) +
         (core_dumped ? " (core dumped)" : "");
}

absl::StatusOr<Pidfd> Pidfd::Open(pid_t pid) {
  Fd fd(Sys().pidfd_open(pid, 0));  // close-on-exec by itself
  if (!fd.valid()) return ErrnoStatus(errno, Call("pidfd_open", pid));
  return Pidfd(std::move(fd), pid);
}

absl::StatusOr<Pidfd> Pidfd::Dup() const {
  TRACTOR_ASSIGN_OR_RETURN(Fd copy, fd_.Dup());
  return Pidfd(std::move(copy), pid_);
}

absl::Status Pidfd::Signal(int signal) const {
  if (Sys().pidfd_send_signal(fd_.get(), signal, nullptr, 0) == 0) {
    return absl::OkStatus();
  }
  return ErrnoStatus(errno, Call("pidfd_send_signal", pid_));
}

absl::StatusOr<ExitStatus> Pidfd::Wait() const {
  TRACTOR_ASSIGN_OR_RETURN(std::optional<ExitStatus> status,
                           WaitFor(fd_.get(), pid_, 0));
  if (!status.has_value()) {
    return absl::InternalError(Call("waitid", pid_) + ": returned early");
  }
  return *status;
}

absl::StatusOr<std::optional<ExitStatus>> Pidfd::TryWait() const {
  return WaitFor(fd_.get(), pid_, WNOHANG);
}

absl::StatusOr<bool> Pidfd::HasEnded() const { return WaitForEnd(0); }

absl::StatusOr<bool> Pidfd::WaitForEnd(int timeout_ms) const {
  const auto no_handle = [&] { return ErrnoStatus(EBADF, Call("poll", pid_)); };
  if (!valid()) return no_handle();  // poll would ignore it
  const int64_t deadline = MonotonicNanos() + int64_t{timeout_ms} * 1'000'000;
  pollfd poll = {fd_.get(), POLLIN, 0};
  while (true) {
    const int ready = Sys().poll(&poll, 1, timeout_ms);
    if (ready < 0 && errno != EINTR) {
      return ErrnoStatus(errno, Call("poll", pid_));
    }
    if (ready > 0 && (poll.revents & POLLNVAL) != 0) return no_handle();
    if (ready >= 0) return ready > 0;
    if (timeout_ms > 0) {  // a signal came: wait for the rest
      const int64_t rest = (deadline - MonotonicNanos()) / 1'000'000;
      timeout_ms = static_cast<int>(rest > 0 ? rest : 0);
    }
  }
}

}  // namespace tractor::os
