// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// For leaf_cancel_test.cc: every leaf of this folder behind one face.
//
// Sleep() and Checkpoint(), which nobody completes, are in timeouts_test.cc and
// operation_test.cc.
#ifndef TRACTOR_RUNTIME_TASK_LEAVES_H_
#define TRACTOR_RUNTIME_TASK_LEAVES_H_

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/task/broadcast.h"
#include "runtime/task/capacity_limiter.h"
#include "runtime/task/event.h"
#include "runtime/task/gather.h"
#include "runtime/task/lock.h"
#include "runtime/task/memory_channel.h"
#include "runtime/task/semaphore.h"
#include "runtime/task/task.h"
#include "runtime/task/to_thread.h"

namespace tractor::testing {

class Leaf {
 public:
  virtual ~Leaf() = default;
  // Waits once; counts at its end.
  virtual Task<> Wait() = 0;
  // Lets one Wait() end.
  virtual void Happen() = 0;
  // Behind everything: nothing was lost, nothing came twice.
  virtual void Check() {}

  int waited = 0;

  // What happens while nobody waits is there for the next one.
  bool remembers = true;
  // A cancel ends the wait; else the wait ends it.
  bool abortable = true;
  // Another thread decides when it is done, and virtual time stands still.
  bool threaded = false;
};

class EventLeaf final : public Leaf {
 public:
  Task<> Wait() override {
    co_await event_.Wait();
    ++waited;
  }
  void Happen() override { event_.Set(); }
  void Check() override { EXPECT_EQ(event_.waiting(), 0u); }

 private:
  Event event_;
};

class SemaphoreLeaf final : public Leaf {
 public:
  Task<> Wait() override {
    Semaphore::Permit permit = co_await semaphore_.Acquire();
    permit.Detach();
    ++waited;
  }
  void Happen() override {
    semaphore_.Release();
    ++given_;
  }
  void Check() override {
    EXPECT_EQ(semaphore_.value() + static_cast<size_t>(waited), given_);
    EXPECT_EQ(semaphore_.waiting(), 0u);
  }

 private:
  Semaphore semaphore_{0};
  size_t given_ = 0;
};

class LimiterLeaf final : public Leaf {
 public:
  Task<> Wait() override {
    tokens_.push_back(
        co_await limiter_.AcquireOnBehalfOf(&borrowers_[next_++]));
    ++waited;
  }
  void Happen() override {
    limiter_.set_total_tokens(limiter_.total_tokens() + 1);
  }
  void Check() override {
    EXPECT_EQ(limiter_.borrowed_tokens(), static_cast<size_t>(waited) + 1);
    EXPECT_EQ(limiter_.waiting(), 0u);
  }

 private:
  char borrowers_[8] = {};
  size_t next_ = 0;
  CapacityLimiter limiter_{1};
  std::optional<CapacityLimiter::Token> held_ =
      limiter_.TryAcquireOnBehalfOf(this);
  std::vector<CapacityLimiter::Token> tokens_;
};

class LockLeaf final : public Leaf {
 public:
  Task<> Wait() override {
    const Lock::Held held = co_await lock_.Acquire();
    ++waited;
  }
  void Happen() override { held_.reset(); }
  void Check() override {
    EXPECT_FALSE(lock_.locked());
    EXPECT_EQ(lock_.waiting(), 0u);
  }

 private:
  Lock lock_;
  std::optional<Lock::Held> held_ = lock_.TryAcquire();
};

class ConditionLeaf final : public Leaf {
 public:
  ConditionLeaf() { remembers = false; }
  Task<> Wait() override {
    Lock::Held held = co_await lock_.Acquire();
    co_await condition_.Wait(held);
    ++waited;
  }
  void Happen() override {
    // Nobody holds it, unless a cancelled wait is on its way out.
    if (const auto held = lock_.TryAcquire()) condition_.Notify();
  }
  void Check() override {
    EXPECT_FALSE(lock_.locked());
    EXPECT_EQ(condition_.waiting(), 0u);
  }

