// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Signal sets, masks, signalfd, and a clean slate for a fresh child.
//
//   os::SignalSet ends{SIGINT, SIGTERM, SIGCHLD};
//   TRACTOR_RETURN_IF_ERROR(os::BlockSignals(ends));
//   TRACTOR_ASSIGN_OR_RETURN(os::Fd fd, os::MakeSignalFd(ends));
//   ... poll ...
//   TRACTOR_ASSIGN_OR_RETURN(auto got, os::ReadSignal(fd.get()));
//
// Block signals across a fork until the child has its handlers: a SIGTERM that
// comes before them would be instant death.

#ifndef TRACTOR_OS_SIGNALS_H_
#define TRACTOR_OS_SIGNALS_H_

#include <signal.h>
#include <sys/types.h>

#include <initializer_list>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "os/fd.h"

namespace tractor::os {

class SignalSet {
 public:
  SignalSet() { sigemptyset(&set_); }
  SignalSet(std::initializer_list<int> signals);
  explicit SignalSet(const sigset_t& set) : set_(set) {}
  static SignalSet All();

  SignalSet& Add(int signal);
  SignalSet& Remove(int signal);
  bool Has(int signal) const { return sigismember(&set_, signal) == 1; }
  const sigset_t& get() const { return set_; }

 private:
  sigset_t set_;
};

// These change the mask of the calling thread.
absl::Status BlockSignals(const SignalSet& set);
absl::Status UnblockSignals(const SignalSet& set);
absl::Status SetSignalMask(const SignalSet& set);
absl::StatusOr<SignalSet> SignalMask();

// Blocks `set` in the calling thread until its end, then puts the whole former
// mask back. Check status() after construction.
class ScopedSignalBlock {
 public:
  explicit ScopedSignalBlock(const SignalSet& set);
  ~ScopedSignalBlock();
  ScopedSignalBlock(const ScopedSignalBlock&) = delete;
  ScopedSignalBlock& operator=(const ScopedSignalBlock&) = delete;

  const absl::Status& status() const { return status_; }
  // The mask that was in force before, and will be again.
  const SignalSet& former() const { return former_; }
  // Leaves the mask as it is now: for a forked child that sets its own.
  void Dismiss() { armed_ = false; }

 private:
  SignalSet former_;
  bool armed_ = false;
  absl::Status status_;
};

// A descriptor (non-blocking, close-on-exec) that becomes readable when one of
// `set` is pending. The signals must be blocked, or they are delivered as ever.
absl::StatusOr<Fd> MakeSignalFd(const SignalSet& set);

struct ReceivedSignal {
  int signal = 0;
  int code = 0;      // SI_USER, CLD_EXITED, ...
  pid_t sender = 0;  // for reports only
  uid_t uid = 0;
};

// The next pending signal of a signalfd; nullopt when there is none.
absl::StatusOr<std::optional<ReceivedSignal>> ReadSignal(int signal_fd);

// Every signal back to its default action, and none blocked: for a fresh child.
// Handlers that the program installed (sanitizers, glog) go as well. No
// allocation, so it may run right after a fork.
absl::Status ResetSignals();

// SIGPIPE is ignored from now on, in this process and in what it executes:
// writes to a dead peer say EPIPE instead. Sockets use MSG_NOSIGNAL anyway;
// this is for pipes and for libraries.
absl::Status IgnoreSigpipe();

// "SIGTERM"; "signal 77" for numbers without a name.
std::string SignalName(int signal);

}  // namespace tractor::os

#endif  // TRACTOR_OS_SIGNALS_H_
