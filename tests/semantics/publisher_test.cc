// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Messages by topic, for subscribers in other actors.
//
// Long: one scenario after the other, and the actors that they need.
#include <google/protobuf/wrappers.pb.h>
#include <signal.h>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/tractor.h"
#include "tests/support/backend.h"
#include "tests/support/run_actors.h"

namespace tractor::testing {
namespace {

using ::google::protobuf::Int64Value;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Values;

Int64Value Int(int64_t value) {
  Int64Value message;
  message.set_value(value);
  return message;
}

// Also where EXPECT_... would not be seen: in another process.
void Check(bool holds, const std::string& what) {
  if (!holds) throw RuntimeFailure("does not hold: " + what);
}

// ---- of one actor ----

// How far its subscription has come, and whether it may go on.
struct Progress {
  int64_t received = 0;
  std::shared_ptr<Event> change = std::make_shared<Event>();
  Event go;

  void Count() {
    ++received;
    std::exchange(change, std::make_shared<Event>())->Set();
  }
};
thread_local std::optional<Progress> progress;

Progress& Mine() {
  if (!progress.has_value()) progress.emplace();
  return *progress;
}

Task<> HasReceived(Int64Value count) {
  while (Mine().received < count.value()) {
    const std::shared_ptr<Event> change = Mine().change;
    co_await change->Wait();
  }
}
TRACTOR_ENDPOINT(HasReceived);

Task<> LetGo() {
  Mine().go.Set();
  co_return;
}
TRACTOR_ENDPOINT(LetGo);

Task<> RoundTrip() { co_return; }
TRACTOR_ENDPOINT(RoundTrip);

// ---- subscribers ----

using Subscriber = SubscriberContext<std::string>;

// Each of the topics, "a,b", for six messages, by turns; one alone for ever.
Task<> Consume(Subscriber& ctx, std::string topics) {
  co_await ctx.Started();
  co_await ctx.WithStream([&](auto& stream) -> Task<> {
    const std::vector<std::string> turns = absl::StrSplit(topics, ',');
    Subscription<std::string> subscription(stream);
    for (size_t turn = 0;; ++turn) {
      const std::string& topic = turns[turn % turns.size()];
      co_await subscription.Add(topic);
      for (int i = 0; i < 6 || turns.size() == 1; ++i) {
        const auto publication = co_await subscription.Receive();
        Check(publication.has_value(), "it goes on for ever");
        Check(publication->topic == topic, "a topic that it wants");
        Check(absl::StartsWith(publication->message, topic), "its message");
        Mine().Count();
      }
      co_await subscription.Remove(topic);
    }
  });
}
TRACTOR_ENDPOINT(Consume);

// Five of a topic, and no more; stays to the end of the stream.
Task<std::string> TakeFive(Subscriber& ctx, std::string topic) {
  co_await ctx.Started();
  std::string all;
  co_await ctx.WithStream([&](auto& stream) -> Task<> {
    Subscription<std::string> subscription(stream);
    co_await subscription.Add(topic);
    for (int i = 0; i < 5; ++i) {
      const auto publication = co_await subscription.Receive();
      Check(publication.has_value(), "there are five");
      Check(publication->topic == topic, "a topic that it wants");
      absl::StrAppend(&all, publication->message, " ");
    }
    co_await subscription.Remove(topic);
    const auto end = co_await subscription.Receive();
    Check(!end.has_value(), "no more than five");
  });
  co_return all;
}
TRACTOR_ENDPOINT(TakeFive);

// Takes one message of "t", then goes, in one way or another.
Task<> Go(Subscriber& ctx, std::string how) {
  co_await ctx.Started();
  co_await ctx.WithStream([&](auto& stream) -> Task<> {
    Subscription<std::string> subscription(stream);
    co_await subscription.Add("t");
    co_await subscription.Receive();
    if (how == "Fails") throw std::domain_error("the subscriber");
    if (how == "Dies") (void)raise(SIGKILL);
    if (how == "Removes") {
      co_await subscription.Remove("t");
      co_await subscription.Receive();
    }
  });
}
TRACTOR_ENDPOINT(Go);

// Wants "t", and reads nothing before it is let go; then all, or nothing when
// it is to "leave". A "quick" one reads at once, and wants "quick" as well. The
// result: messages received, and missed.
Task<std::string> ReadLate(Subscriber& ctx, std::string how) {
  co_await ctx.Started();
  int64_t received = 0;
  uint64_t missed = 0;
  co_await ctx.WithStream([&](auto& stream) -> Task<> {
    Subscription<std::string> subscription(stream);
    co_await subscription.Add("t");
    if (how == "quick") co_await subscription.Add("quick");
    if (how != "quick") co_await Mine().go.Wait();
    if (how == "leave") co_return;
    while (co_await subscription.Receive()) {
      ++received;
      Mine().Count();
    }
    missed = subscription.missed();
  });
  co_return absl::StrCat(received, " and ", missed);
}
TRACTOR_ENDPOINT(ReadLate);

ActorOptions Options(const std::string& name) {
  ActorOptions options(name);
  options.Expose(HasReceived, LetGo, RoundTrip, Consume, TakeFive, Go,
                 ReadLate);
  return options;
}

// ---- the publisher's side ----

using Texts = Publisher<std::string>;

// A context's body that serves who was called in it.
auto Serving(Texts& publisher) {
  return [&publisher](auto& ctx) -> Task<> {
    co_await ctx.WithStream([&publisher](auto& stream) -> Task<> {
      co_await publisher.Serve(stream);
    });
  };
}

// "a,b": exactly these.
Task<> WaitForTopics(Texts& publisher, std::string topics) {
  while (absl::StrJoin(publisher.Topics(), ",") != topics) {
    co_await publisher.WaitForChange();
  }
}

// Starts an actor that subscribes, and serves it.
Task<> ServeConsumer(ActorNursery* an, Texts* publisher, std::string name,
                     std::string topics, TaskStatus<Portal> status) {
  Portal portal = co_await an->StartActor(Options(name));
  status.Started(portal);
  co_await portal.WithContext(Consume, topics, Serving(*publisher));
}

// ---- with an error in the root ----

enum class Raised { kInterrupted, kTooSlow, kSignal };

std::string RaisedName(const ::testing::TestParamInfo<Raised>& info) {
  constexpr const char* kNames[] = {"AnInterrupt", "ATimeout", "CtrlC"};
  return kNames[static_cast<int>(info.param)];
}

Task<> Raise(Raised what) {
  if (what == Raised::kInterrupted) throw Interrupted(SIGINT);
  // To this thread, as others of the test's own do not block it.
  if (what == Raised::kSignal) (void)raise(SIGINT);
  const bool at_once = what == Raised::kTooSlow;
  co_await FailAfter(at_once ? absl::ZeroDuration() : absl::InfiniteDuration(),
                     []() -> Task<> { co_await SleepForever(); });
}

class Dynamic : public ::testing::TestWithParam<Raised> {};

TEST_P(Dynamic, C068_ConsumersComeAndGoUntilTheRootFails) {
  const std::vector<std::string> topics = {"a", "b", "c"};
  const size_t consumers =
      std::max(3u, std::thread::hardware_concurrency()) - 1;
  const std::exception_ptr error = ErrorOf([&]() -> Task<> {
    Texts publisher;
    auto publish = [&]() -> Task<> {
      for (int i = 0;; ++i) {
        for (const std::string& topic : topics) {
          co_await publisher.Publish(topic, absl::StrCat(topic, " ", i));
        }
        co_await Sleep(absl::Milliseconds(1));
      }
    };
    auto with_actors = [&](ActorNursery& an) -> Task<> {
      auto in_nursery = [&](Nursery& n) -> Task<> {
        n.StartSoon(publish);
        std::vector<Portal> portals;
        for (size_t i = 0; i < consumers; ++i) {
          // The first one takes all of them by turns.
          const std::string wanted = i == 0 ? "a,b,c" : topics[i % 3];
          Portal portal =
              co_await n.Start<Portal>(ServeConsumer, &an, &publisher,
                                       absl::StrCat("consumer ", i), wanted);
          portals.push_back(portal);
        }
        // Four rounds of turns.
        for (Portal& p : portals) co_await p.Call(HasReceived, Int(4 * 3 * 6));
        EXPECT_EQ(publisher.Statistics().subscribers, consumers);
        co_await Raise(GetParam());
      };
      NurseryOptions options;
      options.set_collapse(true);
      co_await WithNursery(options, in_nursery);
    };
    co_await WithActorNursery(with_actors);
  });
  // Exactly that one, bare.
  if (GetParam() == Raised::kTooSlow) return ExpectError<TooSlowError>(error);
  ExpectError<Interrupted>(
      error, [](const Interrupted& e) { EXPECT_EQ(e.signal(), SIGINT); });
}

INSTANTIATE_TEST_SUITE_P(With, Dynamic,
                         Values(Raised::kInterrupted, Raised::kTooSlow,
                                Raised::kSignal),
                         RaisedName);

// ---- topics ----

// Two actors that want a topic each, five messages long.
Task<> PublishToTwo() {
  Texts publisher;
  std::string even, odd;
  auto serve = [&](ActorNursery* an, std::string topic,
                   std::string* all) -> Task<> {
    Portal portal = co_await an->StartActor(Options(topic));
    std::optional<std::string> result =
        co_await portal.WithContext(TakeFive, topic, Serving(publisher));
    *all = *std::move(result);
  };
  auto with_actors = [&](ActorNursery& an) -> Task<> {
    auto in_nursery = [&](Nursery& n) -> Task<> {
      n.StartSoon(serve, &an, std::string("even"), &even);
      n.StartSoon(serve, &an, std::string("odd"), &odd);
      co_await WaitForTopics(publisher, "even,odd");
      for (int i = 0; i < 10; ++i) {
        const bool is_even = i % 2 == 0;
        co_await publisher.Publish(is_even ? "even" : "odd", absl::StrCat(i));
      }
      co_await WaitForTopics(publisher, "");
      Check(publisher.Statistics().subscribers == 2, "they are there still");
      co_await publisher.Publish("even", "for nobody");
      publisher.Close();
    };
    co_await WithNursery(in_nursery);
    co_await an.Cancel("all is published");
  };
  co_await WithActorNursery(with_actors);
  Check(even == "0 2 4 6 8 ", even);
  Check(odd == "1 3 5 7 9 ", odd);
}
TRACTOR_ENDPOINT(PublishToTwo);

class Topics : public ::testing::TestWithParam<bool> {};

TEST_P(Topics, C079_GoWithTheirSubscribers) {
  RunActors([]() -> Task<> {
    if (!GetParam()) co_return co_await PublishToTwo();
    co_await WithActorNursery([](ActorNursery& an) -> Task<> {
      co_await an.RunInActor(ActorOptions("publisher"), PublishToTwo);
    });
  });
}

INSTANTIATE_TEST_SUITE_P(Of, Topics, Values(false, true), [](const auto& info) {
  return info.param ? "AChild" : "TheRoot";
});

// A subscriber of "t" goes, and the topic with it. The error that it ends with.
std::exception_ptr ErrorOfLeaving(const std::string& how) {
  std::vector<std::string> before, after;
  const std::exception_ptr error = ErrorOf([&]() -> Task<> {
    Texts publisher;
    auto serve = [&]() -> Task<> {
      co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
        Portal portal = co_await an.StartActor(Options("subscriber"));
        co_await portal.WithContext(Go, how, Serving(publisher));
        co_await an.Cancel("it has left");
      });
    };
    auto serve_and_see = [&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> {
        co_await WaitForTopics(publisher, "t");
        before = publisher.Topics();
        co_await publisher.Publish("t", "go");
        co_await WaitForTopics(publisher, "");
        publisher.Close();
      });
      auto end = co_await Observe(serve);
      // Of an error as well: before it comes out of the nursery.
      after = publisher.Topics();
      EXPECT_EQ(publisher.Statistics().subscribers, 0u);
      co_await std::move(end).Get();
    };
    NurseryOptions options;
    options.set_collapse(true);
    co_await WithNursery(options, serve_and_see);
  });
  EXPECT_THAT(before, ElementsAre("t"));
  EXPECT_THAT(after, IsEmpty());
  return error;
}

