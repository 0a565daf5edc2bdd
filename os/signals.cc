// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "os/signals.h"

#include <errno.h>
#include <string.h>
#include <sys/signalfd.h>

#include <initializer_list>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "os/errno_status.h"
#include "os/status_macros.h"
#include "os/syscalls.h"

namespace tractor::os {
namespace {

// sigprocmask is pthread_sigmask by another name on Linux, with errno.
absl::Status ChangeMask(int how, const sigset_t* set, sigset_t* former) {
  if (Sys().sigprocmask(how, set, former) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, "sigprocmask");
}

// libc keeps signals 32 and 33 for itself and answers EINVAL for them.
bool CanBeReset(int signal) {
  const bool of_libc = signal >= 32 && signal < SIGRTMIN;
  return signal != SIGKILL && signal != SIGSTOP && !of_libc;
}

}  // namespace

SignalSet::SignalSet(std::initializer_list<int> signals) : SignalSet() {
  for (const int signal : signals) Add(signal);
}

SignalSet SignalSet::All() {
  SignalSet set;
  sigfillset(&set.set_);
  return set;
}

SignalSet& SignalSet::Add(int signal) {
  sigaddset(&set_, signal);
  return *this;
}

SignalSet& SignalSet::Remove(int signal) {
  sigdelset(&set_, signal);
  return *this;
}

absl::Status BlockSignals(const SignalSet& set) {
  return ChangeMask(SIG_BLOCK, &set.get(), nullptr);
}

absl::Status UnblockSignals(const SignalSet& set) {
  return ChangeMask(SIG_UNBLOCK, &set.get(), nullptr);
}

absl::Status SetSignalMask(const SignalSet& set) {
  return ChangeMask(SIG_SETMASK, &set.get(), nullptr);
}

absl::StatusOr<SignalSet> SignalMask() {
  sigset_t mask;
  TRACTOR_RETURN_IF_ERROR(ChangeMask(SIG_BLOCK, nullptr, &mask));
  return SignalSet(mask);
}

ScopedSignalBlock::ScopedSignalBlock(const SignalSet& set) {
  sigset_t former;
  status_ = ChangeMask(SIG_BLOCK, &set.get(), &former);
  if (!status_.ok()) return;
  former_ = SignalSet(former);
  armed_ = true;
}

ScopedSignalBlock::~ScopedSignalBlock() {
  if (armed_) Sys().sigprocmask(SIG_SETMASK, &former_.get(), nullptr);
}

absl::StatusOr<Fd> MakeSignalFd(const SignalSet& set) {
  Fd fd(Sys().signalfd(-1, &set.get(), SFD_NONBLOCK | SFD_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(errno, "signalfd");
  return fd;
}

absl::StatusOr<std::optional<ReceivedSignal>> ReadSignal(int signal_fd) {
  signalfd_siginfo info;
  ssize_t got;
  do {
    got = Sys().read(signal_fd, &info, sizeof(info));
  } while (got < 0 && errno == EINTR);
  if (got < 0 && errno == EAGAIN) return std::nullopt;
  if (got < 0) return ErrnoStatus(errno, "read(signalfd)");
  if (got != sizeof(info)) return absl::DataLossError("read(signalfd): short");
  return ReceivedSignal{static_cast<int>(info.ssi_signo), info.ssi_code,
                        static_cast<pid_t>(info.ssi_pid), info.ssi_uid};
}

absl::Status ResetSignals() {
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  for (int signal = 1; signal <= SIGRTMAX; ++signal) {
    if (!CanBeReset(signal)) continue;
    if (Sys().sigaction(signal, &action, nullptr) != 0) {
      return ErrnoStatus(errno, "sigaction(" + SignalName(signal) + ")");
    }
  }
  return SetSignalMask(SignalSet());
}

absl::Status IgnoreSigpipe() {
  struct sigaction action = {};
  action.sa_handler = SIG_IGN;
  if (Sys().sigaction(SIGPIPE, &action, nullptr) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, "sigaction(SIGPIPE)");
}

std::string SignalName(int signal) {
  if (const char* name = sigabbrev_np(signal)) {
    return std::string("SIG") + name;
  }
  return "signal " + std::to_string(signal);
}

}  // namespace tractor::os
