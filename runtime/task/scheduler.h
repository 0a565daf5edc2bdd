// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The run loop of one thread: a queue of ready tasks, a heap of deadlines, and
// a driver that waits for the world outside.
//
//   tractor::Scheduler scheduler;
//   tractor::Outcome<int> end = scheduler.Run(Answer);
//
// Rules.
// - One scheduler a thread, one Run() at a time. Everything here belongs to
//   that thread, except Post().
// - Time is the scheduler's clock. It does not advance inside a task for the
//   purpose of deadlines: they are looked at between two rounds of ready tasks.
// - Ready tasks run in the order in which they became ready, unless a seed is
//   given: then every round is shuffled (tests do, so that nobody comes to rely
//   on an order), and the same seed gives the same order.
#ifndef TRACTOR_RUNTIME_TASK_SCHEDULER_H_
#define TRACTOR_RUNTIME_TASK_SCHEDULER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "runtime/task/cancel_scope.h"
#include "runtime/task/clock.h"
#include "runtime/task/internal/intrusive_list.h"
#include "runtime/task/internal/main_task.h"
#include "runtime/task/internal/task_node.h"
#include "runtime/task/internal/timer_queue.h"
#include "runtime/task/outcome.h"
#include "runtime/task/task.h"

namespace tractor {

// Where a scheduler waits for what happens outside its tasks: runtime/io puts
// Asio here, tests put virtual time here.
class Driver {
 public:
  virtual ~Driver() = default;

  // Blocks until something has happened, Wake() is called, or the clock reads
  // `deadline` (kNever: no limit), and lets completed operations Complete().
  // False: there is no deadline and nothing can ever happen any more.
  virtual bool Wait(int64_t deadline_nanos) = 0;

  // The same without blocking. Called every kPollEvery rounds of a busy loop.
  virtual void Poll() = 0;

  // Ends a Wait() that is going on, or the next one. From any thread.
  virtual void Wake() noexcept = 0;
};

struct IdleTag {};

// Called when the loop is about to look at the world outside: the moment to
// hand over what was collected meanwhile (buffered writes).
class IdleHook : public internal::ListLink<IdleTag> {
 public:
  virtual void BeforeIdle() = 0;

 protected:
  ~IdleHook() = default;
};

class SchedulerOptions {
 public:
  SchedulerOptions() = default;
  SchedulerOptions& set_clock(const Clock& clock) {
    clock_ = &clock;
    return *this;
  }
  // Not owned; must outlive the scheduler. Default: a condition variable.
  SchedulerOptions& set_driver(Driver& driver) {
    driver_ = &driver;
    return *this;
  }
  // Default: TRACTOR_SCHEDULER_SEED (a number, or `random`), else no shuffling.
  SchedulerOptions& set_shuffle_seed(uint64_t seed) {
    seed_ = seed;
    return *this;
  }

  const Clock& clock() const { return *clock_; }
  Driver* driver() const { return driver_; }
  std::optional<uint64_t> shuffle_seed() const { return seed_; }

 private:
  const Clock* clock_ = &SystemClock();
  Driver* driver_ = nullptr;
  std::optional<uint64_t> seed_;
};

class Scheduler;

// Reaches a scheduler from other threads for as long as it exists, and says so
// when it does not any more.
class RemoteScheduler {
 public:
  explicit RemoteScheduler(Scheduler& scheduler) : scheduler_(&scheduler) {}
  RemoteScheduler(const RemoteScheduler&) = delete;
  RemoteScheduler& operator=(const RemoteScheduler&) = delete;

  // As Scheduler::Post(). False: the scheduler is gone, `call` is dropped.
  bool Post(std::function<void()> call);

 private:
  friend class Scheduler;
  void Detach();

  std::mutex mutex_;
  Scheduler* scheduler_;  // guarded by mutex_
};

class Scheduler {
 public:
  // A busy loop looks at the world outside at least once in so many rounds.
  static constexpr int kPollEvery = 64;

  explicit Scheduler(const SchedulerOptions& options = SchedulerOptions());
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;
  ~Scheduler();

  // The scheduler that runs on this thread. Throws std::logic_error (Current)
  // or answers null when there is none.
  static Scheduler& Current();
  static Scheduler* CurrentOrNull();

