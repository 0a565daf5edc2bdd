// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/task/scheduler.h"

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>

#include "runtime/task/internal/driver.h"
#include "runtime/task/operation.h"
#include "runtime/task/task_tree.h"

namespace tractor {
namespace {

using internal::Next;
using internal::TaskNode;

thread_local Scheduler* this_thread = nullptr;

std::optional<uint64_t> SeedFromEnvironment() {
  const char* text = std::getenv("TRACTOR_SCHEDULER_SEED");
  if (text == nullptr || *text == '\0') return std::nullopt;
  if (std::string_view(text) != "random") {
    return std::strtoull(text, nullptr, 0);
  }
  const uint64_t seed = std::random_device()();
  std::fprintf(stderr, "TRACTOR_SCHEDULER_SEED=%llu\n",
               static_cast<unsigned long long>(seed));
  return seed;
}

}  // namespace

// ---- Scheduler ----

Scheduler::Scheduler(const SchedulerOptions& options)
    : clock_(options.clock()),
      own_driver_(options.driver() == nullptr
                      ? std::make_unique<internal::IdleDriver>(options.clock())
                      : nullptr),
      driver_(options.driver() == nullptr ? own_driver_.get()
                                          : options.driver()),
      seed_(options.shuffle_seed().has_value() ? options.shuffle_seed()
                                               : SeedFromEnvironment()),
      random_(seed_.value_or(0) * 2 + 1) {}

Scheduler::~Scheduler() { remote_->Detach(); }

bool RemoteScheduler::Post(std::function<void()> call) {
  std::lock_guard lock(mutex_);
  if (scheduler_ == nullptr) return false;
  scheduler_->Post(std::move(call));
  return true;
}

void RemoteScheduler::Detach() {
  std::lock_guard lock(mutex_);
  scheduler_ = nullptr;
}

Scheduler* Scheduler::CurrentOrNull() { return this_thread; }

Scheduler& Scheduler::Current() {
  if (this_thread == nullptr) {
    throw std::logic_error(
        "no scheduler runs on this thread: this can only be called from a "
        "task");
  }
  return *this_thread;
}

absl::Time Now() {
  const Scheduler* scheduler = Scheduler::CurrentOrNull();
  return scheduler != nullptr ? scheduler->Now()
                              : internal::FromNanos(SystemClock().NowNanos());
}

// Sets the scheduler of the thread for the time of a Run().
class Scheduler::CurrentGuard {
 public:
  CurrentGuard(Scheduler& scheduler, internal::MainTask& main,
               CancelScope& scope)
      : scheduler_(scheduler) {
    if (this_thread != nullptr) {
      throw std::logic_error("Scheduler::Run: this thread runs one already");
    }
    this_thread = &scheduler;
    scheduler.main_task_ = &main;
    scheduler.main_scope_ = &scope;
  }
  ~CurrentGuard() {
    this_thread = nullptr;
    scheduler_.main_task_ = nullptr;
    scheduler_.main_scope_ = nullptr;
  }

