// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Scenarios with several subscribers of different speed, in virtual time. The
// numbers are those of docs/semantics.md, 9; the same with a stream as source
// stands in tests/semantics/fanout_test.cc.
//
// Long: they share the reader that checks every value.
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "runtime/task/broadcast.h"
#include "runtime/task/cancel_scope.h"
#include "runtime/task/closed_errors.h"
#include "runtime/task/event.h"
#include "runtime/task/memory_channel.h"
#include "runtime/task/nursery.h"
#include "runtime/task/testing/run_test.h"
#include "runtime/task/testing/wait_all_tasks_blocked.h"
#include "runtime/task/timeouts.h"

namespace tractor {
namespace {

using testing::RunTest;
using ::testing::TestWithParam;
using ::testing::Values;
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

  // Values that are their own numbers.
  void Fill(int values) {
    for (int i = 0; i < values; ++i) (void)channel.first.TrySend(i);
  }
  Task<> Send(int values) {
    for (int i = 0; i < values; ++i) co_await channel.first.Send(i);
    channel.first.Close();
  }

  std::pair<SenderHandle<int>, ReceiverHandle<int>> channel;
  BroadcastReceiver<int> broadcast;
};

// Reads values that are their own numbers, and checks each: it is the next one
// or, behind a lag, the oldest that is left, past as many as were missed.
class Reader {
 public:
  explicit Reader(BroadcastReceiver<int> receiver)
      : receiver_(std::move(receiver)) {}

  // To `last` or past it, or to the end, with a pause behind each; gives up
  // after so many lags.
  Task<> Read(absl::Duration pause, int last = -1, int most_lags = 1 << 30) {
    while (lags < most_lags) {
      const bool more = co_await ReadOne();
      if (!more) co_return;
      if (last >= 0 && next > last) co_return;
      if (pause > absl::ZeroDuration()) co_await Sleep(pause);
    }
  }
  // False: the end.
  Task<bool> ReadOne() {
    const uint64_t lagged_before = receiver_.lagged();
    uint64_t missed = 0;
    std::optional<int> value;
    try {
      value = co_await receiver_.Receive();
    } catch (const LaggedError& e) {
      missed = e.missed();
    }
    if (missed != 0) {
      ++lags;
      behind_lag_ = true;
      next += static_cast<int>(missed);
      co_return true;
    }
    if (!value.has_value()) co_return false;
    // Only those that asked for silence.
    next += static_cast<int>(receiver_.lagged() - lagged_before);
    EXPECT_EQ(*value, next);
    if (std::exchange(behind_lag_, false)) {
      const BroadcastStatistics now = receiver_.Statistics();
      EXPECT_EQ(static_cast<uint64_t>(*value), now.pulled - now.buffered)
          << "behind a lag comes the oldest";
    }
    next = *value + 1;
    ++got;
    co_return true;
  }
  BroadcastReceiver<int>& receiver() { return receiver_; }

  int next = 0;
  int got = 0;
  int lags = 0;

 private:
  BroadcastReceiver<int> receiver_;
  bool behind_lag_ = false;
};

// ---- everybody gets everything ----

class Consumers : public TestWithParam<int> {};

// They all read on until the producer, told after half a second, says goodbye.
TEST_P(Consumers, C069_HaveCountedTheSameWhenItIsDone) {
  RunTest([&]() -> Task<> {
    Station station(64, /*capacity=*/1);
    std::vector<int> counts(static_cast<size_t>(GetParam()));
    Event done;
    int sent = 0;
    auto produce = [&]() -> Task<> {
      for (; !done.is_set(); ++sent) {
        co_await station.channel.first.Send(sent);
        co_await Sleep(absl::Milliseconds(1));
      }
      station.channel.first.Close();
    };
    auto count = [](BroadcastReceiver<int> receiver, int* n) -> Task<> {
      while (co_await receiver.Receive()) ++*n;
    };
    co_await WithNursery([&](Nursery& n) -> Task<> {
      for (int& c : counts) {
        n.StartSoon(count, station.broadcast.Subscribe(), &c);
      }
      co_await WaitAllTasksBlocked();
      n.StartSoon(produce);
      co_await Sleep(absl::Milliseconds(500));
      done.Set();
    });
    EXPECT_GT(sent, 400);
    EXPECT_EQ(counts, std::vector<int>(counts.size(), sent));
  });
}

TEST_P(Consumers, C070_SeeAThousandValuesInOrder) {
  RunTest([&]() -> Task<> {
    Station station(1000, /*capacity=*/3);
    std::vector<std::vector<int>> got(static_cast<size_t>(GetParam()));
    std::vector<int> own;
    auto collect = [](BroadcastReceiver<int> receiver,
                      std::vector<int>* values) -> Task<> {
      while (const std::optional<int> value = co_await receiver.Receive()) {
        values->push_back(*value);
      }
    };
    co_await WithNursery([&](Nursery& n) -> Task<> {
      for (auto& values : got) {
        n.StartSoon(collect, station.broadcast.Subscribe(), &values);
      }
      // The receiver that they subscribed to is one of them.
      n.StartSoon(collect, std::move(station.broadcast), &own);
      co_await station.Send(1000);
    });
    std::vector<int> all(1000);
    std::iota(all.begin(), all.end(), 0);
    for (const auto& values : got) EXPECT_EQ(values, all);
    EXPECT_EQ(own, all);
  });
}

INSTANTIATE_TEST_SUITE_P(Of, Consumers, Values(1, 10, 22));

// ---- a slow one and a fast one ----

struct Delays {
  int parent_ms;
  int consumer_ms;
};

class Paces : public TestWithParam<Delays> {};

TEST_P(Paces, C071_TheSlowerSideLagsAndGoesOnWithTheOldest) {
  RunTest([&]() -> Task<> {
    constexpr int kItems = 300;
    Station station(64);
    Reader consumer(station.broadcast.Subscribe());
    Reader parent(std::move(station.broadcast));
    const auto [parent_ms, consumer_ms] = GetParam();
    station.Fill(kItems);
    station.channel.first.Close();
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> {
        co_await consumer.Read(absl::Milliseconds(GetParam().consumer_ms));
      });
      co_await parent.Read(absl::Milliseconds(GetParam().parent_ms));
    });
    const bool parent_is_slow = parent_ms > consumer_ms;
    const Reader& slow = parent_is_slow ? parent : consumer;
    const Reader& fast = parent_is_slow ? consumer : parent;
    EXPECT_GE(slow.lags, 1);
    EXPECT_EQ(slow.next, kItems) << "it comes to the end all the same";
    EXPECT_EQ(fast.lags, 0);
    EXPECT_EQ(fast.got, kItems);
  });
}

