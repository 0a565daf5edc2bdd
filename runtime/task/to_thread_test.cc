// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/task/to_thread.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "runtime/task/checkpoint.h"
#include "runtime/task/internal/thread_pool.h"
#include "runtime/task/nursery.h"
#include "runtime/task/testing/expect_checkpoint.h"
#include "runtime/task/testing/run_test.h"
#include "runtime/task/testing/wait_all_tasks_blocked.h"
#include "runtime/task/timeouts.h"

namespace tractor {
namespace {

using testing::RunTest;
using testing::WaitAllTasksBlocked;

// Holds threads back until it is opened.
class Gate {
 public:
  void Open() {
    // Under the lock: who passes may end the gate's life.
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

TEST(ToThread, GivesTheResultOfAnotherThread) {
  RunTest([&]() -> Task<> {
    const std::thread::id here = std::this_thread::get_id();
    const std::thread::id there =
        co_await ToThread::Run([&] { return std::this_thread::get_id(); });
    EXPECT_NE(here, there);
    auto make = [&] { return std::make_unique<int>(7); };
    const std::unique_ptr<int> moved = co_await ToThread::Run(make);
    EXPECT_EQ(*moved, 7);
  });
}

TEST(ToThread, ErrorComesOut) {
  RunTest([&]() -> Task<> {
    std::string text;
    try {
      co_await ToThread::Run([] { throw std::out_of_range("there"); });
    } catch (const std::out_of_range& e) {
      text = e.what();
    }
    EXPECT_EQ(text, "there");
  });
}

TEST(ToThread, LoopGoesOnMeanwhile) {
  RunTest([&]() -> Task<> {
    Gate gate;
    bool done = false;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> {
        co_await ToThread::Run([&] { gate.Pass(); });
        done = true;
      });
      co_await WaitAllTasksBlocked();
      EXPECT_FALSE(done);
      gate.Open();
    });
    EXPECT_TRUE(done);
    EXPECT_EQ(Scheduler::Current().external_work(), 0);
  });
}

// Virtual time stands still while a thread is at work.
TEST(ToThread, HoldsVirtualTime) {
  RunTest([&]() -> Task<> {
    bool late = false;
    CancelScope scope(Now() + absl::Seconds(5));
    co_await scope.Run([&]() -> Task<> {
      co_await ToThread::Run([] {});
      late = scope.cancel_called();
    });
    EXPECT_FALSE(late);
  });
}

TEST(ToThread, RunsAtMostAsManyAsTheLimiterHasTokens) {
  RunTest([&]() -> Task<> {
    CapacityLimiter limiter(3);
    std::atomic<int> inside = 0, most = 0;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      for (int i = 0; i < 12; ++i) {
        n.StartSoon([&]() -> Task<> {
          ToThreadOptions options;
          options.set_limiter(limiter);
          auto work = [&] {
            const int now = ++inside;
            int seen = most;
            while (now > seen && !most.compare_exchange_weak(seen, now)) {
            }
            std::this_thread::yield();
            --inside;
          };
          co_await ToThread::Run(work, options);
        });
      }
      co_return;
    });
    EXPECT_LE(most, 3);
    EXPECT_EQ(limiter.borrowed_tokens(), 0u);
  });
}

TEST(ToThread, IsACheckpoint) {
  RunTest([&]() -> Task<> {
    std::atomic<int> ran = 0;
    auto run = [&]() -> Task<> { co_await ToThread::Run([&] { ++ran; }); };
    const bool cancels = co_await testing::IsCancelPoint(run);
    EXPECT_TRUE(cancels);
    EXPECT_EQ(ran, 0);
    const bool schedules = co_await testing::IsSchedulePoint(run);
    EXPECT_TRUE(schedules);
    EXPECT_EQ(ran, 1);
  });
}

// A thread cannot be stopped: its result is delivered, the next checkpoint
// cancels.
TEST(ToThread, CancelWaitsForTheThread) {
  RunTest([&]() -> Task<> {
    Gate gate;
    int result = 0;
    bool behind = false;
    CancelScope scope;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> {
        co_await scope.Run([&]() -> Task<> {
          auto work = [&] {
            gate.Pass();
            return 5;
          };
          result = co_await ToThread::Run(work);
          co_await Checkpoint();
          behind = true;
        });
      });
      co_await WaitAllTasksBlocked();
      scope.Cancel();
      co_await WaitAllTasksBlocked();
      EXPECT_EQ(result, 0);
      EXPECT_EQ(n.size(), 1u);
      gate.Open();
    });
    EXPECT_EQ(result, 5);
    EXPECT_FALSE(behind);
    EXPECT_TRUE(scope.cancelled_caught());
  });
}

TEST(ToThread, AbandonedThreadRunsOnAndKeepsItsToken) {
  auto gate = std::make_shared<Gate>();
  auto done = std::make_shared<Gate>();
  RunTest([&]() -> Task<> {
    CapacityLimiter limiter(1);
    ToThreadOptions options;
    options.set_limiter(limiter).set_abandon_on_cancel(true);
    auto work = [gate, done] {
      gate->Pass();
      done->Open();
    };
    CancelScope scope;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> {
        co_await scope.Run(
            [&]() -> Task<> { co_await ToThread::Run(work, options); });
      });
      co_await WaitAllTasksBlocked();
      scope.Cancel();
    });
    EXPECT_TRUE(scope.cancelled_caught());
    EXPECT_EQ(limiter.borrowed_tokens(), 1u);
    gate->Open();
    done->Pass();
    // Its last word is posted; somebody else's turn comes behind it.
    while (limiter.borrowed_tokens() > 0) {
      co_await ToThread::Run([] { std::this_thread::yield(); });
    }
  });
}