  // Runs `body()` as the main task until it and everything it started has
  // ended. Blocks. A deadlock that the driver reports cancels the main task and
  // comes out as a DeadlockError that shows the task tree.
  template <Body F>
  Outcome<BodyResult<F>> Run(F&& body);

  // Runs `call` on this scheduler's thread, soon. From any thread, also when
  // nothing runs; not from a signal handler. The scheduler must outlive the
  // call: where `call` itself may end the run, use remote().
  void Post(std::function<void()> call);
  // For threads that may outlive the scheduler.
  const std::shared_ptr<RemoteScheduler>& remote() const { return remote_; }

  // Encloses the main task: cancel it to end the run. Only during Run().
  CancelScope& main_scope() { return *main_scope_; }

  int64_t NowNanos() const { return clock_.NowNanos(); }
  absl::Time Now() const { return internal::FromNanos(NowNanos()); }
  const Clock& clock() const { return clock_; }

  // The task that runs right now; null between tasks.
  internal::TaskNode* current_task() const { return current_; }
  // The main task of Run(); null outside.
  internal::TaskNode* main_task() const { return main_task_; }

  // What keeps a virtual clock from jumping: work outside that will Post().
  void AddExternalWork(int change) { external_work_ += change; }
  int external_work() const { return external_work_; }

  // Between rounds (in an idle hook): true when the next round has a task.
  bool HasReadyTasks() const { return !ready_.empty(); }

  // The seed that ready tasks are shuffled with, if any.
  std::optional<uint64_t> shuffle_seed() const { return seed_; }

  // Task runs since the start: what benchmarks and the runaway detector count.
  uint64_t steps() const { return steps_; }

  // ---- for operations ----
  // Queues a parked task.
  void Schedule(internal::TaskNode& task) {
    task.queued = true;
    ready_.push_back(&task);
  }
  void AddIdleHook(IdleHook& hook) { idle_hooks_.PushBack(hook); }
  internal::TimerQueue& timers() { return timers_; }
  uint64_t NextTaskId() { return ++last_task_id_; }

 private:
  class CurrentGuard;

  std::exception_ptr RunMain(internal::MainTask& main);
  void Loop(internal::MainTask& main);
  void RunBatch();
  void RunTask(internal::TaskNode& task);
  static internal::Next First(internal::TaskNode& task);
  void WaitForEvents();
  void OnDeadlock();
  void FireTimers();
  void RunPosted();
  void RunIdleHooks();
  void ShuffleBatch();

  const Clock& clock_;
  std::unique_ptr<Driver> own_driver_;
  Driver* const driver_;
  std::optional<uint64_t> seed_;
  uint64_t random_ = 0;

  std::vector<internal::TaskNode*> ready_;
  std::vector<internal::TaskNode*> batch_;
  internal::TimerQueue timers_;
  internal::IntrusiveList<IdleHook, IdleTag> idle_hooks_;
  internal::TaskNode* current_ = nullptr;
  internal::TaskNode* main_task_ = nullptr;
  CancelScope* main_scope_ = nullptr;
  int rounds_since_poll_ = 0;
  int external_work_ = 0;
  uint64_t last_task_id_ = 0;
  uint64_t steps_ = 0;
  std::optional<std::string> deadlock_;
  const std::shared_ptr<RemoteScheduler> remote_ =
      std::make_shared<RemoteScheduler>(*this);

  std::atomic<bool> has_posted_ = false;
  std::mutex posted_mutex_;
  std::vector<std::function<void()>> posted_;  // guarded by posted_mutex_
};

// Every task waits for another one, and no deadline is set. what() shows the
// tree of tasks and where each is parked.
class DeadlockError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

// The time of the scheduler that runs on this thread, else of SystemClock().
absl::Time Now();

template <Body F>
Outcome<BodyResult<F>> Scheduler::Run(F&& body) {
  internal::MainTaskOf<F> main(*this, std::forward<F>(body));
  if (std::exception_ptr error = RunMain(main)) {
    return Outcome<BodyResult<F>>::Error(std::move(error));
  }
  return main.TakeOutcome();
}

}  // namespace tractor

#endif  // TRACTOR_RUNTIME_TASK_SCHEDULER_H_
