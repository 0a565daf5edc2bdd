// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Spawning, results and one-shot calls: semantics.md 6.2, part A, and what
// errors look like that have crossed from actor to actor (part C, end).
//
// Long: one scenario after the other, and the actors that they need.
#include <google/protobuf/wrappers.pb.h>
#include <unistd.h>

#include <cstdio>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/actor/internal/native_stack.h"
#include "runtime/tractor.h"
#include "tests/support/backend.h"
#include "tests/support/doorbell.h"
#include "tests/support/log_capture.h"
#include "tests/support/run_actors.h"
#include "tests/support/test_files.h"

namespace tractor::testing {

// Known on both sides by its name.
class PlantedError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace tractor::testing

TRACTOR_EXCEPTION(tractor::testing::PlantedError);

namespace tractor::testing {
namespace {

using ::google::protobuf::Int64Value;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// ---- endpoints ----

Int64Value Int(int64_t value) {
  Int64Value message;
  message.set_value(value);
  return message;
}

Task<Int64Value> Ten() { co_return Int(10); }
TRACTOR_ENDPOINT(Ten);

Task<Int64Value> Increment(Int64Value value) {
  co_return Int(value.value() + 1);
}
TRACTOR_ENDPOINT(Increment);

Task<std::string> Echo(std::string text) { co_return text; }
TRACTOR_ENDPOINT(Echo);

Task<std::string> TooMuch() { co_return std::string(65u << 20, 'x'); }
TRACTOR_ENDPOINT(TooMuch);

Task<> Touch(std::string path) {
  TestFiles::Touch(path);
  co_return;
}
TRACTOR_ENDPOINT(Touch);

Task<> FailWith(std::string type) {
  co_await Checkpoint();
  if (type == "domain") throw std::domain_error("no such domain");
  if (type == "planted") throw PlantedError("planted here");
  if (type == "int") throw 7;
  struct Unheard : std::runtime_error {
    Unheard() : std::runtime_error("of this type nobody has heard") {}
  };
  throw Unheard();
}
TRACTOR_ENDPOINT(FailWith);

Task<> FailInAGroup() {
  auto body = [](Nursery& n) -> Task<> {
    n.StartSoon([]() -> Task<> {
      throw std::domain_error("one of two");
      co_return;
    });
    n.StartSoon([]() -> Task<> {
      throw PlantedError("the other one");
      co_return;
    });
    co_return;
  };
  co_await WithNursery(body);
}
TRACTOR_ENDPOINT(FailInAGroup);

// "2" fails two hops further on.
Task<> FailBelow(std::string hops) {
  if (hops == "0") throw PlantedError("at the bottom");
  const std::string left = absl::StrCat(std::stoi(hops) - 1);
  co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
    ActorOptions options("hop" + left);
    co_await an.RunInActor(options, FailBelow, left);
  });
}
TRACTOR_ENDPOINT(FailBelow);

Task<std::string> TellAboutMe() {
  const Actor me = CurrentActor();
  co_return absl::StrCat(me.name(), " ", me.parent().name, " ",
                         absl::StrJoin(me.path(), "/"), " ",
                         me.is_root() ? "root" : "child", " ",
                         GetRuntimeVars().is_root ? "root" : "child", " ",
                         getpid() == me.aid().pid ? "mine" : "not mine");
}
TRACTOR_ENDPOINT(TellAboutMe);

Task<std::string> RunASecondRoot() {
  RunRoot([]() -> Task<> { co_return; });
  co_return "a second root has run";
}
TRACTOR_ENDPOINT(RunASecondRoot);

// All calls of one actor meet here.
struct Meeting {
  int there = 0;
  Event all;
};
thread_local Meeting meeting;

Task<Int64Value> MeetOthers(Int64Value expected) {
  if (++meeting.there == expected.value()) meeting.all.Set();
  co_await meeting.all.Wait();
  co_return Int(meeting.there);
}
TRACTOR_ENDPOINT(MeetOthers);

// Says how long it may take: milliseconds, or "for ever".
Task<std::string> TimeLeft() {
  const absl::Time deadline = CurrentEffectiveDeadline();
  if (deadline == absl::InfiniteFuture()) co_return "for ever";
  co_return absl::StrCat(absl::ToInt64Milliseconds(deadline - Now()));
}
TRACTOR_ENDPOINT(TimeLeft);

Task<std::string> TimeLeftBelow() {
  std::string answer;
  co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
    answer = co_await an.RunInActor(TimeLeft);
  });
  co_return answer;
}
TRACTOR_ENDPOINT(TimeLeftBelow);

