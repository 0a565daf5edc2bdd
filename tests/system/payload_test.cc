// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Payloads of another type, or of another version, than the receiver's.
// semantics.md 6.2, C-057.
//
// The types of an endpoint are those of its function, so a sender that is wrong
// does not compile; the one here writes its frames itself.
#include <google/protobuf/wrappers.pb.h>

#include <concepts>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/tractor.h"
#include "tests/support/run_actors.h"
#include "tests/system/fake_peer.h"
#include "tests/system/versions.pb.h"

namespace tractor {

// Both are the message "tractor.test_versions.Order".
template <class T>
struct OrderTraits {
  static std::string_view Name() { return "tractor.test_versions.Order"; }
  template <class Header>
  static absl::Status Append(wire::SendQueue& queue, const Header& header,
                             const T& order) {
    return queue.Append(
        header, static_cast<const google::protobuf::MessageLite&>(order));
  }
  static bool Parse(std::string_view bytes, T& order) {
    return order.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  }
};
template <>
struct PayloadTraits<test_versions::OldOrder>
    : OrderTraits<test_versions::OldOrder> {};
template <>
struct PayloadTraits<test_versions::NewOrder>
    : OrderTraits<test_versions::NewOrder> {};

}  // namespace tractor

namespace tractor::testing {
namespace {

using ::google::protobuf::Int64Value;
using test_versions::NewOrder;
using test_versions::OldOrder;
using ::testing::HasSubstr;
using wire::FrameKind;
using wire::OwnedFrame;
using wire::SimpleHeader;

constexpr char kOrder[] = "tractor.test_versions.Order";
constexpr char kInt[] = "google.protobuf.Int64Value";
// No field may begin like this.
constexpr char kNoMessage[] = "\xff\xff\xff";

// ---- endpoints ----

using Numbers = Context<Int64Value, Int64Value, Int64Value>;

Task<Int64Value> GiveANumber(Numbers& ctx) {
  Int64Value one;
  one.set_value(1);
  co_await ctx.Started(one);
  co_return one;
}
TRACTOR_ENDPOINT(GiveANumber);

// Of the program that knows the old version, and of the one with the new one:
// one more, and what else was in it.
Task<OldOrder> OneMoreOld(OldOrder order) {
  order.set_count(order.count() + 1);
  co_return order;
}
TRACTOR_ENDPOINT(OneMoreOld);

Task<NewOrder> OneMoreNew(NewOrder order) {
  order.set_count(order.count() + 1);
  co_return order;
}
TRACTOR_ENDPOINT(OneMoreNew);

// ---- C-057: senders ----

template <class C, class T>
concept CanStart = requires(C& context, T value) { context.Started(value); };
template <class S, class T>
concept CanSend = requires(S& stream, T value) { stream.Send(value); };
template <class R, class T>
concept CanReturn =
    requires(typename std::coroutine_traits<Task<R>>::promise_type& promise,
             T value) { promise.return_value(value); };

static_assert(CanStart<Numbers, Int64Value> && !CanStart<Numbers, OldOrder>);
static_assert(!CanStart<Numbers, std::string>);
static_assert(CanReturn<Int64Value, Int64Value> &&
              !CanReturn<Int64Value, std::string>);
static_assert(!CanReturn<Int64Value, OldOrder>);
static_assert(CanSend<Numbers::StreamType, Int64Value> &&
              !CanSend<Numbers::StreamType, OldOrder>);

// ---- C-057: receivers ----

enum class Value { kGood, kOtherType, kNoMessage };

class Values : public ::testing::TestWithParam<std::tuple<Value, Value>> {};

void SendValue(FakePeer& callee, FrameKind kind, Value value) {
  Int64Value seven;
  seven.set_value(7);
  switch (value) {
    case Value::kGood:
      return callee.Send(SimpleHeader(kind, 1, kInt),
                         seven.SerializeAsString());
    case Value::kOtherType:
      return callee.Send(SimpleHeader(kind, 1, kOrder), "");
    case Value::kNoMessage:
      return callee.Send(SimpleHeader(kind, 1, kInt), kNoMessage);
  }
}

void ExpectTypeError(const std::exception_ptr& error, std::string_view place,
                     Value value) {
  const std::string got =
      value == Value::kOtherType ? kOrder : "bytes that are none";
  ExpectError<MsgTypeError>(error, [&](const MsgTypeError& e) {
    EXPECT_EQ(e.place(), place);
    EXPECT_EQ(e.expected(), kInt);
    EXPECT_EQ(e.got(), got);
    for (const std::string& part : {std::string(place), e.expected(), got}) {
      EXPECT_THAT(e.what(), HasSubstr(part));
    }
  });
}

// A wrong first value ends the context before its block runs, and cancels the
// callee; a wrong result comes out behind the block.
TEST_P(Values, C057_OfWhichOneIsWrong) {
  const auto [started, result] = GetParam();
  bool ran = false, cancelled = false;
  const std::exception_ptr error = ErrorOf([&]() -> Task<> {
    FakePeer callee;
    const Portal portal = callee.MakePortal();
    auto play = [&]() -> Task<> {
      callee.SayHello();
      co_await callee.Next(FrameKind::kStart);
      SendValue(callee, FrameKind::kStarted, started);
      if (started == Value::kGood) {
        SendValue(callee, FrameKind::kReturn, result);
        co_return;
      }
      const std::optional<OwnedFrame> cancel =
          co_await callee.Next(FrameKind::kCancel);
      cancelled = cancel.has_value();
      SendValue(callee, FrameKind::kReturn, result);
    };
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(play);
      auto call = [&]() -> Task<> {
        const std::optional<Int64Value> seven =
            co_await portal.WithContext(GiveANumber, [&](auto& ctx) -> Task<> {
              ran = true;
              EXPECT_EQ(ctx.first().value(), 7);
              co_return;
            });
        EXPECT_EQ(seven->value(), 7);
      };
      auto end = co_await Observe(call);
      // Else it would be in a group.
      if (end.has_error()) co_await Checkpoint();
      co_await std::move(end).Get();
    });
  });
  EXPECT_EQ(ran, started == Value::kGood);
  EXPECT_EQ(cancelled, started != Value::kGood);
  if (started != Value::kGood) {
    ExpectTypeError(Collapse(error), "started", started);
  } else if (result != Value::kGood) {
    ExpectTypeError(Collapse(error), "result", result);
  } else {
    EXPECT_EQ(error, nullptr) << DescribeException(error);
  }
}