INSTANTIATE_TEST_SUITE_P(Of, Paces, Values(Delays{10, 1}, Delays{1, 10}),
                         [](const auto& info) {
                           return "Parent" +
                                  std::to_string(info.param.parent_ms) +
                                  "msConsumer" +
                                  std::to_string(info.param.consumer_ms) + "ms";
                         });

class SlowOne : public TestWithParam<size_t> {};

// Whether it has missed something by then, or has all of it before itself.
TEST_P(SlowOne, C072_ReadsToTheEndWhenTheFastOneIsCancelled) {
  RunTest([&]() -> Task<> {
    const size_t max_buffer = GetParam();
    Station station(max_buffer);
    Reader fast(station.broadcast.Subscribe());
    Reader slow(std::move(station.broadcast));
    station.Fill(1000);
    station.channel.first.Close();
    CancelScope fast_scope;
    int slow_got = 0;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> {
        auto read = [&]() -> Task<> {
          co_await fast.Read(absl::Milliseconds(1));
        };
        co_await fast_scope.Run(read);
      });
      co_await slow.Read(absl::Milliseconds(10), /*last=*/2);
      co_await WaitAllTasksBlocked();
      slow_got = slow.got;
      fast_scope.Cancel();
      auto rest = [&]() -> Task<> {
        co_await slow.Read(absl::ZeroDuration(), /*last=*/999);
      };
      co_await FailAfter(absl::Milliseconds(500), rest);
    });
    EXPECT_TRUE(fast_scope.cancelled_caught());
    EXPECT_GT(fast.got, slow_got) << "it was the faster one";
    EXPECT_LT(fast.got, 100) << "and was cancelled early";
    EXPECT_EQ(slow.next, 1000);
    EXPECT_EQ(slow.lags > 0, max_buffer < 1000) << slow.lags;
  });
}

INSTANTIATE_TEST_SUITE_P(Buffer, SlowOne, Values(size_t{8}, size_t{1000}));

class Others : public TestWithParam<int> {};

TEST_P(Others, C073_GetTheNextValueWhenTheOneThatPullsIsCancelled) {
  RunTest([&]() -> Task<> {
    Station station(4);
    std::vector<std::optional<int>> got(static_cast<size_t>(GetParam()));
    CancelScope first_scope;
    auto first = [&](BroadcastReceiver<int> receiver) -> Task<> {
      auto receive = [&]() -> Task<> { co_await receiver.Receive(); };
      co_await first_scope.Run(receive);
    };
    auto other = [](BroadcastReceiver<int> receiver,
                    std::optional<int>* value) -> Task<> {
      *value = co_await receiver.Receive();
    };
    auto all = [&]() -> Task<> {
      co_await WithNursery([&](Nursery& n) -> Task<> {
        n.StartSoon(first, station.broadcast.Subscribe());
        co_await WaitAllTasksBlocked();
        for (auto& value : got) {
          n.StartSoon(other, station.broadcast.Subscribe(), &value);
        }
        co_await WaitAllTasksBlocked();
        first_scope.Cancel();
        co_await WaitAllTasksBlocked();
        EXPECT_TRUE(first_scope.cancelled_caught());
        (void)station.channel.first.TrySend(7);
      });
    };
    co_await FailAfter(absl::Milliseconds(500), all);
    for (const auto& value : got) EXPECT_EQ(value, 7);
    EXPECT_EQ(station.broadcast.Statistics().pulled, 1u);
  });
}

INSTANTIATE_TEST_SUITE_P(Waiting, Others, Values(1, 5));

