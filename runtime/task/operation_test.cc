// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// What a leaf may answer to a cancel, and how late completions are delivered.
#include "runtime/task/operation.h"

#include <string>

#include "gtest/gtest.h"
#include "runtime/task/checkpoint.h"
#include "runtime/task/nursery.h"
#include "runtime/task/outcome.h"
#include "runtime/task/testing/expect_checkpoint.h"
#include "runtime/task/testing/run_test.h"
#include "runtime/task/testing/wait_all_tasks_blocked.h"
#include "runtime/task/timeouts.h"

namespace tractor {
namespace {

using testing::RunTest;
using testing::WaitAllTasksBlocked;

// A leaf that does what the test says.
class Puppet final : public Operation {
 public:
  explicit Puppet(bool abortable, Puppet** self = nullptr)
      : abortable_(abortable) {
    if (self != nullptr) *self = this;
  }

  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> frame) {
    started = Park(frame);
    if (started && complete_at_once) Complete();
  }
  int await_resume() const noexcept { return 7; }

  using Operation::Complete;
  using Operation::CompleteCancelled;
  using Operation::parked;

  bool started = false;
  bool complete_at_once = false;
  int aborts = 0;

 private:
  bool Abort() noexcept override {
    ++aborts;
    return abortable_;
  }
  const char* Describe() const noexcept override { return "puppet"; }

  const bool abortable_;
};

// Lies in a puppet, under a scope of its own.
struct Stage {
  explicit Stage(bool abortable) : puppet(abortable) {}

  Task<> Play() {
    co_await scope.Run([&]() -> Task<> {
      value = co_await puppet;
      reached = true;
      co_await Checkpoint();
      passed_checkpoint = true;
    });
  }

  CancelScope scope;
  Puppet puppet;
  int value = 0;
  bool reached = false;
  bool passed_checkpoint = false;
};

TEST(Operation, CompletesFromOutside) {
  RunTest([&]() -> Task<> {
    Stage stage(true);
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> { co_await stage.Play(); });
      co_await WaitAllTasksBlocked();
      EXPECT_TRUE(stage.puppet.parked());
      stage.puppet.Complete();
      EXPECT_FALSE(stage.puppet.parked());
      EXPECT_FALSE(stage.reached);  // not on this stack
    });
    EXPECT_EQ(stage.value, 7);
    EXPECT_TRUE(stage.passed_checkpoint);
    EXPECT_EQ(stage.puppet.aborts, 0);
  });
}

TEST(Operation, IsNotStartedInACancelledScope) {
  RunTest([&]() -> Task<> {
    Stage stage(true);
    stage.scope.Cancel();
    co_await stage.Play();
    EXPECT_FALSE(stage.puppet.started);
    EXPECT_FALSE(stage.reached);
    EXPECT_EQ(stage.puppet.aborts, 0);
    EXPECT_TRUE(stage.scope.cancelled_caught());
  });
}

TEST(Operation, AbortThatSaysYesEndsIt) {
  RunTest([&]() -> Task<> {
    Stage stage(true);
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> { co_await stage.Play(); });
      co_await WaitAllTasksBlocked();
      stage.scope.Cancel();
      EXPECT_EQ(stage.puppet.aborts, 1);
    });
    EXPECT_FALSE(stage.reached);
    EXPECT_TRUE(stage.scope.cancelled_caught());
  });
}

// [trio: Abort.FAILED] It happens after all; the next checkpoint cancels.
TEST(Operation, AbortThatSaysNoDeliversTheResultLater) {
  RunTest([&]() -> Task<> {
    Stage stage(false);
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> { co_await stage.Play(); });
      co_await WaitAllTasksBlocked();
      stage.scope.Cancel();
      co_await Sleep(absl::Seconds(1));
      EXPECT_FALSE(stage.reached);
      stage.puppet.Complete();
    });
    EXPECT_EQ(stage.value, 7);
    EXPECT_FALSE(stage.passed_checkpoint);
    EXPECT_TRUE(stage.scope.cancelled_caught());
    EXPECT_EQ(stage.puppet.aborts, 1);
  });
}

TEST(Operation, AbortThatSaysNoMayEndCancelled) {
  RunTest([&]() -> Task<> {
    Stage stage(false);
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> { co_await stage.Play(); });
      co_await WaitAllTasksBlocked();
      stage.scope.Cancel();
      co_await WaitAllTasksBlocked();
      stage.puppet.CompleteCancelled();
    });
    EXPECT_FALSE(stage.reached);
    EXPECT_TRUE(stage.scope.cancelled_caught());
  });
}

TEST(Operation, IsAskedToAbortOnceOnly) {
  RunTest([&]() -> Task<> {
    Stage stage(false);
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> { co_await stage.Play(); });
      co_await WaitAllTasksBlocked();
      n.cancel_scope().Cancel();
      // Out of reach of the cancel, and in it again.
      stage.scope.set_shield(true);
      stage.scope.set_shield(false);
      stage.puppet.CompleteCancelled();
    });
    EXPECT_EQ(stage.puppet.aborts, 1);
  });
}

TEST(Operation, CancelBehindTheCompletionComesTooLate) {
  RunTest([&]() -> Task<> {
    Stage stage(true);
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> { co_await stage.Play(); });
      co_await WaitAllTasksBlocked();
      stage.puppet.Complete();
      stage.scope.Cancel();
      EXPECT_EQ(stage.puppet.aborts, 0);
    });
    EXPECT_EQ(stage.value, 7);
    EXPECT_FALSE(stage.passed_checkpoint);
  });
}

TEST(Operation, ThatCompletesAtOnceIsASchedulePointAllTheSame) {
  RunTest([&]() -> Task<> {
    auto play = [&]() -> Task<> {
      Puppet puppet(true);
      puppet.complete_at_once = true;
      co_await puppet;
    };
    const bool schedules = co_await testing::IsSchedulePoint(play);
    EXPECT_TRUE(schedules);
  });
}

TEST(Checkpoint, IsASchedulePointAndACancelPoint) {
  RunTest([&]() -> Task<> {
    auto checkpoint = [&]() -> Task<> { co_await Checkpoint(); };
    EXPECT_TRUE(co_await testing::IsCancelPoint(checkpoint));
    EXPECT_TRUE(co_await testing::IsSchedulePoint(checkpoint));
    auto shielded = [&]() -> Task<> { co_await ShieldedCheckpoint(); };
    EXPECT_FALSE(co_await testing::IsCancelPoint(shielded));
    EXPECT_TRUE(co_await testing::IsSchedulePoint(shielded));
  });
}

// A cancel that comes while a task is queued behind a Checkpoint() counts; one
// behind a ShieldedCheckpoint() waits for the next checkpoint.
TEST(Checkpoint, SeesACancelThatComesWhileItIsQueued) {
  RunTest([&]() -> Task<> {
    CancelScope scope;
    bool behind_shielded = false, behind = false;
    co_await scope.Run([&]() -> Task<> {
      co_await WithNursery([&](Nursery& n) -> Task<> {
        n.StartSoon([&]() -> Task<> {
          scope.Cancel();
          co_return;
        });
        co_await ShieldedCheckpoint();
        co_await ShieldedCheckpoint();
        behind_shielded = true;
        co_await Checkpoint();
        behind = true;
      });
    });
    EXPECT_TRUE(behind_shielded);
    EXPECT_FALSE(behind);
  });
}

}  // namespace
}  // namespace tractor
