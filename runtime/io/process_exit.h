// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Waiting for the end of processes.
//
//   os::ExitStatus end = co_await tractor::io::WaitExit(fork.pidfd);
//
// Rules. Any number of tasks may wait for one process. A cancelled wait reaps
// nothing. The pidfd must live until the end of the wait.
#ifndef TRACTOR_RUNTIME_IO_PROCESS_EXIT_H_
#define TRACTOR_RUNTIME_IO_PROCESS_EXIT_H_

#include "os/pidfd.h"
#include "runtime/task/task.h"

namespace tractor::io {

// A child of this process: waits for its end, reaps it, says how it ended.
// StatusError (ECHILD) for others, and for who is not the first to reap.
Task<os::ExitStatus> WaitExit(const os::Pidfd& process);

// Any process: waits until it has ended, a zombie at most. Does not reap.
Task<> WaitUntilEnded(const os::Pidfd& process);

}  // namespace tractor::io

#endif  // TRACTOR_RUNTIME_IO_PROCESS_EXIT_H_