// ---- laggers ----

TEST(Laggers, C074_GiveUpOnARingThatTheFastOneKeepsUpWith) {
  RunTest([&]() -> Task<> {
    constexpr size_t kRing = 100;
    constexpr int kMostLags = 4;
    Station station(kRing, /*capacity=*/kRing);
    std::vector<std::optional<Reader>> subs(3);
    for (auto& sub : subs) sub.emplace(station.broadcast.Subscribe());
    std::vector<int> lags(subs.size());
    int sent = 0;
    int sub_1_got = 0;
    auto consume = [&](size_t i) -> Task<> {
      co_await subs[i]->Read(absl::Milliseconds(i + 1), /*last=*/-1, kMostLags);
      lags[i] = subs[i]->lags;
      if (i == 0) sub_1_got = subs[i]->got;
      subs[i].reset();
    };
    co_await WithNursery([&](Nursery& n) -> Task<> {
      for (size_t i = 0; i < subs.size(); ++i) n.StartSoon(consume, i);
      co_await WaitAllTasksBlocked();
      // Until there are left: the one that keeps up, and the one nobody reads.
      while (station.broadcast.Statistics().subscribers > 2 && sent < 10'000) {
        co_await station.channel.first.Send(sent++);
      }
      station.channel.first.Close();
    });
    EXPECT_EQ(lags, (std::vector<int>{0, kMostLags, kMostLags}));
    EXPECT_EQ(sub_1_got, sent) << "the sender's end is its end";

    const BroadcastStatistics end = station.broadcast.Statistics();
    EXPECT_EQ(end.subscribers, 1u);
    EXPECT_EQ(end.buffered, kRing);
    Reader late(std::move(station.broadcast));
    co_await late.ReadOne();
    EXPECT_EQ(late.lags, 1);
    EXPECT_EQ(late.receiver().lagged(), end.pulled - kRing);
    co_await late.Read(absl::ZeroDuration());
    EXPECT_EQ(late.got, static_cast<int>(kRing));
    EXPECT_EQ(late.next, sent);
  });
}

TEST(Laggers, C075_ThatWantNoErrorGetNone) {
  RunTest([&]() -> Task<> {
    Station station(64);
    Reader fast(station.broadcast.Subscribe());
    Reader slow(std::move(station.broadcast));
    slow.receiver().set_throw_on_lag(false);
    station.Fill(1000);
    station.channel.first.Close();
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(
          [&]() -> Task<> { co_await fast.Read(absl::Milliseconds(1)); });
      co_await slow.Read(absl::Milliseconds(10));
    });
    EXPECT_EQ(fast.got, 1000);
    EXPECT_EQ(slow.lags, 0);
    EXPECT_GT(slow.receiver().lagged(), 0u);
    EXPECT_EQ(slow.got + static_cast<int>(slow.receiver().lagged()), 1000)
        << "what is missed is counted";
    EXPECT_EQ(slow.next, 1000);
  });
}

// ---- what is closed ----

enum class How { kClosed, kClosedTwice, kMovedFrom };

class Gone : public TestWithParam<How> {};

TEST_P(Gone, C076_OnesCannotBeSubscribedTo) {
  RunTest([&]() -> Task<> {
    Station station(4);
    BroadcastReceiver<int> gone = station.broadcast.Subscribe();
    std::optional<BroadcastReceiver<int>> heir;
    if (GetParam() == How::kMovedFrom) {
      heir.emplace(std::move(gone));
    } else {
      gone.Close();
      if (GetParam() == How::kClosedTwice) gone.Close();
    }
    const size_t subscribers = heir.has_value() ? 2 : 1;
    EXPECT_THROW((void)gone.Subscribe(), ClosedResourceError);
    EXPECT_THROW((void)gone.Statistics(), ClosedResourceError);
    bool closed = false;
    try {
      co_await gone.Receive();
    } catch (const ClosedResourceError&) {
      closed = true;
    }
    EXPECT_TRUE(closed);
    EXPECT_EQ(station.broadcast.Statistics().subscribers, subscribers)
        << "nothing stale is left";
    (void)station.channel.first.TrySend(1);
    const std::optional<int> value = co_await station.broadcast.Receive();
    EXPECT_EQ(value, 1) << "the others go on";
  });
}

INSTANTIATE_TEST_SUITE_P(By, Gone,
                         Values(How::kClosed, How::kClosedTwice,
                                How::kMovedFrom));

// The source has ended: that is no misuse, the subscriber is told the end.
TEST(Broadcast, C076_ASourceThatHasEndedGivesTheEnd) {
  RunTest([&]() -> Task<> {
    Station station(4);
    station.channel.first.Close();
    const std::optional<int> end = co_await station.broadcast.Receive();
    EXPECT_EQ(end, std::nullopt);
    BroadcastReceiver<int> late = station.broadcast.Subscribe();
    const std::optional<int> also_end = co_await late.Receive();
    EXPECT_EQ(also_end, std::nullopt);
    late.Close();
    EXPECT_EQ(station.broadcast.Statistics().subscribers, 1u);
  });
}

}  // namespace
}  // namespace tractor