thread_local Event waiting, failing;

// Waits until it is cancelled; then writes down why, and takes a while to clean
// up.
Task<> WaitAndTell(std::string path) {
  auto wait = []() -> Task<> {
    waiting.Set();
    co_await SleepForever();
  };
  auto tell = [&]() -> Task<> {
    co_await Sleep(absl::Milliseconds(20));
    TestFiles::Append(path, "cleaned");
  };
  auto end = co_await Observe(wait);
  const CancelReason reason = CurrentCancelReason();
  TestFiles::Append(path,
                    absl::StrCat(ToString(reason), " by ", reason.who, "; "));
  auto ended = [&]() -> Task<> { co_await std::move(end).Get(); };
  co_await Finally(ended, absl::Seconds(5), tell);
}
TRACTOR_ENDPOINT(WaitAndTell);

Task<> UntilItWaits() { co_await waiting.Wait(); }
TRACTOR_ENDPOINT(UntilItWaits);

// "30 path": rings the bell, waits until it is cancelled, and fails 30 ms
// later.
Task<> FailInTheCleanup(std::string text) {
  const size_t cut = text.find(' ');
  const int after_ms = std::stoi(text.substr(0, cut));
  const std::string bell = text.substr(cut + 1);
  auto wait = [&]() -> Task<> {
    Doorbell::Ring(bell);
    co_await SleepForever();
  };
  auto fail = [&]() -> Task<> {
    co_await Sleep(absl::Milliseconds(after_ms));
    failing.Set();
    throw PlantedError("in the clean-up");
  };
  co_await Finally(wait, absl::Seconds(30), fail);
}
TRACTOR_ENDPOINT(FailInTheCleanup);

// Ends its process when it is cancelled.
Task<> DieInTheCleanup(std::string bell) {
  auto wait = [&]() -> Task<> {
    Doorbell::Ring(bell);
    co_await SleepForever();
  };
  (void)co_await Observe(wait);
  _exit(3);
}
TRACTOR_ENDPOINT(DieInTheCleanup);

Task<> RingAndWait(std::string bell) {
  Doorbell::Ring(bell);
  co_await SleepForever();
}
TRACTOR_ENDPOINT(RingAndWait);

Task<> UntilItFails() { co_await failing.Wait(); }
TRACTOR_ENDPOINT(UntilItFails);

Task<> LeaveAMark(std::string path) {
  CurrentActor().OnTeardown(
      [path] { TestFiles::Append(path, CurrentActor().name() + " "); });
  co_return;
}
TRACTOR_ENDPOINT(LeaveAMark);

// A supervisor with two leaves; the squares of 1 to 4.
Task<Int64Value> Square(Int64Value value) {
  co_return Int(value.value() * value.value());
}
TRACTOR_ENDPOINT(Square);

Task<std::string> SquaresByLeaves(std::string path) {
  co_await LeaveAMark(path);
  std::string answer;
  co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
    std::vector<Portal> leaves;
    for (const char* name : {"leaf", "leaf"}) {
      leaves.push_back(co_await an.StartActor(
          ActorOptions(name).Expose(Square, LeaveAMark)));
      co_await leaves.back().Call(LeaveAMark, path);
    }
    std::vector<Task<Int64Value>> calls;
    std::vector<Int64Value> requests = {Int(1), Int(2), Int(3), Int(4)};
    for (size_t i = 0; i < 4; ++i) {
      calls.push_back(leaves[i % 2].Call(Square, requests[i]));
    }
    for (const Int64Value& square : co_await Gather(std::move(calls))) {
      absl::StrAppend(&answer, square.value(), " ");
    }
    co_await an.Cancel("done");
  });
  co_return answer;
}
TRACTOR_ENDPOINT(SquaresByLeaves);

// ---- helpers ----

// Runs body(portal) with one child that exposes all of the above.
template <class F>
Task<> WithChild(F body) {
  co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
    ActorOptions options("child");
    options.Expose(Ten, Increment, Echo, Touch, FailWith, FailInAGroup,
                   FailBelow, TellAboutMe, RunASecondRoot, MeetOthers, TimeLeft,
                   TimeLeftBelow, TooMuch, WaitAndTell, UntilItWaits,
                   LeaveAMark, FailInTheCleanup, DieInTheCleanup, RingAndWait,
                   UntilItFails);
    Portal portal = co_await an.StartActor(options);
    co_await body(portal);
    co_await an.Cancel("the test is over");
  });
}

