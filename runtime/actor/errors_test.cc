// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/actor/errors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/time/time.h"
#include "proto/error.pb.h"
#include "runtime/task/exception_group.h"

namespace tractor {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

Aid Named(std::string name, int pid) {
  Aid aid;
  aid.name = std::move(name);
  aid.uuid = std::string(15, 'u') + static_cast<char>(pid);
  aid.pid = pid;
  return aid;
}

proto::ErrorProto Remote(std::string type, std::string message) {
  proto::ErrorProto error;
  error.set_kind(proto::ERROR_REMOTE);
  error.set_type(type);
  error.set_native_type(type);
  error.set_message(std::move(message));
  *error.mutable_source() = ToProto(Named("worker", 12));
  *error.add_relay_path() = error.source();
  return error;
}

long Lines(const std::string& text) {
  return std::count(text.begin(), text.end(), '\n') + 1;
}

template <class T>
concept CheapToCopy = std::is_nothrow_copy_constructible_v<T>;
static_assert(CheapToCopy<RemoteActorError> && CheapToCopy<ActorDied> &&
              CheapToCopy<ContextCancelled> && CheapToCopy<MsgTypeError> &&
              CheapToCopy<StreamOverrun> && CheapToCopy<EndpointNotExposed> &&
              CheapToCopy<ActorTooSlowError>);

TEST(RemoteActorErrorTest, FirstLineSaysWhoAndWhat) {
  const RemoteActorError error(Remote("std::domain_error", "negative"));
  EXPECT_STREQ(error.what(), "actor 'worker@12': std::domain_error: negative");
  EXPECT_EQ(error.boxed_type(), "std::domain_error");
  EXPECT_EQ(error.message(), "negative");
  EXPECT_TRUE(error.source() == Named("worker", 12));
  EXPECT_EQ(error.relay_path().size(), 1u);
}

TEST(RemoteActorErrorTest, WhatTellsTheWay) {
  proto::ErrorProto packed = Remote("bank::Overdrawn", "by 7");
  *packed.add_relay_path() = ToProto(Named("middle", 11));
  *packed.add_relay_path() = ToProto(Named("top", 10));
  proto::TaskPlace& place = *packed.add_task_places();
  place.set_file("bank.cc");
  place.set_line(7);
  place.set_function("Withdraw");
  place.set_task("teller");
  packed.set_dropped_places(2);
  packed.add_native_stack("Subtract (bank.cc:3)");
  const RemoteActorError error(packed);
  EXPECT_STREQ(error.what(),
               "actor 'worker@12': bank::Overdrawn: by 7\n"
               "  relayed: worker@12 -> middle@11 -> top@10\n"
               "  through tasks, innermost first:\n"
               "    Withdraw (bank.cc:7) in task 'teller'\n"
               "    ... 2 more\n"
               "  thrown in:\n"
               "    Subtract (bank.cc:3)");
  ASSERT_EQ(error.task_places().size(), 1u);
  EXPECT_EQ(error.task_places()[0].file, "bank.cc");
  EXPECT_EQ(error.task_places()[0].line, 7u);
  EXPECT_EQ(error.task_places()[0].function, "Withdraw");
  EXPECT_EQ(error.task_places()[0].task, "teller");
  ASSERT_EQ(error.native_stack().size(), 1u);
}

TEST(RemoteActorErrorTest, RootCauseComesFirst) {
  proto::ErrorProto packed = Remote("std::runtime_error", "cannot start");
  *packed.mutable_cause() = Remote("std::runtime_error", "cannot read");
  *packed.mutable_cause()->mutable_cause() =
      Remote("std::system_error", "disk is gone");
  const RemoteActorError error(packed);
  EXPECT_STREQ(error.what(),
               "actor 'worker@12': std::system_error: disk is gone\n"
               "  led to std::runtime_error: cannot read\n"
               "  led to std::runtime_error: cannot start");
  EXPECT_EQ(error.message(), "cannot start");
  ASSERT_TRUE(error.cause());
  EXPECT_TRUE(IsA<RemoteActorError>(error.cause()));
}

TEST(RemoteActorErrorTest, GroupIsATree) {
  proto::ErrorProto inner = Remote("tractor::ExceptionGroup", "leaves failed");
  inner.set_kind(proto::ERROR_GROUP);
  *inner.add_nested() = Remote("std::logic_error", "one");
  *inner.add_nested() = Remote("std::logic_error", "two");
  proto::ErrorProto outer = Remote("tractor::ExceptionGroup", "all failed");
  outer.set_kind(proto::ERROR_GROUP);
  *outer.add_nested() = inner;
  *outer.add_nested() = Remote("std::logic_error", "three");
  outer.set_dropped_nested(4);
  const RemoteActorError error(outer);
  EXPECT_STREQ(
      error.what(),
      "actor 'worker@12': std::logic_error: one\n"
      "  the first in actor 'worker@12': tractor::ExceptionGroup: all failed "
      "(6 errors)\n"
      "|- actor 'worker@12': tractor::ExceptionGroup: leaves failed (2 "
      "errors)\n"
      "|  |- actor 'worker@12': std::logic_error: one\n"
      "|  |- actor 'worker@12': std::logic_error: two\n"
      "|- actor 'worker@12': std::logic_error: three\n"
      "|- and 4 more, left out for their size");
}

TEST(RemoteActorErrorTest, WhatNeverHasMoreThanFortyLines) {
  proto::ErrorProto packed = Remote("tractor::ExceptionGroup", "");
  packed.set_kind(proto::ERROR_GROUP);
  for (int i = 0; i < 100; ++i) {
    *packed.mutable_message() += "line\n";
    *packed.add_nested() = Remote("T", "member");
    packed.add_task_places()->set_function("f");
    packed.add_native_stack("g");
    *packed.add_relay_path() = packed.source();
  }
  proto::ErrorProto* deepest = &packed;
  for (int i = 0; i < 50; ++i) {
    *deepest->mutable_cause() = Remote("C", "cause");
    deepest = deepest->mutable_cause();
  }
  deepest->set_message(packed.message());
  const std::string text = RemoteActorError(packed).what();
  EXPECT_LE(Lines(text), 40);
  EXPECT_THAT(text, HasSubstr("relayed: "));
}

TEST(RemoteActorErrorTest, ControlCharactersDoNotReachTheTerminal) {
  const RemoteActorError error(Remote("T", "a\x1b[2Jb\tc\rd"));
  EXPECT_STREQ(error.what(), "actor 'worker@12': T: a?[2Jb c?d");
  EXPECT_EQ(error.message(), "a\x1b[2Jb\tc\rd");
}

TEST(RemoteActorErrorTest, LongLinesAreCut) {
  const RemoteActorError error(Remote("T", std::string(100000, 'x')));
  EXPECT_LT(std::string(error.what()).size(), 1000u);
  EXPECT_EQ(error.message().size(), 100000u);
}

TEST(RemoteActorErrorTest, UnboxThrowsTheOriginal) {
  const RemoteActorError error(Remote("std::domain_error", "negative"));
  EXPECT_TRUE(error.Is<std::domain_error>());
  EXPECT_TRUE(error.Is<std::logic_error>()) << "a base class";
  EXPECT_FALSE(error.Is<std::runtime_error>());
  try {
    error.Unbox();
  } catch (const std::domain_error& original) {
    EXPECT_STREQ(original.what(), "negative");
    return;
  }
}

TEST(RemoteActorErrorTest, UnknownTypeStaysText) {
  const RemoteActorError error(Remote("bank::Overdrawn", "by 7"));
  EXPECT_FALSE(error.boxed());
  EXPECT_FALSE(error.Is<std::runtime_error>());
  try {
    error.Unbox();
  } catch (const RuntimeFailure& failure) {
    EXPECT_THAT(failure.what(), HasSubstr("bank::Overdrawn"));
    EXPECT_THAT(failure.what(), HasSubstr("not registered here"));
    EXPECT_THAT(failure.what(), HasSubstr("by 7"));
  }
}

struct Unregistered : std::runtime_error {
  using std::runtime_error::runtime_error;
};

TEST(RemoteActorErrorTest, UnregisteredTypeIsKnownByItsName) {
  proto::ErrorProto packed = Remote("", "x");
  packed.set_native_type("tractor::(anonymous namespace)::Unregistered");
  const RemoteActorError error(packed);
  EXPECT_TRUE(error.Is<Unregistered>());
  EXPECT_FALSE(error.Is<std::runtime_error>());
  EXPECT_EQ(error.boxed_type(), "tractor::(anonymous namespace)::Unregistered");
}

TEST(RemoteActorErrorTest, NothingKnownIsSaidSo) {
  const RemoteActorError error{proto::ErrorProto()};
  EXPECT_EQ(error.boxed_type(), "<unknown>");
  EXPECT_STREQ(error.what(), "<unknown>");
  EXPECT_FALSE(error.boxed());
  EXPECT_FALSE(error.cause());
  EXPECT_TRUE(error.nested().empty());
  EXPECT_THROW(error.Unbox(), RuntimeFailure);
}

TEST(ActorDiedTest, SaysWhichActorDiedOfWhat) {
  const ActorDied killed(Named("w1", 1234), ActorExit{.signal = 9});
  EXPECT_STREQ(killed.what(), "actor 'w1@1234' died of signal 9 (Killed)");
  EXPECT_EQ(killed.signal(), 9);
  EXPECT_FALSE(killed.oom());
  EXPECT_TRUE(killed.actor() == Named("w1", 1234));
  EXPECT_TRUE(killed.source() == Named("w1", 1234));
  EXPECT_EQ(killed.boxed_type(), "tractor::ActorDied");
  EXPECT_TRUE(killed.Is<ActorDied>());
  EXPECT_FALSE(killed.Is<StreamOverrun>());
  EXPECT_THROW(killed.Unbox(), ActorDied);
}

TEST(ActorDiedTest, SaysAllThatIsKnown) {
  const ActorDied oom(Named("w1", 7),
                      ActorExit{.signal = 9, .core = false, .oom = true});
  EXPECT_STREQ(
      oom.what(),
      "actor 'w1@7' died of signal 9 (Killed), by the kernel's OOM killer");
  EXPECT_TRUE(oom.oom());
  const ActorDied core(Named("w1", 7), ActorExit{.signal = 11, .core = true});
  EXPECT_STREQ(core.what(),
               "actor 'w1@7' died of signal 11 (Segmentation fault), core "
               "dumped");
  EXPECT_TRUE(core.core());
  const ActorDied boot(
      Named("w1", 7),
      ActorExit{.code = 3, .booting = true, .detail = "no such module"});
  EXPECT_STREQ(
      boot.what(),
      "actor 'w1@7' exited with code 3 before its hello: no such module");
  EXPECT_EQ(boot.exit_code(), 3);
  EXPECT_EQ(boot.signal(), 0);
  EXPECT_TRUE(boot.booting());
  const ActorDied odd(Named("w1", 7), ActorExit{.signal = 9999});
  EXPECT_STREQ(odd.what(), "actor 'w1@7' died of signal 9999");
}

TEST(LocalErrorsTest, SayWhatToDo) {
  const EndpointNotExposed missing("bank::Withdraw");
  EXPECT_EQ(missing.endpoint(), "bank::Withdraw");
  EXPECT_THAT(missing.what(),
              StartsWith("tractor::EndpointNotExposed: endpoint "
                         "'bank::Withdraw' is not exposed; add Expose("));
  EXPECT_THAT(missing.what(), HasSubstr("TRACTOR_ENDPOINT("));
  EXPECT_THAT(EndpointNotExposed("x", "ask the owner").what(),
              testing::EndsWith("is not exposed; ask the owner"));
}

TEST(LocalErrorsTest, CarryTheirDetails) {
  const ContextCancelled cancelled(Named("root", 1), "shutdown");
  EXPECT_TRUE(cancelled.canceller() == Named("root", 1));
  EXPECT_EQ(cancelled.reason(), "shutdown");
  EXPECT_STREQ(
      cancelled.what(),
      "tractor::ContextCancelled: cancelled by actor 'root@1': shutdown");

  const MsgTypeError type("stream", "shop.Order", "");
  EXPECT_EQ(type.place(), "stream");
  EXPECT_EQ(type.expected(), "shop.Order");
  EXPECT_EQ(type.got(), "");
  EXPECT_STREQ(type.what(),
               "tractor::MsgTypeError: stream: expected shop.Order, got "
               "nothing");

  const StreamOverrun overrun("3 messages too many");
  EXPECT_STREQ(overrun.what(), "tractor::StreamOverrun: 3 messages too many");

  const ActorTooSlowError slow(Named("w", 5), "ack of a cancel",
                               absl::Milliseconds(500));
  EXPECT_STREQ(slow.what(),
               "actor 'w@5' is too slow: no ack of a cancel within 500ms");
  EXPECT_EQ(slow.budget(), absl::Milliseconds(500));
  EXPECT_EQ(slow.waited_for(), "ack of a cancel");
}

TEST(LocalErrorsTest, HaveTheBasesThatHandlersCatch) {
  EXPECT_THROW(throw NoRuntime("x"), RuntimeFailure);
  EXPECT_THROW(throw ActorTooSlowError(Aid(), "x", absl::Seconds(1)),
               RuntimeFailure);
  EXPECT_THROW(throw ActorDied(Aid(), ActorExit()), RemoteActorError);
  static_assert(!std::is_base_of_v<RuntimeFailure, TransportClosed>);
}

}  // namespace
}  // namespace tractor
