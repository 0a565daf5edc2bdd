// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Named points at which a process can be killed, stopped, held up or ended: for
// tests of what the others make of it.
//
//   TRACTOR_INJECT_POINT("link.hello");      // in the code
//
//   TRACTOR_INJECT=kill@link.hello/worker program        # SIGKILL
//   TRACTOR_INJECT=stop@call.return#3 program            # SIGSTOP, third time
//   TRACTOR_INJECT=delay:50@forkserver.forked program    # 50 ms, blocking
//   TRACTOR_INJECT=exit:3@spawn.entry/worker program     # _exit(3)
//
// Rules:
// - ACTION@POINT, then #N (the N-th pass of a process; without, the first),
// then
//   /WHO (only in the process of that name; without, in every one). A process
//   does it once.
// - Who a process is: "root", "forkserver", or the actor's name; on a thread,
//   that of the process. Threads count together.
// - Before it acts, it says so on stderr: a test can tell whether it happened.
// - A wrong value is a line on stderr, and nothing is injected.
// - In an optimised build (NDEBUG) there are no points, and nothing of this.

#ifndef TRACTOR_OS_INJECT_H_
#define TRACTOR_OS_INJECT_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace tractor::os {

struct Injection {
  enum class Action { kKill, kStop, kDelay, kExit };
  Action action = Action::kKill;
  int argument = 0;  // milliseconds of kDelay, code of kExit
  std::string point;
  int pass = 1;
  std::string who;  // empty: everybody
};

// INVALID_ARGUMENT says what is wrong with it.
absl::StatusOr<Injection> ParseInjection(std::string_view text);

// Who this process is from now on; a fork inherits it.
void SetInjectionName(std::string_view name);

// This process passes `point`. Async-signal-unsafe; never call it with a lock.
void PassInjectionPoint(const char* point);

}  // namespace tractor::os

#ifdef NDEBUG
#define TRACTOR_INJECT_POINT(name) static_cast<void>(0)
#define TRACTOR_INJECT_NAME(name) static_cast<void>(0)
#else
#define TRACTOR_INJECT_POINT(name) ::tractor::os::PassInjectionPoint(name)
#define TRACTOR_INJECT_NAME(name) ::tractor::os::SetInjectionName(name)
#endif

#endif  // TRACTOR_OS_INJECT_H_
