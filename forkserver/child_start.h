// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// What a new actor process has in its hands, whichever way it was made.
//
//   int RunActor(forkserver::ChildStart start) {
//     ... hello on start.channel, serve, return the exit code ...
//   }
//
// Rules for the entry:
// - It runs on the main thread, the process's only one, with no signal blocked,
//   SIGPIPE ignored and every other signal as at the forkserver's start.
// - Its return value is the exit code (low 8 bits). stdio is flushed and the
//   process ends by _exit: no destructor of a global, no atexit handler runs,
//   because those belong to the root's image. (In the exec backend the caller
//   of TakeExecChild decides.)
// - Exceptions must not leave it: that would be std::terminate.

#ifndef TRACTOR_FORKSERVER_CHILD_START_H_
#define TRACTOR_FORKSERVER_CHILD_START_H_

#include <map>
#include <string>

#include "os/fd.h"
#include "proto/spawn.pb.h"

namespace tractor::forkserver {

struct ChildStart {
  proto::SpawnSpec spec;  // actor's pid, start time, host, boot id filled in
  os::Fd channel;         // this end of the socketpair to the parent
  os::Fd control;         // to the forkserver; for Client
  std::map<std::string, os::Fd> fds;  // the named ones that the parent sent
  proto::SpawnTiming timing;          // all steps up to STEP_ENTRY
};

using ChildEntry = int (*)(ChildStart start);

// What /proc and exec'ed grandchildren show of an actor's process; sweep.h and
// tractor-reap look for them.
inline constexpr char kTreeVariable[] = "TRACTOR_TREE";    // hex of TreeId
inline constexpr char kActorVariable[] = "TRACTOR_ACTOR";  // hex of Aid.uuid
inline constexpr char kPathVariable[] = "TRACTOR_ACTOR_PATH";  // root/a/b

}  // namespace tractor::forkserver

#endif  // TRACTOR_FORKSERVER_CHILD_START_H_
