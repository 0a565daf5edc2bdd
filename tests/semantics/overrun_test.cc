// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// What a receiver of a stream may choose when it does not keep up: semantics.md
// 6.2, C-048. No test here looks at a clock: a side that is slow waits until it
// is let go.
#include <google/protobuf/wrappers.pb.h>

#include <cstddef>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/tractor.h"
#include "tests/support/run_actors.h"

namespace tractor::testing {
namespace {

using ::testing::HasSubstr;

using Texts = Context<Nothing, std::string, std::string>;

thread_local std::optional<Event> go, all_sent;

Event& Made(std::optional<Event>& event) {
  if (!event.has_value()) event.emplace();
  return *event;
}

// What the callee does: "POLICY MAX_QUEUED".
StreamOptions Options(const std::string& spec) {
  const std::vector<std::string> words = absl::StrSplit(spec, ' ');
  StreamOptions options;
  if (words[0] == "oldest") options.set_overrun(Overrun::kDropOldest);
  if (words[0] == "newest") options.set_overrun(Overrun::kDropNewest);
  if (words[0] == "fail") options.set_overrun(Overrun::kFail);
  return options.set_max_queued(std::stoul(words[1]));
}

// Receives what there is when it is let go; gives it, and how many it has lost.
Task<std::string> TakeLate(Texts& ctx, std::string spec) {
  std::string got;
  co_await ctx.Started();
  const StreamOptions options = Options(spec);
  co_await ctx.WithStream(options, [&](auto& stream) -> Task<> {
    co_await Made(go).Wait();
    while (std::optional<std::string> text = co_await stream.Receive()) {
      absl::StrAppend(&got, text->substr(0, 2), " ");
    }
    absl::StrAppend(&got, "lost ", stream.dropped());
  });
  co_return got;
}
TRACTOR_ENDPOINT(TakeLate);

// Opens its stream only when it is let go.
Task<std::string> OpenLate(Texts& ctx, std::string spec) {
  co_await ctx.Started();
  co_await Made(go).Wait();
  std::string got;
  const StreamOptions options = Options(spec);
  co_await ctx.WithStream(options, [&](auto& stream) -> Task<> {
    while (std::optional<std::string> text = co_await stream.Receive()) {
      absl::StrAppend(&got, text->substr(0, 2), " ");
    }
  });
  co_return got;
}
TRACTOR_ENDPOINT(OpenLate);

std::string Numbered(int i, size_t size) {
  return absl::StrCat(i < 10 ? "0" : "", i, std::string(size, '.'));
}

Task<std::string> SendTwenty(Texts& ctx) {
  co_await ctx.Started();
  co_await ctx.WithStream([&](auto& stream) -> Task<> {
    for (int i = 0; i < 20; ++i) {
      const std::string text = Numbered(i, 0);
      co_await stream.Send(text);
    }
  });
  Made(all_sent).Set();
  co_return "yo";
}
TRACTOR_ENDPOINT(SendTwenty);

Task<> LetGo() {
  Made(go).Set();
  co_return;
}
TRACTOR_ENDPOINT(LetGo);

// All that was sent before has arrived when this has.
Task<> RoundTrip() { co_return; }
TRACTOR_ENDPOINT(RoundTrip);

Task<> WaitUntilSent() { co_await Made(all_sent).Wait(); }
TRACTOR_ENDPOINT(WaitUntilSent);

template <class F>
std::exception_ptr RunWithChild(F body) {
  return ErrorOf([&]() -> Task<> {
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      ActorOptions options("peer");
      options.Expose(TakeLate, OpenLate, SendTwenty, LetGo, RoundTrip,
                     WaitUntilSent);
      Portal portal = co_await an.StartActor(options);
      co_await body(portal);
      co_await an.Cancel();
    });
  });
}

// Sends `count` messages to the callee, which takes them after the last one.
template <class E>
Task<std::string> SendThenLetGo(Portal& portal, E endpoint, std::string spec,
                                int count, size_t size) {
  std::optional<std::string> got =
      co_await portal.WithContext(endpoint, spec, [&](auto& ctx) -> Task<> {
        co_await ctx.WithStream([&](auto& stream) -> Task<> {
          for (int i = 0; i < count; ++i) {
            const std::string text = Numbered(i, size);
            co_await stream.Send(text);
          }
          co_await portal.Call(RoundTrip);
          co_await portal.Call(LetGo);
        });
      });
  co_return got.value_or("cancelled");
}

// ---- C-048: {who may be overrun} x {who is slow} x {cancelled at the end}
// ----

enum class Allowed { kNone, kParent, kChild, kBoth };

