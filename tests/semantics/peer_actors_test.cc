// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Actors that are no relatives: calls and contexts between any two of a tree.
// semantics.md 6.2, part C.
//
// Long: one scenario after the other, and the actors that they need.
#include <google/protobuf/wrappers.pb.h>
#include <signal.h>
#include <unistd.h>

#include <optional>
#include <stdexcept>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "os/fd.h"
#include "runtime/tractor.h"
#include "tests/support/backend.h"
#include "tests/support/doorbell.h"
#include "tests/support/headroom.h"
#include "tests/support/run_actors.h"
#include "tests/support/test_files.h"

namespace tractor::testing {
namespace {

using ::google::protobuf::Int64Value;
using ::testing::HasSubstr;

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

// ---- endpoints ----

Task<std::string> Hello(std::string from) {
  co_return CurrentActor().name() + " greets " + from;
}
TRACTOR_ENDPOINT(Hello);

// Finds the actor `name`, and calls Hello there.
Task<std::string> HelloVia(std::string name) {
  const Portal portal = co_await Find(name);
  co_return co_await portal.Call(Hello, CurrentActor().name());
}
TRACTOR_ENDPOINT(HelloVia);

using EchoContext = Context<Int64Value, Int64Value, Int64Value>;

// Doubles what comes; the first one is its argument. Gives how many came.
Task<Int64Value> Double(EchoContext& ctx, Int64Value first) {
  co_await ctx.Started(Int(first.value() * 2));
  int64_t count = 0;
  co_await ctx.WithStream([&](auto& stream) -> Task<> {
    while (std::optional<Int64Value> number = co_await stream.Receive()) {
      if (number->value() < 0) throw std::domain_error("negative");
      co_await stream.Send(Int(number->value() * 2));
      ++count;
    }
  });
  co_return Int(count);
}
TRACTOR_ENDPOINT(Double);

// A dialogue of `rounds` with the actor `name`; what came of it, as text.
Task<std::string> DoubleVia(std::string name) {
  const Portal portal = co_await Find(name);
  int64_t sum = 0;
  const Int64Value first = Int(21);
  auto talk = [&](auto& ctx) -> Task<> {
    sum = ctx.first().value();
    co_await ctx.WithStream([&](auto& stream) -> Task<> {
      for (int i = 0; i < 10; ++i) {
        co_await stream.Send(Int(i));
        const std::optional<Int64Value> reply = co_await stream.Receive();
        sum += reply->value();
      }
    });
  };
  std::optional<Int64Value> count =
      co_await portal.WithContext(Double, first, talk);
  co_return std::to_string(sum) + " in " + std::to_string(count->value());
}
TRACTOR_ENDPOINT(DoubleVia);

// Makes the actor `name` fail in the middle of a stream.
Task<> FailVia(std::string name) {
  const Portal portal = co_await Find(name);
  const Int64Value first = Int(1);
  co_await portal.WithContext(Double, first, [](auto& ctx) -> Task<> {
    co_await ctx.WithStream([](auto& stream) -> Task<> {
      co_await stream.Send(Int(-1));
      co_await stream.Receive();
    });
  });
}
TRACTOR_ENDPOINT(FailVia);

// Waits; "left" goes into the file when it is cancelled.
Task<> WaitHere(Context<>& ctx, std::string path) {
  struct Leave {
    std::string path;
    ~Leave() {
      if (!path.empty()) TestFiles::Append(path, "left ");
    }
  } leave{path};
  co_await ctx.Started();
  co_await SleepForever();
}
TRACTOR_ENDPOINT(WaitHere);

// Is in a context with the actor `name` from its Started on.
Task<> WaitThere(Context<>& ctx, std::string spec) {
  const size_t space = spec.find(' ');
  const std::string path = spec.substr(space + 1);
  const Portal portal = co_await Find(spec.substr(0, space));
  co_await portal.WithContext(WaitHere, path, [&](auto&) -> Task<> {
    co_await ctx.Started();
    co_await SleepForever();
  });
}
TRACTOR_ENDPOINT(WaitThere);

Task<> EndActor(std::string name) {
  const Portal portal = co_await Find(name);
  co_await portal.CancelActor();
}
TRACTOR_ENDPOINT(EndActor);

Task<> KillYourself() {
  raise(SIGKILL);
  co_return;
}
TRACTOR_ENDPOINT(KillYourself);

Task<std::string> CountFds() {
  co_return std::to_string(os::OpenFds()->size());
}
TRACTOR_ENDPOINT(CountFds);

// What the actor makes of a portal of its own.
Task<std::string> TalkToMyself(std::string how) {
  const Portal self = co_await Find(CurrentActor().name());
  if (self.aid().uuid != CurrentActor().aid().uuid) co_return "another one";
  if (how == "call") co_return co_await self.Call(Hello, how);
  if (how == "context") {
    co_await self.WithContext(WaitHere, std::string(),
                              [](auto&) -> Task<> { co_return; });
  }
  if (how == "cancel") {
    co_await self.CancelActor();
    co_await Checkpoint();
  }
  co_return "?";
}
TRACTOR_ENDPOINT(TalkToMyself);

template <class... F>
ActorOptions Exposing(std::string_view name, F*... endpoints) {
  return std::move(ActorOptions(name).Expose(endpoints...));
}

// ---- finding ----

TEST(FindActor, SiblingsTheRootAndNobody) {
  RootOptions options;
  options.Expose(Hello);
  RunActors(
      [&]() -> Task<> {
        co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
          const ActorOptions server = Exposing("server", Hello);
          const ActorOptions client = Exposing("client", HelloVia);
          co_await an.StartActor(server);
          const Portal asker = co_await an.StartActor(client);
          const std::string name = "server", root = "root";
          std::string said = co_await asker.Call(HelloVia, name);
          EXPECT_EQ(said, "server greets client");
          said = co_await asker.Call(HelloVia, name);
          EXPECT_EQ(said, "server greets client");
          said = co_await asker.Call(HelloVia, root);
          EXPECT_EQ(said, "root greets client");
          const std::optional<Portal> nobody = co_await FindActor("nobody");
          EXPECT_FALSE(nobody.has_value());
          // A child is found as well as anybody.
          const Portal found = co_await Find("server");
          said = co_await found.Call(Hello, root);
          EXPECT_EQ(said, "server greets root");
          co_await an.Cancel();
        });
      },
      options);
}

