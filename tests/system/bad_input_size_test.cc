// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Messages that are larger than a frame may be: refused where they are sent,
// typed, and nothing else is harmed.
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/tractor.h"
#include "runtime/wire/frame.h"
#include "tests/support/run_actors.h"

namespace tractor::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// Without its header. Some room is needed for that.
constexpr size_t kTooMuch = wire::kDefaultMaxFrameBytes;
constexpr size_t kJustRight = wire::kDefaultMaxFrameBytes - 1024;

Task<std::string> Echo(std::string text) { co_return text; }
TRACTOR_ENDPOINT(Echo);

Task<std::string> MakeText(std::string size) {
  co_return std::string(std::stoul(size), 'x');
}
TRACTOR_ENDPOINT(MakeText);

Task<std::string> FailLoudly(std::string size) {
  throw std::out_of_range(std::string(std::stoul(size), 'x'));
  co_return "";
}
TRACTOR_ENDPOINT(FailLoudly);

using Texts = Context<std::string, std::string, std::string>;
Task<> EchoAll(Texts& ctx) {
  co_await ctx.Started("ready");
  co_await ctx.WithStream([](auto& stream) -> Task<> {
    while (std::optional<std::string> text = co_await stream.Receive()) {
      co_await stream.Send(std::move(*text));
    }
  });
}
TRACTOR_ENDPOINT(EchoAll);

template <class F>
void RunWithChild(F body) {
  RunActors([&]() -> Task<> {
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      ActorOptions options("child");
      options.Expose(Echo, MakeText, FailLoudly, EchoAll);
      Portal portal = co_await an.StartActor(options);
      co_await body(portal);
      EXPECT_EQ(co_await portal.Call(Echo, "goes on"), "goes on");
      co_await an.Cancel("the test is over");
    });
  });
}

auto SaysTheLimit() {
  return AllOf(HasSubstr("cannot send"),
               HasSubstr(std::to_string(wire::kDefaultMaxFrameBytes)));
}

TEST(Oversized, TheLargestPasses) {
  RunWithChild([](Portal& portal) -> Task<> {
    const std::string text(kJustRight, 'x');
    const std::string back = co_await portal.Call(Echo, text);
    EXPECT_TRUE(back == text);
  });
}

TEST(Oversized, ARequest) {
  RunWithChild([](Portal& portal) -> Task<> {
    auto call = [&]() -> Task<> {
      co_await portal.Call(Echo, std::string(kTooMuch, 'x'));
    };
    auto end = co_await Observe(call);
    ExpectError<RuntimeFailure>(end.error(), [](const RuntimeFailure& e) {
      EXPECT_THAT(e.what(), SaysTheLimit());
    });
  });
}

TEST(Oversized, AReply) {
  RunWithChild([](Portal& portal) -> Task<> {
    auto call = [&]() -> Task<> {
      co_await portal.Call(MakeText, std::to_string(kTooMuch));
    };
    auto end = co_await Observe(call);
    ExpectError<RemoteActorError>(end.error(), [](const RemoteActorError& e) {
      EXPECT_TRUE(e.Is<RuntimeFailure>());
      EXPECT_THAT(e.message(), SaysTheLimit());
    });
  });
}

TEST(Oversized, AnErrorIsCut) {
  RunWithChild([](Portal& portal) -> Task<> {
    auto call = [&]() -> Task<> {
      co_await portal.Call(FailLoudly, std::to_string(kTooMuch));
    };
    auto end = co_await Observe(call);
    ExpectError<RemoteActorError>(end.error(), [](const RemoteActorError& e) {
      EXPECT_TRUE(e.Is<std::out_of_range>());
      EXPECT_THAT(e.message(), HasSubstr("xxxx"));
      EXPECT_LT(e.message().size(), size_t{1} << 20);
    });
  });
}

TEST(Oversized, AMessageOfAStream) {
  RunWithChild([](Portal& portal) -> Task<> {
    co_await portal.WithContext(EchoAll, [](auto& ctx) -> Task<> {
      co_await ctx.WithStream([](auto& stream) -> Task<> {
        const std::string much(kTooMuch, 'x');
        auto send = [&]() -> Task<> { co_await stream.Send(much); };
        auto end = co_await Observe(send);
        ExpectError<RuntimeFailure>(end.error(), [](const RuntimeFailure& e) {
          EXPECT_THAT(e.what(), SaysTheLimit());
        });
        co_await stream.Send("small");
        EXPECT_EQ(co_await stream.Receive(), "small");
      });
    });
  });
}

}  // namespace
}  // namespace tractor::testing