constexpr Value kValues[] = {Value::kGood, Value::kOtherType,
                             Value::kNoMessage};

std::string NameOfValues(
    const ::testing::TestParamInfo<Values::ParamType>& info) {
  auto name = [](Value value) -> std::string {
    if (value == Value::kGood) return "Good";
    return value == Value::kOtherType ? "OtherType" : "NoMessage";
  };
  return "First" + name(std::get<0>(info.param)) + "Result" +
         name(std::get<1>(info.param));
}

INSTANTIATE_TEST_SUITE_P(All, Values,
                         ::testing::Combine(::testing::ValuesIn(kValues),
                                            ::testing::ValuesIn(kValues)),
                         NameOfValues);

// ---- two versions ----

OldOrder Old() {
  OldOrder order;
  order.set_item("apples");
  order.set_count(3);
  order.set_kind(OldOrder::BUY);
  return order;
}

NewOrder New() {
  NewOrder order;
  order.set_item("apples");
  order.set_count(3);
  order.set_kind(NewOrder::SELL);
  order.set_note("ripe ones");
  order.set_limit(2.5);
  return order;
}

// What a child answers whose `endpoint` is called with these bytes of an order.
std::string AnswerOfAChild(const std::string& endpoint,
                           const std::string& order) {
  std::string answer;
  RunActors([&]() -> Task<> {
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      ActorOptions options("child");
      options.Expose(OneMoreOld, OneMoreNew);
      co_await an.StartActor(options);
      FakePeer parent;
      co_await parent.ConnectTo("child");
      parent.SayHello();
      parent.Start(1, endpoint, kOrder, order);
      const std::optional<OwnedFrame> reply =
          co_await parent.Next(FrameKind::kReturn);
      if (reply.has_value()) {
        EXPECT_EQ(reply->type, kOrder);
        answer = reply->payload;
      }
      co_await an.Cancel();
    });
  });
  return answer;
}

