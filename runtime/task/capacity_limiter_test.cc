// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/task/capacity_limiter.h"

#include <algorithm>
#include <stdexcept>

#include "gtest/gtest.h"
#include "runtime/task/nursery.h"
#include "runtime/task/testing/expect_checkpoint.h"
#include "runtime/task/testing/run_test.h"
#include "runtime/task/testing/wait_all_tasks_blocked.h"
#include "runtime/task/timeouts.h"

namespace tractor {
namespace {

using testing::RunTest;
using testing::WaitAllTasksBlocked;

TEST(CapacityLimiter, LetsInSoManyAtATime) {
  RunTest([&]() -> Task<> {
    CapacityLimiter limiter(2);
    size_t most = 0;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      for (int i = 0; i < 7; ++i) {
        n.StartSoon([&]() -> Task<> {
          const CapacityLimiter::Token token = co_await limiter.Acquire();
          most = std::max(most, limiter.borrowed_tokens());
          co_await Sleep(absl::Seconds(1));
        });
      }
      co_return;
    });
    EXPECT_EQ(most, 2u);
    EXPECT_EQ(limiter.available_tokens(), 2u);
  });
}

// [trio: test_CapacityLimiter]
TEST(CapacityLimiter, ABorrowerHoldsOneTokenAtMost) {
  RunTest([&]() -> Task<> {
    CapacityLimiter limiter(3);
    const CapacityLimiter::Token token = co_await limiter.Acquire();
    bool refused = false;
    try {
      const CapacityLimiter::Token second = co_await limiter.Acquire();
    } catch (const std::logic_error&) {
      refused = true;
    }
    EXPECT_TRUE(refused);
    EXPECT_THROW((void)limiter.TryAcquire(), std::logic_error);
    // Others may borrow, also for somebody else.
    int borrower = 0;
    const CapacityLimiter::Token other =
        co_await limiter.AcquireOnBehalfOf(&borrower);
    EXPECT_EQ(limiter.borrowed_tokens(), 2u);
    EXPECT_THROW((void)limiter.TryAcquireOnBehalfOf(&borrower),
                 std::logic_error);
  });
}

// [trio: test_CapacityLimiter_change_total_tokens]
TEST(CapacityLimiter, MoreTokensLetWaitersInFewerTakeEffectLater) {
  RunTest([&]() -> Task<> {
    CapacityLimiter limiter(1);
    int inside = 0;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      for (int i = 0; i < 4; ++i) {
        n.StartSoon([&]() -> Task<> {
          const CapacityLimiter::Token token = co_await limiter.Acquire();
          ++inside;
          co_await SleepForever();
        });
      }
      co_await WaitAllTasksBlocked();
      EXPECT_EQ(inside, 1);
      limiter.set_total_tokens(3);
      co_await WaitAllTasksBlocked();
      EXPECT_EQ(inside, 3);
      EXPECT_EQ(limiter.waiting(), 1u);
      limiter.set_total_tokens(1);
      EXPECT_EQ(limiter.borrowed_tokens(), 3u);
      EXPECT_EQ(limiter.available_tokens(), 0u);
      limiter.set_total_tokens(CapacityLimiter::kNoLimit);
      co_await WaitAllTasksBlocked();
      EXPECT_EQ(inside, 4);
      n.cancel_scope().Cancel();
    });
    EXPECT_EQ(limiter.borrowed_tokens(), 0u);
    EXPECT_THROW(limiter.set_total_tokens(0), std::logic_error);
  });
}

TEST(CapacityLimiter, AcquireIsACheckpointAlsoWhenFree) {
  RunTest([&]() -> Task<> {
    CapacityLimiter limiter(1);
    auto acquire = [&]() -> Task<> {
      const CapacityLimiter::Token token = co_await limiter.Acquire();
    };
    const bool cancels = co_await testing::IsCancelPoint(acquire);
    EXPECT_TRUE(cancels);
    const bool schedules = co_await testing::IsSchedulePoint(acquire);
    EXPECT_TRUE(schedules);
    EXPECT_EQ(limiter.borrowed_tokens(), 0u);
  });
}

TEST(CapacityLimiter, CancelledWaiterTakesNothing) {
  RunTest([&]() -> Task<> {
    CapacityLimiter limiter(1);
    int borrower = 0;
    std::optional<CapacityLimiter::Token> token =
        limiter.TryAcquireOnBehalfOf(&borrower);
    auto acquire = [&]() -> Task<> {
      const CapacityLimiter::Token mine = co_await limiter.Acquire();
    };
    const bool done = co_await MoveOnAfter(absl::Seconds(1), acquire);
    EXPECT_FALSE(done);
    EXPECT_EQ(limiter.waiting(), 0u);
    token.reset();
    EXPECT_EQ(limiter.available_tokens(), 1u);
  });
}

TEST(CapacityLimiter, CancelBehindReleaseLosesNoToken) {
  RunTest([&]() -> Task<> {
    CapacityLimiter limiter(1);
    int borrower = 0;
    std::optional<CapacityLimiter::Token> token =
        limiter.TryAcquireOnBehalfOf(&borrower);
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> {
        const CapacityLimiter::Token mine = co_await limiter.Acquire();
        co_await SleepForever();
      });
      co_await WaitAllTasksBlocked();
      token.reset();
      EXPECT_EQ(limiter.borrowed_tokens(), 1u);
      n.cancel_scope().Cancel();
    });
    EXPECT_EQ(limiter.borrowed_tokens(), 0u);
  });
}

TEST(CapacityLimiter, TokenMayOutliveIt) {
  std::optional<CapacityLimiter::Token> token;
  {
    CapacityLimiter limiter(1);
    int borrower = 0;
    token = limiter.TryAcquireOnBehalfOf(&borrower);
  }
  token->Release();
}

}  // namespace
}  // namespace tractor
