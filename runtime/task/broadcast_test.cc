// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// One rule at a time; the scenarios are in broadcast_fanout_test.cc.
#include "runtime/task/broadcast.h"

#include <stdexcept>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/task/memory_channel.h"
#include "runtime/task/nursery.h"
#include "runtime/task/testing/expect_checkpoint.h"
#include "runtime/task/testing/run_test.h"
#include "runtime/task/testing/wait_all_tasks_blocked.h"
#include "runtime/task/timeouts.h"

namespace tractor {
namespace {

using testing::RunTest;
using testing::WaitAllTasksBlocked;

// A broadcast of what is sent into a channel.
struct Station {
  explicit Station(size_t max_buffer, size_t capacity = kUnbounded)
      : channel(OpenChannel<int>(capacity)),
        broadcast(
            [this]() -> Task<std::optional<int>> {
              co_return co_await channel.second.Receive();
            },
            max_buffer) {}

  void Send(int first, int last) {
    for (int i = first; i <= last; ++i) (void)channel.first.TrySend(i);
  }

  std::pair<SenderHandle<int>, ReceiverHandle<int>> channel;
  BroadcastReceiver<int> broadcast;
};

Task<> Collect(BroadcastReceiver<int> receiver, std::vector<int>* values) {
  while (true) {
    const std::optional<int> value = co_await receiver.Receive();
    if (!value.has_value()) co_return;
    values->push_back(*value);
  }
}

TEST(Broadcast, NewSubscriberSeesWhatComesFromNowOn) {
  RunTest([&]() -> Task<> {
    Station station(10);
    station.Send(1, 3);
    const std::optional<int> one = co_await station.broadcast.Receive();
    EXPECT_EQ(one, 1);
    BroadcastReceiver<int> late = station.broadcast.Subscribe();
    const std::optional<int> two = co_await late.Receive();
    EXPECT_EQ(two, 2);
    const std::optional<int> also_two = co_await station.broadcast.Receive();
    EXPECT_EQ(also_two, 2);
    EXPECT_EQ(late.Statistics().subscribers, 2u);
    EXPECT_EQ(late.Statistics().pulled, 2u);
  });
}

TEST(Broadcast, SlowSubscriberIsToldOnceAndGoesOnWithTheOldest) {
  RunTest([&]() -> Task<> {
    Station station(4);
    BroadcastReceiver<int> slow = station.broadcast.Subscribe();
    station.Send(0, 9);
    for (int i = 0; i < 10; ++i) co_await station.broadcast.Receive();
    uint64_t missed = 0;
    try {
      co_await slow.Receive();
    } catch (const LaggedError& e) {
      missed = e.missed();
    }
    EXPECT_EQ(missed, 6u);
    EXPECT_EQ(slow.lagged(), 6u);
    for (int expected = 6; expected < 10; ++expected) {
      const std::optional<int> value = co_await slow.Receive();
      EXPECT_EQ(value, expected);
    }
    // As many behind as there is room: no lag.
    station.Send(10, 13);
    for (int i = 0; i < 4; ++i) co_await station.broadcast.Receive();
    const std::optional<int> value = co_await slow.Receive();
    EXPECT_EQ(value, 10);
  });
}

TEST(Broadcast, LagCanBeSilent) {
  RunTest([&]() -> Task<> {
    Station station(2);
    BroadcastReceiver<int> slow = station.broadcast.Subscribe();
    slow.set_throw_on_lag(false);
    station.Send(0, 4);
    for (int i = 0; i < 5; ++i) co_await station.broadcast.Receive();
    const std::optional<int> value = co_await slow.Receive();
    EXPECT_EQ(value, 3);
    EXPECT_EQ(slow.lagged(), 3u);
  });
}

TEST(Broadcast, EndOfTheSourceComesBehindWhatWasNotRead) {
  RunTest([&]() -> Task<> {
    Station station(4);
    BroadcastReceiver<int> other = station.broadcast.Subscribe();
    station.Send(1, 2);
    station.channel.first.Close();
    std::vector<int> mine, others;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(Collect, std::move(station.broadcast), &mine);
      co_return;
    });
    EXPECT_EQ(mine, (std::vector<int>{1, 2}));
    co_await Collect(std::move(other), &others);
    EXPECT_EQ(others, (std::vector<int>{1, 2}));
  });
}

// The end wakes those that wait for the one that pulls.
TEST(Broadcast, EndOfTheSourceWakesEveryone) {
  RunTest([&]() -> Task<> {
    Station station(4);
    std::vector<std::vector<int>> got(3);
    int ended = 0;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      for (auto& values : got) {
        n.StartSoon(
            [&](BroadcastReceiver<int> receiver) -> Task<> {
              co_await Collect(std::move(receiver), &values);
              ++ended;
            },
            station.broadcast.Subscribe());
      }
      co_await WaitAllTasksBlocked();
      EXPECT_EQ(ended, 0);
      station.channel.first.Close();
    });
    EXPECT_EQ(ended, 3);
  });
}

TEST(Broadcast, ErrorOfTheSourceGoesToTheOneThatPulls) {
  RunTest([&]() -> Task<> {
    int calls = 0;
    BroadcastReceiver<int> receiver(
        [&]() -> Task<std::optional<int>> {
          if (++calls == 1) throw std::runtime_error("source");
          co_return calls;
        },
        4);
    bool thrown = false;
    try {
      co_await receiver.Receive();
    } catch (const std::runtime_error&) {
      thrown = true;
    }
    EXPECT_TRUE(thrown);
    const std::optional<int> value = co_await receiver.Receive();
    EXPECT_EQ(value, 2);
  });
}

TEST(Broadcast, ReceiveIsACheckpointAlsoWhenAValueIsThere) {
  RunTest([&]() -> Task<> {
    Station station(4);
    BroadcastReceiver<int> other = station.broadcast.Subscribe();
    station.Send(1, 1);
    co_await station.broadcast.Receive();
    auto receive = [&]() -> Task<> { co_await other.Receive(); };
    const bool cancels = co_await testing::IsCancelPoint(receive);
    EXPECT_TRUE(cancels);
    const bool schedules = co_await testing::IsSchedulePoint(receive);
    EXPECT_TRUE(schedules);
  });
}

}  // namespace
}  // namespace tractor
