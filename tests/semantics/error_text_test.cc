// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// What a remote error of a whole tree, and one that came a long way, says.
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/error.pb.h"
#include "runtime/actor/internal/native_stack.h"
#include "runtime/tractor.h"
#include "tests/support/run_actors.h"

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

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr size_t kMaxLines = 40;

// ---- endpoints ----

Task<> Fail(std::string what) {
  co_await Checkpoint();
  throw PlantedError(what);
}
TRACTOR_ENDPOINT(Fail);

// Runs endpoint(argument) in `count` actors, and throws what all of them have
// failed with. One after the other: a slow machine could not end 256 processes
// at once within their budgets, and would tell of that.
template <class Endpoint>
Task<> FailInEach(int count, const char* name, Endpoint endpoint,
                  std::string argument) {
  std::vector<std::exception_ptr> errors;
  co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
    for (int i = 0; i < count; ++i) {
      auto run = [&]() -> Task<> {
        co_await an.RunInActor(ActorOptions(name), endpoint, argument);
      };
      const auto end = co_await Observe(run);
      errors.push_back(end.error());
    }
  });
  throw ExceptionGroup(absl::StrCat("all of ", name), std::move(errors));
}

Task<> FailInLeaves(std::string count) {
  return FailInEach(std::atoi(count.c_str()), "leaf", Fail, "of a leaf");
}
TRACTOR_ENDPOINT(FailInLeaves);

// One actor that has 15, each of which has 16: a tree of 256.
Task<> FailInATree() { return FailInEach(15, "middle", FailInLeaves, "16"); }
TRACTOR_ENDPOINT(FailInATree);

Task<> FailInAGroup() {
  std::vector<std::exception_ptr> errors = {
      std::make_exception_ptr(PlantedError("one of two")),
      std::make_exception_ptr(std::domain_error("the other one"))};
  co_await Checkpoint();
  throw ExceptionGroup("both", std::move(errors));
}
TRACTOR_ENDPOINT(FailInAGroup);

// "2 one": through two more actors, then by Fail; "2 group": by FailInAGroup.
Task<> FailBelow(std::string spec) {
  const int hops = std::atoi(spec.c_str());
  const std::string how = spec.substr(spec.find(' ') + 1);
  co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
    const ActorOptions options(absl::StrCat("hop", hops));
    if (hops > 1) {
      const std::string next = absl::StrCat(hops - 1, " ", how);
      co_await an.RunInActor(options, FailBelow, next);
    } else if (how == "group") {
      co_await an.RunInActor(options, FailInAGroup);
    } else {
      co_await an.RunInActor(options, Fail, "at the bottom");
    }
  });
}
TRACTOR_ENDPOINT(FailBelow);

// ---- helpers ----

// The error of one actor, "top", that runs `run(nursery, options)`.
template <class F>
std::exception_ptr TopError(F run) {
  return ErrorOf([&]() -> Task<> {
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      const ActorOptions options("top");
      co_await run(an, options);
    });
  });
}

// From this actor's child "top" through three more.
std::exception_ptr ThreeHops(const std::string& how) {
  return TopError([&](ActorNursery& an, const ActorOptions& options) -> Task<> {
    co_await an.RunInActor(options, FailBelow, "3 " + how);
  });
}

std::vector<std::string> NamesOf(const std::vector<Aid>& aids) {
  std::vector<std::string> names;
  for (const Aid& aid : aids) names.push_back(aid.name);
  return names;
}

// How many errors `error` stands for that are no groups, and of these those
// that were left out on the way for their size.
struct Leaves {
  int all = 0;
  int dropped = 0;
};

Leaves CountLeaves(const std::exception_ptr& error) {
  Leaves leaves;
  ExpectError<RemoteActorError>(error, [&](const RemoteActorError& e) {
    for (const std::exception_ptr& member : e.nested()) {
      const Leaves below = CountLeaves(member);
      leaves.all += below.all;
      leaves.dropped += below.dropped;
    }
    const auto dropped = static_cast<int>(e.proto().dropped_nested());
    leaves.all += dropped;
    leaves.dropped += dropped;
    if (leaves.all > 0) return;
    EXPECT_TRUE(e.Is<PlantedError>());
    EXPECT_EQ(e.source().name, "leaf");
    leaves.all = 1;
  });
  return leaves;
}

// ---- tests ----