class Leaving : public ::testing::TestWithParam<std::string> {};

TEST_P(Leaving, C079_ASubscriberTakesItsTopicsAlong) {
  const std::exception_ptr error = ErrorOfLeaving(GetParam());
  if (GetParam() == "Fails") return ExpectError<RemoteActorError>(error);
  EXPECT_EQ(error, nullptr);
}

INSTANTIATE_TEST_SUITE_P(When, Leaving, Values("Removes", "Leaves", "Fails"),
                         [](const auto& info) { return info.param; });

TEST(Subscribers, C079_OneThatDiesTakesItsTopicsAlong) {
  SKIP_ON_BACKEND(thread, "a thread cannot be killed");
  ExpectError<ActorDied>(ErrorOfLeaving("Dies"));
}

// ---- a publisher that is called ----

thread_local Texts* feed = nullptr;

// Serves who calls it.
Task<> Feed(PublisherContext<std::string>& ctx) {
  co_await ctx.Started();
  co_await ctx.WithStream(
      [](auto& stream) -> Task<> { co_await feed->Serve(stream); });
}
TRACTOR_ENDPOINT(Feed);

Task<> RunFeed(Context<>& ctx) {
  Texts publisher;
  feed = &publisher;
  co_await ctx.Started();
  co_await Mine().go.Wait();
  publisher.Close();
  // Those that it serves have their end before the publisher has its own.
  while (publisher.Statistics().subscribers > 0) co_await Checkpoint();
}
TRACTOR_ENDPOINT(RunFeed);

