// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The actor that the calling task belongs to.
//
//   tractor::CurrentActor().aid().name;
//   tractor::CurrentActor().OnTeardown([path] { unlink(path.c_str()); });
#ifndef TRACTOR_RUNTIME_ACTOR_ACTOR_H_
#define TRACTOR_RUNTIME_ACTOR_ACTOR_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/actor/aid.h"

namespace tractor {

namespace internal {
class Runtime;
}  // namespace internal

// Cheap to copy; valid as long as the actor lives.
class Actor {
 public:
  explicit Actor(internal::Runtime& runtime) : runtime_(&runtime) {}

  const Aid& aid() const;
  const std::string& name() const { return aid().name; }
  bool is_root() const;
  // Nobody for a root.
  const Aid& parent() const;
  // Names from the root to this actor.
  const std::vector<std::string>& path() const;
  // 16 bytes; the same for all actors of a tree.
  const std::string& tree_id() const;
  // Of the tree, 0700, removed with it; empty when there is none.
  const std::string& runtime_directory() const;

  // Called once, when the actor's tasks have ended, whichever way it ends short
  // of a SIGKILL; the last one first. Must not wait.
  void OnTeardown(std::function<void()> hook);

  // Ends this actor as if its parent had asked for it. A root: its main task.
  void CancelSoon(std::string_view reason = {});
  bool cancelling() const;

 private:
  internal::Runtime* runtime_;
};

// Throws NoRuntime outside of an actor.
Actor CurrentActor();
bool InActor();

}  // namespace tractor

#endif  // TRACTOR_RUNTIME_ACTOR_ACTOR_H_
