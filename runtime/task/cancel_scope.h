// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// CancelScope: the unit of cancellation. What runs inside it can be cut short,
// by Cancel() or by its deadline; what is around it goes on behind it.
//
//   tractor::CancelScope scope(tractor::Now() + absl::Seconds(3));
//   co_await scope.Run([&]() -> tractor::Task<> { co_await Work(); });
//   if (scope.cancelled_caught()) LOG(INFO) << scope.reason().text;
//
// Rules (trio's).
// - Level-triggered: once cancelled, *every* checkpoint inside ends the work,
//   until control has left the scope.
// - When several nested scopes are cancelled, the outermost one catches.
// - A shielded scope lets no cancellation from outside in, its own neither more
//   nor less. Taking the shield away lets in what is waiting outside.
// - A scope is used once, by one task. A second Run() throws std::logic_error.
#ifndef TRACTOR_RUNTIME_TASK_CANCEL_SCOPE_H_
#define TRACTOR_RUNTIME_TASK_CANCEL_SCOPE_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "runtime/task/internal/cancel_status.h"
#include "runtime/task/internal/timer_queue.h"
#include "runtime/task/task.h"

namespace tractor {

class Scheduler;

// Why something was cancelled, and by whom.
struct CancelReason {
  enum Source {
    kNone,      // not cancelled
    kExplicit,  // Cancel() was called
    kDeadline,  // the scope's deadline has passed
    kSibling,   // another task of the same nursery failed
    kPeer,      // an actor asked for it
    kShutdown,  // the process is ending (signal, parent gone)
  };
  Source source = kNone;
  std::string text;
  std::string who;  // an actor or a task; empty when that says nothing
};

// "deadline", "sibling: worker 3 failed", ...
std::string ToString(const CancelReason& reason);

namespace internal {
template <class F>
class ScopeAwaiter;
}  // namespace internal

class CancelScope {
 public:
  explicit CancelScope(absl::Time deadline = absl::InfiniteFuture(),
                       bool shield = false);
  CancelScope(const CancelScope&) = delete;
  CancelScope& operator=(const CancelScope&) = delete;
  ~CancelScope();

  // Idempotent: the first reason stays. Allowed before, during and after Run().
  void Cancel(CancelReason::Source source = CancelReason::kExplicit,
              std::string_view text = {}, std::string_view who = {});

  // How the scope is called in the task tree.
  void set_name(std::string_view name) { name_ = name; }
  const std::string& name() const { return name_; }

  // Both take effect at once. A deadline in the past cancels at the next look
  // of the loop at its clock; a scope that is already cancelled stays so.
  void set_deadline(absl::Time deadline);
  void set_shield(bool shield);

  absl::Time deadline() const;
  bool shield() const { return shield_; }
  // Somebody asked: Cancel() was called or the deadline has passed.
  bool cancel_called() const { return cancel_called_; }
  // And some work in here really ended by it.
  bool cancelled_caught() const { return cancelled_caught_; }
  // Why what is in here is cancelled; also when the cause lies outside.
  const CancelReason& reason() const;

  // Runs body() in the scope. A checkpoint if body has one. Gives true when the
  // body came to its end, false when this scope cut it short; for a body with a
  // value, an optional of it. The body's error comes out of the co_await.
  template <Body F>
  [[nodiscard]] internal::ScopeAwaiter<F> Run(F&& body);

  // ---- for boundaries (scope, nursery, scheduler) ----
  // Makes the scope the innermost one of `task`.
  void Open(internal::TaskNode& task);
  // Leaves it. `cancelled`: work in it ended by a cancellation. True: that
  // cancellation is this scope's and stops here.
  bool Close(internal::TaskNode& task, bool cancelled);
  bool is_open() const { return scheduler_ != nullptr; }
  internal::CancelStatus& status() { return status_; }

 private:
  friend class internal::CancelStatus;

  class DeadlineTimer final : public internal::Timer {
   public:
    explicit DeadlineTimer(CancelScope& scope) : scope_(scope) {}
    void OnTimer() override;

   private:
    CancelScope& scope_;
  };

  void ArmDeadline();

  internal::CancelStatus status_;
  DeadlineTimer timer_;
  Scheduler* scheduler_ = nullptr;  // while it is open
  int64_t deadline_;                // nanoseconds of the scheduler's clock
  bool shield_;
  bool cancel_called_ = false;
  bool cancelled_caught_ = false;
  bool used_ = false;
  std::shared_ptr<const CancelReason> reason_;
  std::string name_;
};

// The earliest deadline that is in force for the current task; InfinitePast()
// once it is cancelled. What a message to a peer carries along.
absl::Time CurrentEffectiveDeadline();

// Why the current task is cancelled; source kNone when it is not.
CancelReason CurrentCancelReason();

}  // namespace tractor

#include "runtime/task/internal/scope_awaiter.h"  // IWYU pragma: export

#endif  // TRACTOR_RUNTIME_TASK_CANCEL_SCOPE_H_