// To the topic that it begins with, once that is the only one.
Task<> PublishOne(std::string message) {
  const std::string topic = message.substr(0, 1);
  co_await WaitForTopics(*feed, topic);
  co_await feed->Publish(topic, message);
}
TRACTOR_ENDPOINT(PublishOne);

TEST(Publishers, MayBeTheOnesThatAreCalled) {
  RunActors([]() -> Task<> {
    auto subscribe = [](Portal& portal) -> Task<> {
      co_await portal.WithContext(Feed, [&](auto& ctx) -> Task<> {
        co_await ctx.WithStream([&](auto& stream) -> Task<> {
          Subscription<std::string> subscription(stream);
          for (const char* topic : {"x", "y"}) {
            co_await subscription.Add(topic);
            co_await subscription.Add(topic);
            co_await portal.Call(PublishOne, absl::StrCat(topic, " 1"));
            const auto got = co_await subscription.Receive();
            EXPECT_EQ(got->topic, topic);
            EXPECT_EQ(got->message, absl::StrCat(topic, " 1"));
            co_await subscription.Remove(topic);
            EXPECT_THAT(subscription.topics(), IsEmpty());
          }
          co_await portal.Call(LetGo);
          const auto end = co_await subscription.Receive();
          EXPECT_FALSE(end.has_value());
        });
      });
    };
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      ActorOptions options = Options("publisher");
      options.Expose(Feed, RunFeed, PublishOne);
      Portal portal = co_await an.StartActor(options);
      co_await portal.WithContext(
          RunFeed, [&](auto&) -> Task<> { co_await subscribe(portal); });
      co_await an.Cancel("the test is over");
    });
  });
}

