// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/task/memory_channel.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

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

// "closed", "broken" or "": what body() ends with.
template <class F>
Task<std::string> ErrorOf(F& body) {
  try {
    co_await body();
  } catch (const ClosedResourceError&) {
    co_return "closed";
  } catch (const BrokenResourceError&) {
    co_return "broken";
  }
  co_return "";
}

TEST(MemoryChannel, KeepsTheOrder) {
  for (const size_t capacity : {size_t{0}, size_t{1}, size_t{7}, kUnbounded}) {
    RunTest([&]() -> Task<> {
      auto channel = OpenChannel<int>(capacity);
      std::vector<int> got;
      co_await WithNursery([&](Nursery& n) -> Task<> {
        auto produce = [](SenderHandle<int> sender) -> Task<> {
          for (int i = 0; i < 100; ++i) co_await sender.Send(i);
        };
        n.StartSoon(produce, std::move(channel.first));
        while (true) {
          const std::optional<int> value = co_await channel.second.Receive();
          if (!value.has_value()) break;
          got.push_back(*value);
        }
      });
      EXPECT_EQ(got.size(), 100u);
      EXPECT_TRUE(std::is_sorted(got.begin(), got.end()));
      EXPECT_TRUE(channel.second.AtEnd());
    });
  }
}

TEST(MemoryChannel, SendWaitsWhenItIsFull) {
  RunTest([&]() -> Task<> {
    auto [sender, receiver] = OpenChannel<int>(2);
    EXPECT_TRUE(sender.TrySend(1));
    co_await sender.Send(2);
    EXPECT_FALSE(sender.TrySend(3));
    bool sent = false;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> {
        co_await sender.Send(3);
        sent = true;
      });
      co_await WaitAllTasksBlocked();
      EXPECT_FALSE(sent);
      EXPECT_EQ(sender.Statistics().waiting_senders, 1u);
      EXPECT_EQ(sender.Statistics().buffered, 2u);
      EXPECT_EQ(receiver.TryReceive(), 1);
      co_await WaitAllTasksBlocked();
      EXPECT_TRUE(sent);
    });
    EXPECT_EQ(receiver.TryReceive(), 2);
    EXPECT_EQ(receiver.TryReceive(), 3);
    EXPECT_EQ(receiver.TryReceive(), std::nullopt);
    EXPECT_FALSE(receiver.AtEnd());
  });
}

TEST(MemoryChannel, WithoutCapacitySendEndsWhenTheValueIsTaken) {
  RunTest([&]() -> Task<> {
    auto [sender, receiver] = OpenChannel<int>(0);
    EXPECT_FALSE(sender.TrySend(1));
    co_await WithNursery([&](Nursery& n) -> Task<> {
      bool sent = false;
      n.StartSoon([&]() -> Task<> {
        co_await sender.Send(7);
        sent = true;
      });
      co_await WaitAllTasksBlocked();
      EXPECT_FALSE(sent);
      const std::optional<int> value = co_await receiver.Receive();
      EXPECT_EQ(value, 7);
      co_await WaitAllTasksBlocked();
      EXPECT_TRUE(sent);
    });
  });
}

TEST(MemoryChannel, CarriesWhatCannotBeCopied) {
  RunTest([&]() -> Task<> {
    auto [sender, receiver] = OpenChannel<std::unique_ptr<int>>(1);
    auto value = std::make_unique<int>(3);
    EXPECT_TRUE(sender.TrySend(std::move(value)));
    auto refused = std::make_unique<int>(4);
    EXPECT_FALSE(sender.TrySend(std::move(refused)));
    EXPECT_NE(refused, nullptr);  // untouched
    const auto got = co_await receiver.Receive();
    EXPECT_EQ(**got, 3);
  });
}

TEST(MemoryChannel, EachValueGoesToOneReceiverInTurn) {
  RunTest([&]() -> Task<> {
    auto [sender, receiver] = OpenChannel<int>(0);
    std::vector<std::pair<int, int>> got;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      for (int i = 0; i < 3; ++i) {
        auto take = [&got](int who, ReceiverHandle<int> mine) -> Task<> {
          const std::optional<int> value = co_await mine.Receive();
          got.emplace_back(who, value.value_or(-1));
        };
        n.StartSoon(take, i, receiver.Clone());
        co_await WaitAllTasksBlocked();
      }
      EXPECT_EQ(sender.Statistics().waiting_receivers, 3u);
      EXPECT_EQ(sender.Statistics().open_receivers, 4u);
      for (int i = 0; i < 3; ++i) {
        co_await sender.Send(10 + i);
        co_await WaitAllTasksBlocked();
      }
    });
    EXPECT_EQ(got,
              (std::vector<std::pair<int, int>>{{0, 10}, {1, 11}, {2, 12}}));
  });
}

