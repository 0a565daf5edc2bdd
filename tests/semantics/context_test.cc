// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Contexts: semantics.md 6.2, part C.
//
// Long: one scenario after the other, and the actors that they need.
#include <google/protobuf/wrappers.pb.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/tractor.h"
#include "tests/support/backend.h"
#include "tests/support/doorbell.h"
#include "tests/support/log_capture.h"
#include "tests/support/run_actors.h"
#include "tests/support/test_files.h"

namespace tractor::testing {
namespace {

using ::google::protobuf::Int64Value;
using ::google::protobuf::StringValue;
using ::testing::AllOf;
using ::testing::HasSubstr;

Int64Value Int(int64_t value) {
  Int64Value message;
  message.set_value(value);
  return message;
}

// ---- endpoints ----

using NumberContext = Context<Int64Value, std::string, std::string>;

thread_local std::string state;  // of the actor: "", "entered", "left"
thread_local std::optional<Event> let_fail;

Event& LetFailNow() {
  if (!let_fail.has_value()) let_fail.emplace();
  return *let_fail;
}

// Started(data + 1), then what `plan` says; "left" on every way out.
Task<std::string> Simple(NumberContext& ctx, Int64Value data) {
  struct Leave {
    ~Leave() { state = "left"; }
  } leave;
  state = "entered";
  co_await ctx.Started(Int(data.value() + 1));
  if (data.value() == 0) co_return "yo";
  if (data.value() == 1) co_await SleepForever();
  if (data.value() == 2) {
    co_await LetFailNow().Wait();
    throw std::domain_error("the callee fails");
  }
  if (data.value() == 3) {
    ctx.Cancel("had enough");
    co_await SleepForever();
  }
  if (data.value() == 4) {
    CurrentActor().CancelSoon("the actor has had enough");
    co_await SleepForever();
  }
  if (data.value() == 5) {
    co_await ctx.WithStream([](auto& stream) -> Task<> {
      while (co_await stream.Receive()) {
      }
    });
    co_return "streamed";
  }
  co_return "?";
}
TRACTOR_ENDPOINT(Simple);

constexpr int kReturns = 0, kBlocks = 1, kFails = 2, kCancelsItself = 3,
              kEndsItsActor = 4, kStreams = 5;

Task<std::string> TellState() { co_return state; }
TRACTOR_ENDPOINT(TellState);

Task<> LetFail() {
  LetFailNow().Set();
  co_return;
}
TRACTOR_ENDPOINT(LetFail);

// What a callee does wrong with its context, by name.
Task<> Misuse(Context<>& ctx, std::string what) {
  auto nothing = [](auto&) -> Task<> { co_return; };
  if (what == "no started") co_return;
  if (what == "stream first") co_await ctx.WithStream(nothing);
  co_await ctx.Started();
  if (what == "started twice") co_await ctx.Started();
  if (what == "stream twice") {
    co_await ctx.WithStream(nothing);
    co_await ctx.WithStream(nothing);
  }
}
TRACTOR_ENDPOINT(Misuse);

// Cancels itself before Started, and cannot go on.
Task<> CancelBeforeStarted(Context<>& ctx, std::string path) {
  ctx.Cancel("before it began");
  auto sleep = []() -> Task<> { co_await Sleep(absl::Milliseconds(100)); };
  auto end = co_await Observe(sleep);
  TestFiles::Append(path, end.cancelled() ? "cancelled" : "slept");
  co_await std::move(end).Get();
}
TRACTOR_ENDPOINT(CancelBeforeStarted);

// Fails while its caller cancels it; the error must not be lost.
Task<> FailWhileCleaning(Context<>& ctx) {
  co_await ctx.Started();
  auto block = []() -> Task<> { co_await SleepForever(); };
  auto fail = []() -> Task<> {
    co_await Sleep(absl::Milliseconds(10));
    throw std::domain_error("in the cleanup");
  };
  co_await Finally(block, absl::Seconds(5), fail);
}
TRACTOR_ENDPOINT(FailWhileCleaning);

// Fails first, and then cleans up for as long as it takes its caller to cancel.
Task<> FailAndCleanUp(Context<>& ctx, std::string bell) {
  co_await ctx.Started();
  auto fail = []() -> Task<> {
    throw std::domain_error("before the cleanup");
    co_return;
  };
  auto clean = [&]() -> Task<> {
    Doorbell::Ring(bell);
    auto wait = []() -> Task<> { co_await SleepForever(); };
    while (!ctx.cancel_requested()) {
      (void)co_await MoveOnAfter(absl::Milliseconds(1), wait);
    }
  };
  co_await Finally(fail, absl::Seconds(30), clean);
  co_await Checkpoint();
}
TRACTOR_ENDPOINT(FailAndCleanUp);

// Cleans up slowly; only then the caller may go on.
Task<> CleanUpSlowly(Context<>& ctx, std::string path) {
  co_await ctx.Started();
  auto block = []() -> Task<> { co_await SleepForever(); };
  auto clean = [&]() -> Task<> {
    co_await Sleep(absl::Milliseconds(30));
    TestFiles::Append(
        path, absl::StrCat("cleaned, asked by ", ctx.canceller()->name));
  };
  co_await Finally(block, absl::Seconds(5), clean);
}
TRACTOR_ENDPOINT(CleanUpSlowly);

// Is cancelled, and has a result all the same.
Task<Int64Value> GiveItAllTheSame(Context<>& ctx) {
  co_await ctx.Started();
  auto sleep = []() -> Task<> { co_await SleepForever(); };
  (void)co_await Observe(sleep);
  co_return Int(6);
}
TRACTOR_ENDPOINT(GiveItAllTheSame);

Task<Int64Value> GiveANumber(Context<StringValue>& ctx) {
  StringValue first;
  first.set_value("first");
  co_await ctx.Started(first);
  co_return Int(5);
}
TRACTOR_ENDPOINT(GiveANumber);

// Opens a context to an actor below, and passes on how that ends.
Task<> Relay(Context<>& ctx) {
  co_await ctx.Started();
  co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
    Portal below =
        co_await an.StartActor(ActorOptions("below").Expose(Simple, LetFail));
    co_await below.WithContext(Simple, Int(kFails), [&](auto&) -> Task<> {
      co_await below.Call(LetFail);
    });
  });
}
TRACTOR_ENDPOINT(Relay);

