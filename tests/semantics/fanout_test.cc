// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// One stream for many readers, many streams for one, and how they end.
//
// Long: one scenario after the other, and the actors that they need.
#include <google/protobuf/wrappers.pb.h>
#include <signal.h>

#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <iterator>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "runtime/tractor.h"
#include "tests/support/run_actors.h"

namespace tractor::testing {
namespace {

using ::google::protobuf::Int64Value;
using ::testing::Values;

Int64Value Int(int64_t value) {
  Int64Value message;
  message.set_value(value);
  return message;
}

std::vector<int64_t> FirstNumbers(int64_t count) {
  std::vector<int64_t> numbers(static_cast<size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

// ---- endpoints ----

using Texts = Context<Nothing, std::string, std::string>;
using Numbers = Context<Nothing, Int64Value, Int64Value>;

// Sends back what comes.
Task<> Echo(Texts& ctx) {
  co_await ctx.Started();
  co_await ctx.WithStream([&](auto& stream) -> Task<> {
    while (std::optional<std::string> text = co_await stream.Receive()) {
      co_await stream.Send(*std::move(text));
    }
  });
}
TRACTOR_ENDPOINT(Echo);

// Sends 0, 1, ..., n - 1: a stream one way.
Task<> Count(Numbers& ctx, Int64Value n) {
  co_await ctx.Started();
  co_await ctx.WithStream([&](auto& stream) -> Task<> {
    for (int64_t i = 0; i < n.value(); ++i) co_await stream.Send(Int(i));
  });
}
TRACTOR_ENDPOINT(Count);

// A number every so often, until it is told that it is done: how many.
Task<Int64Value> CountUntilDone(Texts& ctx) {
  co_await ctx.Started();
  int64_t sent = 0;
  co_await ctx.WithStream([&](auto& stream) -> Task<> {
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> {
        while (true) {
          co_await stream.Send(absl::StrCat(sent));
          ++sent;
          co_await Sleep(absl::Milliseconds(1));
        }
      });
      const std::optional<std::string> word = co_await stream.Receive();
      if (word != "done") throw RuntimeFailure("not what was agreed upon");
      n.cancel_scope().Cancel();
    });
  });
  co_return Int(sent);
}
TRACTOR_ENDPOINT(CountUntilDone);

// One task sends ticks, another one answers on the same stream.
Task<> TickAndAnswer(Texts& ctx) {
  co_await ctx.Started();
  co_await ctx.WithStream([&](auto& stream) -> Task<> {
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> {
        while (true) {
          co_await stream.Send("tick");
          co_await Sleep(absl::Milliseconds(1));
        }
      });
      while (std::optional<std::string> text = co_await stream.Receive()) {
        if (text == "ping") co_await stream.Send("pong");
      }
      n.cancel_scope().Cancel();
    });
  });
}
TRACTOR_ENDPOINT(TickAndAnswer);

// A number for each one that is asked for, 0 ... n - 1.
Task<> CountOnDemand(Numbers& ctx, Int64Value n) {
  co_await ctx.Started();
  co_await ctx.WithStream([&](auto& stream) -> Task<> {
    for (int64_t i = 0; i < n.value(); ++i) {
      if (!co_await stream.Receive()) co_return;
      co_await stream.Send(Int(i));
    }
  });
}
TRACTOR_ENDPOINT(CountOnDemand);

// Reads a counter that is an actor of its own into a channel.
Task<> Produce(ActorNursery* an, std::string name, int64_t count,
               SenderHandle<int64_t> numbers) {
  Portal portal = co_await an->StartActor(ActorOptions(name).Expose(Count));
  auto read = [&](auto& ctx) -> Task<> {
    co_await ctx.WithStream([&](auto& stream) -> Task<> {
      while (std::optional<Int64Value> n = co_await stream.Receive()) {
        co_await numbers.Send(n->value());
      }
    });
  };
  co_await portal.WithContext(Count, Int(count), read);
}

// Two producers, each an actor; what both have sent goes on, once.
Task<> Aggregate(Numbers& ctx, Int64Value count) {
  co_await ctx.Started();
  auto aggregate = [&](auto& stream) -> Task<> {
    auto with_actors = [&](ActorNursery& an) -> Task<> {
      auto channel = OpenChannel<int64_t>(0);
      auto produce_and_send = [&](Nursery& n) -> Task<> {
        n.StartSoon(Produce, &an, "producer 1", count.value(),
                    channel.first.Clone());
        n.StartSoon(Produce, &an, "producer 2", count.value(),
                    std::move(channel.first));
        std::vector<int> seen(static_cast<size_t>(count.value()));
        while (std::optional<int64_t> i = co_await channel.second.Receive()) {
          if (++seen[static_cast<size_t>(*i)] != 2) continue;
          co_await stream.Send(Int(*i));
        }
      };
      NurseryOptions options;
      options.set_collapse(true);
      co_await WithNursery(options, produce_and_send);
      co_await an.Cancel("all is sent");
    };
    co_await WithActorNursery(with_actors);
  };
  co_await ctx.WithStream(aggregate);
}
TRACTOR_ENDPOINT(Aggregate);

