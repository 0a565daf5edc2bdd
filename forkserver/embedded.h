// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Starts the forkserver of a program: the zygote that makes, reaps and ends
// all actor processes of this program's trees.
//
//   int main(int argc, char** argv) {
//     if (auto child = forkserver::TakeExecChild())  // exec_child.h
//       return RunActor(*std::move(child));
//     auto embedded = forkserver::StartEmbedded({RunActor, argc, argv});
//     forkserver::Client client(std::move(embedded->control));
//     ... run roots, one after another ...
//     client.Close();
//     embedded->WaitForEnd(absl::Seconds(5));
//   }
//
// Rules:
// - Call it before any thread exists, from the thread that owns main; once per
//   process. FAILED_PRECONDITION otherwise.
// - stdio is flushed first, so that no byte is printed twice.
// - The zygote is a fork of the caller. It leads its own process group in the
//   caller's session: Ctrl-C and Ctrl-Z of a terminal reach the root, which
//   leads the cancel, and not the forkserver or the actors; a debugger that
//   takes the terminal over later can still do so. It blocks all signals but
//   the ones that cannot be.
//   The price: with `stty tostop`, an actor that writes to the terminal stops.
// - It outlives the caller: EOF on the control socket, or the caller's death,
//   makes it kill every process of the tree, remove the runtime directory and
//   the cgroups, and end itself.
// - If the zygote dies first (SIGKILL), actors get SIGKILL from the kernel, and
//   sweep.h ends what they had started.

#ifndef TRACTOR_FORKSERVER_EMBEDDED_H_
#define TRACTOR_FORKSERVER_EMBEDDED_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "forkserver/child_start.h"
#include "os/fd.h"
#include "os/pidfd.h"

namespace tractor::forkserver {

struct EmbeddedOptions {
  ChildEntry entry = nullptr;  // required: what a forked actor runs
  int argc = 0;                // main's; for titles and the exec backend
  char** argv = nullptr;
  // Called in a process that was forked ahead (spare.h) while it waits to
  // become an actor: may touch what `entry` will. Optional; must not block, nor
  // throw, nor leave threads.
  void (*rehearse)() = nullptr;
};

struct Embedded {
  os::Fd control;    // the root's control socket; for Client
  os::Pidfd zygote;  // a child of this process: readable when it has ended

  // Waits for the zygote's end and reaps it. Close the control socket before:
  // that is what makes it end. DEADLINE_EXCEEDED: it was killed after
  // `timeout`. An error as well when it had not ended with exit code 0.
  absl::Status WaitForEnd(absl::Duration timeout);
};

absl::StatusOr<Embedded> StartEmbedded(const EmbeddedOptions& options);

}  // namespace tractor::forkserver

#endif  // TRACTOR_FORKSERVER_EMBEDDED_H_
