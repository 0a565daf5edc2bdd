// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Work that is done once for all actors, and work that each one must do anew.
//
//   void Warm() { LoadTables(); }
//   const bool warm = forkserver::RegisterPreload("tables", [] {
//     Warm();
//     return absl::OkStatus();
//   });
//   const bool seed = forkserver::RegisterAfterFork("rng", [] { Reseed(); });
//
// Preload hooks run in the forkserver, once, before its first fork, in the
// order of registration: what they touch is shared copy-on-write by all actors.
// An error (a status, or a std::exception) becomes a warning of TreeOpened and
// the other hooks go on. Hooks must not start threads: every later spawn fails
// then and says so. What they allocate makes every fork dearer: about 25 us per
// MB.
//
// After-fork hooks run in every forked child, between its set-up and its entry
// (STEP_RANDOM). They cannot fail, must not block, and have one thread.
//
// Register before tractor::Main (initialisers of globals are fine). Not
// thread-safe.

#ifndef TRACTOR_FORKSERVER_PRELOAD_H_
#define TRACTOR_FORKSERVER_PRELOAD_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace tractor::forkserver {

// True, so that it can initialise a global.
bool RegisterPreload(std::string name, std::function<absl::Status()> hook);
bool RegisterAfterFork(std::string name, std::function<void()> hook);

// Runs the preload hooks that have not run yet; returns one line for each that
// failed.
std::vector<std::string> RunPreloads();

// Runs all after-fork hooks, the runtime's own first: srand and srandom from
// the kernel's random numbers.
void RunAfterFork();

}  // namespace tractor::forkserver

#endif  // TRACTOR_FORKSERVER_PRELOAD_H_