// What was on its way when its topic was removed is not given out.
TEST(Publishers, NothingComesOutBehindARemove) {
  RunActors([]() -> Task<> {
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      ActorOptions options = Options("publisher");
      options.Expose(Feed, RunFeed, PublishOne);
      Portal portal = co_await an.StartActor(options);
      auto subscribe = [&](auto& stream) -> Task<> {
        Subscription<std::string> subscription(stream);
        co_await subscription.Add("x");
        for (int i = 0; i < 3; ++i) {
          co_await portal.Call(PublishOne, absl::StrCat("x ", i));
        }
        const auto first = co_await subscription.Receive();
        EXPECT_EQ(first->message, "x 0");
        co_await subscription.Remove("x");
        co_await subscription.Add("y");
        co_await portal.Call(PublishOne, "y 0");
        const auto next = co_await subscription.Receive();
        EXPECT_EQ(next->message, "y 0") << "and not x 1";
        co_await portal.Call(LetGo);
      };
      co_await portal.WithContext(RunFeed, [&](auto&) -> Task<> {
        co_await portal.WithContext(Feed, [&](auto& ctx) -> Task<> {
          co_await ctx.WithStream(subscribe);
        });
      });
      co_await an.Cancel("the test is over");
    });
  });
}

// ---- slow subscribers ----