// ---- helpers ----

// Runs body(portal, nursery) with one child. The error of the root, if any.
template <class F>
std::exception_ptr ErrorWithChild(F body) {
  return ErrorOf([&]() -> Task<> {
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      ActorOptions options("child");
      options.Expose(Simple, TellState, LetFail, Misuse, CancelBeforeStarted,
                     FailWhileCleaning, FailAndCleanUp, CleanUpSlowly,
                     GiveANumber, GiveItAllTheSame, Relay);
      Portal portal = co_await an.StartActor(options);
      co_await body(portal);
      co_await an.Cancel("the test is over");
    });
  });
}

template <class F>
void RunWithChild(F body) {
  const std::exception_ptr error = ErrorWithChild(body);
  EXPECT_EQ(error, nullptr) << DescribeException(error);
}

// How a block with this body ended; the child must live and be clean. A callee
// that is to fail does so when the body runs.
template <class F>
Outcome<> BlockEnd(int plan, F body) {
  Outcome<> end = Outcome<>::Cancelled();
  RunWithChild([&](Portal& portal) -> Task<> {
    auto block = [&]() -> Task<> {
      co_await portal.WithContext(Simple, Int(plan), [&](auto& ctx) -> Task<> {
        NurseryOptions bare;
        bare.set_collapse(true);
        if (plan != kFails) {
          co_await body(ctx);
        } else {
          co_await WithNursery(bare, [&](Nursery& n) -> Task<> {
            n.StartSoon([&]() -> Task<> {
              CancelScope shield(absl::InfiniteFuture(), /*shield=*/true);
              auto call = [&]() -> Task<> { co_await portal.Call(LetFail); };
              co_await shield.Run(call);
            });
            co_await body(ctx);
          });
        }
      });
    };
    end = co_await Observe(block);
    EXPECT_EQ(co_await portal.Call(TellState), "left");
  });
  return end;
}

// ---- values ----