template <class F>
void RunWithChild(F body) {
  RunActors([&]() -> Task<> { co_await WithChild(body); });
}

// The error of one call, as its caller sees it.
template <class F>
std::exception_ptr CallError(F call) {
  std::exception_ptr error;
  RunWithChild([&](Portal& portal) -> Task<> {
    auto observed = [&]() -> Task<> { co_await call(portal); };
    auto end = co_await Observe(observed);
    error = end.error();
  });
  return error;
}

// ---- spawning and results ----

TEST(Spawn, C002_AChildGivesAValue) {
  RunActors([]() -> Task<> {
    co_await WithActorNursery([](ActorNursery& an) -> Task<> {
      Portal child = co_await an.StartActor(ActorOptions("child").Expose(Ten));
      EXPECT_EQ(an.size(), 1u);
      EXPECT_EQ(child.aid().name, "child");
      EXPECT_NE(child.aid().uuid, CurrentActor().aid().uuid);
      EXPECT_TRUE(child.connected());
      EXPECT_EQ((co_await child.Call(Ten)).value(), 10);
      co_await an.Cancel();
      EXPECT_EQ(an.size(), 0u);
      EXPECT_FALSE(child.connected());
    });
  });
}

TEST(Spawn, ChildrenAreProcessesOfTheirOwn) {
  SKIP_ON_BACKEND(thread, "its actors share the process");
  RunWithChild([](Portal& portal) -> Task<> {
    EXPECT_NE(portal.aid().pid, getpid());
    co_return;
  });
}

TEST(Spawn, C003_TwoCallsThroughOnePortalThenCancelActor) {
  RunActors([]() -> Task<> {
    co_await WithActorNursery([](ActorNursery& an) -> Task<> {
      Portal child = co_await an.StartActor(ActorOptions("child").Expose(Echo));
      EXPECT_EQ(co_await child.Call(Echo, "once"), "once");
      EXPECT_EQ(co_await child.Call(Echo, "once"), "once");
      EXPECT_TRUE(co_await child.CancelActor());
      EXPECT_FALSE(co_await child.CancelActor()) << "it is gone already";
    });
  });
}

TEST(Spawn, C004_OneShotsWithAValueAndWithout) {
  TestFiles files;
  std::string text;
  RunActors([&]() -> Task<> {
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      text = co_await an.RunInActor(Echo, "a value");
      const std::string path = files.Path("touched");
      co_await an.RunInActor(Touch, path);
      EXPECT_EQ(an.size(), 0u) << "both are reaped";
    });
  });
  EXPECT_EQ(text, "a value");
  EXPECT_TRUE(files.Exists("touched"));
}

TEST(Spawn, PayloadsOfAllSizes) {
  RunWithChild([](Portal& portal) -> Task<> {
    for (size_t size : {0, 1, 4095, 4096, 70000, 3 << 20}) {
      const std::string text(size, 'x');
      EXPECT_EQ(co_await portal.Call(Echo, text) == text, true) << size;
    }
    std::string bytes;
    for (int c = 0; c < 256; ++c) bytes.push_back(static_cast<char>(c));
    EXPECT_EQ(co_await portal.Call(Echo, bytes), bytes);
  });
}

TEST(Spawn, APayloadThatIsTooLargeIsTheCallersError) {
  RunWithChild([](Portal& portal) -> Task<> {
    const std::string huge(65u << 20, 'x');
    auto call = [&]() -> Task<> { co_await portal.Call(Echo, huge); };
    auto end = co_await Observe(call);
    ExpectError<RuntimeFailure>(end.error());
    EXPECT_EQ(co_await portal.Call(Echo, "still there"), "still there");
  });
}

TEST(Spawn, AResultThatIsTooLargeIsAnErrorOfTheCallee) {
  const std::exception_ptr error = CallError(
      [](Portal& portal) -> Task<> { co_await portal.Call(TooMuch); });
  ExpectError<RemoteActorError>(error, [](const RemoteActorError& e) {
    EXPECT_TRUE(e.Is<RuntimeFailure>());
    EXPECT_THAT(e.message(), HasSubstr("cannot send"));
  });
}

