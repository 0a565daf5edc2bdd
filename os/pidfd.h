// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// A process held by a descriptor instead of its number. A number may be given
// to a stranger as soon as its owner is reaped; a pidfd never means anyone
// else. tractor signals and waits through pidfds only.
//
//   TRACTOR_ASSIGN_OR_RETURN(os::ForkResult fork, os::Fork());
//   ...
//   TRACTOR_RETURN_IF_ERROR(fork.pidfd.Signal(SIGTERM));
//   TRACTOR_ASSIGN_OR_RETURN(os::ExitStatus end, fork.pidfd.Wait());
//
// fd() is readable (poll, epoll, Asio) when the process has ended, for anyone
// who holds it; only the parent may Wait().

#ifndef TRACTOR_OS_PIDFD_H_
#define TRACTOR_OS_PIDFD_H_

#include <sys/resource.h>
#include <sys/types.h>

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "os/fd.h"

namespace tractor::os {

// How a process ended and what it used. Exactly one of `code` and `signal` has
// a meaning: signal != 0 says that it was killed.
struct ExitStatus {
  int code = 0;
  int signal = 0;
  bool core_dumped = false;
  rusage usage = {};  // of the process and the children that it waited for

  bool ok() const { return code == 0 && signal == 0; }
  // "exit code 3", "killed by SIGSEGV (core dumped)".
  std::string ToString() const;
};

class [[nodiscard]] Pidfd {
 public:
  Pidfd() = default;
  // Takes a descriptor that came from elsewhere (clone3, a peer). `pid` is for
  // reports; 0 when it is not known.
  explicit Pidfd(Fd fd, pid_t pid = 0) : fd_(std::move(fd)), pid_(pid) {}

  // A handle of a live process or an unreaped child. NOT_FOUND when there is
  // none of that number. Race-free only for a child of the caller that nobody
  // has reaped; for others compare the start time afterwards (proc_fs.h).
  static absl::StatusOr<Pidfd> Open(pid_t pid);

  bool valid() const { return fd_.valid(); }
  int fd() const { return fd_.get(); }
  // For reports only; never signal or wait by it.
  pid_t pid() const { return pid_; }
  // Gives the descriptor away.
  Fd Release() { return std::move(fd_); }
  absl::StatusOr<Pidfd> Dup() const;

  // Sends a signal; 0 only asks whether the process can be signalled.
  // NOT_FOUND (ESRCH) when it has ended and was reaped.
  absl::Status Signal(int signal) const;

  // Waits for the end of a child and reaps it. Blocks; retries EINTR.
  // FAILED_PRECONDITION-like error (ECHILD) when it is no child or was reaped.
  absl::StatusOr<ExitStatus> Wait() const;

  // The same without waiting: nullopt while the child lives.
  absl::StatusOr<std::optional<ExitStatus>> TryWait() const;

  // Whether the process has ended (a zombie has). Needs no parenthood.
  absl::StatusOr<bool> HasEnded() const;

  // Waits until the process has ended, at most `timeout_ms` (-1: for ever);
  // does not reap. False: it still lives.
  absl::StatusOr<bool> WaitForEnd(int timeout_ms) const;

 private:
  Fd fd_;
  pid_t pid_ = 0;
};

}  // namespace tractor::os

#endif  // TRACTOR_OS_PIDFD_H_