TEST(Context, C041_FirstValueAndResult) {
  RunWithChild([](Portal& portal) -> Task<> {
    const std::optional<std::string> result = co_await portal.WithContext(
        Simple, Int(kReturns), [](auto& ctx) -> Task<> {
          EXPECT_EQ(ctx.first().value(), 1);
          EXPECT_EQ(co_await ctx.WaitResult(), "yo");
          EXPECT_EQ(co_await ctx.WaitResult(), "yo") << "again";
          EXPECT_FALSE(ctx.cancel_called());
          EXPECT_EQ(ctx.remote_error(), nullptr);
        });
    EXPECT_EQ(result, "yo");
    EXPECT_EQ(co_await portal.Call(TellState), "left");
  });
}

TEST(Context, TypedValuesBothWays) {
  RunWithChild([](Portal& portal) -> Task<> {
    const std::optional<Int64Value> result =
        co_await portal.WithContext(GiveANumber, [](auto& ctx) -> Task<> {
          EXPECT_EQ(ctx.first().value(), "first");
          co_return;
        });
    EXPECT_EQ(result->value(), 5);
  });
}

TEST(Context, TheResultIsWaitedForAtTheEndOfTheBlock) {
  RunWithChild([](Portal& portal) -> Task<> {
    EXPECT_EQ(co_await portal.WithContext(Simple, Int(kReturns),
                                          [](auto&) -> Task<> { co_return; }),
              "yo");
  });
}

// The caller fails or not, the callee returns or blocks, a stream is opened or
// not: the callee leaves on every way.
class Variants : public ::testing::TestWithParam<std::tuple<bool, bool, bool>> {
};

TEST_P(Variants, C041_TheCalleeIsLeft) {
  const auto [fails, blocks, streams] = GetParam();
  auto maybe_fail = [fails = fails]() -> Task<> {
    if (fails) throw std::out_of_range("of the caller");
    co_return;
  };
  const Outcome<> end =
      BlockEnd(blocks ? kBlocks : kReturns,
               [&, blocks = blocks, streams = streams](auto& ctx) -> Task<> {
                 if (streams) {
                   co_await ctx.WithStream(
                       [&](auto&) -> Task<> { co_await maybe_fail(); });
                 } else {
                   co_await maybe_fail();
                 }
                 if (blocks) co_await ctx.Cancel();
               });
  EXPECT_EQ(end.has_error(), fails);
  if (fails) ExpectError<std::out_of_range>(end.error());
}

INSTANTIATE_TEST_SUITE_P(All, Variants,
                         ::testing::Combine(::testing::Bool(),
                                            ::testing::Bool(),
                                            ::testing::Bool()));

// ---- misuse ----

std::exception_ptr MisuseError(const std::string& what) {
  return ErrorWithChild([&](Portal& portal) -> Task<> {
    co_await portal.WithContext(
        Misuse, what, [](auto& ctx) -> Task<> { co_await ctx.WaitResult(); });
  });
}

TEST(ContextMisuse, C040_StartedTwice) {
  ExpectError<RemoteActorError>(
      MisuseError("started twice"), [](const RemoteActorError& e) {
        EXPECT_TRUE(e.Is<RuntimeFailure>());
        EXPECT_THAT(e.message(), HasSubstr("Started() was called twice"));
      });
}

TEST(ContextMisuse, C040_AStreamBeforeStarted) {
  ExpectError<RemoteActorError>(
      MisuseError("stream first"), [](const RemoteActorError& e) {
        EXPECT_TRUE(e.Is<RuntimeFailure>());
        EXPECT_THAT(e.message(), HasSubstr("before Started()"));
      });
}

TEST(ContextMisuse, C043_ASecondStream) {
  ExpectError<RemoteActorError>(MisuseError("stream twice"),
                                [](const RemoteActorError& e) {
                                  EXPECT_TRUE(e.Is<RuntimeFailure>());
                                  EXPECT_THAT(e.message(), HasSubstr("closed"));
                                });
}

TEST(ContextMisuse, ReturnWithoutStarted) {
  ExpectError<RuntimeFailure>(
      MisuseError("no started"), [](const RuntimeFailure& e) {
        EXPECT_THAT(e.what(), HasSubstr("without calling Started()"));
      });
}

// ---- errors ----

