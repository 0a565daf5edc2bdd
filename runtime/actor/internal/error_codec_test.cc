// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/actor/internal/error_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <exception>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/time/time.h"
#include "proto/error.pb.h"
#include "runtime/actor/error_registry.h"
#include "runtime/actor/errors.h"
#include "runtime/actor/internal/native_stack.h"
#include "runtime/io/status_error.h"
#include "runtime/task/exception_group.h"
#include "runtime/task/scheduler.h"
#include "runtime/task/task.h"

namespace shop {

struct SoldOut : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct Unknown : std::logic_error {
  using std::logic_error::logic_error;
};
// Cannot be written, and says so by throwing.
struct Secret : std::exception {
  const char* what() const noexcept override { return "secret"; }
  static std::string Box(const Secret&) { throw std::logic_error("no"); }
  static Secret Unbox(const std::string&) { return Secret(); }
};

}  // namespace shop

TRACTOR_EXCEPTION(shop::SoldOut);
TRACTOR_EXCEPTION(shop::Secret);

namespace tractor::internal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

const Aid& Worker() {
  static const Aid aid = MakeAid("worker");
  return aid;
}
const Aid& Middle() {
  static const Aid aid = MakeAid("middle");
  return aid;
}
const Aid& Root() {
  static const Aid aid = MakeAid("root");
  return aid;
}

// Over the wire: packed by `from`, serialised, parsed, unpacked.
std::exception_ptr Cross(const std::exception_ptr& error, const Aid& from) {
  const std::string bytes = PackError(error, from).SerializeAsString();
  EXPECT_LE(bytes.size(), kMaxErrorBytes);
  proto::ErrorProto received;
  EXPECT_TRUE(received.ParseFromString(bytes));
  return UnpackError(received);
}

template <class E>
std::exception_ptr Cross(const E& error, const Aid& from) {
  return Cross(std::make_exception_ptr(error), from);
}

// A copy of what arrived; fails the test when it is none.
template <class E>
E Get(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const E& e) {
    return e;
  }
}

RemoteActorError Arrived(const std::exception_ptr& error) {
  return Get<RemoteActorError>(error);
}

std::vector<std::string> Names(const std::vector<Aid>& path) {
  std::vector<std::string> names;
  for (const Aid& aid : path) names.push_back(aid.name);
  return names;
}

TEST(ErrorCodecTest, StandardExceptionArrivesTyped) {
  const RemoteActorError error =
      Arrived(Cross(std::out_of_range("index 7"), Worker()));
  EXPECT_EQ(error.boxed_type(), "std::out_of_range");
  EXPECT_EQ(error.message(), "index 7");
  EXPECT_TRUE(error.source() == Worker());
  EXPECT_THAT(Names(error.relay_path()), ElementsAre("worker"));
  EXPECT_THAT(error.what(), StartsWith("actor '" + ToString(Worker()) +
                                       "': std::out_of_range: index 7"));
  EXPECT_THROW(error.Unbox(), std::out_of_range);
}

TEST(ErrorCodecTest, RegisteredTypeCanBeUnboxed) {
  const RemoteActorError error =
      Arrived(Cross(shop::SoldOut("pears"), Worker()));
  EXPECT_TRUE(error.Is<shop::SoldOut>());
  EXPECT_TRUE(error.Is<std::runtime_error>());
  EXPECT_STREQ(Get<shop::SoldOut>(error.boxed()).what(), "pears");
}

TEST(ErrorCodecTest, UnregisteredTypeArrivesAsText) {
  const RemoteActorError error = Arrived(Cross(shop::Unknown("x"), Worker()));
  EXPECT_EQ(error.boxed_type(), "shop::Unknown");
  EXPECT_EQ(error.message(), "x");
  EXPECT_TRUE(error.Is<shop::Unknown>());
  EXPECT_FALSE(error.boxed());
  EXPECT_THROW(error.Unbox(), RuntimeFailure);
}

TEST(ErrorCodecTest, TypeThatCannotBeWrittenArrivesAsText) {
  const RemoteActorError error = Arrived(Cross(shop::Secret(), Worker()));
  EXPECT_EQ(error.boxed_type(), "shop::Secret");
  EXPECT_FALSE(error.boxed());
}

TEST(ErrorCodecTest, WhatIsNoStdExceptionArrivesToo) {
  EXPECT_THAT(Arrived(Cross(42, Worker())).what(), HasSubstr("': int: 42"));
  EXPECT_EQ(Arrived(Cross(std::string("text"), Worker())).message(), "text");
  EXPECT_EQ(Arrived(Cross<const char*>("text", Worker())).message(), "text");
  struct Odd {};
  EXPECT_THAT(Arrived(Cross(Odd(), Worker())).boxed_type(), HasSubstr("Odd"));
}

TEST(ErrorCodecTest, MessageMayHoldAnyBytes) {
  const std::string bytes("\xff\0\x80", 3);
  EXPECT_EQ(Arrived(Cross(bytes, Worker())).message(), bytes);
}

