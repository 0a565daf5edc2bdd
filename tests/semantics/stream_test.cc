// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Streams between actors: order, ends, back-pressure.
//
// Long: one scenario after the other, and the actors that they need.
#include <google/protobuf/wrappers.pb.h>

#include <cstdio>
#include <optional>
#include <stdexcept>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/tractor.h"
#include "tests/support/run_actors.h"

namespace tractor::testing {
namespace {

using ::google::protobuf::Int64Value;

Int64Value Int(int64_t value) {
  Int64Value message;
  message.set_value(value);
  return message;
}

// ---- endpoints ----

using Texts = Context<Nothing, std::string, std::string>;
using Numbers = Context<Nothing, Int64Value, Int64Value>;

// Sends back what comes. The result: how many there were.
Task<Int64Value> EchoAll(Texts& ctx) {
  co_await ctx.Started();
  int64_t count = 0;
  co_await ctx.WithStream([&](auto& stream) -> Task<> {
    while (std::optional<std::string> text = co_await stream.Receive()) {
      ++count;
      co_await stream.Send(*std::move(text));
    }
  });
  co_return Int(count);
}
TRACTOR_ENDPOINT(EchoAll);

// Sends 0, 1, ..., n - 1.
Task<std::string> SendNumbers(Numbers& ctx, Int64Value n) {
  co_await ctx.Started();
  co_await ctx.WithStream([&](auto& stream) -> Task<> {
    for (int64_t i = 0; i < n.value(); ++i) co_await stream.Send(Int(i));
  });
  co_return "sent";
}
TRACTOR_ENDPOINT(SendNumbers);

// Adds up what comes, and checks the order.
Task<Int64Value> TakeNumbers(Numbers& ctx) {
  co_await ctx.Started();
  int64_t next = 0;
  co_await ctx.WithStream([&](auto& stream) -> Task<> {
    while (std::optional<Int64Value> number = co_await stream.Receive()) {
      if (number->value() != next) throw RuntimeFailure("out of order");
      ++next;
    }
  });
  co_return Int(next);
}
TRACTOR_ENDPOINT(TakeNumbers);

thread_local std::optional<Event> go;

Event& Go() {
  if (!go.has_value()) go.emplace();
  return *go;
}

// Receives nothing before LetGo() was called; then everything.
Task<Int64Value> ReceiveLate(Texts& ctx) {
  co_await ctx.Started();
  int64_t count = 0;
  co_await ctx.WithStream([&](auto& stream) -> Task<> {
    co_await Go().Wait();
    while (co_await stream.Receive()) ++count;
  });
  co_return Int(count);
}
TRACTOR_ENDPOINT(ReceiveLate);

Task<> LetGo() {
  Go().Set();
  co_return;
}
TRACTOR_ENDPOINT(LetGo);

Task<> RoundTrip() { co_return; }
TRACTOR_ENDPOINT(RoundTrip);

// Never opens its stream; ends when it is let go.
Task<std::string> NeverOpens(Texts& ctx) {
  co_await ctx.Started();
  co_await Go().Wait();
  co_return "never looked";
}
TRACTOR_ENDPOINT(NeverOpens);

Task<std::string> OpensAndCloses(Texts& ctx) {
  co_await ctx.Started();
  co_await ctx.WithStream([](auto&) -> Task<> { co_return; });
  co_return "closed";
}
TRACTOR_ENDPOINT(OpensAndCloses);

Task<> FailsAfterThree(Numbers& ctx) {
  co_await ctx.Started();
  co_await ctx.WithStream([](auto& stream) -> Task<> {
    for (int i = 0; i < 3; ++i) co_await stream.Send(Int(i));
    throw std::domain_error("after three");
  });
}
TRACTOR_ENDPOINT(FailsAfterThree);

template <class F>
void RunWithChild(F body) {
  RunActors([&]() -> Task<> {
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      ActorOptions options("child");
      options.Expose(EchoAll, SendNumbers, TakeNumbers, ReceiveLate, LetGo,
                     RoundTrip, NeverOpens, OpensAndCloses, FailsAfterThree);
      Portal portal = co_await an.StartActor(options);
      co_await body(portal);
      co_await an.Cancel("the test is over");
    });
  });
}

// ---- order and ends ----