template <class F>
Task<> WithChild(F& body) {
  co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
    ActorOptions options("child");
    options.Expose(Echo, Count, CountUntilDone, TickAndAnswer, CountOnDemand,
                   Aggregate);
    Portal portal = co_await an.StartActor(options);
    co_await body(portal);
    co_await an.Cancel("the test is over");
  });
}

template <class F>
void RunWithChild(F body) {
  RunActors([&]() -> Task<> { co_await WithChild(body); });
}
template <class F>
std::exception_ptr ErrorWithChild(F body) {
  return ErrorOf([&]() -> Task<> { co_await WithChild(body); });
}

// ---- an error of ours, in the middle of it ----

enum class Raised { kNothing, kError, kInterrupted, kSignal };

// Goes on behind kSignal, which is a Ctrl-C: a cancel, at a later checkpoint.
void Raise(Raised what) {
  switch (what) {
    case Raised::kNothing:
      return;
    case Raised::kError:
      throw std::domain_error("in the middle");
    case Raised::kInterrupted:
      throw Interrupted(SIGINT);
    case Raised::kSignal:
      // To this thread, as others of the test's own do not block it.
      (void)raise(SIGINT);
  }
}

// Exactly that, and not in a group.
void ExpectRaised(Raised what, const std::exception_ptr& error) {
  switch (what) {
    case Raised::kNothing:
      EXPECT_EQ(error, nullptr);
      return;
    case Raised::kError:
      return ExpectError<std::domain_error>(
          error, [](const std::domain_error& e) {
            EXPECT_STREQ(e.what(), "in the middle");
          });
    case Raised::kInterrupted:
    case Raised::kSignal:
      return ExpectError<Interrupted>(
          error, [](const Interrupted& e) { EXPECT_EQ(e.signal(), SIGINT); });
  }
}

std::string RaisedName(const ::testing::TestParamInfo<Raised>& info) {
  constexpr const char* kNames[] = {"Nothing", "AnError", "AnInterrupt",
                                    "CtrlC"};
  return kNames[static_cast<int>(info.param)];
}

class Midway : public ::testing::TestWithParam<Raised> {};

TEST_P(Midway, C065_AnErrorInAHundredEchoesComesOutAsItIs) {
  int echoes = 0;
  const std::exception_ptr error =
      ErrorWithChild([&](Portal& portal) -> Task<> {
        co_await portal.WithContext(Echo, [&](auto& ctx) -> Task<> {
          co_await ctx.WithStream([&](auto& stream) -> Task<> {
            for (; echoes < 100; ++echoes) {
              co_await stream.Send(absl::StrCat(echoes));
              if (echoes == 50) Raise(GetParam());
              const std::optional<std::string> echo = co_await stream.Receive();
              EXPECT_EQ(echo, absl::StrCat(echoes));
              if (echoes < 50 || GetParam() != Raised::kSignal) continue;
              // Nothing more was sent: it is in this one that the signal comes.
              co_await stream.Receive();
            }
          });
        });
      });
  ExpectRaised(GetParam(), error);
  if (GetParam() == Raised::kNothing) {
    EXPECT_EQ(echoes, 100);
  } else {
    EXPECT_EQ(echoes, 50);
  }
}

INSTANTIATE_TEST_SUITE_P(With, Midway,
                         Values(Raised::kNothing, Raised::kError,
                                Raised::kInterrupted, Raised::kSignal),
                         RaisedName);

// The echoes go on for ever here, and so does the other stream, which is of one
// direction alone.
class SideBySide : public ::testing::TestWithParam<Raised> {};

TEST_P(SideBySide, C067_StreamsAreLeftWithAnErrorAsItIs) {
  const std::exception_ptr error =
      ErrorWithChild([&](Portal& portal) -> Task<> {
        int64_t counted = 0;
        auto count = [&](auto& ctx) -> Task<> {
          co_await ctx.WithStream([&](auto& stream) -> Task<> {
            while (co_await stream.Receive()) ++counted;
          });
        };
        NurseryOptions options;
        options.set_collapse(true);
        auto both = [&](Nursery& n) -> Task<> {
          n.StartSoon([&]() -> Task<> {
            co_await portal.WithContext(Count, Int(int64_t{1} << 60), count);
          });
          co_await portal.WithContext(Echo, [&](auto& ctx) -> Task<> {
            co_await ctx.WithStream([&](auto& stream) -> Task<> {
              bool raised = false;
              for (int i = 0;; ++i) {
                co_await stream.Send(absl::StrCat(i));
                const std::optional<std::string> echo =
                    co_await stream.Receive();
                EXPECT_EQ(echo, absl::StrCat(i));
                if (i < 10 || counted < 10 || raised) continue;
                raised = true;
                Raise(GetParam());
              }
            });
          });
        };
        co_await WithNursery(options, both);
      });
  ExpectRaised(GetParam(), error);
}

