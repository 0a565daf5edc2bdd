// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The bounds of everything that waits for somebody else. Those of the Python
// system are kept where it has one (docs/semantics.md has the table).
#ifndef TRACTOR_RUNTIME_ACTOR_CONSTANTS_H_
#define TRACTOR_RUNTIME_ACTOR_CONSTANTS_H_

#include "absl/time/time.h"

namespace tractor {

// An actor that is asked to cancel answers "I am cancelling" within this, or it
// is held to be wedged: SIGTERM, then SIGKILL.
inline constexpr absl::Duration kCancelAckTimeout = absl::Milliseconds(500);
// Between SIGTERM and SIGKILL.
inline constexpr absl::Duration kTerminateGrace = absl::Milliseconds(1600);
// What a nursery gives its children to finish in, when nothing tells it to be
// quicker.
inline constexpr absl::Duration kCancelBudget = absl::Seconds(3);
// What each level of a tree keeps back of the budget that it hands down.
inline constexpr absl::Duration kLevelReserve = absl::Milliseconds(100);
// How long Context::Cancel() and a cancelled Call() wait for the peer.
inline constexpr absl::Duration kContextCancelTimeout = absl::Milliseconds(616);
// From fork to the child's hello.
inline constexpr absl::Duration kBootTimeout = absl::Seconds(10);
// From the connection of an actor that is no child to its hello.
inline constexpr absl::Duration kHelloTimeout = absl::Seconds(10);
// What an actor whose parent is gone gets to clean up in.
inline constexpr absl::Duration kOrphanBudget = absl::Milliseconds(400);
// From the end of a channel to the news of how its process ended.
inline constexpr absl::Duration kExitNewsTimeout = absl::Milliseconds(250);
// From SIGKILL to the end of a process; beyond it the kernel has it.
inline constexpr absl::Duration kKillTimeout = absl::Seconds(5);

}  // namespace tractor

#endif  // TRACTOR_RUNTIME_ACTOR_CONSTANTS_H_
