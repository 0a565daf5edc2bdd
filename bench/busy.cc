// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "bench/busy.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

#include "bench/harness.h"
#include "bench/raw.h"

namespace tractor::bench {
namespace {

// Tells through `ready` that it runs, and never ends by itself.
[[noreturn]] void Compute(pid_t parent, int ready) {
  // A descriptor of the parent that stayed open here would keep its peers from
  // seeing its end.
  Check(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent &&
            dup2(ready, STDIN_FILENO) == STDIN_FILENO &&
            close_range(STDERR_FILENO + 1, ~0U, 0) == 0 &&
            write(STDIN_FILENO, "!", 1) == 1 && close(STDIN_FILENO) == 0,
        "a busy process");
  for (uint64_t i = 0;; ++i) Use(i);
}

}  // namespace

BusyProcesses::BusyProcesses(int count) {
  const pid_t parent = getpid();
  int ready[2];
  Check(pipe2(ready, O_CLOEXEC) == 0, "pipe2");
  for (int i = 0; i < count; ++i) {
    const pid_t pid = fork();
    Check(pid >= 0, "fork");
    if (pid == 0) Compute(parent, ready[1]);
    auto pidfd = os::Pidfd::Open(pid);
    Check(pidfd.ok(), "pidfd_open");
    processes_.push_back(*std::move(pidfd));
  }
  close(ready[1]);
  for (char byte; read(ready[0], &byte, 1) == 1;) continue;
  close(ready[0]);
}

BusyProcesses::~BusyProcesses() {
  for (const os::Pidfd& process : processes_) {
    Check(process.Signal(SIGKILL).ok(), "pidfd_send_signal");
  }
  for (const os::Pidfd& process : processes_) {
    Check(process.Wait().ok(), "waitid of a busy process");
  }
}

int BusyProcesses::Cores() {
  cpu_set_t cores;
  Check(sched_getaffinity(0, sizeof(cores), &cores) == 0, "sched_getaffinity");
  return CPU_COUNT(&cores);
}

}  // namespace tractor::bench