INSTANTIATE_TEST_SUITE_P(With, SideBySide,
                         Values(Raised::kError, Raised::kInterrupted,
                                Raised::kSignal),
                         RaisedName);

// ---- two tasks of the callee on one stream ----

TEST(Fanout, C066_AnswersComeBetweenWhatAnotherTaskSends) {
  RunWithChild([](Portal& portal) -> Task<> {
    constexpr int kPings = 20;
    int pongs = 0;
    int ticks = 0;
    co_await portal.WithContext(TickAndAnswer, [&](auto& ctx) -> Task<> {
      co_await ctx.WithStream([&](auto& stream) -> Task<> {
        // A ping for every other tick: neither of the two starves.
        while (pongs < kPings) {
          const std::optional<std::string> text = co_await stream.Receive();
          if (text == "pong") ++pongs;
          if (text == "tick" && ++ticks % 2 == 0) co_await stream.Send("ping");
        }
      });
    });
    EXPECT_EQ(pongs, kPings);
    EXPECT_GE(ticks, 2 * kPings);
  });
}

// ---- one stream, many local readers ----

// The stream of texts as a source of `Numbers`.
template <class Stream>
auto SourceOf(Stream& stream) {
  return [&stream]() -> Task<std::optional<std::string>> {
    co_return co_await stream.Receive();
  };
}

TEST(Fanout, C069_TwentyTwoReadersHaveCountedTheSame) {
  RunWithChild([](Portal& portal) -> Task<> {
    std::vector<int64_t> counts(22);
    auto read_all = [&](auto& ctx) -> Task<> {
      co_await ctx.WithStream([&](auto& stream) -> Task<> {
        BroadcastReceiver<std::string> broadcast(SourceOf(stream), 64);
        auto count = [](BroadcastReceiver<std::string> texts,
                        int64_t* n) -> Task<> {
          while (co_await texts.Receive()) ++*n;
        };
        co_await WithNursery([&](Nursery& n) -> Task<> {
          for (int64_t& c : counts) {
            n.StartSoon(count, broadcast.Subscribe(), &c);
          }
          for (int i = 0; i < 50; ++i) co_await broadcast.Receive();
          broadcast.Close();
          co_await stream.Send("done");
        });
      });
    };
    const std::optional<Int64Value> sent =
        co_await portal.WithContext(CountUntilDone, read_all);
    EXPECT_GE(sent->value(), 50);
    EXPECT_EQ(counts, std::vector<int64_t>(22, sent->value()));
  });
}

TEST(Fanout, C070_TenSubscribersAndTheSourceSeeAThousandInOrder) {
  RunWithChild([](Portal& portal) -> Task<> {
    std::vector<std::vector<int64_t>> got(11);
    auto read_all = [&](auto& ctx) -> Task<> {
      co_await ctx.WithStream([&](auto& stream) -> Task<> {
        auto source = [&stream]() -> Task<std::optional<int64_t>> {
          const std::optional<Int64Value> n = co_await stream.Receive();
          if (!n.has_value()) co_return std::nullopt;
          co_return n->value();
        };
        BroadcastReceiver<int64_t> broadcast(source, 1000);
        auto collect = [](BroadcastReceiver<int64_t> numbers,
                          std::vector<int64_t>* all) -> Task<> {
          while (auto number = co_await numbers.Receive()) {
            all->push_back(*number);
          }
        };
        co_await WithNursery([&](Nursery& n) -> Task<> {
          for (size_t i = 1; i < got.size(); ++i) {
            n.StartSoon(collect, broadcast.Subscribe(), &got[i]);
          }
          co_await collect(std::move(broadcast), &got[0]);
        });
      });
    };
    co_await portal.WithContext(Count, Int(1000), read_all);
    for (const auto& numbers : got) EXPECT_EQ(numbers, FirstNumbers(1000));
  });
}

// ---- two producers, an aggregator, the root ----

constexpr int64_t kSeed = 1000;