// ---- closing ----

TEST(MemoryChannel, BehindTheLastSenderReceiversGetWhatIsLeftThenTheEnd) {
  RunTest([&]() -> Task<> {
    auto [sender, receiver] = OpenChannel<int>(5);
    SenderHandle<int> clone = sender.Clone();
    EXPECT_TRUE(sender.TrySend(1));
    sender.Close();
    sender.Close();
    EXPECT_TRUE(sender.closed());
    EXPECT_FALSE(receiver.AtEnd());
    EXPECT_TRUE(clone.TrySend(2));
    clone.Close();
    for (const std::optional<int> expected :
         {std::optional(1), std::optional(2), std::optional<int>(),
          std::optional<int>()}) {
      const std::optional<int> value = co_await receiver.Receive();
      EXPECT_EQ(value, expected);
    }
    EXPECT_TRUE(receiver.AtEnd());
  });
}

TEST(MemoryChannel, ClosingTheLastSenderWakesReceivers) {
  RunTest([&]() -> Task<> {
    auto channel = OpenChannel<int>(0);
    int ends = 0;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      for (int i = 0; i < 2; ++i) {
        n.StartSoon([&]() -> Task<> {
          const std::optional<int> value = co_await channel.second.Receive();
          ends += !value.has_value();
        });
      }
      co_await WaitAllTasksBlocked();
      channel.first.Close();
    });
    EXPECT_EQ(ends, 2);
  });
}

TEST(MemoryChannel, ClosingTheLastReceiverBreaksSenders) {
  RunTest([&]() -> Task<> {
    auto channel = OpenChannel<int>(0);
    ReceiverHandle<int> clone = channel.second.Clone();
    std::string error;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> {
        auto send = [&]() -> Task<> { co_await channel.first.Send(1); };
        error = co_await ErrorOf(send);
      });
      co_await WaitAllTasksBlocked();
      clone.Close();
      co_await WaitAllTasksBlocked();
      EXPECT_EQ(error, "");
      channel.second.Close();
    });
    EXPECT_EQ(error, "broken");
    auto send = [&]() -> Task<> { co_await channel.first.Send(1); };
    error = co_await ErrorOf(send);
    EXPECT_EQ(error, "broken");
    EXPECT_THROW((void)channel.first.TrySend(1), BrokenResourceError);
  });
}

TEST(MemoryChannel, LastReceiverDropsWhatIsLeft) {
  RunTest([&]() -> Task<> {
    auto channel = OpenChannel<std::shared_ptr<int>>(1);
    auto value = std::make_shared<int>(1);
    EXPECT_TRUE(channel.first.TrySend(value));
    EXPECT_EQ(value.use_count(), 2);
    channel.second.Close();
    EXPECT_EQ(value.use_count(), 1);
    co_return;
  });
}

TEST(MemoryChannel, UseOfAClosedHandleIsTold) {
  RunTest([&]() -> Task<> {
    auto channel = OpenChannel<int>(1);
    SenderHandle<int> sender = channel.first.Clone();
    ReceiverHandle<int> receiver = channel.second.Clone();
    sender.Close();
    receiver.Close();
    auto send = [&]() -> Task<> { co_await sender.Send(1); };
    const std::string send_error = co_await ErrorOf(send);
    EXPECT_EQ(send_error, "closed");
    auto receive = [&]() -> Task<> { co_await receiver.Receive(); };
    const std::string receive_error = co_await ErrorOf(receive);
    EXPECT_EQ(receive_error, "closed");
    EXPECT_THROW((void)sender.TrySend(1), ClosedResourceError);
    EXPECT_THROW((void)receiver.TryReceive(), ClosedResourceError);
    EXPECT_THROW((void)sender.Clone(), ClosedResourceError);
    EXPECT_THROW((void)receiver.Statistics(), ClosedResourceError);
  });
}