TEST(Spawn, C012_WhatIsNotExposedIsRefused) {
  std::exception_ptr error;
  RunActors([&]() -> Task<> {
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      Portal child = co_await an.StartActor(ActorOptions("mute"));
      auto call = [&]() -> Task<> { co_await child.Call(Ten); };
      auto end = co_await Observe(call);
      error = end.error();
      co_await an.Cancel();
    });
  });
  ExpectError<EndpointNotExposed>(error, [](const EndpointNotExposed& e) {
    EXPECT_THAT(e.endpoint(), HasSubstr("Ten"));
    EXPECT_EQ(e.source().name, "mute");
  });
}

Task<> NoEndpoint() { co_return; }

TEST(Spawn, C014_WhatIsNoEndpointIsRefusedOnThisSide) {
  EXPECT_THROW(ActorOptions("x").Expose(NoEndpoint), RuntimeFailure);
  ExpectError<RuntimeFailure>(CallError(
      [](Portal& portal) -> Task<> { co_await portal.Call(NoEndpoint); }));
}

TEST(Spawn, C016_OneActorServesManyCalls) {
  RunWithChild([](Portal& portal) -> Task<> {
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ((co_await portal.Call(Increment, Int(i))).value(), i + 1);
    }
  });
}

TEST(Spawn, C016_FourConcurrentOneShotsInOneNursery) {
  std::map<int, int64_t> results;
  RunActors([&]() -> Task<> {
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      co_await WithNursery([&](Nursery& n) -> Task<> {
        for (int i = 0; i < 4; ++i) {
          n.StartSoon(
              [&](int number) -> Task<> {
                const Int64Value request = Int(number);
                const Int64Value reply =
                    co_await an.RunInActor(Increment, request);
                results[number] = reply.value();
              },
              i);
        }
        co_return;
      });
    });
  });
  EXPECT_EQ(results, (std::map<int, int64_t>{{0, 1}, {1, 2}, {2, 3}, {3, 4}}));
}

TEST(Spawn, C017_AChildKnowsWhereItIs) {
  RunWithChild([](Portal& portal) -> Task<> {
    EXPECT_EQ(co_await portal.Call(TellAboutMe),
              "child root root/child child child mine");
  });
}

TEST(Spawn, C018_ThreeLevels) {
  TestFiles files;
  std::string squares;
  RunActors([&]() -> Task<> {
    const std::string path = files.Path("ends");
    co_await LeaveAMark(path);
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      ActorOptions options("supervisor");
      squares = co_await an.RunInActor(options, SquaresByLeaves, path);
    });
  });
  EXPECT_EQ(squares, "1 4 9 16 ");
  EXPECT_EQ(files.Read("ends"), "leaf leaf supervisor root ");
}

Task<> OneShotBelow(std::string path) {
  co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
    co_await an.RunInActor(ActorOptions("grandchild"), LeaveAMark, path);
  });
}
TRACTOR_ENDPOINT(OneShotBelow);

TEST(Spawn, C019_AResultComesBehindTheEndOfAllBelow) {
  TestFiles files;
  RunActors([&]() -> Task<> {
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      const std::string path = files.Path("ended");
      co_await an.RunInActor(OneShotBelow, path);
      EXPECT_EQ(files.Read("ended"), "grandchild ");
    });
  });
}

TEST(Spawn, ANameMayBeUsedTwice) {
  RunActors([]() -> Task<> {
    co_await WithActorNursery([](ActorNursery& an) -> Task<> {
      Portal a = co_await an.StartActor(ActorOptions("twin").Expose(Echo));
      Portal b = co_await an.StartActor(ActorOptions("twin").Expose(Echo));
      EXPECT_NE(a.aid(), b.aid());
      EXPECT_EQ(co_await b.Call(Echo, "b"), "b");
      co_await an.Cancel();
    });
  });
}

TEST(Spawn, NothingIsStartedInACancelledNursery) {
  RunActors([]() -> Task<> {
    co_await WithActorNursery([](ActorNursery& an) -> Task<> {
      co_await an.Cancel();
      EXPECT_TRUE(an.cancel_called());
      auto start = [&]() -> Task<> {
        co_await an.StartActor(ActorOptions("late"));
      };
      auto end = co_await Observe(start);
      ExpectError<RuntimeFailure>(end.error());
      EXPECT_EQ(an.size(), 0u);
    });
  });
}

// ---- calls ----

