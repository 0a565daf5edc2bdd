// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// C-034: the root of a large tree is killed, and a second later nothing of it
// is left: no process, not even one that has left its session, no zombie, no
// file, no cgroup. With the kernel's cgroups, and without.
//
// TRACTOR_TEST_ROOT_KILLS=200 makes it 200 times.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/config.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "os/cgroup.h"
#include "os/proc_fs.h"
#include "runtime/tractor.h"
#include "tests/support/backend.h"
#include "tests/support/leak_check.h"
#include "tests/support/program.h"

namespace tractor::testing {
namespace {

using ::testing::IsEmpty;
using Things = std::vector<std::string>;

constexpr int kSupervisors = 4;
constexpr int kLeavesEach = 15;  // 4 + 4 * 15 = 64 actors
constexpr int kTimes = 20;

// With a sanitizer most of it is this test, looking for what is left.
#if defined(ABSL_HAVE_ADDRESS_SANITIZER) || defined(ABSL_HAVE_THREAD_SANITIZER)
constexpr absl::Duration kLimit = absl::Seconds(4);
#else
constexpr absl::Duration kLimit = absl::Seconds(1);
#endif

// A process in a session of its own whose parent has gone.
void MakeStray() {
  const pid_t child = fork();
  if (child == 0) {
    setsid();
    if (fork() == 0) {
      signal(SIGTERM, SIG_IGN);
      signal(SIGHUP, SIG_IGN);
      alarm(120);  // a test that fails leaves nothing for long
      while (true) pause();
    }
    _exit(0);
  }
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Task<> LeafWithStray() {
  MakeStray();
  co_return;
}
TRACTOR_ENDPOINT(LeafWithStray);

Task<> Supervise(Context<>& ctx) {
  co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
    for (int i = 0; i < kLeavesEach; ++i) {
      Portal leaf =
          co_await an.StartActor(ActorOptions("leaf").Expose(LeafWithStray));
      if (i % 3 != 0) co_await leaf.Call(LeafWithStray);
    }
    co_await ctx.Started();
    co_await SleepForever();
  });
}
TRACTOR_ENDPOINT(Supervise);

Task<> GrowAndSay() {
  int ready = 0;
  co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
    co_await WithNursery([&](Nursery& n) -> Task<> {
      for (int i = 0; i < kSupervisors; ++i) {
        n.StartSoon([&]() -> Task<> {
          Portal supervisor = co_await an.StartActor(
              ActorOptions("supervisor").Expose(Supervise));
          co_await supervisor.WithContext(Supervise, [&](auto&) -> Task<> {
            if (++ready == kSupervisors) {
              std::puts("grown");
              std::fflush(stdout);
            }
            co_await SleepForever();
          });
        });
      }
      co_return;
    });
  });
}
TEST_PROGRAM(TreeInCgroup) { return Main(argc, argv, GrowAndSay); }
TEST_PROGRAM(TreeWithoutCgroup) {
  return Main(argc, argv, GrowAndSay, RootOptions().set_cgroup(false));
}

size_t Count(const Things& things, std::string_view kind) {
  return std::count_if(things.begin(), things.end(), [&](const auto& thing) {
    return thing.starts_with(kind);
  });
}

// What there is of the tree; not the two ends of ours to its root.
Things Remains(const LeakCheck& before) {
  Things left = before.NewSince();
  std::erase_if(left, [](const std::string& thing) {
    return thing.starts_with("descriptor ");
  });
  return left;
}

// Exact where the environment that LeakCheck goes by is not: somebody who is
// just dying shows none.
std::vector<pid_t> Children() { return os::ChildrenOf(getpid()).value(); }

// Orphans come to this process, where init would get them. Adds those that have
// ended to `ended`, and reaps them.
void ReapOrphans(int* ended) {
  siginfo_t info = {};
  while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) == 0 && info.si_pid != 0) {
    ++*ended;
    info = {};
  }
}

// How long it took from the kill to nothing.
absl::Duration KillOnce(const char* tree, bool cgroup) {
  const LeakCheck before;
  const std::vector<pid_t> children = Children();
  Program program(tree);
  if (!program.WaitForLine("grown")) {
    ADD_FAILURE() << program.output();
    return absl::InfiniteDuration();
  }
  const Things grown = Remains(before);
  // 64 actors, 40 strays, the root and its forkserver.
  EXPECT_GE(Count(grown, "process "), 64u + 40 + 2);
  EXPECT_GE(Count(grown, "file "), 1u);
  EXPECT_EQ(Count(grown, "cgroup "), cgroup ? 1u : 0u);

  const absl::Time begin = absl::Now();
  program.Signal(SIGKILL);
  EXPECT_EQ(program.JoinOnly(), 256 + SIGKILL);
  Things left;
  int orphans = 0;
  do {
    ReapOrphans(&orphans);
    left = Remains(before);
  } while ((!left.empty() || Children() != children) &&
           absl::Now() - begin < absl::Seconds(5));
  const absl::Duration took = absl::Now() - begin;
  EXPECT_THAT(left, IsEmpty());
  EXPECT_EQ(Children(), children);
  EXPECT_EQ(orphans, 1) << "the forkserver reaps everybody, and goes last";
  return took;
}

void KillMany(const char* tree, bool cgroup) {
  const char* wanted = std::getenv("TRACTOR_TEST_ROOT_KILLS");
  const int times = wanted == nullptr ? kTimes : std::atoi(wanted);
  ASSERT_GT(times, 0);
  ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  std::vector<absl::Duration> took;
  for (int i = 0; i < times && !::testing::Test::HasFailure(); ++i) {
    took.push_back(KillOnce(tree, cgroup));
  }
  prctl(PR_SET_CHILD_SUBREAPER, 0);
  std::sort(took.begin(), took.end());
  std::printf(
      "%s: %zu roots of 64 actors killed on %s: nothing left after %s "
      "(median), %s (worst)\n",
      tree, took.size(), std::string(SpawnMethodName(CurrentBackend())).c_str(),
      absl::FormatDuration(took[took.size() / 2]).c_str(),
      absl::FormatDuration(took.back()).c_str());
  EXPECT_LE(took.back(), kLimit);
}

TEST(RootKill, C034_NothingIsLeftAfterASecond) {
  SKIP_ON_BACKEND(thread, "all of it is one process");
  if (const auto parent = os::Cgroup::FindWritableParent(); !parent.ok()) {
    GTEST_SKIP() << "no cgroup can be made here: " << parent.status();
  }
  KillMany("TreeInCgroup", true);
}

TEST(RootKill, C034_TheSameWithoutACgroup) {
  SKIP_ON_BACKEND(thread, "all of it is one process");
  KillMany("TreeWithoutCgroup", false);
}

}  // namespace
}  // namespace tractor::testing
