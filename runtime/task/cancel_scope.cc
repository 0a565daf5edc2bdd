// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/task/cancel_scope.h"

#include <stdexcept>
#include <string>
#include <utility>

#include "runtime/task/clock.h"
#include "runtime/task/internal/task_node.h"
#include "runtime/task/scheduler.h"

namespace tractor {
namespace {

const char* SourceName(CancelReason::Source source) {
  switch (source) {
    case CancelReason::kNone:
      return "not cancelled";
    case CancelReason::kExplicit:
      return "cancelled";
    case CancelReason::kDeadline:
      return "deadline";
    case CancelReason::kSibling:
      return "sibling";
    case CancelReason::kPeer:
      return "peer";
    case CancelReason::kShutdown:
      return "shutdown";
  }
  return "unknown";
}

}  // namespace

std::string ToString(const CancelReason& reason) {
  std::string text = SourceName(reason.source);
  if (!reason.who.empty()) text += " by " + reason.who;
  if (!reason.text.empty()) text += ": " + reason.text;
  return text;
}

CancelScope::CancelScope(absl::Time deadline, bool shield)
    : status_(this),
      timer_(*this),
      deadline_(internal::ToNanos(deadline)),
      shield_(shield) {}

CancelScope::~CancelScope() = default;

void CancelScope::DeadlineTimer::OnTimer() {
  scope_.Cancel(CancelReason::kDeadline);
}

void CancelScope::Cancel(CancelReason::Source source, std::string_view text,
                         std::string_view who) {
  if (cancel_called_) return;
  cancel_called_ = true;
  // One that was inherited, and does not reach in here any more, says nothing.
  if (reason_ == nullptr || !status_.effective()) {
    reason_ = std::make_shared<const CancelReason>(
        CancelReason{source, std::string(text), std::string(who)});
  }
  ArmDeadline();
  if (is_open()) status_.Recalculate();
}

void CancelScope::set_deadline(absl::Time deadline) {
  deadline_ = internal::ToNanos(deadline);
  ArmDeadline();
}

void CancelScope::set_shield(bool shield) {
  shield_ = shield;
  if (is_open()) status_.Recalculate();
}

absl::Time CancelScope::deadline() const {
  return internal::FromNanos(deadline_);
}

const CancelReason& CancelScope::reason() const {
  static const CancelReason none;
  return reason_ == nullptr ? none : *reason_;
}

void CancelScope::ArmDeadline() {
  if (!is_open()) return;
  if (cancel_called_ || deadline_ == internal::kNever) {
    scheduler_->timers().Remove(timer_);
  } else {
    scheduler_->timers().Add(timer_, deadline_);
  }
}

void CancelScope::Open(internal::TaskNode& task) {
  if (used_) {
    throw std::logic_error(
        "CancelScope: used a second time. A scope is good for one Run(); make "
        "a "
        "new one for each.");
  }
  used_ = true;
  scheduler_ = &task.scheduler();
  status_.Attach(task.status());
  if (deadline_ != internal::kNever && scheduler_->NowNanos() >= deadline_) {
    Cancel(CancelReason::kDeadline);
  }
  if (cancel_called_) status_.Recalculate();
  ArmDeadline();
  task.Activate(&status_);
}

bool CancelScope::Close(internal::TaskNode& task, bool cancelled) {
  const bool mine = status_.effective() && !status_.parent_cancels();
  scheduler_->timers().Remove(timer_);
  task.Activate(status_.parent());
  status_.Detach();
  scheduler_ = nullptr;
  if (!cancelled || !mine) return false;
  cancelled_caught_ = true;
  return true;
}

absl::Time CurrentEffectiveDeadline() {
  internal::TaskNode* task = Scheduler::Current().current_task();
  if (task == nullptr || task->status() == nullptr) {
    return absl::InfiniteFuture();
  }
  return internal::FromNanos(task->status()->EffectiveDeadline());
}

CancelReason CurrentCancelReason() {
  internal::TaskNode* task = Scheduler::Current().current_task();
  if (task == nullptr || !task->cancelled()) return {};
  return task->status()->scope()->reason();
}

}  // namespace tractor