TEST(ErrorText, OfATreeOf256ActorsHasTheRootCauseFirst) {
  const std::exception_ptr error =
      TopError([](ActorNursery& an, const ActorOptions& options) -> Task<> {
        co_await an.RunInActor(options, FailInATree);
      });
  const Leaves leaves = CountLeaves(error);
  EXPECT_EQ(leaves.all, 15 * 16);
  std::printf("%d of %d were left out\n", leaves.dropped, leaves.all);
  ExpectError<RemoteActorError>(error, [](const RemoteActorError& e) {
    const std::string text = e.what();
    const std::vector<std::string> lines = absl::StrSplit(text, '\n');
    EXPECT_LE(lines.size(), kMaxLines) << text;
    ASSERT_GE(lines.size(), 3u) << text;
    EXPECT_THAT(lines[0], AllOf(StartsWith("actor 'leaf@"),
                                HasSubstr("PlantedError: of a leaf")));
    EXPECT_THAT(lines[1], AllOf(StartsWith("  the first in actor 'top@"),
                                HasSubstr("(15 errors)")));
    EXPECT_THAT(lines[2], AllOf(StartsWith("|- actor 'middle@"),
                                HasSubstr("(16 errors)")));
  });
}

TEST(ErrorText, OfThreeHopsNamesTheWayTheTasksAndTheThrow) {
  ExpectError<RemoteActorError>(
      ThreeHops("one"), [](const RemoteActorError& e) {
        EXPECT_THAT(NamesOf(e.relay_path()),
                    ElementsAre("hop1", "hop2", "hop3", "top"));
        EXPECT_EQ(e.source().name, "hop1");
        EXPECT_TRUE(e.Is<PlantedError>());
        EXPECT_TRUE(e.Is<std::runtime_error>()) << "a base class of it";
        EXPECT_FALSE(e.Is<std::domain_error>());
        EXPECT_THROW(e.Unbox(), PlantedError);
        ASSERT_FALSE(e.task_places().empty());
        EXPECT_THAT(e.task_places().front().file,
                    HasSubstr("error_text_test.cc"));
        EXPECT_GT(e.task_places().front().line, 0u);

        const std::string text = e.what();
        EXPECT_THAT(text, StartsWith("actor 'hop1@"));
        EXPECT_THAT(text, HasSubstr("PlantedError: at the bottom\n"));
        EXPECT_THAT(text, HasSubstr("\n  relayed: hop1@"));
        EXPECT_THAT(text, HasSubstr("\n  through tasks, innermost first:\n"));
        EXPECT_THAT(text, HasSubstr("error_text_test.cc:"));
        if (internal::NativeStacksSupported()) {
          EXPECT_THAT(text, HasSubstr("\n  thrown in:\n"));
        }
        const std::vector<std::string> lines = absl::StrSplit(text, '\n');
        EXPECT_LE(lines.size(), kMaxLines) << text;
      });
}

TEST(ErrorText, OfAGroupThatCameThreeHopsIsThatOfAGroup) {
  ExpectError<RemoteActorError>(
      ThreeHops("group"), [](const RemoteActorError& e) {
        EXPECT_THAT(NamesOf(e.relay_path()),
                    ElementsAre("hop1", "hop2", "hop3", "top"));
        EXPECT_THROW(e.Unbox(), ExceptionGroup);
        EXPECT_TRUE(e.Is<ExceptionGroup>());
        EXPECT_FALSE(e.Is<PlantedError>()) << "what a group holds";
        const std::vector<std::exception_ptr> nested = e.nested();
        ASSERT_THAT(nested, SizeIs(2));
        ExpectError<RemoteActorError>(nested[0], [](const RemoteActorError& m) {
          EXPECT_TRUE(m.Is<PlantedError>());
          EXPECT_EQ(m.message(), "one of two");
          EXPECT_EQ(m.source().name, "hop1");
          EXPECT_THROW(m.Unbox(), PlantedError);
        });
        ExpectError<RemoteActorError>(nested[1], [](const RemoteActorError& m) {
          EXPECT_TRUE(m.Is<std::domain_error>());
          EXPECT_THROW(m.Unbox(), std::domain_error);
        });

        const std::string text = e.what();
        EXPECT_THAT(text, StartsWith("actor 'hop1@"));
        EXPECT_THAT(text, HasSubstr("PlantedError: one of two\n"));
        EXPECT_THAT(text, HasSubstr("\n  the first in actor 'hop1@"));
        EXPECT_THAT(text, HasSubstr("both (2 errors)\n"));
        EXPECT_THAT(text, HasSubstr("|- actor 'hop1@"));
        EXPECT_THAT(text, HasSubstr("std::domain_error: the other one"));
        EXPECT_THAT(text, HasSubstr("\n  relayed: hop1@"));
      });
}

}  // namespace
}  // namespace tractor::testing