TEST(ContextErrors, C041_OfTheCallerCancelsTheCallee) {
  const Outcome<> end = BlockEnd(kBlocks, [](auto&) -> Task<> {
    throw std::out_of_range("the caller fails");
    co_return;
  });
  ExpectError<std::out_of_range>(end.error());
}

TEST(ContextErrors, C041_OfTheCallerInAStream) {
  const Outcome<> end = BlockEnd(kStreams, [](auto& ctx) -> Task<> {
    co_await ctx.WithStream([](auto& stream) -> Task<> {
      co_await stream.Send("x");
      throw std::out_of_range("the caller fails");
    });
  });
  ExpectError<std::out_of_range>(end.error());
}

TEST(ContextErrors, OfTheCalleeCancelsTheCallersBlock) {
  bool cut_short = false;
  const Outcome<> end = BlockEnd(kFails, [&](auto&) -> Task<> {
    auto sleep = []() -> Task<> { co_await SleepForever(); };
    auto slept = co_await Observe(sleep);
    cut_short = slept.cancelled();
    EXPECT_EQ(CurrentCancelReason().source, CancelReason::kPeer);
    co_await std::move(slept).Get();
  });
  EXPECT_TRUE(cut_short);
  ExpectError<RemoteActorError>(end.error(), [](const RemoteActorError& e) {
    EXPECT_TRUE(e.Is<std::domain_error>());
  });
}

TEST(ContextErrors, OfBothSidesTheCallersWins) {
  const Outcome<> end = BlockEnd(kFails, [&](auto& ctx) -> Task<> {
    bool remote = false;
    try {
      co_await ctx.WaitResult();
    } catch (const RemoteActorError&) {
      remote = true;
    }
    EXPECT_TRUE(remote);
    throw std::out_of_range("while handling it");
  });
  ExpectError<std::out_of_range>(end.error());
}

TEST(ContextErrors, ARemoteErrorThatIsSwallowedComesAtTheEnd) {
  const Outcome<> end = BlockEnd(kFails, [&](auto& ctx) -> Task<> {
    try {
      co_await ctx.WaitResult();
    } catch (const RemoteActorError&) {
    }
  });
  ExpectError<RemoteActorError>(end.error());
}

TEST(ContextErrors, C062_ComeThroughAChain) {
  ExpectError<RemoteActorError>(
      ErrorWithChild([](Portal& portal) -> Task<> {
        co_await portal.WithContext(Relay, [](auto&) -> Task<> { co_return; });
      }),
      [](const RemoteActorError& e) {
        EXPECT_TRUE(e.Is<std::domain_error>());
        EXPECT_EQ(e.source().name, "below");
        ASSERT_EQ(e.relay_path().size(), 2u);
        EXPECT_EQ(e.relay_path()[1].name, "child");
      });
}

// ---- cancels ----

TEST(ContextCancel, C042_OnThisSideIsAbsorbed) {
  bool went_on = false;
  const Outcome<> end = BlockEnd(kBlocks, [&](auto& ctx) -> Task<> {
    EXPECT_TRUE(co_await ctx.Cancel("enough"));
    EXPECT_TRUE(ctx.cancel_called());
    EXPECT_TRUE(ctx.cancel_acked());
    EXPECT_EQ(*ctx.canceller(), CurrentActor().aid());
    EXPECT_TRUE(co_await ctx.Cancel("again")) << "harmless";
    co_await Checkpoint();
    went_on = true;
  });
  EXPECT_TRUE(went_on) << "statements behind Cancel() run";
  EXPECT_TRUE(end.has_value());
}

TEST(ContextCancel, C042_WhatWaitResultThrowsIsAbsorbed) {
  const Outcome<> end = BlockEnd(kBlocks, [&](auto& ctx) -> Task<> {
    co_await ctx.Cancel();
    co_await ctx.WaitResult();
    ADD_FAILURE() << "there is no result";
  });
  EXPECT_TRUE(end.has_value());
}

TEST(ContextCancel, GivesNoResult) {
  RunWithChild([](Portal& portal) -> Task<> {
    const std::optional<std::string> result = co_await portal.WithContext(
        Simple, Int(kBlocks),
        [](auto& ctx) -> Task<> { co_await ctx.Cancel(); });
    EXPECT_EQ(result, std::nullopt);
  });
}