constexpr int kBytes = 1024;
constexpr int kMessages = 1000;
// What the credit of a stream and the queue take.
constexpr int kRoom = 256 + 64;

// Runs body(portal of `late`, publisher), with a subscriber that reads when it
// is let go (`how`: and only to leave then).
template <class F>
std::string WithLate(PublisherOptions options, std::string how, F body) {
  std::string got;
  RunActors([&]() -> Task<> {
    Texts publisher(options);
    auto with_actors = [&](ActorNursery& an) -> Task<> {
      Portal late = co_await an.StartActor(Options("late"));
      auto in_nursery = [&](Nursery& n) -> Task<> {
        n.StartSoon([&]() -> Task<> {
          got = *co_await late.WithContext(ReadLate, how, Serving(publisher));
        });
        co_await WaitForTopics(publisher, "t");
        co_await body(an, late, publisher);
        publisher.Close();
      };
      NurseryOptions nursery_options;
      nursery_options.set_collapse(true);
      co_await WithNursery(nursery_options, in_nursery);
      co_await an.Cancel("the test is over");
    };
    co_await WithActorNursery(with_actors);
  });
  return got;
}

Task<> PublishMany(Texts* publisher, int* published) {
  for (; *published < kMessages; ++*published) {
    co_await publisher->Publish("t", std::string(kBytes, 'x'));
  }
}

// Gives the loops of both sides all the time that they could use.
Task<> GiveTime(Portal& portal) {
  for (int i = 0; i < 5; ++i) co_await portal.Call(RoundTrip);
}

class Slow : public ::testing::TestWithParam<std::string> {};

TEST_P(Slow, OnesParkThePublisherUntilTheyReadOrLeave) {
  int published = 0;
  const std::string got =
      WithLate(PublisherOptions(), GetParam(),
               [&](ActorNursery&, Portal& late, Texts& publisher) -> Task<> {
                 co_await WithNursery([&](Nursery& n) -> Task<> {
                   n.StartSoon(PublishMany, &publisher, &published);
                   while (published < kRoom - 64) co_await Checkpoint();
                   co_await GiveTime(late);
                   const int parked_at = published;
                   EXPECT_LE(parked_at, kRoom + 2);
                   co_await GiveTime(late);
                   EXPECT_EQ(published, parked_at);
                   // Other tasks may publish what others want.
                   co_await publisher.Publish("nobody's", "x");
                   co_await late.Call(LetGo);
                 });
                 EXPECT_EQ(published, kMessages);
                 EXPECT_EQ(publisher.Statistics().dropped, 0u);
               });
  const bool leaves = GetParam() == "leave";
  EXPECT_EQ(got, leaves ? "0 and 0" : absl::StrCat(kMessages, " and 0"));
}

INSTANTIATE_TEST_SUITE_P(And, Slow, Values("read", "leave"),
                         [](const auto& info) { return info.param; });