TEST(Call, ManyAtOnceRunSideBySide) {
  RunWithChild([](Portal& portal) -> Task<> {
    std::vector<Task<Int64Value>> calls;
    const Int64Value expected = Int(100);
    for (int i = 0; i < 100; ++i) {
      calls.push_back(portal.Call(MeetOthers, expected));
    }
    for (const Int64Value& there : co_await Gather(std::move(calls))) {
      EXPECT_EQ(there.value(), 100);
    }
  });
}

TEST(Call, ACancelReachesTheCalleeAndWaitsForItsCleanup) {
  TestFiles files;
  RunWithChild([&](Portal& portal) -> Task<> {
    const std::string path = files.Path("told");
    CancelScope scope;
    auto call = [&]() -> Task<> { co_await portal.Call(WaitAndTell, path); };
    auto both = [&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> { co_await scope.Run(call); });
      co_await portal.Call(UntilItWaits);
      scope.Cancel(CancelReason::kExplicit, "enough of it");
    };
    co_await WithNursery(both);
    EXPECT_TRUE(scope.cancelled_caught());
    EXPECT_THAT(
        files.Read("told"),
        AllOf(HasSubstr("enough of it"),
              HasSubstr(ToString(CurrentActor().aid())), HasSubstr("cleaned")));
    EXPECT_TRUE(portal.connected()) << "the actor lives on";
  });
}

TEST(Call, DeadlinesTravel) {
  RunWithChild([&](Portal& portal) -> Task<> {
    EXPECT_EQ(co_await portal.Call(TimeLeft), "for ever");
    std::string near, far;
    auto ask = [&]() -> Task<> {
      near = co_await portal.Call(TimeLeft);
      far = co_await portal.Call(TimeLeftBelow);
    };
    EXPECT_TRUE(co_await MoveOnAfter(absl::Seconds(40), ask));
    for (const std::string& left : {near, far}) {
      EXPECT_GT(std::stoi(left), 10'000);
      EXPECT_LE(std::stoi(left), 40'300) << "the slack of two hops at most";
    }
  });
}

TEST(Call, ADeadlineEndsTheCalleeToo) {
  TestFiles files;
  RunWithChild([&](Portal& portal) -> Task<> {
    const std::string path = files.Path("told");
    auto call = [&]() -> Task<> { co_await portal.Call(WaitAndTell, path); };
    EXPECT_FALSE(co_await MoveOnAfter(absl::Milliseconds(50), call));
    EXPECT_THAT(files.Read("told"), HasSubstr("cleaned"));
  });
}

// How `call(path of a bell)` ends when it is cancelled from outside as soon as
// the bell rings. The cancel is caught.
template <class F>
Task<Outcome<>> EndWhenCancelled(F call) {
  TestFiles files;
  Doorbell bell(files, "bell");
  Outcome<> end = Outcome<>::Of({});
  CancelScope scope;
  co_await WithNursery([&](Nursery& n) -> Task<> {
    n.StartSoon([&]() -> Task<> {
      auto run = [&]() -> Task<> {
        auto called = [&]() -> Task<> { co_await call(bell.path()); };
        end = co_await Observe(called);
        co_await Checkpoint();
      };
      co_await scope.Run(run);
    });
    co_await bell.Wait();
    scope.Cancel();
  });
  co_return std::move(end);
}

void ExpectPlanted(const std::exception_ptr& error) {
  ExpectError<RemoteActorError>(error, [](const RemoteActorError& e) {
    EXPECT_TRUE(e.Is<PlantedError>());
    EXPECT_EQ(e.message(), "in the clean-up");
  });
}

TEST(Call, AnErrorOfTheCalleesCleanupReplacesTheCancel) {
  RunWithChild([](Portal& portal) -> Task<> {
    auto call = [&](const std::string& bell) -> Task<> {
      co_await portal.Call(FailInTheCleanup, "30 " + bell);
    };
    const Outcome<> end = co_await EndWhenCancelled(call);
    ExpectPlanted(end.error());
    EXPECT_EQ(co_await portal.Call(Echo, "lives on"), "lives on");
  });
}

TEST(Call, OneThatIsMerelyCancelledIsNoError) {
  RunWithChild([](Portal& portal) -> Task<> {
    auto call = [&](const std::string& bell) -> Task<> {
      co_await portal.Call(RingAndWait, bell);
    };
    const Outcome<> end = co_await EndWhenCancelled(call);
    EXPECT_TRUE(end.cancelled());
  });
}

TEST(Call, AnErrorOfACleanupThatTakesTooLongIsLogged) {
  LogCapture log;
  RunWithChild([](Portal& portal) -> Task<> {
    auto call = [&](const std::string& bell) -> Task<> {
      co_await portal.Call(FailInTheCleanup, "1000 " + bell);
    };
    const absl::Time begin = absl::Now();
    const Outcome<> end = co_await EndWhenCancelled(call);
    EXPECT_TRUE(end.cancelled());
    EXPECT_GE(absl::Now() - begin, kContextCancelTimeout);
    co_await portal.Call(UntilItFails);
    co_await portal.Call(Ten);  // its error was on the wire before
  });
  EXPECT_THAT(log.text(), AllOf(HasSubstr("came too late for its caller"),
                                HasSubstr("in the clean-up")));
}

TEST(Call, ADeathInTheCleanupReplacesTheCancel) {
  SKIP_ON_BACKEND(thread, "a thread cannot be killed");
  const std::exception_ptr error = ErrorOf([]() -> Task<> {
    co_await WithChild([](Portal& portal) -> Task<> {
      auto call = [&](const std::string& bell) -> Task<> {
        co_await portal.Call(DieInTheCleanup, bell);
      };
      const Outcome<> end = co_await EndWhenCancelled(call);
      ExpectError<ActorDied>(end.error());
    });
  });
  ExpectError<ActorDied>(error, [](const ActorDied& e) {
    EXPECT_EQ(e.exit_code(), 3) << "its nursery says so, too";
  });
}

// Both within what a call waits for a cleanup, and what an actor gets.
TEST(OneShot, AnErrorOfItsCleanupReplacesTheCancel) {
  for (const char* after : {"30 ", "1000 "}) {
    RunActors([&]() -> Task<> {
      co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
        auto call = [&](const std::string& bell) -> Task<> {
          co_await an.RunInActor(FailInTheCleanup, after + bell);
        };
        const Outcome<> end = co_await EndWhenCancelled(call);
        ExpectPlanted(end.error());
        EXPECT_EQ(an.size(), 0u);
      });
    });
  }
}

