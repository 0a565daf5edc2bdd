// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/actor/actor.h"

#include <utility>

#include "runtime/actor/constants.h"
#include "runtime/actor/context.h"
#include "runtime/actor/internal/runtime.h"
#include "runtime/task/scheduler.h"

namespace tractor {

const Aid& Actor::aid() const { return runtime_->config().self; }
bool Actor::is_root() const { return runtime_->config().is_root; }
const Aid& Actor::parent() const { return runtime_->config().parent; }
const std::vector<std::string>& Actor::path() const {
  return runtime_->config().path;
}
const std::string& Actor::tree_id() const { return runtime_->config().tree_id; }
const std::string& Actor::runtime_directory() const {
  return runtime_->config().runtime_directory;
}

void Actor::OnTeardown(std::function<void()> hook) {
  runtime_->AddTeardownHook(std::move(hook));
}

void Actor::CancelSoon(std::string_view reason) {
  runtime_->BeginCancel(CancelReason::kExplicit,
                        reason.empty() ? "cancelled itself" : reason, aid(),
                        Now() + kCancelBudget);
}

bool Actor::cancelling() const { return runtime_->cancelling(); }

Actor CurrentActor() { return Actor(internal::Runtime::Current()); }
bool InActor() { return internal::Runtime::CurrentOrNull() != nullptr; }

namespace internal {
const Aid& PeerOf(const Dialog& dialog) { return dialog.link().peer(); }
}  // namespace internal

}  // namespace tractor