 private:
  Lock lock_;
  Condition condition_{lock_};
};

class ReceiveLeaf final : public Leaf {
 public:
  explicit ReceiveLeaf(size_t capacity) : ends_(OpenChannel<int>(capacity)) {
    remembers = capacity > 0;
  }
  Task<> Wait() override {
    const std::optional<int> value = co_await ends_.second.Receive();
    EXPECT_EQ(value, ++waited);  // none is missing before it
  }
  void Happen() override {
    if (ends_.first.TrySend(sent_ + 1)) ++sent_;
  }
  void Check() override { EXPECT_EQ(waited, sent_); }

 private:
  std::pair<SenderHandle<int>, ReceiverHandle<int>> ends_;
  int sent_ = 0;
};

class SendLeaf final : public Leaf {
 public:
  explicit SendLeaf(size_t capacity) : ends_(OpenChannel<int>(capacity)) {
    remembers = capacity > 0;
    while (ends_.first.TrySend(0)) ++filled_;
  }
  Task<> Wait() override {
    co_await ends_.first.Send(1);
    ++waited;
  }
  void Happen() override { Take(); }
  void Check() override {
    while (Take()) {
    }
    EXPECT_EQ(taken_, filled_ + waited);
  }

 private:
  bool Take() {
    const bool got = ends_.second.TryReceive().has_value();
    taken_ += got;
    return got;
  }

  std::pair<SenderHandle<int>, ReceiverHandle<int>> ends_;
  int filled_ = 0;
  int taken_ = 0;
};

class BroadcastLeaf final : public Leaf {
 public:
  Task<> Wait() override {
    const std::optional<int> value = co_await broadcast_.Receive();
    EXPECT_EQ(value, ++waited);
  }
  void Happen() override { EXPECT_TRUE(ends_.first.TrySend(++sent_)); }
  void Check() override { EXPECT_EQ(waited, sent_); }

 private:
  std::pair<SenderHandle<int>, ReceiverHandle<int>> ends_ =
      OpenChannel<int>(kUnbounded);
  BroadcastReceiver<int> broadcast_{[this]() -> Task<std::optional<int>> {
                                      co_return co_await ends_.second.Receive();
                                    },
                                    8};
  int sent_ = 0;
};

class GatherLeaf final : public Leaf {
 public:
  Task<> Wait() override {
    co_await Gather(Half(first_), Half(second_));
    ++waited;
  }
  void Happen() override {
    first_.Set();
    second_.Set();
  }

 private:
  static Task<> Half(Event& event) { co_await event.Wait(); }

  Event first_, second_;
};

// Waits for the limiter, before there is a thread.
class ThreadTokenLeaf final : public Leaf {
 public:
  Task<> Wait() override {
    auto work = [this] { ++worked_; };
    co_await ToThread::Run(work, ToThreadOptions().set_limiter(limiter_));
    ++waited;
  }
  void Happen() override { held_.reset(); }
  void Check() override {
    EXPECT_EQ(worked_, waited);
    EXPECT_EQ(limiter_.borrowed_tokens(), 0u);
  }

 private:
  CapacityLimiter limiter_{1};
  std::optional<CapacityLimiter::Token> held_ =
      limiter_.TryAcquireOnBehalfOf(this);
  int worked_ = 0;
};

// Waits for a thread that works.
class ThreadLeaf final : public Leaf {
 public:
  explicit ThreadLeaf(bool abandon) : abandon_(abandon) {
    abortable = abandon;
    threaded = true;
  }
  ~ThreadLeaf() override { gate_->Open(); }
  Task<> Wait() override {
    // By value: an abandoned one may outlive all of this.
    auto work = [gate = gate_] { gate->Pass(); };
    co_await ToThread::Run(work,
                           ToThreadOptions().set_abandon_on_cancel(abandon_));
    ++waited;
  }
  void Happen() override { gate_->Open(); }

 private:
  class Gate {
   public:
    void Open() {
      std::lock_guard lock(mutex_);
      open_ = true;
      changed_.notify_all();
    }
    void Pass() {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return open_; });
    }

   private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool open_ = false;
  };

  const bool abandon_;
  const std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
};

}  // namespace tractor::testing

#endif  // TRACTOR_RUNTIME_TASK_LEAVES_H_
