// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/io/reactor.h"

#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <stdexcept>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "os/errno_status.h"
#include "os/fd.h"
#include "runtime/io/fd_waiter.h"
#include "runtime/io/testing.h"
#include "runtime/task/cancel_scope.h"
#include "runtime/task/nursery.h"
#include "runtime/task/operation.h"
#include "runtime/task/timeouts.h"

namespace tractor::io {
namespace {

using tractor::internal::kNever;
using ReactorTest = IoTest;

TEST_F(ReactorTest, CurrentIsTheInnermostOfThisThread) {
  EXPECT_EQ(Reactor::CurrentOrNull(), nullptr);
  EXPECT_THROW(Reactor::Current(), std::logic_error);
  {
    Reactor outer;
    EXPECT_EQ(&Reactor::Current(), &outer);
    {
      Reactor inner;
      EXPECT_EQ(&Reactor::Current(), &inner);
      std::thread([] { EXPECT_EQ(Reactor::CurrentOrNull(), nullptr); }).join();
    }
    EXPECT_EQ(&Reactor::Current(), &outer);
  }
  EXPECT_EQ(Reactor::CurrentOrNull(), nullptr);
}

// UBSan asks by pipe() whether an object is readable: without descriptors it
// takes every object for a broken one.
#if defined(__has_feature)
#if __has_feature(undefined_behavior_sanitizer)
#define TRACTOR_TEST_UBSAN 1
#endif
#endif

TEST_F(ReactorTest, WithoutDescriptorsItCannotBeMade) {
#ifdef TRACTOR_TEST_UBSAN
  GTEST_SKIP() << "UBSan needs descriptors of its own";
#endif
  rlimit old;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
  const auto open = *os::OpenFds();
  const rlimit low = {static_cast<rlim_t>(open.back()) + 10, old.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  std::vector<os::Fd> hoard;
  for (auto fd = os::DupCloexec(0); fd.ok(); fd = os::DupCloexec(0)) {
    hoard.push_back(*std::move(fd));
  }
  // None left, one left, two, ... until it works.
  int failures = 0;
  for (bool made = false; !made && !hoard.empty(); hoard.pop_back()) {
    try {
      Reactor reactor;
      made = true;
    } catch (const StatusError& error) {
      EXPECT_EQ(os::StatusErrno(error.status()), EMFILE) << error.what();
      ++failures;
    }
  }
  EXPECT_GE(failures, 2);
  EXPECT_FALSE(hoard.empty());
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &old), 0);
}

// ---- waking ----

TEST_F(ReactorTest, WakeBeforeWaitIsNotLost) {
  Reactor reactor;
  reactor.Wake();
  EXPECT_TRUE(reactor.Wait(kNever));
  reactor.Wake();
  reactor.Poll();
  EXPECT_TRUE(reactor.Wait(kNever));
  EXPECT_FALSE(reactor.Wait(kNever));  // used up: nothing can ever happen
}

TEST_F(ReactorTest, WakeEndsAWaitThatIsGoingOn) {
  auto [mine, theirs] = Pair();
  Reactor reactor;
  FdWaiter source(mine.get(), reactor);
  for (int i = 0; i < 200; ++i) {
    std::thread waker([&] { reactor.Wake(); });
    EXPECT_TRUE(reactor.Wait(kNever));
    waker.join();
  }
}

// Parks until `wanted` posts have come.
class Posts final : public Operation {
 public:
  explicit Posts(int wanted) : wanted_(wanted) {}
  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> frame) {
    if (Park(frame) && wanted_ == 0) Complete();
  }
  void await_resume() {}

  void OnPost() {
    if (--wanted_ == 0 && parked()) Complete();
  }

 private:
  bool Abort() noexcept override { return true; }
  int wanted_;
};

TEST_F(ReactorTest, EveryPostOfOtherThreadsArrives) {
  constexpr int kThreads = 4, kEach = 2000;
  RunIo([&]() -> Task<> {
    Scheduler& scheduler = Scheduler::Current();
    Posts posts(kThreads * kEach);
    scheduler.AddExternalWork(1);
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        for (int k = 0; k < kEach; ++k) scheduler.Post([&] { posts.OnPost(); });
      });
    }
    co_await posts;
    for (std::thread& thread : threads) thread.join();
    scheduler.AddExternalWork(-1);
  });
}

TEST_F(ReactorTest, DeadlockIsReportedWhenThereIsNoSource) {
  Outcome<> end = io::Run([]() -> Task<> { co_await SleepForever(); });
  ASSERT_TRUE(end.has_error());
  EXPECT_THROW(std::move(end).Unwrap(), DeadlockError);
}

// ---- time ----

int64_t CpuNanos() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

// With epoll_wait's milliseconds, none of them would be late by less than 0.7.
TEST_F(ReactorTest, SleepIsExactToLessThanAMillisecond) {
  absl::Duration least = absl::InfiniteDuration();
  RunIo([&]() -> Task<> {
    for (int i = 0; i < 30; ++i) {
      const absl::Time until = Now() + absl::Microseconds(300);
      co_await SleepUntil(until);
      EXPECT_GE(Now(), until);
      least = std::min(least, Now() - until);
    }
  });
  EXPECT_LT(least, absl::Microseconds(600));
}

class IdleCounter final : public IdleHook {
 public:
  void BeforeIdle() override { ++count; }
  int count = 0;
};

TEST_F(ReactorTest, SleepIsNoBusyLoop) {
  RunIo([&]() -> Task<> {
    IdleCounter idle;
    Scheduler::Current().AddIdleHook(idle);
    const int64_t cpu = CpuNanos();
    co_await Sleep(absl::Milliseconds(60));
    EXPECT_LT(CpuNanos() - cpu, 20'000'000);
    EXPECT_LE(idle.count, 4);
  });
}

TEST_F(ReactorTest, AnEarlierDeadlineMovesTheAlarm) {
  RunIo([&]() -> Task<> {
    const absl::Time start = Now();
    auto longest = []() -> Task<> { co_await Sleep(absl::Hours(1)); };
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(longest);
      for (int ms : {20, 10, 1}) co_await Sleep(absl::Milliseconds(ms));
      n.cancel_scope().Cancel();
    });
    EXPECT_LT(Now() - start, absl::Minutes(1));
  });
}

TEST_F(ReactorTest, ALaterDeadlineIsMetAfterTheAlarmOfAnEarlierOne) {
  RunIo([&]() -> Task<> {
    auto [mine, theirs] = Pair();
    FdWaiter waiter(mine.get());
    auto wait = [&]() -> Task<> { co_await waiter.Readable(); };
    // Sets the alarm, and is over before it.
    Put(theirs.get(), "x");
    EXPECT_TRUE(co_await MoveOnAfter(absl::Milliseconds(5), wait));
    Take(mine.get());
    const absl::Time until = Now() + absl::Milliseconds(15);
    EXPECT_FALSE(co_await MoveOnAt(until, wait));
    EXPECT_GE(Now(), until);
  });
}

TEST_F(ReactorTest, ABusyLoopSeesDescriptorsAndDeadlines) {
  RunIo([&]() -> Task<> {
    auto [mine, theirs] = Pair();
    FdWaiter waiter(mine.get());
    bool seen = false;
    auto reader = [&]() -> Task<> {
      co_await waiter.Readable();
      seen = true;
    };
    Put(theirs.get(), "x");
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(reader);
      for (int i = 0; i < 3 * Scheduler::kPollEvery && !seen; ++i) {
        co_await Checkpoint();
      }
      EXPECT_TRUE(seen);
    });
  });
}

}  // namespace
}  // namespace tractor::io