TEST(ErrorCodecTest, SystemErrorKeepsItsCode) {
  const std::error_code code(ENOENT, std::system_category());
  const RemoteActorError error =
      Arrived(Cross(std::system_error(code, "open(/x)"), Worker()));
  EXPECT_EQ(Get<std::system_error>(error.boxed()).code(), code);
  EXPECT_THAT(error.message(), HasSubstr("open(/x): No such file"));
}

TEST(ErrorCodecTest, StatusErrorKeepsItsStatus) {
  absl::Status status = absl::DataLossError("torn");
  status.SetPayload("type.example/x", absl::Cord("payload"));
  const RemoteActorError error =
      Arrived(Cross(io::StatusError(status), Worker()));
  EXPECT_EQ(error.boxed_type(), "tractor::io::StatusError");
  EXPECT_EQ(Get<io::StatusError>(error.boxed()).status(), status);

  const RemoteActorError closed =
      Arrived(Cross(io::ConnectionClosed(status), Worker()));
  EXPECT_EQ(Get<io::ConnectionClosed>(closed.boxed()).status(), status);
  EXPECT_TRUE(closed.Is<io::StatusError>());
  EXPECT_FALSE(closed.Is<io::ResourceClosed>());
}

TEST(ErrorCodecTest, RelayedErrorKeepsTypeAndSource) {
  const std::exception_ptr at_middle = Cross(shop::SoldOut("pears"), Worker());
  const std::exception_ptr at_root = Cross(at_middle, Middle());
  const RemoteActorError error = Arrived(Cross(at_root, Root()));
  EXPECT_TRUE(error.source() == Worker());
  EXPECT_THAT(Names(error.relay_path()),
              ElementsAre("worker", "middle", "root"));
  EXPECT_TRUE(error.Is<shop::SoldOut>());
  EXPECT_EQ(error.message(), "pears");
}

TEST(ErrorCodecTest, PackedTwiceByOneActorIsOneHop) {
  const std::exception_ptr once = Cross(shop::SoldOut("x"), Worker());
  EXPECT_THAT(Names(Arrived(Cross(once, Worker())).relay_path()),
              ElementsAre("worker"));
}

// The reference implementation asserts here.
TEST(ErrorCodecTest, ErrorMayTravelInALoop) {
  std::exception_ptr error = Cross(shop::SoldOut("x"), Worker());
  error = Cross(error, Middle());
  error = Cross(error, Worker());
  EXPECT_THAT(Names(Arrived(error).relay_path()),
              ElementsAre("worker", "middle", "worker"));
}

TEST(ErrorCodecTest, CancelledKeepsItsKindAndCanceller) {
  std::exception_ptr error =
      Cross(ContextCancelled(Root(), "shutdown"), Worker());
  error = Cross(error, Middle());
  const auto cancelled = Get<ContextCancelled>(error);
  EXPECT_TRUE(cancelled.canceller() == Root());
  EXPECT_EQ(cancelled.reason(), "shutdown");
  EXPECT_TRUE(cancelled.source() == Worker());
  EXPECT_THAT(Names(cancelled.relay_path()), ElementsAre("worker", "middle"));
}

TEST(ErrorCodecTest, DeathKeepsItsKindAndItsSourceIsTheDead) {
  std::exception_ptr error =
      Cross(ActorDied(Worker(), {.signal = 9, .oom = true}), Middle());
  error = Cross(error, Root());
  const auto died = Get<ActorDied>(error);
  EXPECT_TRUE(died.actor() == Worker());
  EXPECT_TRUE(died.source() == Worker());
  EXPECT_EQ(died.signal(), 9);
  EXPECT_TRUE(died.oom());
  EXPECT_THAT(Names(died.relay_path()),
              ElementsAre("worker", "middle", "root"));
  EXPECT_THAT(died.what(),
              StartsWith("actor '" + ToString(Worker()) +
                         "' died of signal 9 (Killed), by the kernel's"));
}

TEST(ErrorCodecTest, OtherKindsKeepTheirs) {
  const auto type =
      Get<MsgTypeError>(Cross(MsgTypeError("result", "a.B", "a.C"), Worker()));
  EXPECT_EQ(type.expected(), "a.B");
  EXPECT_EQ(type.got(), "a.C");
  EXPECT_EQ(type.place(), "result");
  const auto endpoint =
      Get<EndpointNotExposed>(Cross(EndpointNotExposed("a::F"), Worker()));
  EXPECT_EQ(endpoint.endpoint(), "a::F");
  EXPECT_TRUE(endpoint.source() == Worker());
  Get<StreamOverrun>(Cross(StreamOverrun("x"), Worker()));
}

TEST(ErrorCodecTest, RuntimeErrorsAreUnboxedAsThemselves) {
  const auto boxed = [](const auto& error) {
    return Arrived(Cross(error, Worker())).boxed();
  };
  EXPECT_STREQ(Get<RuntimeFailure>(boxed(RuntimeFailure("x"))).what(), "x");
  EXPECT_TRUE(IsA<NoRuntime>(boxed(NoRuntime("x"))));
  EXPECT_TRUE(IsA<TransportClosed>(boxed(TransportClosed("x"))));
  const auto slow = Get<ActorTooSlowError>(
      boxed(ActorTooSlowError(Root(), "ack", absl::Milliseconds(500))));
  EXPECT_TRUE(slow.actor() == Root());
  EXPECT_EQ(slow.budget(), absl::Milliseconds(500));
  EXPECT_EQ(slow.waited_for(), "ack");
  EXPECT_TRUE(Arrived(Cross(NoRuntime("x"), Worker())).Is<RuntimeFailure>());
}