TEST(ContextCancel, AResultThatComesAllTheSameIsDelivered) {
  RunWithChild([](Portal& portal) -> Task<> {
    const std::optional<Int64Value> result =
        co_await portal.WithContext(GiveItAllTheSame, [](auto& ctx) -> Task<> {
          EXPECT_TRUE(co_await ctx.Cancel());
          EXPECT_FALSE(ctx.cancel_acked());
        });
    EXPECT_TRUE(result.has_value());
    if (result.has_value()) {
      EXPECT_EQ(result->value(), 6);
    }
  });
}

TEST(ContextCancel, C042_AfterTheResultChangesNothing) {
  RunWithChild([](Portal& portal) -> Task<> {
    const std::optional<std::string> result = co_await portal.WithContext(
        Simple, Int(kReturns), [](auto& ctx) -> Task<> {
          co_await ctx.WaitResult();
          EXPECT_TRUE(co_await ctx.Cancel());
          EXPECT_FALSE(ctx.cancel_acked());
        });
    EXPECT_EQ(result, "yo");
  });
}

TEST(ContextCancel, C042_OfTheActorIsNotAbsorbed) {
  const std::exception_ptr error = ErrorOf([]() -> Task<> {
    co_await WithActorNursery([](ActorNursery& an) -> Task<> {
      Portal portal =
          co_await an.StartActor(ActorOptions("child").Expose(Simple));
      co_await portal.WithContext(Simple, Int(kBlocks), [&](auto&) -> Task<> {
        co_await portal.CancelActor();
      });
    });
  });
  ExpectError<ContextCancelled>(error, [](const ContextCancelled& e) {
    EXPECT_EQ(e.canceller().name, "root");
  });
}

TEST(ContextCancel, C045_ByAnotherTaskWhileTheOwnerReceives) {
  RunWithChild([](Portal& portal) -> Task<> {
    const std::optional<std::string> result = co_await portal.WithContext(
        Simple, Int(kStreams), [&](auto& ctx) -> Task<> {
          co_await WithNursery([&](Nursery& n) -> Task<> {
            n.StartSoon([&]() -> Task<> {
              co_await Checkpoint();
              EXPECT_TRUE(co_await ctx.Cancel());
              EXPECT_EQ(co_await portal.Call(TellState), "left")
                  << "Cancel() returns behind the end of the callee";
            });
            co_await ctx.WithStream([&](auto& stream) -> Task<> {
              co_await stream.Receive();
              ADD_FAILURE() << "nothing comes on this stream";
            });
          });
        });
    EXPECT_EQ(result, std::nullopt);
  });
}

TEST(ContextCancel, WhileTheOwnerWaitsForCredit) {
  RunWithChild([](Portal& portal) -> Task<> {
    const std::optional<std::string> result = co_await portal.WithContext(
        Simple, Int(kBlocks), [&](auto& ctx) -> Task<> {
          co_await WithNursery([&](Nursery& n) -> Task<> {
            n.StartSoon([&]() -> Task<> {
              for (int i = 0; i < 3; ++i) co_await portal.Call(TellState);
              co_await ctx.Cancel();
            });
            co_await ctx.WithStream([&](auto& stream) -> Task<> {
              while (true) co_await stream.Send(std::string(64 << 10, 'x'));
            });
          });
        });
    EXPECT_EQ(result, std::nullopt);
  });
}

TEST(ContextCancel, AnErrorBesideTheAnswerComesAlone) {
  const Outcome<> end = BlockEnd(kStreams, [](auto& ctx) -> Task<> {
    co_await ctx.WithStream([&](auto& stream) -> Task<> {
      co_await WithNursery([&](Nursery& n) -> Task<> {
        n.StartSoon([&]() -> Task<> { co_await stream.Receive(); });
        n.StartSoon([&]() -> Task<> {
          co_await ctx.Cancel();
          throw std::out_of_range("behind the cancel");
        });
        co_return;
      });
    });
  });
  const std::exception_ptr error = Collapse(end.error());
  ExpectError<std::out_of_range>(error);
}

