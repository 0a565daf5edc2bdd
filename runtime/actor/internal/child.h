// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// A child actor as its nursery keeps it.
#ifndef TRACTOR_RUNTIME_ACTOR_INTERNAL_CHILD_H_
#define TRACTOR_RUNTIME_ACTOR_INTERNAL_CHILD_H_

#include <memory>
#include <utility>

#include "runtime/actor/actor_options.h"
#include "runtime/actor/aid.h"
#include "runtime/actor/internal/link.h"
#include "runtime/actor/internal/spawner.h"
#include "runtime/actor/internal/wait_list.h"

namespace tractor::internal {

struct Child {
  explicit Child(ActorOptions how) : options(std::move(how)) {}

  const ActorOptions options;
  Aid aid;
  std::shared_ptr<Process> process;
  std::shared_ptr<Link> link;
  // Any change of process, link or of what is below.
  std::shared_ptr<WaitList> changed = std::make_shared<WaitList>();

  bool starting = true;    // StartActor() has not given it out yet
  bool one_shot = false;   // its errors are those of the one call
  bool ending = false;     // we have asked it to end, or are killing it
  bool expelled = false;   // killed because its channel had ended without it
  bool killed = false;     // with SIGKILL, by us
  bool abandoned = false;  // it could not be killed
  bool done = false;       // nothing of it is left

  bool exited() const { return process->exit().has_value(); }
  // There never was a process.
  bool unborn() const {
    return process->pid() == 0 && !process->failure().empty();
  }
};

}  // namespace tractor::internal

#endif  // TRACTOR_RUNTIME_ACTOR_INTERNAL_CHILD_H_
