// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

// How a child gets into a cgroup, measured on Linux 6.18, two cores, 50 ms
// between forks, from before the fork to the child's first byte (median, p90):
//
//   fork, no cgroup                        0.28 ms    0.34 ms
//   fork, child writes cgroup.procs        5.9  ms   13.8  ms
//   clone3(CLONE_INTO_CGROUP)              0.49 ms    0.56 ms
//
// A write to cgroup.procs takes a lock that all forks and exits of the machine
// read; on a quiet machine its writer waits for an RCU grace period. (In a
// tight loop of forks both ways cost the same: do not measure it like that.)
// So kAuto is clone3.
//
// What raw clone3 leaves out of glibc's fork, and what is done about it:
// - The thread id that pthread_mutex (recursive, error-checking, priority
//   inheriting) works with: CLONE_CHILD_SETTID to where glibc keeps it, which
//   PR_GET_TID_ADDRESS tells; checked against gettid() before.
// - The robust futex list: registered again in the child.
// - Locks of malloc and stdio: with one thread nobody holds them.
// - Handlers of pthread_atfork: not run. Documented in fork.h.

#include "os/fork.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "os/errno_status.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/pidfd.h"
#include "os/status_macros.h"
#include "os/syscalls.h"

namespace tractor::os {
namespace {

#if defined(__SANITIZE_THREAD__)
constexpr bool kThreadSanitizer = true;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
constexpr bool kThreadSanitizer = true;
#else
constexpr bool kThreadSanitizer = false;
#endif
#else
constexpr bool kThreadSanitizer = false;
#endif

// Ends a child that has no handle. By its number, which is safe here and only
// here: it is ours and nobody has reaped it, so the number is still its own.
void EndUnheldChild(pid_t pid) {
  ::kill(pid, SIGKILL);
  siginfo_t info;
  while (Sys().waitid(P_PID, pid, &info, WEXITED, nullptr) < 0 &&
         errno == EINTR) {
  }
}

// What the C library knows by heart about the calling thread.
struct ThreadIdentity {
  pid_t* tid = nullptr;
  robust_list_head* robust_list = nullptr;
  size_t robust_list_size = 0;
};

absl::StatusOr<ThreadIdentity> GetThreadIdentity() {
  ThreadIdentity self;
  if (Sys().prctl(PR_GET_TID_ADDRESS,
                  reinterpret_cast<unsigned long>(&self.tid), 0, 0, 0) != 0) {
    return ErrnoStatus(errno, "prctl(PR_GET_TID_ADDRESS)");
  }
  if (self.tid == nullptr || *self.tid != ::gettid()) {
    return absl::FailedPreconditionError(
        "clone3: the C library keeps its thread id elsewhere");
  }
  if (::syscall(SYS_get_robust_list, 0, &self.robust_list,
                &self.robust_list_size) != 0) {
    return ErrnoStatus(errno, "get_robust_list");
  }
  return self;
}

absl::Status CheckCloneIsSafe() {
  if (kThreadSanitizer) {
    return absl::FailedPreconditionError(
        "clone3: ThreadSanitizer must see every fork");
  }
  TRACTOR_ASSIGN_OR_RETURN(const bool single, IsSingleThreaded());
  if (single) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "clone3: the process has more than one thread");
}

absl::StatusOr<ForkResult> CloneInto(int cgroup_fd) {
  TRACTOR_RETURN_IF_ERROR(CheckCloneIsSafe());
  TRACTOR_ASSIGN_OR_RETURN(const ThreadIdentity self, GetThreadIdentity());
  int pidfd = -1;
  clone_args args = {};
  args.flags = CLONE_INTO_CGROUP | CLONE_PIDFD | CLONE_CHILD_SETTID |
               CLONE_CHILD_CLEARTID;
  args.pidfd = reinterpret_cast<uintptr_t>(&pidfd);
  args.child_tid = reinterpret_cast<uintptr_t>(self.tid);
  args.exit_signal = SIGCHLD;
  args.cgroup = static_cast<unsigned>(cgroup_fd);
  const pid_t pid = Sys().clone3(&args, sizeof(args));
  if (pid < 0) {
    return ErrnoStatus(
        errno, "clone3(into cgroup fd " + std::to_string(cgroup_fd) + ")");
  }
  if (pid == 0) {
    ::syscall(SYS_set_robust_list, self.robust_list, self.robust_list_size);
    return ForkResult();
  }
  return ForkResult{pid, Pidfd(Fd(pidfd), pid)};
}

// The child's part of ForkThenJoin: 0, or the errno.
int Join(int cgroup_fd) {
  const absl::Status status = WriteFileAt(cgroup_fd, "cgroup.procs", "0");
  if (status.ok()) return 0;
  const int err = StatusErrno(status);
  return err == 0 ? EIO : err;
}

// The errno that the child has sent; 0 when it has joined, which it says by
// closing its end. A child that is killed before looks the same: its pidfd
// tells.
absl::StatusOr<int> ReadJoinError(int fd) {
  int err = 0;
  ssize_t got;
  do {
    got = Sys().read(fd, &err, sizeof(err));
  } while (got < 0 && errno == EINTR);
  if (got < 0) return ErrnoStatus(errno, "read(join pipe)");
  return got == sizeof(err) ? err : 0;
}

absl::StatusOr<ForkResult> ForkThenJoin(int cgroup_fd) {
  int fds[2];
  if (Sys().pipe2(fds, O_CLOEXEC) != 0) return ErrnoStatus(errno, "pipe2");
  Fd read_end(fds[0]);
  Fd write_end(fds[1]);
  TRACTOR_ASSIGN_OR_RETURN(ForkResult fork, Fork());
  if (fork.in_child()) {
    const int err = Join(cgroup_fd);
    if (err == 0) return fork;
    (void)!::write(write_end.get(), &err, sizeof(err));
    ::_exit(127);
  }
  write_end.reset();
  const absl::StatusOr<int> err = ReadJoinError(read_end.get());
  if (err.ok() && *err == 0) return fork;
  (void)fork.pidfd.Signal(SIGKILL);
  (void)fork.pidfd.Wait();
  if (!err.ok()) return err.status();
  return ErrnoStatus(*err, "write(cgroup.procs of cgroup fd " +
                               std::to_string(cgroup_fd) + ")");
}

// Whether clone3 itself is what failed, and not what was asked of it: an old
// kernel (ENOSYS, E2BIG, EINVAL), or a seccomp filter (ENOSYS, EPERM). A status
// without errno comes from our own checks.
bool CloneIsUnusable(const absl::Status& status) {
  switch (StatusErrno(status)) {
    case 0:
    case ENOSYS:
    case E2BIG:
    case EINVAL:
    case EPERM:
      return true;
    default:
      return false;
  }
}

}  // namespace

