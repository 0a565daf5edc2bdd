// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Scenarios of semantics.md 6.2, parts A to C, that stand alone: a root's run,
// what cannot be called, a kill without a request, cancels out of band.
#include <signal.h>

#include <cstddef>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/tractor.h"
#include "tests/support/backend.h"
#include "tests/support/run_actors.h"
#include "tests/support/test_files.h"

namespace tractor::testing {
namespace {

using ::testing::HasSubstr;

struct Mark {
  std::string path, text;
  ~Mark() { TestFiles::Append(path, text); }
};

Task<Portal> Find(std::string name) {
  std::optional<Portal> found = co_await FindActor(name);
  if (!found.has_value()) throw std::runtime_error("no actor " + name);
  co_return *std::move(found);
}

// ---- endpoints ----

Task<> Nop() { co_return; }
TRACTOR_ENDPOINT(Nop);

// Waits; marks the file on every way out that runs anything.
Task<> WaitMarked(Context<>& ctx, std::string path) {
  const Mark mark{path, "left "};
  CurrentActor().OnTeardown([path] { TestFiles::Append(path, "hook "); });
  co_await ctx.Started();
  co_await SleepForever();
}
TRACTOR_ENDPOINT(WaitMarked);

// The same in an actor below.
Task<> WaitMarkedBelow(Context<>& ctx, std::string path) {
  co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
    ActorOptions options("below");
    options.Expose(WaitMarked);
    const Portal below = co_await an.StartActor(options);
    co_await below.WithContext(WaitMarked, path, [&](auto&) -> Task<> {
      co_await ctx.Started();
      co_await SleepForever();
    });
  });
}
TRACTOR_ENDPOINT(WaitMarkedBelow);

// In shielded work without end.
Task<> WaitShielded(Context<>& ctx) {
  CancelScope shield(absl::InfiniteFuture(), /*shield=*/true);
  co_await ctx.Started();
  auto sleep = []() -> Task<> { co_await SleepForever(); };
  co_await shield.Run(sleep);
}
TRACTOR_ENDPOINT(WaitShielded);

std::string TooLarge() { return std::string(65u << 20, 'x'); }

// A first value that no frame can hold, while a context to the actor "peer" is
// open: it ends by its block, or is cancelled by a clean-up.
Task<> GiveTooMuch(Context<std::string>& ctx, std::string spec) {
  const bool cleans_up = spec.starts_with("clean-up");
  const std::string path = spec.substr(spec.find(' ') + 1);
  const Portal peer = co_await Find("peer");
  co_await peer.WithContext(WaitMarked, path, [&](auto& nested) -> Task<> {
    const std::string value = TooLarge();
    auto give = [&]() -> Task<> { co_await ctx.Started(value); };
    auto clean = [&]() -> Task<> { co_await nested.Cancel("cleaned up"); };
    if (cleans_up) {
      co_await Finally(give, absl::Seconds(5), clean);
    } else {
      co_await give();
    }
  });
}
TRACTOR_ENDPOINT(GiveTooMuch);

// ---- A ----

// There is no registrar: a root is an actor, and that is all.
TEST(Root, C001_RunsAloneForItsTime) {
  EXPECT_FALSE(InActor());
  constexpr absl::Duration kStep = absl::Milliseconds(10);
  int steps = 0;
  const absl::Duration took = RunActors([&]() -> Task<absl::Duration> {
    EXPECT_TRUE(InActor());
    EXPECT_TRUE(CurrentActor().is_root());
    EXPECT_TRUE(GetRuntimeVars().is_root);
    const absl::Time begin = Now();
    for (; steps < 10; ++steps) co_await Sleep(kStep);
    co_return Now() - begin;
  });
  EXPECT_EQ(steps, 10);
  EXPECT_GE(took, 10 * kStep);
  EXPECT_FALSE(InActor());
  EXPECT_FALSE(GetRuntimeVars().is_root);
}

using Plain = int (*)(int);
using GivesNoPayload = Task<int> (*)();
using TakesTwo = Task<> (*)(std::string, std::string);
Task<> NotRegistered() { co_return; }

template <class F>
concept IsEndpoint = requires { typename internal::EndpointTraits<F>::Result; };
template <class F>
concept CanBeCalled =
    requires(const Portal& portal, F endpoint) { portal.Call(endpoint); };
template <class F>
concept CanRunInActor =
    requires(ActorNursery& an, F endpoint) { an.RunInActor(endpoint); };

// What is no coroutine, or does not take and give payloads, does not compile.
static_assert(IsEndpoint<decltype(&Nop)> && CanBeCalled<decltype(&Nop)> &&
              CanRunInActor<decltype(&Nop)>);
static_assert(!IsEndpoint<Plain> && !CanBeCalled<Plain> &&
              !CanRunInActor<Plain>);