TEST(OneShot, AnErrorOfACleanupIsKeptBesideTheFirstOne) {
  TestFiles files;
  const std::exception_ptr error = ErrorOf([&]() -> Task<> {
    Doorbell bell(files, "bell");
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      co_await WithNursery([&](Nursery& n) -> Task<> {
        n.StartSoon([&]() -> Task<> {
          const std::string request = "30 " + bell.path();
          co_await an.RunInActor(FailInTheCleanup, request);
        });
        co_await bell.Wait();
        co_await an.RunInActor(FailWith, "domain");
      });
    });
  });
  ExpectError<ExceptionGroup>(error, [](const ExceptionGroup& group) {
    ASSERT_THAT(group.errors(), SizeIs(2));
    ExpectError<RemoteActorError>(group.errors()[0],
                                  [](const RemoteActorError& e) {
                                    EXPECT_TRUE(e.Is<std::domain_error>());
                                  });
    ExpectPlanted(group.errors()[1]);
  });
}

TEST(OneShot, ADeathInItsCleanupReplacesTheCancel) {
  SKIP_ON_BACKEND(thread, "a thread cannot be killed");
  RunActors([]() -> Task<> {
    co_await WithActorNursery([](ActorNursery& an) -> Task<> {
      auto call = [&](const std::string& bell) -> Task<> {
        co_await an.RunInActor(DieInTheCleanup, bell);
      };
      const Outcome<> end = co_await EndWhenCancelled(call);
      ExpectError<ActorDied>(
          end.error(), [](const ActorDied& e) { EXPECT_EQ(e.exit_code(), 3); });
    });
  });
}

TEST(Call, PrecancelledItStillReachesNobodyForLong) {
  TestFiles files;
  RunWithChild([&](Portal& portal) -> Task<> {
    const std::string path = files.Path("told");
    CancelScope scope;
    scope.Cancel();
    auto call = [&]() -> Task<> { co_await portal.Call(WaitAndTell, path); };
    co_await scope.Run(call);
    EXPECT_TRUE(scope.cancelled_caught());
    EXPECT_EQ(co_await portal.Call(Echo, "x"), "x");
  });
}