TEST(Stream, C064_PingPong) {
  RunWithChild([](Portal& portal) -> Task<> {
    const std::optional<Int64Value> count =
        co_await portal.WithContext(EchoAll, [](auto& ctx) -> Task<> {
          co_await ctx.WithStream([](auto& stream) -> Task<> {
            for (int i = 0; i < 10; ++i) {
              co_await stream.Send(absl::StrCat("ping ", i));
              EXPECT_EQ(co_await stream.Receive(), absl::StrCat("ping ", i));
            }
          });
        });
    EXPECT_EQ(count->value(), 10);
  });
}

// Both directions at once: nothing is lost, all stays in order.
Task<> EchoMany(Portal& portal, int64_t messages) {
  co_await portal.WithContext(EchoAll, [&](auto& ctx) -> Task<> {
    co_await ctx.WithStream([&](auto& stream) -> Task<> {
      co_await WithNursery([&](Nursery& n) -> Task<> {
        n.StartSoon([&]() -> Task<> {
          for (int64_t i = 0; i < messages; ++i) {
            co_await stream.Send(absl::StrCat(i));
          }
        });
        for (int64_t i = 0; i < messages; ++i) {
          const std::optional<std::string> text = co_await stream.Receive();
          if (text == absl::StrCat(i)) continue;
          ADD_FAILURE() << "got " << text.value_or("the end") << " for " << i;
          break;
        }
      });
    });
  });
}

