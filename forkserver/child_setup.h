// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// From the fork to the child's entry: what a fresh actor process does to itself
// before user code runs in it.
//
// In this order, each under its name of proto::SpawnStep: PDEATHSIG (before all
// else), CGROUP (the fork has done it), SIGNALS, STDIO, FDS, TITLE,
// ENVIRONMENT, RANDOM, CWD, and EXEC or ENTRY. STDIO comes before FDS so that
// one close_range takes its leftovers along. A spare has done PDEATHSIG, CGROUP
// and SIGNALS when it is told who it is. A step that fails is told to the
// forkserver through the child's control socket, which passes it on to the
// requester, and the child ends with kSetupFailedCode.

#ifndef TRACTOR_FORKSERVER_CHILD_SETUP_H_
#define TRACTOR_FORKSERVER_CHILD_SETUP_H_

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "forkserver/child_start.h"
#include "forkserver/packet.h"
#include "os/fd.h"
#include "os/process_title.h"
#include "proto/spawn.pb.h"

namespace tractor::forkserver {

// Exit code of a child whose set-up failed (EX_SOFTWARE).
inline constexpr int kSetupFailedCode = 70;

// What all children have in common; made once, when the zygote starts.
struct ChildContext {
  ChildEntry entry = nullptr;
  void (*rehearse)() = nullptr;  // what a spare does while it waits; or null
  os::Fd executable;             // of this program, O_PATH: what EXEC runs
  os::Fd dev_null;
  std::optional<os::TitleArea> title;
  pid_t zygote_pid = 0;
  rlimit open_files = {};  // the program's own limit, for the children
  std::string host;
  std::string boot_id;  // 16 bytes
};

// What this child is to be.
struct ChildPlan {
  proto::SpawnSpec spec;
  proto::SpawnTiming timing;
  int64_t boot_ns_before_fork = 0;
  int64_t boot_ns_after_fork = 0;  // the child's own first look at the clock
  os::Fd channel;
  os::Fd control;
  os::Fd stdout_pipe;  // write ends, with the PIPE policy
  os::Fd stderr_pipe;
  NamedFds fds;
};

// Never returns. Call it in the child, first thing after the fork.
[[noreturn]] void RunChild(ChildContext& context, ChildPlan plan);

// The same for a spare: gets itself ready, waits on `control` for a Become, and
// goes on as that child. Ends when nobody can send one any more.
[[noreturn]] void RunSpare(ChildContext& context, os::Fd control,
                           int64_t boot_ns_before_fork);

// Ends the process after flushing what it has written, without destructors.
[[noreturn]] void FlushAndExit(int code);

// What an actor is called in ps.
std::string TitleOf(const proto::SpawnSpec& spec);

// Tells the forkserver that `step` failed.
void ReportSetupFailure(int control, proto::SpawnStep step,
                        const absl::Status& status);

}  // namespace tractor::forkserver

#endif  // TRACTOR_FORKSERVER_CHILD_SETUP_H_