TEST(Call, OnAnEndedActor) {
  RunActors([]() -> Task<> {
    co_await WithActorNursery([](ActorNursery& an) -> Task<> {
      Portal child = co_await an.StartActor(ActorOptions("child").Expose(Ten));
      co_await an.Cancel();
      auto call = [&]() -> Task<> { co_await child.Call(Ten); };
      auto end = co_await Observe(call);
      ExpectError<TransportClosed>(end.error(), [](const TransportClosed& e) {
        EXPECT_THAT(e.what(), HasSubstr("child@"));
      });
    });
  });
}

// ---- errors that cross ----

TEST(Errors, C006_TheTypeOfARemoteError) {
  const std::exception_ptr error = CallError([](Portal& portal) -> Task<> {
    co_await portal.Call(FailWith, "domain");
  });
  ExpectError<RemoteActorError>(error, [](const RemoteActorError& e) {
    EXPECT_TRUE(e.Is<std::domain_error>());
    EXPECT_TRUE(e.Is<std::logic_error>()) << "a base class of it";
    EXPECT_FALSE(e.Is<PlantedError>());
    EXPECT_EQ(e.boxed_type(), "std::domain_error");
    EXPECT_EQ(e.message(), "no such domain");
    EXPECT_EQ(e.source().name, "child");
    EXPECT_THROW(e.Unbox(), std::domain_error);
    ASSERT_THAT(e.relay_path(), SizeIs(1));
    EXPECT_THAT(e.what(), AllOf(HasSubstr("child@"), HasSubstr("domain_error"),
                                HasSubstr("no such domain")));
  });
}

TEST(Errors, TaskPlacesNameFileAndFunction) {
  const std::exception_ptr error = CallError(
      [](Portal& portal) -> Task<> { co_await portal.Call(FailInAGroup); });
  ExpectError<RemoteActorError>(error, [](const RemoteActorError& e) {
    std::string places;
    for (const TaskPlace& place : e.task_places()) {
      absl::StrAppend(&places, place.file, ":", place.line, " ", place.task,
                      "\n");
    }
    for (const std::exception_ptr& nested : e.nested()) {
      ExpectError<RemoteActorError>(nested, [&](const RemoteActorError& inner) {
        for (const TaskPlace& place : inner.task_places()) {
          absl::StrAppend(&places, place.file, ":", place.line, "\n");
        }
      });
    }
    EXPECT_THAT(places, HasSubstr("call_test.cc:"));
  });
}

TEST(Errors, TheNativeStackOfTheThrowComesAlong) {
  if (!internal::NativeStacksSupported()) GTEST_SKIP() << "a sanitizer is in";
  // Through two more actors, none of which has thrown it.
  const std::exception_ptr error = CallError(
      [](Portal& portal) -> Task<> { co_await portal.Call(FailBelow, "2"); });
  ExpectError<RemoteActorError>(error, [](const RemoteActorError& e) {
    EXPECT_THAT(absl::StrJoin(e.native_stack(), "\n"), HasSubstr("FailBelow"));
    EXPECT_THAT(e.what(), HasSubstr(e.native_stack().front()));
  });
}

TEST(Errors, C063_RegisteredTypesKeepTheirType) {
  const std::exception_ptr error = CallError([](Portal& portal) -> Task<> {
    co_await portal.Call(FailWith, "planted");
  });
  ExpectError<RemoteActorError>(error, [](const RemoteActorError& e) {
    EXPECT_TRUE(e.Is<PlantedError>());
    EXPECT_THROW(e.Unbox(), PlantedError);
  });
}

TEST(Errors, C063_OthersKeepTheirText) {
  const std::exception_ptr error = CallError([](Portal& portal) -> Task<> {
    co_await portal.Call(FailWith, "unheard of");
  });
  ExpectError<RemoteActorError>(error, [](const RemoteActorError& e) {
    EXPECT_THAT(e.boxed_type(), HasSubstr("Unheard"));
    EXPECT_EQ(e.message(), "of this type nobody has heard");
    EXPECT_EQ(e.boxed(), nullptr);
    EXPECT_THROW(e.Unbox(), RuntimeFailure);
  });
}

TEST(Errors, WhatIsNoExceptionClassComesThrough) {
  const std::exception_ptr error = CallError(
      [](Portal& portal) -> Task<> { co_await portal.Call(FailWith, "int"); });
  ExpectError<RemoteActorError>(error, [](const RemoteActorError& e) {
    EXPECT_EQ(e.boxed_type(), "int");
  });
}

