// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "os/process_title.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "os/errno_status.h"
#include "os/fail_nth.h"
#include "os/fd.h"
#include "os/pidfd.h"
#include "os/proc_fs.h"
#include "os/syscalls.h"
#include "os/testing.h"

extern char** environ;

static char** arguments;  // main's

namespace tractor::os {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::SizeIs;
using ::testing::StartsWith;

// The kernel without CONFIG_CHECKPOINT_RESTORE.
int PrctlWithoutMap(int option, unsigned long a, unsigned long b,
                    unsigned long c, unsigned long d) {
  if (option == PR_SET_MM) {
    errno = EINVAL;
    return -1;
  }
  return kRealSyscalls.prctl(option, a, b, c, d);
}

// Everything runs in children: the titles of this process stay.
class TitleTest : public ::testing::TestWithParam<TitleArea::Method> {
 protected:
  TitleTest() : table_(kRealSyscalls) {
    if (GetParam() == TitleArea::Method::kOverwrite) {
      table_.prctl = PrctlWithoutMap;
    }
  }

  // Runs `body` with an area in a child; 0 if it says so.
  template <typename Body>
  int RunWithArea(Body body) {
    return RunInChild([&] {
      ScopedSyscallTable scope(&table_);
      absl::StatusOr<TitleArea> area = TitleArea::Capture(0, nullptr, environ);
      if (!area.ok()) return 100;
      if (area->method() != GetParam()) return 101;
      return body(*area);
    });
  }