// [trio: test_close_basics] The one who waits in the handle that is closed, and
// nobody else.
TEST(MemoryChannel, ClosingAHandleWakesThoseThatWaitInIt) {
  RunTest([&]() -> Task<> {
    auto channel = OpenChannel<int>(0);
    SenderHandle<int> other = channel.first.Clone();
    std::string mine, others;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> {
        auto send = [&]() -> Task<> { co_await channel.first.Send(1); };
        mine = co_await ErrorOf(send);
      });
      co_await WaitAllTasksBlocked();
      n.StartSoon([&]() -> Task<> {
        auto send = [&]() -> Task<> { co_await other.Send(2); };
        others = co_await ErrorOf(send);
        others += "sent";
      });
      co_await WaitAllTasksBlocked();
      channel.first.Close();
      co_await WaitAllTasksBlocked();
      EXPECT_EQ(mine, "closed");
      EXPECT_EQ(others, "");
      const std::optional<int> value = co_await channel.second.Receive();
      EXPECT_EQ(value, 2);
    });
    EXPECT_EQ(others, "sent");
    // And on the other side.
    auto [sender, receiver] = OpenChannel<int>(0);
    std::string error;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> {
        auto receive = [&]() -> Task<> { co_await receiver.Receive(); };
        error = co_await ErrorOf(receive);
      });
      co_await WaitAllTasksBlocked();
      receiver.Close();
    });
    EXPECT_EQ(error, "closed");
  });
}

// ---- cancellation ----

TEST(MemoryChannel, SendAndReceiveAreAlwaysCheckpoints) {
  RunTest([&]() -> Task<> {
    auto channel = OpenChannel<int>(5);
    auto send = [&]() -> Task<> { co_await channel.first.Send(1); };
    auto receive = [&]() -> Task<> { co_await channel.second.Receive(); };
    const bool send_cancels = co_await testing::IsCancelPoint(send);
    EXPECT_TRUE(send_cancels);
    EXPECT_EQ(channel.first.Statistics().buffered, 0u);
    const bool send_schedules = co_await testing::IsSchedulePoint(send);
    EXPECT_TRUE(send_schedules);
    const bool receive_cancels = co_await testing::IsCancelPoint(receive);
    EXPECT_TRUE(receive_cancels);
    EXPECT_EQ(channel.first.Statistics().buffered, 1u);
    const bool receive_schedules = co_await testing::IsSchedulePoint(receive);
    EXPECT_TRUE(receive_schedules);
  });
}

TEST(MemoryChannel, CancelledSendHasSentNothing) {
  RunTest([&]() -> Task<> {
    auto channel = OpenChannel<int>(0);
    auto send = [&]() -> Task<> { co_await channel.first.Send(1); };
    const bool done = co_await MoveOnAfter(absl::Seconds(1), send);
    EXPECT_FALSE(done);
    EXPECT_EQ(channel.first.Statistics().waiting_senders, 0u);
    EXPECT_EQ(channel.second.TryReceive(), std::nullopt);
  });
}

TEST(MemoryChannel, CancelledReceiveHasTakenNothing) {
  RunTest([&]() -> Task<> {
    auto channel = OpenChannel<int>(1);
    auto receive = [&]() -> Task<> { co_await channel.second.Receive(); };
    const bool done = co_await MoveOnAfter(absl::Seconds(1), receive);
    EXPECT_FALSE(done);
    EXPECT_EQ(channel.first.Statistics().waiting_receivers, 0u);
    EXPECT_TRUE(channel.first.TrySend(1));
    EXPECT_EQ(channel.second.TryReceive(), 1);
  });
}

// The value was handed over already: it is delivered, not thrown away.
TEST(MemoryChannel, CancelBehindTheHandOverLosesNoValue) {
  RunTest([&]() -> Task<> {
    auto channel = OpenChannel<int>(0);
    int got = 0;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> {
        const std::optional<int> value = co_await channel.second.Receive();
        got = value.value_or(-1);
        co_await SleepForever();
      });
      co_await WaitAllTasksBlocked();
      EXPECT_TRUE(channel.first.TrySend(5));
      n.cancel_scope().Cancel();
    });
    EXPECT_EQ(got, 5);
  });
}

TEST(MemoryChannel, HandlesMayDieBeforeTheTaskThatWaitsInThemRuns) {
  RunTest([&]() -> Task<> {
    std::string error;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      auto channel = OpenChannel<int>(0);
      auto wait = [&error](SenderHandle<int>* sender) -> Task<> {
        auto send = [&]() -> Task<> { co_await sender->Send(1); };
        error = co_await ErrorOf(send);
      };
      n.StartSoon(wait, &channel.first);
      co_await WaitAllTasksBlocked();
    });
    EXPECT_EQ(error, "broken");
  });
}

}  // namespace
}  // namespace tractor
