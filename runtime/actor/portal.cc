// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/actor/portal.h"

#include "runtime/actor/errors.h"
#include "runtime/actor/internal/runtime.h"
#include "runtime/task/timeouts.h"

namespace tractor {

Task<bool> Portal::CancelActor(absl::Duration timeout,
                               bool raise_on_timeout) const {
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
