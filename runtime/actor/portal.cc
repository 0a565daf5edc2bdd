// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/actor/portal.h"

#include "runtime/actor/errors.h"
#include "runtime/actor/internal/runtime.h"
#include "runtime/task/timeouts.h"

namespace tractor {

const Aid& Portal::OwnAid() {
  return internal::Runtime::Current().config().self;
}

void Portal::CheckContext() const {
  if (!to_self()) return;
  throw RuntimeFailure("a context of the actor " + ToString(OwnAid()) +
                       " to itself: start a task, or call the function");
}

Task<bool> Portal::CancelActor(absl::Duration timeout,
                               bool raise_on_timeout) const {
  if (to_self()) {
    internal::Runtime& runtime = internal::Runtime::Current();
    runtime.BeginCancel(CancelReason::kExplicit, "it cancels itself", OwnAid(),
                        Now() + timeout);
    co_return true;
  }
  internal::Link& link = *link_;
  if (link.closed() || link.said_goodbye()) co_return false;
  link.SendCancelActor("Portal::CancelActor()", link.self(), timeout);
  auto ended = [&link] { return link.closed() || link.said_goodbye(); };
  auto wait = [&]() -> Task<> {
    while (!ended()) co_await link.changed().Wait("end of a cancelled actor");
  };
  CancelScope scope(Now() + timeout, /*shield=*/true);
  co_await scope.Run(wait);
  if (!ended() && raise_on_timeout) {
    throw ActorTooSlowError(link.peer(), "the end after a cancel", timeout);
  }
  co_return ended();
}

}  // namespace tractor