// A cousin: the child of another child.
Task<> HasServer(Context<>& ctx) {
  co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
    const ActorOptions server = Exposing("cousin", Hello);
    co_await an.StartActor(server);
    co_await ctx.Started();
    co_await SleepForever();
  });
}
TRACTOR_ENDPOINT(HasServer);

TEST(FindActor, OfAnotherBranch) {
  RunActors([]() -> Task<> {
    co_await WithActorNursery([](ActorNursery& an) -> Task<> {
      const ActorOptions uncle = Exposing("uncle", HasServer);
      const ActorOptions client = Exposing("client", HelloVia);
      const Portal portal = co_await an.StartActor(uncle);
      const Portal asker = co_await an.StartActor(client);
      co_await portal.WithContext(HasServer, [&](auto& ctx) -> Task<> {
        const std::string name = "cousin";
        const std::string said = co_await asker.Call(HelloVia, name);
        EXPECT_EQ(said, "cousin greets client");
        co_await ctx.Cancel();
      });
      co_await an.Cancel();
    });
  });
}

TEST(ConnectTo, OneThatIsGone) {
  RunActors([]() -> Task<> {
    co_await WithActorNursery([](ActorNursery& an) -> Task<> {
      const ActorOptions server = Exposing("server", Hello);
      const Portal portal = co_await an.StartActor(server);
      const Aid aid = portal.aid();
      const Portal again = co_await ConnectTo(aid);
      EXPECT_EQ(again.aid().uuid, aid.uuid);
      const std::string from = "root";
      const std::string said = co_await again.Call(Hello, from);
      EXPECT_EQ(said, "server greets root");
      co_await portal.CancelActor();
      auto connect = [&]() -> Task<> { co_await ConnectTo(aid); };
      auto end = co_await Observe(connect);
      // It may still be ending.
      if (end.has_error()) {
        ExpectError<ActorDied>(end.error(), [&](const ActorDied& e) {
          EXPECT_EQ(e.actor().uuid, aid.uuid);
          EXPECT_THAT(e.what(), HasSubstr("its parent knows"));
        });
      }
    });
  });
}

// ---- contexts ----

TEST(PeerContext, C061_IsAsOneFromTheParent) {
  RunActors([]() -> Task<> {
    co_await WithActorNursery([](ActorNursery& an) -> Task<> {
      const ActorOptions server = Exposing("server", Double);
      const ActorOptions client = Exposing("client", DoubleVia, FailVia);
      co_await an.StartActor(server);
      const Portal asker = co_await an.StartActor(client);
      const std::string name = "server";
      const std::string said = co_await asker.Call(DoubleVia, name);
      EXPECT_EQ(said, "132 in 10");  // 42, and twice 0 + ... + 9
      auto fail = [&]() -> Task<> { co_await asker.Call(FailVia, name); };
      auto end = co_await Observe(fail);
      // The server's error, by way of the client.
      ExpectError<RemoteActorError>(end.error(), [](const RemoteActorError& e) {
        EXPECT_TRUE(e.Is<std::domain_error>());
        EXPECT_EQ(e.source().name, "server");
        ASSERT_EQ(e.relay_path().size(), 2u);
        EXPECT_EQ(e.relay_path()[1].name, "client");
      });
      co_await an.Cancel();
    });
  });
}