 private:
  Scheduler& scheduler_;
};

std::exception_ptr Scheduler::RunMain(internal::MainTask& main) {
  CancelScope scope;
  CurrentGuard guard(*this, main, scope);
  deadlock_.reset();
  scope.Open(main);
  Schedule(main);
  Loop(main);
  scope.Close(main, false);
  main.Activate(nullptr);
  if (!deadlock_.has_value()) return nullptr;
  return std::make_exception_ptr(DeadlockError(*deadlock_));
}

void Scheduler::Loop(internal::MainTask& main) {
  while (!main.done()) {
    if (has_posted_.load(std::memory_order_acquire)) RunPosted();
    if (!timers_.empty()) FireTimers();
    if (ready_.empty()) {
      WaitForEvents();
      continue;
    }
    if (++rounds_since_poll_ >= kPollEvery) {
      rounds_since_poll_ = 0;
      RunIdleHooks();
      driver_->Poll();
    }
    RunBatch();
  }
  RunIdleHooks();
}

void Scheduler::RunBatch() {
  batch_.swap(ready_);
  if (seed_.has_value()) ShuffleBatch();
  for (TaskNode* task : batch_) RunTask(*task);
  batch_.clear();
}

// Fisher and Yates, with xorshift64*: the same seed, the same order.
void Scheduler::ShuffleBatch() {
  for (size_t i = batch_.size(); i > 1; --i) {
    random_ ^= random_ >> 12;
    random_ ^= random_ << 25;
    random_ ^= random_ >> 27;
    std::swap(batch_[i - 1],
              batch_[(random_ * 0x2545F4914F6CDD1DULL >> 33) % i]);
  }
}

void Scheduler::RunTask(TaskNode& task) {
  current_ = &task;
  ++steps_;
  Next next = First(task);
  while (next.frame != nullptr) {
    if (next.cancelled) {
      internal::FrameBase* frame = next.frame;
      while (frame->boundary == nullptr) frame = frame->parent;
      // Destructors of the frames that end now may look at the task tree.
      task.leaf = frame->boundary->outer();
      next = frame->boundary->OnBodyDone(internal::Completion::kCancelled);
      continue;
    }
    task.leaf = next.frame;
    next.frame->handle.resume();
    internal::FrameBase* done = std::exchange(task.finished, nullptr);
    if (done == nullptr) break;
    if (done->boundary == nullptr) {
      next = Next::Resume(done->parent);
      continue;
    }
    task.leaf = done->boundary->outer();
    next = done->boundary->OnBodyDone(done->completion);
  }
  current_ = nullptr;
}

// What a queued task begins with, this time.
Next Scheduler::First(TaskNode& task) {
  task.queued = false;
  task.operation = nullptr;
  task.parked_in = nullptr;
  if (task.wake != nullptr) return std::exchange(task.wake, nullptr)->OnWake();
  if (task.leaf == nullptr) return task.Begin();
  const bool unwind = task.unwind || (task.is_checkpoint && task.cancelled());
  task.unwind = task.is_checkpoint = false;
  return unwind ? Next::Unwind(task.leaf) : Next::Resume(task.leaf);
}

void Scheduler::FireTimers() {
  const int64_t now = NowNanos();
  while (timers_.FireOne(now)) {
  }
}

void Scheduler::WaitForEvents() {
  rounds_since_poll_ = 0;
  RunIdleHooks();
  if (!ready_.empty()) return;
  const int64_t deadline = timers_.empty() ? internal::kNever : timers_.next();
  if (!driver_->Wait(deadline)) OnDeadlock();
}

void Scheduler::OnDeadlock() {
  std::string text = "deadlock: every task waits, and nothing can wake one\n" +
                     DumpTaskTree(*this);
  if (deadlock_.has_value()) {
    // The tasks were cancelled for it and still wait: a leaf that cannot be
    // aborted and never completes. Nothing can be done but to say so.
    std::fprintf(stderr, "%s", text.c_str());
    std::abort();
  }
  deadlock_ = std::move(text);
  main_scope_->Cancel(CancelReason::kShutdown, "deadlock");
}

void Scheduler::Post(std::function<void()> call) {
  {
    std::lock_guard lock(posted_mutex_);
    posted_.push_back(std::move(call));
    has_posted_.store(true, std::memory_order_release);
  }
  driver_->Wake();
}

void Scheduler::RunPosted() {
  std::vector<std::function<void()>> calls;
  {
    std::lock_guard lock(posted_mutex_);
    calls.swap(posted_);
    has_posted_.store(false, std::memory_order_relaxed);
  }
  for (std::function<void()>& call : calls) call();
}

void Scheduler::RunIdleHooks() {
  idle_hooks_.ForEach([](IdleHook& hook) { hook.BeforeIdle(); });
}

// ---- tasks and operations ----

namespace internal {

TaskNode::TaskNode(Scheduler& scheduler)
    : scheduler_(scheduler), id_(scheduler.NextTaskId()) {}

void TaskNode::DeliverCancel() {
  Operation* parked = std::exchange(operation, nullptr);
  if (parked == nullptr || !parked->Abort()) return;
  unwind = true;
  scheduler_.Schedule(*this);
}

void AwaitedTwice() {
  throw std::logic_error(
      "Task: awaited a second time, or moved from. A Task runs once.");
}

void PropagateCancel(FrameBase& frame) {
  TaskNode& task = *frame.task;
  task.leaf = &frame;
  task.unwind = true;
  task.scheduler().Schedule(task);
}

}  // namespace internal

bool Operation::ParkFrame(internal::FrameBase& frame) {
  TaskNode& task = *frame.task;
  task_ = &task;
  task.leaf = &frame;
  task.parked_in = this;
  if (task.cancelled()) {
    task.unwind = true;
    task.scheduler().Schedule(task);
    return false;
  }
  task.operation = this;
  parked_ = true;
  return true;
}

void Operation::Complete() {
  parked_ = false;
  task_->operation = nullptr;
  task_->scheduler().Schedule(*task_);
}

void Operation::CompleteCancelled() {
  parked_ = false;
  task_->operation = nullptr;
  task_->unwind = true;
  task_->scheduler().Schedule(*task_);
}

}  // namespace tractor
