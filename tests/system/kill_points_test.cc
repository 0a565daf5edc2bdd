// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// A process dies, stops or is held up at every named point of the runtime
// (os/inject.h), on both sides of it: the root ends all the same, in bounded
// time, with a typed error or none, and nothing is left.
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "os/proc_fs.h"
#include "runtime/task/internal/exceptions.h"
#include "runtime/tractor.h"
#include "tests/support/backend.h"
#include "tests/support/leak_check.h"
#include "tests/support/program.h"

namespace tractor::testing {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// ---- a tree that passes all points ----

using Echoes = Context<std::string, std::string, std::string>;

Task<std::string> Reply(std::string text) { co_return text; }
TRACTOR_ENDPOINT(Reply);

Task<> Refuse() {
  throw std::domain_error("as asked");
  co_return;
}
TRACTOR_ENDPOINT(Refuse);

Task<> Talk(Echoes& ctx) {
  co_await ctx.Started("talk");
  co_await ctx.WithStream([](auto& stream) -> Task<> {
    while (std::optional<std::string> text = co_await stream.Receive()) {
      co_await stream.Send(*text);
    }
  });
}
TRACTOR_ENDPOINT(Talk);

Task<> Linger(Context<>& ctx) {
  co_await ctx.Started();
  co_await SleepForever();
}
TRACTOR_ENDPOINT(Linger);

Task<> UseWorker(const Portal& worker) {
  const std::string text = "hello";
  co_await worker.Call(Reply, text);
  auto refused = [&]() -> Task<> { co_await worker.Call(Refuse); };
  auto end = co_await Observe(refused);
  if (!IsA<RemoteActorError>(end.error())) co_await std::move(end).Get();
  co_await worker.WithContext(Talk, [](auto& ctx) -> Task<> {
    co_await ctx.WithStream([](auto& stream) -> Task<> {
      const std::string text = "ping";
      for (int i = 0; i < 3; ++i) {
        co_await stream.Send(text);
        co_await stream.Receive();
      }
    });
  });
  co_await worker.WithContext(
      Linger, [](auto& ctx) -> Task<> { co_await ctx.Cancel(); });
}

Task<> Everything() {
  auto body = []() -> Task<> {
    co_await WithActorNursery([](ActorNursery& an) -> Task<> {
      ActorOptions options("worker");
      options.Expose(Reply, Refuse, Talk, Linger);
      const Portal worker = co_await an.StartActor(options);
      co_await UseWorker(worker);
      co_await worker.CancelActor();
    });
  };
  co_await FailAfter(absl::Milliseconds(500), body);
}

// Whether whoever catches `error` can tell what happened.
bool IsTyped(const std::exception_ptr& error) {
  if (IsA<ExceptionGroup>(error)) {
    bool all = true;
    ::tractor::internal::VisitAs<ExceptionGroup>(
        error, [&](const ExceptionGroup& group) {
          for (const std::exception_ptr& leaf : group.Leaves()) {
            all = all && IsTyped(leaf);
          }
        });
    return all;
  }
  return IsA<RemoteActorError>(error) || IsA<RuntimeFailure>(error) ||
         IsA<TransportClosed>(error) || IsA<TooSlowError>(error);
}

TEST_PROGRAM(EverythingRoot) {
  alarm(30);  // "in bounded time": a root that hangs dies of this
  Init(argc, argv);
  const std::exception_ptr error =
      ::tractor::internal::Catch([] { RunRoot(Everything); });
  if (error == nullptr) {
    std::puts("done");
  } else {
    std::printf("%s: %s\n", IsTyped(error) ? "typed" : "UNTYPED",
                DescribeException(error).c_str());
  }
  std::fflush(stdout);
  Shutdown();
  return error == nullptr ? 0 : 1;
}

// ---- the walk ----

struct Place {
  const char* point;
  const char* who;
};

// Every point with everybody who passes it.
constexpr Place kPlaces[] = {
    {"forkserver.spawn", "forkserver"},
    {"forkserver.forked", "forkserver"},
    {"forkserver.exited", "forkserver"},
    {"forkserver.closing", "forkserver"},
    {"forkserver.closed", "forkserver"},
    {"child.born", "worker"},
    {"child.entry", "worker"},
    {"link.hello", "worker"},
    {"link.ready", "worker"},
    {"call.serve", "worker"},
    {"call.return", "worker"},
    {"call.error", "worker"},
    {"context.started", "worker"},
    {"stream.send", "worker"},
    {"stream.receive", "worker"},
    {"stream.close", "worker"},
    {"cancel.asked", "worker"},
    {"actor.cancelled", "worker"},
    {"actor.teardown", "worker"},
    {"actor.goodbye", "worker"},
    {"actor.exit", "worker"},
    {"link.hello", "root"},
    {"link.ready", "root"},
    {"call.start", "root"},
    {"call.returned", "root"},
    {"call.failed", "root"},
    {"context.begun", "root"},
    {"stream.send", "root"},
    {"stream.receive", "root"},
    {"stream.close", "root"},
    {"cancel.ask", "root"},
    {"cancel.acked", "root"},
    {"actor.cancel", "root"},
    {"actor.teardown", "root"},
};

class KillPoints
    : public ::testing::TestWithParam<std::tuple<Place, const char*>> {
 protected:
  void SetUp() override {
    SKIP_ON_BACKEND(thread, "all of it is one process");
#ifdef NDEBUG
    GTEST_SKIP() << "an optimised build has no points";
#endif
    // Orphans come here, where they can be seen to end.
    ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  }
  void TearDown() override { prctl(PR_SET_CHILD_SUBREAPER, 0); }

  const char* point() const { return std::get<0>(GetParam()).point; }
  std::string who() const { return std::get<0>(GetParam()).who; }
  std::string action() const { return std::get<1>(GetParam()); }
};

std::string PlaceName(
    const ::testing::TestParamInfo<KillPoints::ParamType>& info) {
  const Place& place = std::get<0>(info.param);
  return absl::StrReplaceAll(
      absl::StrCat(std::get<1>(info.param), "_", place.point, "_", place.who),
      {{".", "_"}, {":", "_"}});
}

INSTANTIATE_TEST_SUITE_P(Kill, KillPoints,
                         ::testing::Combine(::testing::ValuesIn(kPlaces),
                                            ::testing::Values("kill")),
                         PlaceName);
INSTANTIATE_TEST_SUITE_P(Delay, KillPoints,
                         ::testing::Combine(::testing::ValuesIn(kPlaces),
                                            ::testing::Values("delay:50")),
                         PlaceName);
INSTANTIATE_TEST_SUITE_P(Stop, KillPoints,
                         ::testing::Combine(::testing::ValuesIn(kPlaces),
                                            ::testing::Values("stop")),
                         PlaceName);

// Somebody waits for an actor that is there; it is not ending anyway.
bool InTheMiddle(const std::string& point) {
  return !point.starts_with("actor.");
}

// Exact where the environment that LeakCheck goes by is not: somebody who is
// just dying shows none.
size_t Children() { return os::ChildrenOf(getpid())->size(); }

// What is left of the tree, but for our ends of its root's pipes.
std::vector<std::string> Remains(const LeakCheck& before) {
  while (waitpid(-1, nullptr, WNOHANG) > 0) {
  }
  std::vector<std::string> left = before.NewSince();
  std::erase_if(left, [](const std::string& thing) {
    return thing.starts_with("descriptor ");
  });
  return left;
}

TEST_P(KillPoints, EndInBoundedTimeAndLeaveNothing) {
  if (action() == "stop" && who() == "root") {
    GTEST_SKIP() << "nobody above it could end it";
  }
  const LeakCheck before;
  const size_t children = Children();
  const std::string where = absl::StrCat(action(), "@", point(), "/", who());
  Program program("EverythingRoot", {{"TRACTOR_INJECT", where}});
  const int end = program.JoinOnly();
  // A root that was killed leaves it to its forkserver.
  std::vector<std::string> left = Remains(before);
  const absl::Time deadline = absl::Now() + absl::Seconds(10);
  while ((!left.empty() || Children() != children) && end >= 256 &&
         absl::Now() < deadline) {
    left = Remains(before);
  }
  // Who is left holds the pipe open, so that its end would not come.
  ASSERT_THAT(left, IsEmpty());
  ASSERT_EQ(Children(), children);
  program.Join();
  EXPECT_THAT(program.output(),
              HasSubstr(absl::StrCat("injected at ", point(), " in ", who())))
      << "the point was not passed";
  if (action() == "kill" && who() == "root") {
    EXPECT_EQ(end, 256 + SIGKILL) << program.output();
    return;
  }
  EXPECT_THAT(end, AnyOf(0, 1)) << program.output();
  EXPECT_THAT(program.output(),
              AnyOf(HasSubstr("\ndone\n"), HasSubstr("\ntyped: ")));
  if (action() == "kill" && who() == "worker" && InTheMiddle(point())) {
    // The waiter was told at once: before its own time was up.
    EXPECT_THAT(program.output(), HasSubstr("tractor::ActorDied"));
    EXPECT_THAT(program.output(), HasSubstr("signal 9"));
  }
}

}  // namespace
}  // namespace tractor::testing