static_assert(!IsEndpoint<TakesTwo> && !CanBeCalled<TakesTwo> &&
              !CanRunInActor<TakesTwo>);
static_assert(!Payload<internal::EndpointTraits<GivesNoPayload>::Result>);

// What nobody has registered compiles; no process is made for it.
TEST(Spawn, C014_WhatIsNoEndpointStartsNothing) {
  const std::exception_ptr error = ErrorOf([]() -> Task<> {
    co_await WithActorNursery([](ActorNursery& an) -> Task<> {
      try {
        co_await an.RunInActor(NotRegistered);
        ADD_FAILURE() << "it has run";
      } catch (const RuntimeFailure& e) {
        EXPECT_THAT(e.what(), HasSubstr("TRACTOR_ENDPOINT"));
      }
      EXPECT_EQ(an.size(), 0u);
    });
  });
  EXPECT_EQ(error, nullptr) << DescribeException(error);
}

// ---- B ----

// Starts `count` daemons that are in `endpoint(path)` when `then(an)` runs in
// the block. How that block has ended.
template <class E, class F>
std::exception_ptr ErrorWithDaemons(int count, E endpoint,
                                    const std::string& path, F then) {
  return ErrorOf([&]() -> Task<> {
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      auto hold = [&](int i, TaskStatus<> status) -> Task<> {
        ActorOptions options("daemon" + std::to_string(i));
        options.Expose(endpoint);
        const Portal portal = co_await an.StartActor(options);
        auto context = [&]() -> Task<> {
          co_await portal.WithContext(endpoint, path, [&](auto&) -> Task<> {
            status.Started();
            co_await SleepForever();
          });
        };
        auto end = co_await Observe(context);
        ExpectError<ActorDied>(end.error(), [](const ActorDied& e) {
          EXPECT_EQ(e.signal(), SIGKILL);
        });
      };
      co_await WithNursery([&](Nursery& n) -> Task<> {
        for (int i = 0; i < count; ++i) co_await n.Start(hold, i);
        EXPECT_EQ(an.size(), static_cast<size_t>(count));
        co_await then(an);
      });
    });
  });
}

TEST(Kill, C029_FourDaemonsWithoutARequest) {
  SKIP_ON_BACKEND(thread, "a thread cannot be killed");
  TestFiles files;
  const std::exception_ptr error = ErrorWithDaemons(
      4, WaitMarked, files.Path("marks"), [](ActorNursery& an) -> Task<> {
        co_await an.Kill();
        EXPECT_TRUE(an.cancel_called());
        EXPECT_EQ(an.size(), 0u);
        auto start = [&]() -> Task<> {
          co_await an.StartActor(ActorOptions("late"));
        };
        auto started = co_await Observe(start);
        ExpectError<RuntimeFailure>(started.error());
      });
  EXPECT_EQ(error, nullptr) << DescribeException(error);
  EXPECT_EQ(files.Read("marks"), "") << "nobody has been asked";
}

// Those below may see the end of their parent before they are killed: without
// a cgroup it is one signal after the other.
TEST(Kill, C029_TakesWhatIsBelow) {
  SKIP_ON_BACKEND(thread, "a thread cannot be killed");
  TestFiles files;
  const std::exception_ptr error = ErrorWithDaemons(
      4, WaitMarkedBelow, files.Path("marks"), [](ActorNursery& an) -> Task<> {
        std::optional<Portal> below = co_await FindActor("below");
        EXPECT_TRUE(below.has_value());
        co_await an.Kill();
        below = co_await FindActor("below");
        EXPECT_FALSE(below.has_value());
      });
  EXPECT_EQ(error, nullptr) << DescribeException(error);
}

// One that shields itself would keep Cancel() for its whole budget.
TEST(Kill, CutsACancelShort) {
  SKIP_ON_BACKEND(thread, "a thread cannot be killed");
  ActorNurseryOptions patient;
  patient.set_cancel_budget(absl::Hours(1));
  const std::exception_ptr error = ErrorOf([&]() -> Task<> {
    co_await WithActorNursery(patient, [](ActorNursery& an) -> Task<> {
      ActorOptions options("deaf");
      options.Expose(WaitShielded);
      const Portal portal = co_await an.StartActor(options);
      auto context = [&]() -> Task<> {
        co_await portal.WithContext(WaitShielded, [&](auto&) -> Task<> {
          co_await WithNursery([&](Nursery& n) -> Task<> {
            n.StartSoon([&]() -> Task<> { co_await an.Cancel(); });
            n.StartSoon([&]() -> Task<> {
              while (!an.cancel_called()) co_await Checkpoint();
              co_await an.Kill();
            });
            co_return;
          });
        });
      };
      auto end = co_await Observe(context);
      ExpectError<ActorDied>(Collapse(end.error()));
    });
  });
  EXPECT_EQ(error, nullptr) << DescribeException(error);
}

