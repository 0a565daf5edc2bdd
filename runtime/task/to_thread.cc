// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/task/to_thread.h"

#include <condition_variable>
#include <mutex>

#include "runtime/task/internal/thread_pool.h"

namespace tractor {
namespace {

constexpr size_t kDefaultTokens = 40;

thread_local internal::ThreadCall* this_threads_call = nullptr;

}  // namespace

CapacityLimiter& ToThread::DefaultLimiter() {
  static thread_local CapacityLimiter limiter(kDefaultTokens);
  return limiter;
}

namespace internal {

// What a thread blocks on. When the last one that could give the answer drops
// it, the answer is "nobody will".
class ThreadCall::Answer {
 public:
  // Held by whoever has to answer.
  class Promise {
   public:
    explicit Promise(std::shared_ptr<Answer> answer)
        : answer_(std::move(answer)) {}
    Promise(const Promise&) = delete;
    Promise& operator=(const Promise&) = delete;
    ~Promise() { answer_->Settle(State::kDropped); }
    void Keep() { answer_->Settle(State::kKept); }

   private:
    const std::shared_ptr<Answer> answer_;
  };

  void Wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return state_ != State::kOpen; });
    if (state_ == State::kDropped) {
      throw FromThreadError(
          "FromThread: the task that waits for this thread was cancelled, or "
          "its loop has ended");
    }
  }

 private:
  enum class State { kOpen, kKept, kDropped };

  void Settle(State state) {
    {
      std::lock_guard lock(mutex_);
      if (state_ == State::kOpen) state_ = state;
    }
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  State state_ = State::kOpen;  // guarded by mutex_
};

ThreadCall::Guard::Guard(std::shared_ptr<ThreadCall> call,
                         CapacityLimiter::Token token,
                         std::function<void()> job)
    : call_(std::move(call)) {
  call_->Start(std::move(token), std::move(job));
}

ThreadCall& ThreadCall::Current() {
  if (this_threads_call == nullptr) {
    throw FromThreadError("FromThread: this is no thread of ToThread::Run()");
  }
  return *this_threads_call;
}

void ThreadCall::Start(CapacityLimiter::Token token,
                       std::function<void()> job) {
  Scheduler& scheduler = Scheduler::Current();
  loop_ = scheduler.remote();
  task_ = scheduler.current_task();
  auto self = shared_from_this();
  ThreadPool::Global().Submit([self, job = std::move(job)]() mutable {
    this_threads_call = self.get();
    job();
    job = nullptr;
    this_threads_call = nullptr;
    const bool told = self->loop_->Post([self] { self->Finish(); });
    // The limiter belongs to a loop that is gone; it is not for this thread to
    // touch.
    if (!told && self->token_.has_value()) self->token_->Lose();
  });
  // Only now: Submit() may have failed. The thread's first word comes later,
  // for it has to be posted.
  token_.emplace(std::move(token));
  scheduler_ = &scheduler;
  scheduler.AddExternalWork(1);
}

Task<> ThreadCall::NextEventShielded() {
  CancelScope shield(absl::InfiniteFuture(), /*shield=*/true);
  auto next = [&]() -> Task<> { co_await NextEvent(); };
  shield_ = &shield;
  co_await shield.Run(next);
  shield_ = nullptr;
}

std::function<Task<>()> ThreadCall::TakeBody() {
  return std::exchange(body_, nullptr);
}

void ThreadCall::Wake() {
  if (waiting_ != nullptr) std::exchange(waiting_, nullptr)->Complete();
}

void ThreadCall::Finish() {
  token_.reset();
  done_ = true;
  if (scheduler_ == nullptr) return;
  std::exchange(scheduler_, nullptr)->AddExternalWork(-1);
  Wake();
}

void ThreadCall::Abandon() {
  if (scheduler_ == nullptr) return;
  std::exchange(scheduler_, nullptr)->AddExternalWork(-1);
  body_ = nullptr;
}

void ThreadCall::RunInLoop(std::function<void()> f) {
  auto answer = std::make_shared<Answer>();
  {
    auto promise = std::make_shared<Answer::Promise>(answer);
    auto self = shared_from_this();
    loop_->Post([self, promise, &f] {
      if (self->scheduler_ == nullptr) return;
      f();
      promise->Keep();
    });
  }
  answer->Wait();
}

void ThreadCall::RunInTask(std::function<Task<>()> body) {
  auto answer = std::make_shared<Answer>();
  {
    auto promise = std::make_shared<Answer::Promise>(answer);
    auto self = shared_from_this();
    loop_->Post([self, promise, &body] {
      if (self->scheduler_ == nullptr) return;
      // The promise dies with the frame when the task is cut short.
      self->body_ = [&body, promise]() -> Task<> {
        const std::shared_ptr<Answer::Promise> kept = promise;
        co_await body();
        kept->Keep();
      };
      self->Wake();
    });
  }
  answer->Wait();
}

bool ThreadCall::Cancelled() {
  bool cancelled = true;
  auto ask = [&] {
    // While it waits the task is shielded; what counts lies outside of that.
    cancelled = shield_ != nullptr && shield_->is_open()
                    ? shield_->status().parent()->effective()
                    : task_->cancelled();
  };
  RunInLoop(ask);
  return cancelled;
}

}  // namespace internal
}  // namespace tractor