absl::StatusOr<ForkResult> Fork() {
  // A handle of ourselves keeps the place for the child's, and shows that there
  // are pidfds at all, before there is a child to get rid of.
  TRACTOR_ASSIGN_OR_RETURN(Pidfd place, Pidfd::Open(::getpid()));
  const pid_t pid = Sys().fork();
  if (pid < 0) return ErrnoStatus(errno, "fork");
  if (pid == 0) return ForkResult();
  place = Pidfd();
  absl::StatusOr<Pidfd> pidfd = Pidfd::Open(pid);
  if (!pidfd.ok()) {
    EndUnheldChild(pid);
    return pidfd.status();
  }
  return ForkResult{pid, *std::move(pidfd)};
}

absl::StatusOr<ForkResult> ForkInto(int cgroup_fd, ForkIntoMethod method) {
  if (method == ForkIntoMethod::kForkThenJoin) return ForkThenJoin(cgroup_fd);
  absl::StatusOr<ForkResult> fork = CloneInto(cgroup_fd);
  const bool fall_back = method == ForkIntoMethod::kAuto && !fork.ok() &&
                         CloneIsUnusable(fork.status());
  return fall_back ? ForkThenJoin(cgroup_fd) : std::move(fork);
}

// The kernel counts the threads of a process in the links of its task
// directory, beside "." and "..": one system call, where a listing takes six.
// It is asked before every fork.
absl::StatusOr<int> ThreadCount() {
  struct stat tasks;
  if (Sys().fstatat(AT_FDCWD, "/proc/self/task", &tasks, 0) != 0) {
    return ErrnoStatus(errno, "stat(/proc/self/task)");
  }
  return static_cast<int>(tasks.st_nlink) - 2;
}

absl::StatusOr<bool> IsSingleThreaded() {
  TRACTOR_ASSIGN_OR_RETURN(const int count, ThreadCount());
  return count <= (kThreadSanitizer ? 2 : 1);
}

}  // namespace tractor::os