TEST(ToThread, AbandonedThreadMayOutliveItsLoop) {
  auto gate = std::make_shared<Gate>();
  auto done = std::make_shared<Gate>();
  RunTest([&]() -> Task<> {
    ToThreadOptions options;
    options.set_abandon_on_cancel(true);
    auto work = [gate, done] {
      gate->Pass();
      std::string error;
      try {
        FromThread::Run([] {});
      } catch (const FromThreadError& e) {
        error = e.what();
      }
      EXPECT_NE(error, "");
      done->Open();
    };
    auto run = [&]() -> Task<> { co_await ToThread::Run(work, options); };
    CancelScope scope;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> { co_await scope.Run(run); });
      co_await WaitAllTasksBlocked();
      scope.Cancel();
    });
  });
  gate->Open();
  done->Pass();
}

// ---- FromThread ----

TEST(FromThread, RunsInTheLoopsThread) {
  RunTest([&]() -> Task<> {
    const std::thread::id loop = std::this_thread::get_id();
    bool same = false;
    std::string error;
    auto work = [&] {
      same = FromThread::Run([] { return std::this_thread::get_id(); }) == loop;
      try {
        FromThread::Run([] { throw std::runtime_error("in the loop"); });
      } catch (const std::runtime_error& e) {
        error = e.what();
      }
    };
    co_await ToThread::Run(work);
    EXPECT_TRUE(same);
    EXPECT_EQ(error, "in the loop");
  });
}

TEST(FromThread, RunTaskRunsATaskAndGivesItsEnd) {
  RunTest([&]() -> Task<> {
    std::string error;
    auto work = [&] {
      const int value = FromThread::RunTask([&]() -> Task<int> {
        co_await Checkpoint();
        co_return 9;
      });
      try {
        FromThread::RunTask([&]() -> Task<> {
          co_await Checkpoint();
          throw std::runtime_error("task");
        });
      } catch (const std::runtime_error& e) {
        error = e.what();
      }
      return value;
    };
    const int value = co_await ToThread::Run(work);
    EXPECT_EQ(value, 9);
    EXPECT_EQ(error, "task");
  });
}

// What a thread runs in the loop is under the scopes of the task that waits.
TEST(FromThread, RunTaskIsCancelledWithTheTaskThatWaits) {
  RunTest([&]() -> Task<> {
    CancelScope scope;
    bool told = false, cancelled_before = true, cancelled_behind = false;
    Gate gate;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> {
        co_await scope.Run([&]() -> Task<> {
          auto work = [&] {
            cancelled_before = FromThread::Cancelled();
            gate.Open();
            try {
              FromThread::RunTask([]() -> Task<> { co_await SleepForever(); });
            } catch (const FromThreadError&) {
              told = true;
            }
            cancelled_behind = FromThread::Cancelled();
          };
          co_await ToThread::Run(work);
        });
      });
      co_await ToThread::Run([&] { gate.Pass(); });
      scope.Cancel();
    });
    EXPECT_FALSE(cancelled_before);
    EXPECT_TRUE(told);
    EXPECT_TRUE(cancelled_behind);
  });
}

TEST(FromThread, OutsideOfSuchAThreadIsRefused) {
  EXPECT_THROW(FromThread::Run([] {}), FromThreadError);
  EXPECT_THROW(FromThread::Cancelled(), FromThreadError);
}

// ---- the pool ----

TEST(ThreadPool, IdleThreadsEnd) {
  internal::ThreadPool pool(std::chrono::milliseconds(1));
  Gate ran;
  pool.Submit([&] { ran.Open(); });
  ran.Pass();
  while (pool.size() > 0) std::this_thread::yield();
  Gate again;
  pool.Submit([&] { again.Open(); });
  again.Pass();
}

TEST(ThreadPool, UsesItsThreadsAgain) {
  internal::ThreadPool pool;
  std::set<std::thread::id> threads;
  for (int i = 0; i < 20; ++i) {
    Gate ran;
    pool.Submit([&] {
      threads.insert(std::this_thread::get_id());
      ran.Open();
    });
    ran.Pass();
    // The thread is free a moment after its job has ended.
    while (pool.idle() == 0) std::this_thread::yield();
  }
  EXPECT_EQ(threads.size(), 1u);
  EXPECT_EQ(pool.size(), 1u);
}

TEST(ThreadPool, StartsAThreadForEachJobThatWouldWait) {
  internal::ThreadPool pool;
  Gate gate;
  std::atomic<int> running = 0;
  for (int i = 0; i < 5; ++i) {
    pool.Submit([&] {
      ++running;
      gate.Pass();
    });
  }
  while (running < 5) std::this_thread::yield();
  EXPECT_EQ(pool.size(), 5u);
  gate.Open();
  while (pool.idle() < 5) std::this_thread::yield();
}

}  // namespace
}  // namespace tractor
