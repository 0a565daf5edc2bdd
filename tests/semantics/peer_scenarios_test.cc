// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Scenarios of semantics.md 6.2, part C, with three actors and more: an error
// while somebody else's cancel is handled, and a server that starts an actor
// for its client.
#include <google/protobuf/wrappers.pb.h>

#include <cstdint>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/tractor.h"
#include "tests/support/run_actors.h"
#include "tests/support/test_files.h"

namespace tractor::testing {
namespace {

using ::google::protobuf::Int64Value;

Int64Value Int(int64_t value) {
  Int64Value message;
  message.set_value(value);
  return message;
}

Task<Portal> Find(std::string name) {
  std::optional<Portal> found = co_await FindActor(name);
  if (!found.has_value()) throw std::runtime_error("no actor " + name);
  co_return *std::move(found);
}

// Who has cancelled a task that has ended like `end`, into the file.
void TellCanceller(const std::string& path, const Context<>& ctx,
                   const Outcome<>& end) {
  std::string who = ctx.canceller() ? ctx.canceller()->name : "nobody";
  internal::VisitAs<ContextCancelled>(end.error(), [&](const auto& e) {
    who = e.canceller().name + " in an error";
  });
  TestFiles::Append(path, CurrentActor().name() + ": " + who + "\n");
}

// ---- endpoints ----

Task<> Sleeps(Context<>& ctx, std::string path) {
  co_await ctx.Started();
  auto sleep = []() -> Task<> { co_await SleepForever(); };
  auto end = co_await Observe(sleep);
  TellCanceller(path, ctx, end);
  co_await std::move(end).Get();
}
TRACTOR_ENDPOINT(Sleeps);

// Has a context with the sleeper.
Task<> JustCalls(Context<>& ctx, std::string path) {
  const Portal sleeper = co_await Find("sleeper");
  auto call = [&]() -> Task<> {
    co_await sleeper.WithContext(Sleeps, path, [&](auto&) -> Task<> {
      co_await ctx.Started();
      co_await SleepForever();
    });
  };
  auto end = co_await Observe(call);
  TellCanceller(path, ctx, end);
  co_await std::move(end).Get();
}
TRACTOR_ENDPOINT(JustCalls);

// Ends the sleeper when it is told so, and goes on.
Task<> EndsTheSleeper(Context<Nothing, std::string>& ctx, std::string path) {
  const Portal sleeper = co_await Find("sleeper");
  co_await ctx.Started();
  auto cancel = [&]() -> Task<> {
    co_await ctx.WithStream([&](auto& stream) -> Task<> {
      co_await stream.Receive();
      co_await sleeper.CancelActor();
      co_await SleepForever();
    });
  };
  auto end = co_await Observe(cancel);
  TestFiles::Append(path, CurrentActor().name() + ": " +
                              (ctx.canceller() ? ctx.canceller()->name : "?") +
                              "\n");
  co_await std::move(end).Get();
}
TRACTOR_ENDPOINT(EndsTheSleeper);

using EchoContext = Context<Nothing, Int64Value, Int64Value>;

// Sends back what comes; fails at `limit`.
Task<> EchoUpTo(EchoContext& ctx, Int64Value limit) {
  co_await ctx.Started();
  co_await ctx.WithStream([&](auto& stream) -> Task<> {
    while (std::optional<Int64Value> number = co_await stream.Receive()) {
      if (number->value() >= limit.value()) {
        throw std::length_error("little_bro has had enough");
      }
      co_await stream.Send(*number);
    }
  });
}
TRACTOR_ENDPOINT(EchoUpTo);

// `count` echoes from little_bro, who fails at `limit`.
Task<> TalkToLittleBro(int count, int64_t limit) {
  const Portal bro = co_await Find("little_bro");
  const Int64Value at_most = Int(limit);
  co_await bro.WithContext(EchoUpTo, at_most, [&](auto& ctx) -> Task<> {
    co_await ctx.WithStream([&](auto& stream) -> Task<> {
      for (int i = 0; i < count; ++i) {
        const Int64Value sent = Int(i);
        co_await stream.Send(sent);
        const std::optional<Int64Value> back = co_await stream.Receive();
        if (!back.has_value() || back->value() != i) {
          throw std::logic_error("a wrong echo");
        }
      }
    });
  });
}

// Starts the actors whose names come; each lives as long as the context.
Task<> SpawnService(Context<Nothing, std::string, std::string>& ctx) {
  co_await ctx.Started();
  co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
    co_await ctx.WithStream([&](auto& stream) -> Task<> {
      while (std::optional<std::string> name = co_await stream.Receive()) {
        ActorOptions options(*name);
        options.Expose(EchoUpTo);
        co_await an.StartActor(options);
        co_await stream.Send(std::move(*name));
      }
    });
    co_await an.Cancel();
  });
}
TRACTOR_ENDPOINT(SpawnService);

using ClientContext = Context<Nothing, std::string, std::string>;

// Has the server start little_bro; says when it is there, talks to it when it
// is told so, says when that is done.
Task<> UsesTheService(ClientContext& ctx, Int64Value limit) {
  const Portal server = co_await Find("server");
  co_await server.WithContext(SpawnService, [&](auto& service) -> Task<> {
    co_await service.WithStream([&](auto& order) -> Task<> {
      co_await order.Send("little_bro");
      co_await order.Receive();
      co_await ctx.Started();
      co_await ctx.WithStream([&](auto& stream) -> Task<> {
        co_await stream.Receive();
        co_await TalkToLittleBro(100, limit.value());
        co_await stream.Send("talked");
        co_await SleepForever();
      });
    });
  });
}
TRACTOR_ENDPOINT(UsesTheService);