TEST(ContextCancel, OutOfBandItEndsABlockThatWaitsElsewhere) {
  RunWithChild([](Portal& portal) -> Task<> {
    bool behind = false;
    co_await portal.WithContext(Simple, Int(kBlocks), [&](auto& ctx) -> Task<> {
      co_await WithNursery([&](Nursery& n) -> Task<> {
        n.StartSoon([&]() -> Task<> { co_await ctx.Cancel(); });
        co_await SleepForever();
      });
    });
    behind = true;
    EXPECT_TRUE(behind);
  });
}

TEST(ContextCancel, WaitsForTheCalleesCleanup) {
  TestFiles files;
  RunWithChild([&](Portal& portal) -> Task<> {
    const std::string path = files.Path("cleaned");
    co_await portal.WithContext(CleanUpSlowly, path, [&](auto& ctx) -> Task<> {
      EXPECT_TRUE(co_await ctx.Cancel());
      EXPECT_EQ(files.Read("cleaned"), "cleaned, asked by root");
    });
  });
}

TEST(ContextCancel, FromOutsideWaitsForTheCalleesCleanup) {
  TestFiles files;
  RunWithChild([&](Portal& portal) -> Task<> {
    const std::string path = files.Path("cleaned");
    CancelScope scope;
    auto block = [&]() -> Task<> {
      co_await portal.WithContext(CleanUpSlowly, path, [&](auto&) -> Task<> {
        scope.Cancel();
        co_await SleepForever();
      });
    };
    co_await scope.Run(block);
    EXPECT_TRUE(scope.cancelled_caught());
    EXPECT_EQ(files.Read("cleaned"), "cleaned, asked by root");
  });
}

TEST(ContextCancel, FromOutsideGivesWayToAnErrorOfTheCalleesCleanup) {
  RunWithChild([&](Portal& portal) -> Task<> {
    CancelScope scope;
    auto block = [&]() -> Task<> {
      co_await portal.WithContext(FailWhileCleaning, [&](auto&) -> Task<> {
        scope.Cancel();
        co_await SleepForever();
      });
    };
    auto run = [&]() -> Task<> { co_await scope.Run(block); };
    const Outcome<> end = co_await Observe(run);
    ExpectError<RemoteActorError>(end.error(), [](const RemoteActorError& e) {
      EXPECT_TRUE(e.Is<std::domain_error>());
    });
    EXPECT_FALSE(scope.cancelled_caught());
  });
}

// The table: both fail, the caller's error. The other one is not lost, though.
TEST(ContextErrors, OfTheCleanupThatGivesWayIsLogged) {
  LogCapture log;
  ExpectError<std::out_of_range>(ErrorWithChild([](Portal& portal) -> Task<> {
    co_await portal.WithContext(FailWhileCleaning, [&](auto&) -> Task<> {
      throw std::out_of_range("of the caller");
      co_return;
    });
  }));
  EXPECT_THAT(log.text(),
              AllOf(HasSubstr("gives way to"), HasSubstr("in the cleanup")));
}

TEST(ContextCancel, C056_AnErrorOfTheCalleesCleanupIsNotMasked) {
  ExpectError<RemoteActorError>(
      ErrorWithChild([](Portal& portal) -> Task<> {
        co_await portal.WithContext(FailWhileCleaning, [](auto& ctx) -> Task<> {
          co_await ctx.Cancel();
        });
      }),
      [](const RemoteActorError& e) {
        EXPECT_TRUE(e.Is<std::domain_error>());
      });
}

TEST(ContextCancel, C056_AnErrorBeforeTheCleanupIsNotMasked) {
  TestFiles files;
  ExpectError<RemoteActorError>(ErrorWithChild([&](Portal& portal) -> Task<> {
                                  Doorbell bell(files, "bell");
                                  co_await portal.WithContext(
                                      FailAndCleanUp, bell.path(),
                                      [&](auto& ctx) -> Task<> {
                                        co_await bell.Wait();
                                        co_await ctx.Cancel();
                                        EXPECT_FALSE(ctx.cancel_acked());
                                      });
                                }),
                                [](const RemoteActorError& e) {
                                  EXPECT_TRUE(e.Is<std::domain_error>());
                                  EXPECT_EQ(e.message(), "before the cleanup");
                                });
}