class Policies
    : public ::testing::TestWithParam<std::tuple<Allowed, bool, bool>> {
 protected:
  Allowed allowed() const { return std::get<0>(GetParam()); }
  bool parent_is_slow() const { return std::get<1>(GetParam()); }
  bool cancels() const { return std::get<2>(GetParam()); }
  bool parent_parks() const {
    return allowed() == Allowed::kParent || allowed() == Allowed::kBoth;
  }
  bool child_parks() const {
    return allowed() == Allowed::kChild || allowed() == Allowed::kBoth;
  }

  // The parent takes 20 messages that all have arrived before the first.
  Task<> ParentIsSlow(Portal& portal) {
    std::string got;
    StreamOptions options;
    options.set_max_queued(1);
    if (!parent_parks()) options.set_overrun(Overrun::kFail);
    auto take = [&](auto& ctx) -> Task<> {
      co_await ctx.WithStream(options, [&](auto& stream) -> Task<> {
        co_await portal.Call(WaitUntilSent);
        while (std::optional<std::string> text = co_await stream.Receive()) {
          absl::StrAppend(&got, *text, " ");
        }
      });
      if (cancels()) co_await ctx.Cancel();
    };
    const std::optional<std::string> end =
        co_await portal.WithContext(SendTwenty, take);
    // It had finished before the cancel: its result is not lost.
    EXPECT_EQ(end, "yo");
    EXPECT_THAT(got, HasSubstr("00 01 02 "));
    EXPECT_EQ(got.size(), 60u);
  }

  Task<> ChildIsSlow(Portal& portal) {
    const std::string spec = child_parks() ? "park 1" : "fail 1";
    const std::string got =
        co_await SendThenLetGo(portal, TakeLate, spec, 20, 0);
    EXPECT_THAT(got, HasSubstr("00 01 02 "));
    EXPECT_THAT(got, HasSubstr("19 lost 0"));
  }
};

std::string VariantName(
    const ::testing::TestParamInfo<Policies::ParamType>& info) {
  const char* allowed[] = {"Nobody", "Parent", "Child", "Both"};
  return absl::StrCat(allowed[static_cast<int>(std::get<0>(info.param))],
                      "MayBeOverrun",
                      std::get<1>(info.param) ? "ParentIsSlow" : "ChildIsSlow",
                      std::get<2>(info.param) ? "Cancelled" : "");
}

INSTANTIATE_TEST_SUITE_P(
    C048, Policies,
    ::testing::Combine(::testing::Values(Allowed::kNone, Allowed::kParent,
                                         Allowed::kChild, Allowed::kBoth),
                       ::testing::Bool(), ::testing::Bool()),
    VariantName);

TEST_P(Policies, C048_AllOrAnOverrun) {
  const std::exception_ptr error = RunWithChild([&](Portal& p) -> Task<> {
    if (parent_is_slow()) {
      co_await ParentIsSlow(p);
    } else {
      co_await ChildIsSlow(p);
    }
  });
  if (parent_is_slow() ? parent_parks() : child_parks()) {
    EXPECT_EQ(error, nullptr);
    return;
  }
  // The type is the same on both sides; the source tells who could not.
  ExpectError<StreamOverrun>(error, [&](const StreamOverrun& e) {
    EXPECT_THAT(e.what(), HasSubstr("more than 1 messages"));
    if (!parent_is_slow()) {
      EXPECT_EQ(e.source().name, "peer");
    }
  });
}

// ---- dropping ----

// Small messages and such that have memory of their own.
class Drops : public ::testing::TestWithParam<size_t> {};

INSTANTIATE_TEST_SUITE_P(Sizes, Drops, ::testing::Values(0, 5000));

TEST_P(Drops, TheOldestGo) {
  const std::exception_ptr error = RunWithChild([](Portal& p) -> Task<> {
    const std::string got =
        co_await SendThenLetGo(p, TakeLate, "oldest 3", 10, GetParam());
    EXPECT_EQ(got, "07 08 09 lost 7");
  });
  EXPECT_EQ(error, nullptr);
}

TEST_P(Drops, TheNewestGo) {
  const std::exception_ptr error = RunWithChild([](Portal& p) -> Task<> {
    const std::string got =
        co_await SendThenLetGo(p, TakeLate, "newest 3", 10, GetParam());
    EXPECT_EQ(got, "00 01 02 lost 7");
  });
  EXPECT_EQ(error, nullptr);
}

// Twenty windows full of messages, which nobody takes meanwhile.
TEST_P(Drops, NeverParkTheSender) {
  if (GetParam() == 0) GTEST_SKIP() << "takes too many messages";
  const std::exception_ptr error = RunWithChild([](Portal& p) -> Task<> {
    const std::string got =
        co_await SendThenLetGo(p, TakeLate, "oldest 1", 99, 50000);
    EXPECT_EQ(got, "98 lost 98");
  });
  EXPECT_EQ(error, nullptr);
}

// What has arrived before the stream was opened counts as well.
TEST(Overrun, OfWhatCameBeforeTheStreamWasOpened) {
  std::exception_ptr error = RunWithChild([](Portal& p) -> Task<> {
    const std::string got =
        co_await SendThenLetGo(p, OpenLate, "oldest 2", 10, 0);
    EXPECT_EQ(got, "08 09 ");
  });
  EXPECT_EQ(error, nullptr);
  error = RunWithChild([](Portal& p) -> Task<> {
    co_await SendThenLetGo(p, OpenLate, "fail 2", 10, 0);
  });
  ExpectError<StreamOverrun>(error, [](const StreamOverrun& e) {
    EXPECT_EQ(e.source().name, "peer");
  });
}

TEST(Overrun, AQueueOfNothingIsRefused) {
  const std::exception_ptr error = RunWithChild([](Portal& p) -> Task<> {
    co_await SendThenLetGo(p, TakeLate, "oldest 0", 1, 0);
  });
  ExpectError<RemoteActorError>(error, [](const RemoteActorError& e) {
    EXPECT_TRUE(e.Is<RuntimeFailure>());
    EXPECT_THAT(e.message(), HasSubstr("at least 1"));
  });
}

}  // namespace
}  // namespace tractor::testing