TEST(Errors, GroupsComeAsGroups) {
  const std::exception_ptr error = CallError(
      [](Portal& portal) -> Task<> { co_await portal.Call(FailInAGroup); });
  ExpectError<RemoteActorError>(error, [](const RemoteActorError& e) {
    ASSERT_THAT(e.nested(), SizeIs(2));
    std::set<std::string> types;
    for (const std::exception_ptr& nested : e.nested()) {
      ExpectError<RemoteActorError>(nested, [&](const RemoteActorError& inner) {
        types.insert(inner.boxed_type());
        EXPECT_EQ(inner.source().name, "child");
      });
    }
    EXPECT_EQ(types.size(), 2u);
    EXPECT_THROW(e.Unbox(), ExceptionGroup);
  });
}

TEST(Errors, C062_TheRelayPathHasEveryHop) {
  const std::exception_ptr error = CallError(
      [](Portal& portal) -> Task<> { co_await portal.Call(FailBelow, "2"); });
  ExpectError<RemoteActorError>(error, [](const RemoteActorError& e) {
    EXPECT_TRUE(e.Is<PlantedError>());
    EXPECT_EQ(e.source().name, "hop0");
    std::vector<std::string> names;
    for (const Aid& aid : e.relay_path()) names.push_back(aid.name);
    EXPECT_THAT(names, ElementsAre("hop0", "hop1", "child"));
  });
}

TEST(Errors, C009_ASecondRootInAChild) {
  const std::exception_ptr error = CallError(
      [](Portal& portal) -> Task<> { co_await portal.Call(RunASecondRoot); });
  ExpectError<RemoteActorError>(error, [](const RemoteActorError& e) {
    EXPECT_TRUE(e.Is<RuntimeFailure>());
    EXPECT_THAT(e.message(), HasSubstr("a process has one root"));
  });
}

TEST(Errors, AnErrorOfARunInActorIsOneOfTheBody) {
  const std::exception_ptr error = ErrorOf([]() -> Task<> {
    co_await WithActorNursery([](ActorNursery& an) -> Task<> {
      co_await an.RunInActor(FailWith, "planted");
    });
  });
  ExpectError<RemoteActorError>(error, [](const RemoteActorError& e) {
    EXPECT_TRUE(e.Is<PlantedError>());
  });
}

TEST(Errors, ThatAreCaughtDoNotEndTheNursery) {
  RunActors([]() -> Task<> {
    co_await WithActorNursery([](ActorNursery& an) -> Task<> {
      bool caught = false;
      try {
        co_await an.RunInActor(FailWith, "planted");
      } catch (const RemoteActorError&) {
        caught = true;
      }
      EXPECT_TRUE(caught);
      EXPECT_EQ(co_await an.RunInActor(Echo, "goes on"), "goes on");
    });
  });
}

// n one-shots, none of which is cut short by the failure of another.
std::exception_ptr FailSideBySide(int n) {
  return ErrorOf([n]() -> Task<> {
    co_await WithActorNursery([n](ActorNursery& an) -> Task<> {
      NurseryOptions options;
      co_await WithNursery(options, [&an, n](Nursery& nursery) -> Task<> {
        for (int i = 0; i < n; ++i) {
          nursery.StartSoon([&an]() -> Task<> {
            CancelScope shield(absl::InfiniteFuture(), /*shield=*/true);
            auto run = [&]() -> Task<> {
              co_await an.RunInActor(FailWith, "planted");
            };
            co_await shield.Run(run);
          });
        }
        co_return;
      });
    });
  });
}

TEST(Errors, C007_TwoFailuresAreAGroup) {
  ExpectError<ExceptionGroup>(FailSideBySide(2), [](const ExceptionGroup& g) {
    EXPECT_THAT(g.errors(), SizeIs(2));
  });
}

TEST(Errors, C008_TwentyFiveFailuresAreAGroupOfTwentyFive) {
  const absl::Time begin = absl::Now();
  ExpectError<ExceptionGroup>(FailSideBySide(25), [](const ExceptionGroup& g) {
    EXPECT_THAT(g.errors(), SizeIs(25));
    for (const std::exception_ptr& error : g.errors()) {
      ExpectError<RemoteActorError>(error, [](const RemoteActorError& e) {
        EXPECT_TRUE(e.Is<PlantedError>());
      });
    }
  });
  std::printf("25 failing one-shots: %s\n",
              absl::FormatDuration(absl::Now() - begin).c_str());
}

}  // namespace
}  // namespace tractor::testing