TEST(SlowOnes, CloseEndsThePublishThatWaitsForOne) {
  int published = 0;
  WithLate(PublisherOptions(), "read",
           [&](ActorNursery&, Portal& late, Texts& publisher) -> Task<> {
             auto publish = [&]() -> Task<> {
               co_await PublishMany(&publisher, &published);
             };
             co_await WithNursery([&](Nursery& n) -> Task<> {
               n.StartSoon([&]() -> Task<> {
                 co_await GiveTime(late);
                 publisher.Close();
                 co_await late.Call(LetGo);
               });
               auto end = co_await Observe(publish);
               ExpectError<ClosedResourceError>(end.error());
             });
             EXPECT_LT(published, kMessages);
             auto again = co_await Observe(publish);
             ExpectError<ClosedResourceError>(again.error());
           });
}

TEST(SlowOnes, AreWaitedForByACancelledPublishInVain) {
  const std::string got = WithLate(
      PublisherOptions().set_queue(1), "read",
      [&](ActorNursery&, Portal& late, Texts& publisher) -> Task<> {
        // One for the credit, one that waits for it, one in the queue.
        const std::string big(300 << 10, 'x');
        for (int i = 0; i < 3; ++i) co_await publisher.Publish("t", big);
        CancelScope scope;
        auto publish = [&]() -> Task<> {
          co_await publisher.Publish("t", big);
        };
        co_await WithNursery([&](Nursery& n) -> Task<> {
          n.StartSoon([&]() -> Task<> { co_await scope.Run(publish); });
          co_await GiveTime(late);
          scope.Cancel();
        });
        EXPECT_TRUE(scope.cancelled_caught());
        co_await late.Call(LetGo);
      });
  EXPECT_EQ(got, "3 and 0");
}

// A quick one beside it misses nothing.
TEST(SlowOnes, LoseWhatIsCountedWhenThatIsWanted) {
  uint64_t dropped = 0;
  std::string quick_got;
  const std::string late_got = WithLate(
      PublisherOptions().set_slow(SlowSubscriber::kDrop), "read",
      [&](ActorNursery& an, Portal& late, Texts& publisher) -> Task<> {
        Portal quick = co_await an.StartActor(Options("quick"));
        co_await WithNursery([&](Nursery& n) -> Task<> {
          n.StartSoon([&]() -> Task<> {
            auto result = co_await quick.WithContext(ReadLate, "quick",
                                                     Serving(publisher));
            quick_got = *std::move(result);
          });
          co_await WaitForTopics(publisher, "quick,t");
          for (int i = 1; i <= kMessages; ++i) {
            co_await publisher.Publish("t", std::string(kBytes, 'x'));
            if (i % 32 == 0) co_await quick.Call(HasReceived, Int(i));
          }
          dropped = publisher.Statistics().dropped;
          EXPECT_GE(dropped, uint64_t{kMessages - kRoom - 2});
          EXPECT_LT(dropped, uint64_t{kMessages});
          co_await late.Call(LetGo);
          co_await late.Call(HasReceived,
                             Int(kMessages - static_cast<int64_t>(dropped)));
          // It learns with the next one that gets through.
          co_await publisher.Publish("t", "the last");
          EXPECT_EQ(publisher.Statistics().dropped, dropped);
          publisher.Close();
        });
      });
  EXPECT_EQ(quick_got, absl::StrCat(kMessages + 1, " and 0"));
  EXPECT_EQ(late_got, absl::StrCat(kMessages + 1 - dropped, " and ", dropped));
}

TEST(Publishers, PublishForNobodyIsACheckpoint) {
  RunActors([]() -> Task<> {
    Texts publisher;
    CancelScope scope;
    scope.Cancel();
    auto publish = [&]() -> Task<> { co_await publisher.Publish("t", "x"); };
    co_await scope.Run(publish);
    EXPECT_TRUE(scope.cancelled_caught());
    EXPECT_EQ(publisher.Statistics().published, 0u);
    co_await publish();
    EXPECT_EQ(publisher.Statistics().published, 1u);
    EXPECT_THAT(publisher.Topics(), IsEmpty());
  });
}

}  // namespace
}  // namespace tractor::testing