// It cannot be killed: it loses its parent, and cleans up as after that.
TEST(Kill, AThreadLosesItsParent) {
  SKIP_ON_BACKEND(forkserver, "its children are processes");
  SKIP_ON_BACKEND(exec, "its children are processes");
  TestFiles files;
  const std::string path = files.Path("marks");
  const std::exception_ptr error = ErrorOf([&]() -> Task<> {
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      ActorOptions options("thread");
      options.Expose(WaitMarked);
      const Portal portal = co_await an.StartActor(options);
      auto context = [&]() -> Task<> {
        co_await portal.WithContext(
            WaitMarked, path, [&](auto&) -> Task<> { co_await an.Kill(); });
      };
      auto end = co_await Observe(context);
      EXPECT_TRUE(end.has_error());
      EXPECT_EQ(an.size(), 0u);
    });
  });
  EXPECT_EQ(error, nullptr) << DescribeException(error);
  EXPECT_EQ(files.Read("marks"), "left hook ");
}

// ---- C ----

class OutOfBand : public ::testing::TestWithParam<bool> {};

// A task in the background has the context, and waits for something else.
TEST_P(OutOfBand, C050_CancelOfTheContextThenOfTheActor) {
  const bool cancels_context = GetParam();
  TestFiles files;
  const std::string path = files.Path("marks");
  bool behind = false;
  const std::exception_ptr error = ErrorOf([&]() -> Task<> {
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      ActorOptions options("child");
      options.Expose(WaitMarked);
      const Portal portal = co_await an.StartActor(options);
      using Held = RemoteContext<Nothing, Nothing, Nothing, void>;
      Event released;
      auto own = [&](TaskStatus<Held*> status) -> Task<> {
        CancelScope shield(absl::InfiniteFuture(), /*shield=*/true);
        auto sleep = []() -> Task<> { co_await SleepForever(); };
        auto unused = [&]() -> Task<> { co_await released.Wait(); };
        auto in_block = [&](Held& ctx) -> Task<> {
          status.Started(&ctx);
          auto end = co_await Observe(sleep);
          // It is used from outside of its block.
          co_await shield.Run(unused);
          co_await std::move(end).Get();
        };
        co_await portal.WithContext(WaitMarked, path, in_block);
        behind = true;
      };
      co_await WithNursery([&](Nursery& n) -> Task<> {
        Held* ctx = co_await n.Start<Held*>(own);
        if (cancels_context) {
          EXPECT_TRUE(co_await ctx->Cancel());
          EXPECT_THAT(files.Read("marks"), HasSubstr("left"));
        }
        released.Set();
        EXPECT_TRUE(co_await portal.CancelActor());
      });
    });
  });
  EXPECT_EQ(behind, cancels_context);
  if (cancels_context) {
    EXPECT_EQ(error, nullptr) << DescribeException(error);
  } else {
    ExpectError<ContextCancelled>(Collapse(error),
                                  [](const ContextCancelled& e) {
                                    EXPECT_EQ(e.canceller().name, "root");
                                  });
  }
}

INSTANTIATE_TEST_SUITE_P(All, OutOfBand, ::testing::Bool(),
                         [](const auto& info) {
                           return info.param ? "Both" : "TheActorAlone";
                         });

class FirstValue : public ::testing::TestWithParam<const char*> {};

// The error comes, not the cancel of the nested context that it brings.
TEST_P(FirstValue, C051_ThatCannotBeSentIsTheErrorThatComes) {
  TestFiles files;
  const std::string spec = GetParam() + (" " + files.Path("marks"));
  const std::exception_ptr error = ErrorOf([&]() -> Task<> {
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      ActorOptions peer("peer"), child("child");
      peer.Expose(WaitMarked);
      child.Expose(GiveTooMuch);
      co_await an.StartActor(peer);
      const Portal portal = co_await an.StartActor(child);
      auto context = [&]() -> Task<> {
        co_await portal.WithContext(GiveTooMuch, spec, [](auto&) -> Task<> {
          ADD_FAILURE() << "it has never started";
          co_return;
        });
      };
      auto end = co_await Observe(context);
      EXPECT_EQ(files.Read("marks"), "left ");
      co_await std::move(end).Get();
    });
  });
  ExpectError<RemoteActorError>(error, [](const RemoteActorError& e) {
    EXPECT_TRUE(e.Is<RuntimeFailure>()) << e.what();
    EXPECT_THAT(e.message(), HasSubstr("cannot send"));
    EXPECT_EQ(e.source().name, "child");
  });
}

INSTANTIATE_TEST_SUITE_P(All, FirstValue,
                         ::testing::Values("block", "clean-up"),
                         [](const auto& info) {
                           return info.param[0] == 'b' ? "EndOfTheBlock"
                                                       : "ACleanup";
                         });

}  // namespace
}  // namespace tractor::testing