// The caller's end is the end of what it has called.
TEST(PeerContext, EndsWithItsCaller) {
  TestFiles files;
  const std::string path = files.Path("said");
  RunActors([&]() -> Task<> {
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      const ActorOptions server = Exposing("server", WaitHere);
      const ActorOptions client = Exposing("client", WaitThere);
      co_await an.StartActor(server);
      const Portal asker = co_await an.StartActor(client);
      const std::string spec = "server " + path;
      co_await asker.WithContext(
          WaitThere, spec, [](auto& ctx) -> Task<> { co_await ctx.Cancel(); });
      EXPECT_EQ(files.Read("said"), "left ");
      co_await an.Cancel();
    });
  });
}

TEST(PeerContext, EndsWhenItsCallerIsKilled) {
  SKIP_ON_BACKEND(thread, "a thread cannot be killed");
  TestFiles files;
  const Doorbell left(files, "left");
  RunActors([&]() -> Task<> {
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      const ActorOptions server = Exposing("server", WaitHere, Hello);
      const ActorOptions client = Exposing("client", WaitThere, KillYourself);
      const Portal serving = co_await an.StartActor(server);
      auto doomed = [&]() -> Task<> {
        co_await WithActorNursery([&](ActorNursery& below) -> Task<> {
          const Portal asker = co_await below.StartActor(client);
          const std::string spec = "server " + left.path();
          co_await asker.WithContext(WaitThere, spec, [&](auto&) -> Task<> {
            co_await asker.Call(KillYourself);
          });
        });
      };
      auto end = co_await Observe(doomed);
      EXPECT_TRUE(end.has_error());
      co_await const_cast<Doorbell&>(left).Wait();
      // The server itself is well.
      const std::string from = "root";
      const std::string said = co_await serving.Call(Hello, from);
      EXPECT_EQ(said, "server greets root");
      co_await an.Cancel();
    });
  });
}

// Who waits for a peer that is killed hears of it at once; how it died, its
// parent hears.
TEST(PeerContext, TheDeathOfTheOtherWakes) {
  SKIP_ON_BACKEND(thread, "a thread cannot be killed");
  RunActors([]() -> Task<> {
    co_await WithActorNursery([](ActorNursery& an) -> Task<> {
      const ActorOptions client = Exposing("client", WaitThere);
      const Portal asker = co_await an.StartActor(client);
      Event there, kill;
      absl::Time killed;
      co_await WithNursery([&](Nursery& nursery) -> Task<> {
        auto parent = [&]() -> Task<> {
          auto below = [&](ActorNursery& an) -> Task<> {
            const ActorOptions server =
                Exposing("server", WaitHere, KillYourself);
            const Portal serving = co_await an.StartActor(server);
            there.Set();
            co_await kill.Wait();
            killed = Now();
            co_await serving.Call(KillYourself);
          };
          auto doomed = [&]() -> Task<> { co_await WithActorNursery(below); };
          auto end = co_await Observe(doomed);
          ExpectError<ActorDied>(end.error(), [](const ActorDied& e) {
            EXPECT_EQ(e.signal(), SIGKILL);
          });
        };
        nursery.StartSoon(parent);
        co_await there.Wait();
        const std::string spec = "server ";
        auto context = [&]() -> Task<> {
          co_await asker.WithContext(WaitThere, spec, [&](auto&) -> Task<> {
            kill.Set();
            co_await SleepForever();
          });
        };
        auto end = co_await Observe(context);
        EXPECT_LT(Now() - killed, Scaled(absl::Milliseconds(100)));
        ExpectError<ActorDied>(end.error(), [](const ActorDied& e) {
          EXPECT_EQ(e.actor().name, "server");
          EXPECT_THAT(e.what(), HasSubstr("its parent knows"));
        });
      });
      co_await an.Cancel();
    });
  });
}