// ---- C-053 ----

TEST(PeerContext, C053_AnErrorWhileAThirdPartysCancelIsHandledWins) {
  TestFiles files;
  const std::string path = files.Path("told");
  const std::exception_ptr error = ErrorOf([&]() -> Task<> {
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      ActorOptions sleeps("sleeper"), calls("just_caller"), ends("canceller");
      sleeps.Expose(Sleeps);
      calls.Expose(JustCalls);
      ends.Expose(EndsTheSleeper);
      const Portal sleeper = co_await an.StartActor(sleeps);
      const Portal caller = co_await an.StartActor(calls);
      const Portal canceller = co_await an.StartActor(ends);

      // Waits for the end of a context whose owner is cancelled already.
      auto expect_cancelled = [](auto& ctx) -> Task<> {
        CancelScope shield(absl::InfiniteFuture(), /*shield=*/true);
        auto wait = [&]() -> Task<> { co_await ctx.WaitResult(); };
        auto end =
            co_await Observe([&]() -> Task<> { co_await shield.Run(wait); });
        EXPECT_FALSE(ctx.cancel_called());
        EXPECT_FALSE(ctx.cancel_acked());
        ExpectError<ContextCancelled>(end.error(), [](const auto& e) {
          EXPECT_EQ(e.canceller().name, "canceller");
          EXPECT_EQ(e.source().name, "sleeper");
        });
      };
      co_await sleeper.WithContext(Sleeps, path, [&](auto& first) -> Task<> {
        co_await caller.WithContext(
            JustCalls, path, [&](auto& second) -> Task<> {
              auto handle = [&](auto& third) -> Task<> {
                co_await third.WithStream([&](auto& stream) -> Task<> {
                  co_await stream.Send("now");
                  co_await expect_cancelled(first);
                  co_await expect_cancelled(second);
                  EXPECT_EQ(third.remote_error(), nullptr);
                  throw std::domain_error("while it is handled");
                });
              };
              co_await canceller.WithContext(EndsTheSleeper, path, handle);
            });
      });
    });
  });
  ExpectError<std::domain_error>(error);
  // The two that the canceller has ended, and the canceller by the root.
  EXPECT_THAT(files.Read("told"),
              ::testing::AllOf(
                  ::testing::HasSubstr("just_caller: canceller in an error\n"),
                  ::testing::HasSubstr("canceller: root\n")));
}

// ---- C-054, C-055 ----

// Runs body(server, client).
template <class F>
std::exception_ptr ErrorWithService(F body) {
  return ErrorOf([&]() -> Task<> {
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      ActorOptions serves("server"), uses("client");
      serves.Expose(SpawnService);
      uses.Expose(UsesTheService);
      const Portal server = co_await an.StartActor(serves);
      const Portal client = co_await an.StartActor(uses);
      co_await body(server, client);
      co_await an.Cancel();
    });
    const std::optional<Portal> bro = co_await FindActor("little_bro");
    EXPECT_FALSE(bro.has_value());
  });
}

TEST(SpawnService, C054_AnActorForAClientAndTheRoot) {
  const std::exception_ptr error = ErrorWithService(
      [](const Portal& server, const Portal& client) -> Task<> {
        const Int64Value never = Int(1000);
        co_await client.WithContext(
            UsesTheService, never, [&](auto& ctx) -> Task<> {
              co_await ctx.WithStream([&](auto& stream) -> Task<> {
                // Both talk at the same time.
                co_await stream.Send("talk");
                co_await TalkToLittleBro(100, never.value());
                const std::optional<std::string> said =
                    co_await stream.Receive();
                EXPECT_EQ(said, "talked");
              });
              EXPECT_TRUE(co_await ctx.Cancel());
              EXPECT_TRUE(ctx.cancel_acked());
              EXPECT_EQ(ctx.canceller()->name, "root");
              ExpectError<ContextCancelled>(
                  ctx.remote_error(), [](const ContextCancelled& e) {
                    EXPECT_EQ(e.canceller().name, "root");
                  });
            });
        EXPECT_TRUE(co_await server.CancelActor());
      });
  EXPECT_EQ(error, nullptr) << DescribeException(error);
}

TEST(SpawnService, C055_AnErrorOfThatActorComesByWayOfTheClient) {
  const std::exception_ptr error =
      ErrorWithService([](const Portal&, const Portal& client) -> Task<> {
        const Int64Value half = Int(50);
        co_await client.WithContext(
            UsesTheService, half, [&](auto& ctx) -> Task<> {
              co_await TalkToLittleBro(50, half.value());
              co_await ctx.WithStream([&](auto& stream) -> Task<> {
                co_await stream.Send("talk");
                const std::optional<std::string> said =
                    co_await stream.Receive();
                EXPECT_FALSE(said.has_value());
              });
            });
      });
  ExpectError<RemoteActorError>(error, [](const RemoteActorError& e) {
    EXPECT_TRUE(e.Is<std::length_error>()) << e.what();
    EXPECT_EQ(e.source().name, "little_bro");
    ASSERT_EQ(e.relay_path().size(), 2u);
    EXPECT_EQ(e.relay_path()[0].name, "little_bro");
    EXPECT_EQ(e.relay_path()[1].name, "client");
  });
}

}  // namespace
}  // namespace tractor::testing
