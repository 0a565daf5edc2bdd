// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Signals to an actor, and to whoever is ending itself: with those of
// root_test.cc and nursery_test.cc every line of the table in
// docs/semantics.md.
#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "os/pidfd.h"
#include "runtime/tractor.h"
#include "tests/support/backend.h"
#include "tests/support/doorbell.h"
#include "tests/support/program.h"
#include "tests/support/run_actors.h"
#include "tests/support/test_files.h"

namespace tractor::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Env(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

void Say(const char* line) {
  std::printf("%s\n", line);
  std::fflush(stdout);
}

void SignalActor(const Portal& portal, int signal) {
  const auto pidfd = os::Pidfd::Open(portal.aid().pid);
  if (!pidfd.ok() || !pidfd->Signal(signal).ok()) std::abort();
}

// ---- endpoints ----

Task<> Nop() { co_return; }
TRACTOR_ENDPOINT(Nop);

// "bell gate path": cancelled, it rings, waits until somebody opens the gate,
// and leaves a mark.
Task<> CleanUpBehindAGate(std::string spec) {
  const std::vector<std::string> words = absl::StrSplit(spec, ' ');
  auto clean = [&]() -> Task<> {
    Doorbell gate(words.at(1));
    Doorbell::Ring(words.at(0));
    co_await gate.Wait();
    TestFiles::Append(words.at(2), "cleaned");
  };
  co_await Finally([]() -> Task<> { co_await SleepForever(); }, absl::Hours(1),
                   clean);
}
TRACTOR_ENDPOINT(CleanUpBehindAGate);

// ---- to an actor ----

// Sends what its environment says to a child, calls it, and says "answered".
Task<> RootThatSignalsItsChild() {
  co_await WithActorNursery([](ActorNursery& an) -> Task<> {
    const Portal child =
        co_await an.StartActor(ActorOptions("child").Expose(Nop));
    SignalActor(child, std::atoi(Env("SIGNAL").c_str()));
    co_await child.Call(Nop);
    Say("answered");
  });
}
TEST_PROGRAM(SignalsItsChild) {
  return Main(argc, argv, RootThatSignalsItsChild);
}

TEST(SignalsToAnActor, SigquitAndSigusr1ShowItsTasks) {
  SKIP_ON_BACKEND(thread, "it is one process");
  for (const int signal : {SIGQUIT, SIGUSR1}) {
    Program program("SignalsItsChild", {{"SIGNAL", absl::StrCat(signal)}});
    ASSERT_TRUE(program.WaitForLine("tasks of child@")) << program.output();
    program.Signal(SIGINT);
    EXPECT_EQ(program.Join(), 128 + SIGINT) << "it ended nobody";
    EXPECT_THAT(program.output(), HasSubstr("answered"));
  }
}

TEST(SignalsToAnActor, SighupIsNothing) {
  SKIP_ON_BACKEND(thread, "it is one process");
  Program program("SignalsItsChild", {{"SIGNAL", absl::StrCat(SIGHUP)}});
  ASSERT_TRUE(program.WaitForLine("answered")) << program.output();
  program.Signal(SIGINT);
  EXPECT_EQ(program.Join(), 128 + SIGINT);
  EXPECT_THAT(program.output(), Not(HasSubstr("tasks of")));
}

// ---- to an actor that is ending itself ----

// Cancels an actor, sends it `signal` while it cleans up, and lets it finish.
// What its clean-up has left; `error` is that of the root.
std::string SignalInTheCleanup(int signal, std::exception_ptr& error) {
  TestFiles files;
  error = ErrorOf([&]() -> Task<> {
    Doorbell bell(files, "bell"), gate(files, "gate");
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      const Portal child = co_await an.StartActor(
          ActorOptions("child").Expose(Nop, CleanUpBehindAGate));
      co_await WithNursery([&](Nursery& n) -> Task<> {
        n.StartSoon([&]() -> Task<> {
          const std::string spec = absl::StrCat(bell.path(), " ", gate.path(),
                                                " ", files.Path("mark"));
          auto call = [&]() -> Task<> {
            co_await child.Call(CleanUpBehindAGate, spec);
          };
          (void)co_await Observe(call);
        });
        co_await child.Call(Nop);
        n.StartSoon([&]() -> Task<> { co_await an.Cancel(); });
        co_await bell.Wait();
        SignalActor(child, signal);
        Doorbell::Ring(gate.path());
      });
    });
  });
  return files.Read("mark");
}

TEST(SignalsWhileTearingDown, AFirstOneToAnActorChangesNothing) {
  SKIP_ON_BACKEND(thread, "it is one process");
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1}) {
    std::exception_ptr error;
    EXPECT_EQ(SignalInTheCleanup(signal, error), "cleaned") << signal;
    EXPECT_EQ(error, nullptr) << signal << ": " << DescribeException(error);
  }
}

// ---- to a root that is ending itself ----

// By itself: its main task is in its clean-up, no signal has come yet.
Task<> RootThatCleansUpBehindAGate() {
  Doorbell gate(Env("GATE"));
  auto clean = [&]() -> Task<> {
    Say("cleaning");
    co_await gate.Wait();
    Say("cleaned");
  };
  co_await Finally([]() -> Task<> { co_return; }, absl::Hours(1), clean);
}
TEST_PROGRAM(CleansUpBehindAGate) {
  return Main(argc, argv, RootThatCleansUpBehindAGate);
}

TEST(SignalsWhileTearingDown, AFirstOneToARootLetsItFinish) {
  for (const int signal : {SIGINT, SIGTERM}) {
    TestFiles files;
    const Doorbell gate(files, "gate");
    Program program("CleansUpBehindAGate",
                    {{"GATE", gate.path()}, {"TRACTOR_LOGLEVEL", "cancel"}});
    ASSERT_TRUE(program.WaitForLine("cleaning")) << program.output();
    program.Signal(signal);
    // One that were still on its way at the end would end the program itself.
    const char* const name = signal == SIGINT ? ": SIGINT" : ": SIGTERM";
    ASSERT_TRUE(program.WaitForLine(name)) << program.output();
    Doorbell::Ring(gate.path());
    EXPECT_EQ(program.Join(), 128 + signal) << program.output();
    EXPECT_THAT(program.output(), HasSubstr("cleaned"));
    EXPECT_THAT(program.output(), HasSubstr("ended by signal"));
  }
}

TEST(SignalsWhileTearingDown, SomeShowTheTasksOfARootAndEndNobody) {
  TestFiles files;
  const Doorbell gate(files, "gate");
  Program program("CleansUpBehindAGate", {{"GATE", gate.path()}});
  ASSERT_TRUE(program.WaitForLine("cleaning")) << program.output();
  program.Signal(SIGHUP);
  for (const int signal : {SIGUSR1, SIGQUIT}) {
    program.Signal(signal);
    ASSERT_TRUE(program.WaitForLine("tasks of root@")) << program.output();
  }
  Doorbell::Ring(gate.path());
  EXPECT_EQ(program.Join(), 0) << program.output();
  EXPECT_THAT(program.output(), HasSubstr("cleaned"));
}

}  // namespace
}  // namespace tractor::testing