// What a parent's call of `endpoint` gives when its child says `answer`, and
// the bytes that the child is sent.
template <class Order>
Order AnswerToAParent(Task<Order> (*endpoint)(Order), const Order& order,
                      const std::string& answer, std::string* sent) {
  return RunActors([&]() -> Task<Order> {
    FakePeer child;
    const Portal portal = child.MakePortal();
    auto play = [&]() -> Task<> {
      child.SayHello();
      const std::optional<OwnedFrame> start =
          co_await child.Next(FrameKind::kStart);
      EXPECT_EQ(start->type, kOrder);
      *sent = start->payload;
      child.Send(SimpleHeader(FrameKind::kReturn, 1, kOrder), answer);
    };
    Order got;
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(play);
      got = co_await portal.Call(endpoint, order);
    });
    co_return got;
  });
}

TEST(Versions, ANewerParentAndAnOlderChild) {
  NewOrder back;
  ASSERT_TRUE(back.ParseFromString(
      AnswerOfAChild(NameOf<&OneMoreOld>(), New().SerializeAsString())));
  EXPECT_EQ(back.count(), 4);
  // What the child does not know has passed through it.
  EXPECT_EQ(back.note(), "ripe ones");
  EXPECT_EQ(back.limit(), 2.5);
  EXPECT_EQ(back.kind(), NewOrder::SELL);

  std::string sent;
  back = AnswerToAParent(&OneMoreNew, New(), Old().SerializeAsString(), &sent);
  OldOrder child;
  ASSERT_TRUE(child.ParseFromString(sent));
  EXPECT_EQ(child.item(), "apples");
  EXPECT_EQ(child.count(), 3);
  EXPECT_EQ(back.item(), "apples");
  EXPECT_EQ(back.note(), "");
  EXPECT_FALSE(back.has_limit());
}

TEST(Versions, AnOlderParentAndANewerChild) {
  OldOrder back;
  ASSERT_TRUE(back.ParseFromString(
      AnswerOfAChild(NameOf<&OneMoreNew>(), Old().SerializeAsString())));
  EXPECT_EQ(back.item(), "apples");
  EXPECT_EQ(back.count(), 4);
  EXPECT_EQ(back.kind(), OldOrder::BUY);

  std::string sent;
  back = AnswerToAParent(&OneMoreOld, Old(), New().SerializeAsString(), &sent);
  NewOrder child;
  ASSERT_TRUE(child.ParseFromString(sent));
  EXPECT_EQ(child.count(), 3);
  EXPECT_FALSE(child.has_limit());
  EXPECT_EQ(back.count(), 3);
  NewOrder kept;
  ASSERT_TRUE(kept.ParseFromString(back.SerializeAsString()));
  EXPECT_EQ(kept.note(), "ripe ones");
}

// It is the name that tells a version from another message.
TEST(Versions, AnotherNameIsNoVersion) {
  RunActors([]() -> Task<> {
    co_await WithActorNursery([](ActorNursery& an) -> Task<> {
      ActorOptions options("child");
      options.Expose(OneMoreOld);
      co_await an.StartActor(options);
      FakePeer parent;
      co_await parent.ConnectTo("child");
      parent.SayHello();
      parent.Start(1, NameOf<&OneMoreOld>(), "tractor.test_versions.OldOrder",
                   Old().SerializeAsString());
      const std::exception_ptr error = co_await parent.NextError();
      ExpectError<MsgTypeError>(error, [](const MsgTypeError& e) {
        EXPECT_EQ(e.place(), "request");
        EXPECT_EQ(e.expected(), kOrder);
        EXPECT_EQ(e.got(), "tractor.test_versions.OldOrder");
        EXPECT_EQ(e.source().name, "child");
      });
      co_await an.Cancel();
    });
  });
}

}  // namespace
}  // namespace tractor::testing