TEST(ContextCancel, OnTheOtherSideNamesItsActor) {
  const Outcome<> end = BlockEnd(
      kCancelsItself, [](auto&) -> Task<> { co_await SleepForever(); });
  ExpectError<ContextCancelled>(end.error(), [](const ContextCancelled& e) {
    EXPECT_EQ(e.canceller().name, "child");
    EXPECT_THAT(e.reason(), HasSubstr("had enough"));
    EXPECT_EQ(e.source().name, "child");
  });
}

TEST(ContextCancel, C046_BeforeStarted) {
  TestFiles files;
  RunWithChild([&](Portal& portal) -> Task<> {
    const std::string path = files.Path("told");
    auto block = [&]() -> Task<> {
      co_await portal.WithContext(CancelBeforeStarted, path,
                                  [](auto&) -> Task<> {
                                    ADD_FAILURE() << "it has never started";
                                    co_return;
                                  });
    };
    auto end = co_await Observe(block);
    ExpectError<ContextCancelled>(end.error(), [](const ContextCancelled& e) {
      EXPECT_EQ(e.canceller().name, "child");
    });
    EXPECT_EQ(files.Read("told"), "cancelled");
  });
}

TEST(ContextCancel, C044_AStreamAfterIt) {
  const Outcome<> end = BlockEnd(kBlocks, [](auto& ctx) -> Task<> {
    co_await ctx.Cancel();
    auto open = [&]() -> Task<> {
      co_await ctx.WithStream([](auto&) -> Task<> { co_return; });
    };
    auto opened = co_await Observe(open);
    ExpectError<RuntimeFailure>(opened.error(), [](const RuntimeFailure& e) {
      EXPECT_THAT(e.what(), HasSubstr("cancelled"));
    });
  });
  EXPECT_TRUE(end.has_value());
}

TEST(ContextCancel, C044_InsideAndBehindAStream) {
  for (const bool inside : {true, false}) {
    bool behind = false;
    const Outcome<> end = BlockEnd(kBlocks, [&](auto& ctx) -> Task<> {
      co_await ctx.WithStream([&](auto&) -> Task<> {
        if (inside) co_await ctx.Cancel();
      });
      if (!inside) co_await ctx.Cancel();
      EXPECT_TRUE(ctx.cancel_acked());
      behind = true;
    });
    EXPECT_TRUE(end.has_value()) << DescribeException(end.error());
    EXPECT_TRUE(behind);
  }
}

TEST(ContextCancel, C036_OfItselfByTheActor) {
  const std::exception_ptr error = ErrorOf([]() -> Task<> {
    co_await WithActorNursery([](ActorNursery& an) -> Task<> {
      Portal portal =
          co_await an.StartActor(ActorOptions("child").Expose(Simple));
      co_await portal.WithContext(
          Simple, Int(kEndsItsActor),
          [](auto&) -> Task<> { co_await SleepForever(); });
    });
  });
  ExpectError<ContextCancelled>(error, [](const ContextCancelled& e) {
    EXPECT_EQ(e.canceller().name, "child");
  });
}

TEST(ContextCancel, OfTheNurseryWhileAContextIsOpen) {
  const std::exception_ptr error = ErrorOf([]() -> Task<> {
    co_await WithActorNursery([](ActorNursery& an) -> Task<> {
      Portal portal =
          co_await an.StartActor(ActorOptions("child").Expose(Simple));
      co_await portal.WithContext(Simple, Int(kBlocks), [&](auto&) -> Task<> {
        co_await an.Cancel("from inside");
        co_await SleepForever();
      });
    });
  });
  ExpectError<ContextCancelled>(error, [](const ContextCancelled& e) {
    EXPECT_EQ(e.canceller().name, "root");
    EXPECT_THAT(e.reason(), HasSubstr("from inside"));
  });
}

TEST(ContextCancel, ADeadlineAroundTheBlock) {
  RunWithChild([](Portal& portal) -> Task<> {
    auto block = [&]() -> Task<> {
      co_await portal.WithContext(Simple, Int(kBlocks), [](auto&) -> Task<> {
        co_await SleepForever();
      });
    };
    EXPECT_FALSE(co_await MoveOnAfter(absl::Milliseconds(50), block));
    EXPECT_EQ(co_await portal.Call(TellState), "left");
  });
}

}  // namespace
}  // namespace tractor::testing