TEST(Stream, AHundredThousandMessagesBothWays) {
  const absl::Time begin = absl::Now();
  RunWithChild(
      [](Portal& portal) -> Task<> { co_await EchoMany(portal, 100'000); });
  std::printf("100000 messages there and back: %s\n",
              absl::FormatDuration(absl::Now() - begin).c_str());
}

TEST(Stream, C060_TwoContextsOverOnePortal) {
  RunWithChild([](Portal& portal) -> Task<> {
    co_await WithNursery([&](Nursery& n) -> Task<> {
      for (int i = 0; i < 2; ++i) {
        n.StartSoon([&]() -> Task<> { co_await EchoMany(portal, 1000); });
      }
      co_return;
    });
  });
}

TEST(Stream, FromTheCalleeInOrderToItsEnd) {
  RunWithChild([](Portal& portal) -> Task<> {
    const std::optional<std::string> result = co_await portal.WithContext(
        SendNumbers, Int(50'000), [](auto& ctx) -> Task<> {
          co_await ctx.WithStream([](auto& stream) -> Task<> {
            int64_t next = 0;
            while (std::optional<Int64Value> n = co_await stream.Receive()) {
              if (n->value() != next++) ADD_FAILURE() << n->value();
            }
            EXPECT_EQ(next, 50'000);
            for (int i = 0; i < 2; ++i) {
              const std::optional<Int64Value> end = co_await stream.Receive();
              EXPECT_FALSE(end.has_value());
            }
          });
        });
    EXPECT_EQ(result, "sent");
  });
}

TEST(Stream, ToTheCalleeFromManyTasks) {
  RunWithChild([](Portal& portal) -> Task<> {
    const std::optional<Int64Value> count =
        co_await portal.WithContext(EchoAll, [](auto& ctx) -> Task<> {
          co_await ctx.WithStream([](auto& stream) -> Task<> {
            co_await WithNursery([&](Nursery& n) -> Task<> {
              for (int i = 0; i < 20; ++i) {
                n.StartSoon([&]() -> Task<> { co_await stream.Send("x"); });
              }
              for (int i = 0; i < 20; ++i) {
                EXPECT_EQ(co_await stream.Receive(), "x");
              }
            });
          });
        });
    EXPECT_EQ(count->value(), 20);
  });
}

TEST(Stream, TheOrderOfWhatTheCalleeTakes) {
  RunWithChild([](Portal& portal) -> Task<> {
    const std::optional<Int64Value> count =
        co_await portal.WithContext(TakeNumbers, [](auto& ctx) -> Task<> {
          co_await ctx.WithStream([](auto& stream) -> Task<> {
            for (int i = 0; i < 20'000; ++i) co_await stream.Send(Int(i));
          });
        });
    EXPECT_EQ(count->value(), 20'000);
  });
}

TEST(Stream, C043_OneThatIsClosedAtOnce) {
  RunWithChild([](Portal& portal) -> Task<> {
    const std::optional<std::string> result =
        co_await portal.WithContext(OpensAndCloses, [](auto& ctx) -> Task<> {
          co_await ctx.WithStream([](auto& stream) -> Task<> {
            EXPECT_EQ(co_await stream.Receive(), std::nullopt);
          });
          auto again = [&]() -> Task<> {
            co_await ctx.WithStream([](auto&) -> Task<> { co_return; });
          };
          auto end = co_await Observe(again);
          ExpectError<RuntimeFailure>(end.error());
        });
    EXPECT_EQ(result, "closed");
    co_await portal.Call(RoundTrip);
  });
}

TEST(Stream, OurEndLeavesTheOtherDirectionOpen) {
  RunWithChild([](Portal& portal) -> Task<> {
    // The callee goes on sending to a block that has been left.
    const std::optional<std::string> result = co_await portal.WithContext(
        SendNumbers, Int(50'000), [](auto& ctx) -> Task<> {
          co_await ctx.WithStream([](auto& stream) -> Task<> {
            const std::optional<Int64Value> first = co_await stream.Receive();
            EXPECT_EQ(first->value(), 0);
          });
        });
    EXPECT_EQ(result, "sent") << "nobody is stuck for want of credit";
  });
}

TEST(Stream, C059_ACalleeThatHasReturned) {
  RunWithChild([](Portal& portal) -> Task<> {
    const std::optional<std::string> result = co_await portal.WithContext(
        SendNumbers, Int(6), [](auto& ctx) -> Task<> {
          EXPECT_EQ(co_await ctx.WaitResult(), "sent");
          co_await ctx.WithStream([](auto& stream) -> Task<> {
            for (int i = 0; i < 6; ++i) {
              const std::optional<Int64Value> number =
                  co_await stream.Receive();
              EXPECT_EQ(number->value(), i)
                  << "what was sent before the end is there";
            }
            const std::optional<Int64Value> end = co_await stream.Receive();
            EXPECT_FALSE(end.has_value());
            auto send = [&]() -> Task<> { co_await stream.Send(Int(1)); };
            auto sent = co_await Observe(send);
            EXPECT_TRUE(sent.has_error()) << "nobody is there to take it";
          });
        });
    EXPECT_EQ(result, "sent");
  });
}

TEST(Stream, AnErrorComesBeforeWhatWasSent) {
  RunWithChild([](Portal& portal) -> Task<> {
    auto block = [&]() -> Task<> {
      co_await portal.WithContext(FailsAfterThree, [](auto& ctx) -> Task<> {
        co_await ctx.WithStream([](auto& stream) -> Task<> {
          while (co_await stream.Receive()) {
          }
          ADD_FAILURE() << "it ended as if all were well";
        });
      });
    };
    auto end = co_await Observe(block);
    ExpectError<RemoteActorError>(end.error(), [](const RemoteActorError& e) {
      EXPECT_TRUE(e.Is<std::domain_error>());
    });
  });
}

// One number every so often, without an end.
Task<> TickForEver(Numbers& ctx) {
  co_await ctx.Started();
  co_await ctx.WithStream([](auto& stream) -> Task<> {
    for (int64_t i = 0;; ++i) {
      co_await stream.Send(Int(i));
      co_await Sleep(absl::Milliseconds(1));
    }
  });
}
TRACTOR_ENDPOINT(TickForEver);

TEST(Stream, C021_AnInfiniteOneIsLeftByADeadline) {
  RunActors([]() -> Task<> {
    int64_t received = 0;
    auto read = [&]() -> Task<> {
      co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
        Portal portal =
            co_await an.StartActor(ActorOptions("clock").Expose(TickForEver));
        co_await portal.WithContext(TickForEver, [&](auto& ctx) -> Task<> {
          co_await ctx.WithStream([&](auto& stream) -> Task<> {
            while (co_await stream.Receive()) ++received;
          });
        });
      });
    };
    bool in_time = true;
    auto move_on = [&]() -> Task<> {
      in_time = co_await MoveOnAfter(absl::Seconds(1), read);
    };
    co_await FailAfter(absl::Seconds(30), move_on);
    EXPECT_FALSE(in_time);
    EXPECT_GT(received, 0);
  });
}

// ---- back-pressure ----

constexpr int kMessage = 1024;
constexpr int kWindow = 256 << 10;

// Sends until it is parked for good; how many went.
struct Sender {
  int sent = 0;
  Task<> Run(Stream<std::string, std::string>& stream, int total) {
    const std::string message(kMessage, 'x');
    for (int i = 0; i < total; ++i) {
      co_await stream.Send(message);
      ++sent;
    }
  }
};

TEST(BackPressure, ASlowReceiverParksTheSender) {
  static constexpr int kTotal = 4096;
  RunWithChild([](Portal& portal) -> Task<> {
    const std::optional<Int64Value> received =
        co_await portal.WithContext(ReceiveLate, [&](auto& ctx) -> Task<> {
          co_await ctx.WithStream([&](auto& stream) -> Task<> {
            Sender sender;
            co_await WithNursery([&](Nursery& n) -> Task<> {
              n.StartSoon(
                  [&]() -> Task<> { co_await sender.Run(stream, kTotal); });
              // The loops of both sides run; the sender has all the time.
              for (int i = 0; i < 5; ++i) co_await portal.Call(RoundTrip);
              EXPECT_GE(sender.sent, kWindow / kMessage / 2);
              EXPECT_LE(sender.sent, kWindow / kMessage + 1);
              const int parked_at = sender.sent;
              for (int i = 0; i < 5; ++i) co_await portal.Call(RoundTrip);
              EXPECT_EQ(sender.sent, parked_at);
              co_await portal.Call(LetGo);
            });
            EXPECT_EQ(sender.sent, kTotal);
          });
        });
    EXPECT_EQ(received->value(), kTotal);
  });
}

TEST(BackPressure, AMessageLargerThanTheWindowGoesThrough) {
  RunWithChild([](Portal& portal) -> Task<> {
    co_await portal.WithContext(EchoAll, [](auto& ctx) -> Task<> {
      co_await ctx.WithStream([](auto& stream) -> Task<> {
        const std::string huge(5 * kWindow, 'y');
        for (int i = 0; i < 3; ++i) {
          co_await stream.Send(huge);
          EXPECT_EQ(co_await stream.Receive() == huge, true);
        }
      });
    });
  });
}

TEST(BackPressure, C047_ACalleeThatNeverOpensItsStream) {
  RunWithChild([](Portal& portal) -> Task<> {
    Sender sender;
    const std::optional<std::string> result =
        co_await portal.WithContext(NeverOpens, [&](auto& ctx) -> Task<> {
          co_await ctx.WithStream([&](auto& stream) -> Task<> {
            co_await WithNursery([&](Nursery& n) -> Task<> {
              n.StartSoon([&]() -> Task<> {
                auto send = [&]() -> Task<> {
                  co_await sender.Run(stream, 4096);
                };
                auto end = co_await Observe(send);
                EXPECT_TRUE(end.has_error()) << "woken by the end";
              });
              for (int i = 0; i < 5; ++i) co_await portal.Call(RoundTrip);
              EXPECT_LE(sender.sent, kWindow / kMessage + 1);
              co_await portal.Call(LetGo);
            });
          });
        });
    EXPECT_EQ(result, "never looked");
  });
}

TEST(BackPressure, ASenderThatIsParkedCanBeCancelled) {
  RunWithChild([](Portal& portal) -> Task<> {
    co_await portal.WithContext(ReceiveLate, [&](auto& ctx) -> Task<> {
      co_await ctx.WithStream([&](auto& stream) -> Task<> {
        Sender sender;
        CancelScope scope;
        co_await WithNursery([&](Nursery& n) -> Task<> {
          n.StartSoon([&]() -> Task<> {
            auto run = [&]() -> Task<> { co_await sender.Run(stream, 4096); };
            co_await scope.Run(run);
          });
          for (int i = 0; i < 5; ++i) co_await portal.Call(RoundTrip);
          scope.Cancel();
        });
        EXPECT_TRUE(scope.cancelled_caught());
        co_await portal.Call(LetGo);
      });
    });
  });
}

TEST(BackPressure, ManyStreamsDoNotStopEachOther) {
  RunWithChild([](Portal& portal) -> Task<> {
    co_await portal.WithContext(ReceiveLate, [&](auto& ctx) -> Task<> {
      co_await ctx.WithStream([&](auto& stuck) -> Task<> {
        Sender sender;
        co_await WithNursery([&](Nursery& n) -> Task<> {
          n.StartSoon([&]() -> Task<> { co_await sender.Run(stuck, 4096); });
          co_await EchoMany(portal, 1000);
          co_await portal.Call(LetGo);
        });
      });
    });
  });
}

}  // namespace
}  // namespace tractor::testing