// `on_number` after each one.
Task<std::vector<int64_t>> ReadQuadruple(
    std::function<void(size_t)> on_number) {
  std::vector<int64_t> numbers;
  auto read = [&](Portal& portal) -> Task<> {
    co_await portal.WithContext(
        Aggregate, Int(kSeed), [&](auto& ctx) -> Task<> {
          co_await ctx.WithStream([&](auto& stream) -> Task<> {
            while (std::optional<Int64Value> n = co_await stream.Receive()) {
              numbers.push_back(n->value());
              if (on_number) on_number(numbers.size());
            }
          });
        });
  };
  co_await WithChild(read);
  co_return numbers;
}

TEST(Quadruple, C077_GivesEveryNumberOnce) {
  const std::vector<int64_t> numbers =
      RunActors([]() -> Task<std::vector<int64_t>> {
        co_return co_await ReadQuadruple(nullptr);
      });
  EXPECT_EQ(numbers, FirstNumbers(kSeed));
}

// Behind each of these the fixture looks for what is left of the four.
class QuadrupleAfter : public ::testing::TestWithParam<size_t> {};

TEST_P(QuadrupleAfter, C077_NumbersACancelLeavesNothing) {
  RunActors([]() -> Task<> {
    CancelScope scope;
    size_t seen = 0;
    auto on_number = [&](size_t count) {
      seen = count;
      if (count == GetParam()) scope.Cancel();
    };
    auto read = [&]() -> Task<> {
      (void)co_await ReadQuadruple(std::ref(on_number));
    };
    co_await scope.Run(read);
    EXPECT_TRUE(scope.cancelled_caught());
    EXPECT_GE(seen, GetParam());
  });
}

INSTANTIATE_TEST_SUITE_P(Of, QuadrupleAfter, Values(1, 2, 250, 500, 750, 999));

// By the clock, so also while actors are born, and while they end. It may be
// done by then: nothing is said about that.
class QuadrupleAt : public ::testing::TestWithParam<int> {};

TEST_P(QuadrupleAt, C077_APercentageOfItsTimeACancelLeavesNothing) {
  static const absl::Duration whole = [] {
    const absl::Time begin = absl::Now();
    RunActors([]() -> Task<> { (void)co_await ReadQuadruple(nullptr); });
    return absl::Now() - begin;
  }();
  RunActors([]() -> Task<> {
    auto read = []() -> Task<> { (void)co_await ReadQuadruple(nullptr); };
    const bool done = co_await MoveOnAfter(whole * GetParam() / 100, read);
    std::printf("%s\n", done ? "it was done" : "it was cancelled");
  });
}

INSTANTIATE_TEST_SUITE_P(Of, QuadrupleAt,
                         Values(5, 15, 25, 35, 45, 55, 65, 75, 85, 95));

// ---- a consumer that is started again ----

// Cancelled while it waits, with nothing there; and with more there already.
class Restarted : public ::testing::TestWithParam<bool> {};

TEST_P(Restarted, C078_ConsumersOfOneStreamGetWhatIsLeft) {
  RunWithChild([](Portal& portal) -> Task<> {
    constexpr int64_t kNumbers = 11;
    const bool on_demand = GetParam();
    std::vector<int64_t> received;
    int consumers = 0;
    auto read = [&](auto& ctx) -> Task<> {
      co_await ctx.WithStream([&](auto& stream) -> Task<> {
        bool ended = false;
        while (!ended) {
          ++consumers;
          CancelScope scope;
          Event got;
          auto consume = [&]() -> Task<> {
            while (std::optional<Int64Value> n = co_await stream.Receive()) {
              received.push_back(n->value());
              if (!on_demand) scope.Cancel();
              got.Set();
            }
            ended = true;
          };
          const bool more = std::ssize(received) < kNumbers;
          if (on_demand && more) co_await stream.Send(Int(0));
          co_await WithNursery([&](Nursery& n) -> Task<> {
            n.StartSoon([&]() -> Task<> { co_await scope.Run(consume); });
            if (!on_demand || !more) co_return;
            co_await got.Wait();
            // It goes on into its Receive(), and nobody has asked for more.
            for (int i = 0; i < 3; ++i) co_await Checkpoint();
            scope.Cancel();
          });
        }
      });
    };
    if (on_demand) {
      co_await portal.WithContext(CountOnDemand, Int(kNumbers), read);
    } else {
      co_await portal.WithContext(Count, Int(kNumbers), read);
    }
    EXPECT_EQ(received, FirstNumbers(kNumbers));
    EXPECT_GE(consumers, kNumbers);
  });
}

INSTANTIATE_TEST_SUITE_P(Each, Restarted, Values(false, true),
                         [](const auto& info) {
                           return info.param ? "WithNothingThere"
                                             : "WithMoreThere";
                         });

}  // namespace
}  // namespace tractor::testing