TEST(ErrorCodecTest, GroupArrivesAsAGroup) {
  const std::exception_ptr relayed = Cross(shop::SoldOut("plums"), Worker());
  const ExceptionGroup inner(
      "inner", {std::make_exception_ptr(std::logic_error("one")), relayed});
  const ExceptionGroup outer("outer",
                             {std::make_exception_ptr(inner),
                              std::make_exception_ptr(shop::SoldOut("pears"))});
  const RemoteActorError error = Arrived(Cross(outer, Middle()));

  EXPECT_EQ(error.boxed_type(), "tractor::ExceptionGroup");
  EXPECT_EQ(error.message(), "outer");
  EXPECT_TRUE(error.Is<ExceptionGroup>());
  EXPECT_FALSE(error.Is<shop::SoldOut>()) << "only a member is";
  ASSERT_EQ(error.nested().size(), 2u);
  EXPECT_TRUE(Arrived(error.nested()[1]).Is<shop::SoldOut>());

  const auto group = Get<ExceptionGroup>(error.boxed());
  EXPECT_EQ(group.message(), "outer");
  ASSERT_EQ(group.errors().size(), 2u);
  const RemoteActorError nested = Arrived(group.errors()[0]);
  ASSERT_EQ(nested.nested().size(), 2u);
  const RemoteActorError leaf = Arrived(nested.nested()[1]);
  EXPECT_EQ(leaf.message(), "plums");
  EXPECT_TRUE(leaf.source() == Worker());
  EXPECT_THAT(Names(leaf.relay_path()), ElementsAre("worker", "middle"));
  EXPECT_THROW(error.Unbox(), ExceptionGroup);
}

TEST(ErrorCodecTest, NestedExceptionBecomesTheCause) {
  std::exception_ptr thrown;
  try {
    try {
      throw shop::SoldOut("pears");
    } catch (const shop::SoldOut&) {
      std::throw_with_nested(std::runtime_error("no jam"));
    }
  } catch (const std::runtime_error&) {
    thrown = std::current_exception();
  }
  const RemoteActorError error = Arrived(Cross(thrown, Worker()));
  EXPECT_EQ(error.boxed_type(), "std::runtime_error");
  EXPECT_STREQ(Get<std::runtime_error>(error.boxed()).what(), "no jam");
  ASSERT_TRUE(error.cause());
  EXPECT_TRUE(Arrived(error.cause()).Is<shop::SoldOut>());
  EXPECT_THAT(error.what(), StartsWith("actor '" + ToString(Worker()) +
                                       "': shop::SoldOut: pears\n"
                                       "  led to std::runtime_error: no jam"));
}

Task<> Leaf() {
  throw shop::SoldOut("pears");
  co_return;
}
Task<> Branch() { co_await Leaf(); }

TEST(ErrorCodecTest, TaskPlacesAreKept) {
  Scheduler scheduler;
  const auto body = []() -> Task<> { co_await Branch(); };
  const auto outcome = scheduler.Run(body);
  ASSERT_TRUE(outcome.has_error());
  const std::exception_ptr crossed =
      UnpackError(PackError(outcome.error(), Worker(), "teller"));
  const std::vector<TaskPlace> places = Arrived(crossed).task_places();
  ASSERT_FALSE(places.empty());
  EXPECT_THAT(places[0].file, HasSubstr("error_codec_test.cc"));
  EXPECT_GT(places[0].line, 0u);
  EXPECT_EQ(places[0].task, "teller");
  EXPECT_THAT(Arrived(crossed).what(), HasSubstr("in task 'teller'"));
}

TEST(ErrorCodecTest, NativeStackOfTheThrowIsKept) {
  if (!NativeStacksSupported()) GTEST_SKIP() << "under a sanitizer";
  SetNativeStacks(true);
  std::exception_ptr thrown;
  try {
    throw shop::SoldOut("pears");
  } catch (const shop::SoldOut&) {
    thrown = std::current_exception();
  }
  const RemoteActorError error =
      Arrived(Cross(Cross(thrown, Worker()), Middle()));
  SetNativeStacks(false);
  ASSERT_FALSE(error.native_stack().empty());
  EXPECT_THAT(error.native_stack()[0], HasSubstr("error_codec_test.cc:"));
  EXPECT_THAT(error.what(), HasSubstr("  thrown in:\n"));
}

TEST(ErrorCodecTest, LocalErrorNamesNobodyUntilItIsSent) {
  const MsgTypeError local("stream", "a.B", "a.C");
  EXPECT_EQ(local.source().uuid, "");
  EXPECT_THAT(local.relay_path(), IsEmpty());
  EXPECT_TRUE(Arrived(Cross(local, Worker())).source() == Worker());
}

}  // namespace
}  // namespace tractor::internal