 private:
  SyscallTable table_;
};

std::string MethodName(
    const ::testing::TestParamInfo<TitleArea::Method>& info) {
  return info.param == TitleArea::Method::kMmMap ? "MmMap" : "Overwrite";
}

INSTANTIATE_TEST_SUITE_P(Methods, TitleTest,
                         ::testing::Values(TitleArea::Method::kMmMap,
                                           TitleArea::Method::kOverwrite),
                         MethodName);

TEST_P(TitleTest, ShowsATitle) {
  EXPECT_EQ(RunWithArea([](TitleArea& area) {
              if (!area.Set("t: w.3").ok()) return 1;
              const auto line = CommandLine(getpid()).value();
              return line == std::vector<std::string>{"t: w.3"} ? 0 : 2;
            }),
            0);
}

TEST_P(TitleTest, AnotherProcessSeesTitleAndMark) {
  Signpost ready, stop;
  TestChild child([&] {
    return RunWithArea([&](TitleArea& area) {
      const bool set = area.Set("tractor", {"TRACTOR_TREE=8c1f"}).ok();
      ready.Notify();
      stop.Wait();
      return set ? 0 : 1;
    });
  });
  ASSERT_TRUE(ready.Wait());
  const std::vector<pid_t> pids = ChildrenOf(child.pid()).value();
  ASSERT_THAT(pids, SizeIs(1));
  EXPECT_THAT(CommandLine(pids[0]).value(), ElementsAre("tractor"));
  EXPECT_EQ(EnvironmentValue(pids[0], "TRACTOR_TREE").value(), "8c1f");
  if (GetParam() == TitleArea::Method::kMmMap) {  // the other has less room
    EXPECT_EQ(EnvironmentValue(pids[0], "TEST_TITLE_KEPT").value(), "yes");
  }
  stop.Notify();
  EXPECT_EQ(child.Join(), 0);
}

TEST_P(TitleTest, TheProgramsOwnEnvironmentStaysUsable) {
  EXPECT_EQ(RunWithArea([](TitleArea& area) {
              if (!area.Set("x", {"TEST_TITLE_KEPT=other"}).ok()) return 1;
              const char* kept = getenv("TEST_TITLE_KEPT");
              if (kept == nullptr || std::string(kept) != "yes") return 2;
              setenv("TEST_TITLE_NEW", "1", 1);
              return getenv("TEST_TITLE_NEW") != nullptr ? 0 : 3;
            }),
            0);
}

TEST_P(TitleTest, AVariableReplacesTheOneOfItsName) {
  EXPECT_EQ(RunWithArea([](TitleArea& area) {
              if (!area.Set("x", {"TEST_TITLE_KEPT=new", "MARK=1"}).ok()) {
                return 1;
              }
              int count = 0;
              const auto variables = Environment(getpid()).value();
              for (const std::string& v : variables) {
                if (v.rfind("TEST_TITLE_KEPT=", 0) == 0) ++count;
              }
              if (count != 1) return 2;
              return *EnvironmentValue(getpid(), "TEST_TITLE_KEPT").value() ==
                             "new"
                         ? 0
                         : 3;
            }),
            0);
}

TEST_P(TitleTest, CanBeSetAgainShorterAndInGrandchildren) {
  EXPECT_EQ(RunWithArea([](TitleArea& area) {
              if (!area.Set("longer title", {"A=1"}).ok()) return 1;
              if (!area.Set("short", {"B=2"}).ok()) return 2;
              if (CommandLine(getpid()).value()[0] != "short") return 3;
              if (EnvironmentValue(getpid(), "A").value()) return 4;
              return RunInChild([&] {
                if (!area.Set("grand", {"C=3"}).ok()) return 5;
                const auto line = CommandLine(getpid()).value();
                if (line != std::vector<std::string>{"grand"}) return 6;
                return *EnvironmentValue(getpid(), "C").value() == "3" ? 0 : 7;
              });
            }),
            0);
}

TEST_P(TitleTest, LineBreaksBecomeSpaces) {
  EXPECT_EQ(RunWithArea([](TitleArea& area) {
              if (!area.Set(std::string_view("a\nb\0c", 5)).ok()) return 1;
              return CommandLine(getpid()).value()[0] == "a b c" ? 0 : 2;
            }),
            0);
}

TEST_P(TitleTest, ATitleThatIsTooLongIsCut) {
  EXPECT_EQ(RunWithArea([](TitleArea& area) {
              if (!area.Set(std::string(5000, 'x')).ok()) return 1;
              const auto line = CommandLine(getpid()).value();
              if (line.size() != 1 || line[0].empty()) return 2;
              if (line[0].size() > TitleArea::kMaxTitle) return 3;
              return line[0].find_first_not_of('x') == std::string::npos ? 0
                                                                         : 4;
            }),
            0);
}

TEST_P(TitleTest, VariablesThatDoNotFitAreAnErrorButTheTitleShows) {
  EXPECT_EQ(RunWithArea([](TitleArea& area) {
              const std::string big = "BIG=" + std::string(1 << 20, 'x');
              if (StatusErrno(area.Set("t", {big})) != E2BIG) return 1;
              return CommandLine(getpid()).value()[0] == "t" ? 0 : 2;
            }),
            0);
}

TEST_P(TitleTest, TheHeapGoesOnGrowing) {
  EXPECT_EQ(RunWithArea([](TitleArea& area) {
              std::vector<void*> blocks;
              for (int i = 0; i < 2000; ++i) {
                blocks.push_back(malloc(4096));
                if (i % 100 == 0 && !area.Set("heap").ok()) return 1;
              }
              for (void* block : blocks) free(block);
              return sbrk(0) == reinterpret_cast<void*>(-1) ? 2 : 0;
            }),
            0);
}

TEST_P(TitleTest, SettingAllocatesNothing) {
  EXPECT_EQ(RunWithArea([](TitleArea& area) {
              const std::vector<std::string> marks = {"A=1", "B=2"};
              void* const before = sbrk(0);
              for (int i = 0; i < 1000; ++i) {
                if (!area.Set("worker", marks).ok()) return 1;
              }
              return sbrk(0) == before ? 0 : 2;
            }),
            0);
}

TEST(TitleOverwriteTest, TheArgumentsStayUsable) {
  EXPECT_EQ(RunInChild([] {
              SyscallTable table = kRealSyscalls;
              table.prctl = PrctlWithoutMap;
              ScopedSyscallTable scope(&table);
              const std::string first = arguments[0];
              const char* const at = arguments[0];
              auto area = TitleArea::Capture(1, arguments, environ);
              if (!area.ok() || !area->Set("z").ok()) return 1;
              if (arguments[0] == at || *at != 'z') return 2;
              return arguments[0] == first ? 0 : 3;
            }),
            0);
}

TEST(TitleCaptureTest, FailuresAreReported) {
  EXPECT_EQ(RunInChild([] {
              FailNth fault("mmap", 1, ENOMEM);
              const auto area = TitleArea::Capture(0, nullptr, environ);
              return StatusErrno(area.status()) == ENOMEM ? 0 : 1;
            }),
            0);
}

}  // namespace
}  // namespace tractor::os

// The variable must be in the environment that exec laid out, so the test
// executes itself once.
int main(int argc, char** argv) {
  arguments = argv;
  if (getenv("TEST_TITLE_KEPT") == nullptr) {
    setenv("TEST_TITLE_KEPT", "yes", 1);
    execv("/proc/self/exe", argv);
    return 1;
  }
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