TEST(PeerContext, C052_ACancelByAThirdParty) {
  const std::exception_ptr error = ErrorOf([]() -> Task<> {
    co_await WithActorNursery([](ActorNursery& an) -> Task<> {
      const ActorOptions sleeper = Exposing("sleeper", WaitHere);
      const ActorOptions caller = Exposing("just_caller", WaitThere);
      const ActorOptions canceller = Exposing("canceller", EndActor);
      const Portal to_sleeper = co_await an.StartActor(sleeper);
      const Portal to_caller = co_await an.StartActor(caller);
      const Portal to_canceller = co_await an.StartActor(canceller);
      const std::string nothing, spec = "sleeper ", name = "sleeper";
      auto check = [](const std::exception_ptr& cause, size_t hops) {
        ExpectError<ContextCancelled>(cause, [&](const ContextCancelled& e) {
          EXPECT_EQ(e.canceller().name, "canceller");
          EXPECT_EQ(e.source().name, "sleeper");
          EXPECT_EQ(e.relay_path().size(), hops);
        });
      };
      std::optional<Outcome<>> callers;
      co_await WithNursery([&](Nursery& nursery) -> Task<> {
        auto hold = [&](TaskStatus<> status) -> Task<> {
          auto context = [&]() -> Task<> {
            co_await to_caller.WithContext(WaitThere, spec,
                                           [&](auto&) -> Task<> {
                                             status.Started();
                                             co_await SleepForever();
                                           });
          };
          callers = co_await Observe(context);
        };
        co_await nursery.Start(hold);
        auto own = [&]() -> Task<> {
          co_await to_sleeper.WithContext(
              WaitHere, nothing, [&](auto& ctx) -> Task<> {
                co_await to_canceller.Call(EndActor, name);
                auto end = co_await Observe(
                    []() -> Task<> { co_await SleepForever(); });
                EXPECT_FALSE(ctx.cancel_called());
                EXPECT_FALSE(ctx.cancel_acked());
                co_await std::move(end).Get();
              });
        };
        auto end = co_await Observe(own);
        check(end.error(), 1);
        while (!callers.has_value()) co_await Checkpoint();
        // The same, by way of the one that had the context.
        check(callers->error(), 2);
        co_await std::move(end).Get();
      });
    });
  });
  // The nursery in the body has made a group of it.
  ExpectError<ContextCancelled>(Collapse(error), [](const ContextCancelled& e) {
    EXPECT_EQ(e.canceller().name, "canceller");
  });
}

// ---- oneself ----

TEST(Self, ACallRunsInProcess) {
  RunActors([]() -> Task<> {
    co_await WithActorNursery([](ActorNursery& an) -> Task<> {
      const ActorOptions options = Exposing("me", TalkToMyself);
      const Portal portal = co_await an.StartActor(options);
      const std::string how = "call";
      const std::string said = co_await portal.Call(TalkToMyself, how);
      // Hello is not exposed: it is its own function.
      EXPECT_EQ(said, "me greets call");
      co_await an.Cancel();
    });
  });
}

TEST(Self, C049_AContextIsRefused) {
  const std::exception_ptr error = ErrorOf([]() -> Task<> {
    co_await WithActorNursery([](ActorNursery& an) -> Task<> {
      const ActorOptions options = Exposing("me", TalkToMyself);
      const Portal portal = co_await an.StartActor(options);
      const std::string how = "context";
      co_await portal.Call(TalkToMyself, how);
    });
  });
  ExpectError<RemoteActorError>(error, [](const RemoteActorError& e) {
    EXPECT_TRUE(e.Is<RuntimeFailure>());
    EXPECT_THAT(e.message(), HasSubstr("to itself"));
  });
}

TEST(Self, ACancelEndsTheActor) {
  const std::exception_ptr error = ErrorOf([]() -> Task<> {
    co_await WithActorNursery([](ActorNursery& an) -> Task<> {
      const ActorOptions options = Exposing("me", TalkToMyself);
      const Portal portal = co_await an.StartActor(options);
      const std::string how = "cancel";
      co_await portal.Call(TalkToMyself, how);
    });
  });
  ExpectError<ContextCancelled>(error, [](const ContextCancelled& e) {
    EXPECT_EQ(e.canceller().name, "me");
  });
}

// ---- leaks ----

TEST(Peers, ConnectionsThatComeAndGoLeaveNoDescriptor) {
  RunActors([]() -> Task<> {
    co_await WithActorNursery([](ActorNursery& an) -> Task<> {
      const ActorOptions server = Exposing("server", Hello, CountFds);
      const Portal portal = co_await an.StartActor(server);
      const std::string name = "server";
      auto visit = [&]() -> Task<> {
        co_await WithActorNursery([&](ActorNursery& below) -> Task<> {
          const std::string said = co_await below.RunInActor(HelloVia, name);
          EXPECT_THAT(said, HasSubstr("server greets"));
        });
      };
      co_await visit();
      const int before = std::stoi(co_await portal.Call(CountFds));
      for (int i = 0; i < 50; ++i) co_await visit();
      const int after = std::stoi(co_await portal.Call(CountFds));
      // The last ones may still be ending.
      EXPECT_LE(after, before + 2);
      co_await an.Cancel();
    });
  });
}

}  // namespace
}  // namespace tractor::testing
