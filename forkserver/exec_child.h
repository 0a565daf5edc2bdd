// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The exec backend's child side: a fresh image of the program finds out that it
// is an actor.
//
//   int main(int argc, char** argv) {
//     if (auto child = forkserver::TakeExecChild())
//       return RunActor(*std::move(child));
//
// The forkserver pins the program's file by a descriptor when it starts, so a
// program that is replaced on disk while it runs still spawns its own version.
// argv[0] of the new image is the actor's title. Its environment names the fds:
// TRACTOR_EXEC_SPEC (a sealed memfd with the ExecStart), which is removed from
// the environment here, so that grandchildren never see it.

#ifndef TRACTOR_FORKSERVER_EXEC_CHILD_H_
#define TRACTOR_FORKSERVER_EXEC_CHILD_H_

#include <optional>

#include "forkserver/child_start.h"

namespace tractor::forkserver {

// Call it first in main, once. nullopt: this process is no exec'ed actor. What
// it cannot make sense of (a truncated spec, missing fds) is reported to the
// requester through the control socket where there is one, in one line on
// stderr, and ends the process with exit code 70 (EX_SOFTWARE).
std::optional<ChildStart> TakeExecChild();

}  // namespace tractor::forkserver

#endif  // TRACTOR_FORKSERVER_EXEC_CHILD_H_
