// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Roots: Main, Init, RunRoot, runtime variables, the environment, signals,
// standard streams; and the end of the forkserver.
//
// Long: one scenario after the other, and the programs that they need.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "os/pidfd.h"
#include "os/proc_fs.h"
#include "runtime/tractor.h"
#include "tests/support/backend.h"
#include "tests/support/doorbell.h"
#include "tests/support/leak_check.h"
#include "tests/support/log_capture.h"
#include "tests/support/program.h"
#include "tests/support/run_actors.h"
#include "tests/support/test_files.h"

namespace tractor::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// ---- endpoints ----

Task<> Nop() { co_return; }
TRACTOR_ENDPOINT(Nop);

Task<std::string> TellVars() {
  const RuntimeVars vars = GetRuntimeVars();
  std::string text =
      absl::StrCat(vars.is_root ? "root" : "child", " level=", vars.log_level,
                   " method=", std::string(SpawnMethodName(vars.spawn_method)));
  for (const auto& [name, value] : vars.values) {
    absl::StrAppend(&text, " ", name, "=", value);
  }
  co_return text;
}
TRACTOR_ENDPOINT(TellVars);

Task<std::string> ChangeAndTellBelow() {
  RuntimeVars vars = GetRuntimeVars();
  vars.values["depth"] = "1";
  SetRuntimeVars(vars);
  std::string below;
  co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
    below = co_await an.RunInActor(TellVars);
  });
  co_return below;
}
TRACTOR_ENDPOINT(ChangeAndTellBelow);

Task<std::string> TellLogLevel() {
  co_return std::string(LogLevelName(GetLogLevel()));
}
TRACTOR_ENDPOINT(TellLogLevel);

Task<> LogOnce() {
  TRACTOR_LOG(warning) << "a warning of the child";
  TRACTOR_LOG(critical) << "a critical record of the child";
  co_return;
}
TRACTOR_ENDPOINT(LogOnce);

// Writes by write(2), to stdout and stderr.
void Put(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = write(fd, text.data(), text.size());
    if (put <= 0) return;
    text.remove_prefix(static_cast<size_t>(put));
  }
}

Task<> Print() {
  Put(STDOUT_FILENO, "to stdout\nin two lines\n");
  Put(STDERR_FILENO, "to stderr, without an end");
  co_return;
}
TRACTOR_ENDPOINT(Print);

Task<> PrintAMegabyte() {
  const std::string line = std::string(1023, 'x') + "\n";
  for (int i = 0; i < 1024; ++i) Put(STDOUT_FILENO, line);
  co_return;
}
TRACTOR_ENDPOINT(PrintAMegabyte);

// Never comes back to its loop.
Task<> PrintForEver(std::string bell) {
  const std::string line = std::string(1023, 'x') + "\n";
  Doorbell::Ring(bell);
  while (true) Put(STDOUT_FILENO, line);
  co_return;
}
TRACTOR_ENDPOINT(PrintForEver);

// Leaves a process in a session of its own, which holds stdout open.
Task<> LeaveAStray() {
  const pid_t child = fork();
  if (child == 0) {
    setsid();
    if (fork() == 0) {
      alarm(120);  // a test that fails leaves nothing for long
      while (true) pause();
    }
    _exit(0);
  }
  waitpid(child, nullptr, 0);
  co_return;
}
TRACTOR_ENDPOINT(LeaveAStray);

Task<std::string> ReadStdin() {
  char buffer[64];
  const ssize_t got = read(STDIN_FILENO, buffer, sizeof(buffer));
  co_return std::string(buffer, static_cast<size_t>(std::max<ssize_t>(got, 0)));
}
TRACTOR_ENDPOINT(ReadStdin);

Task<std::string> TellSurroundings() {
  const char* planted = std::getenv("PLANTED");
  char directory[4096];
  if (getcwd(directory, sizeof(directory)) == nullptr) *directory = '\0';
  co_return absl::StrCat(planted ? planted : "", " ", directory, " ", nice(0));
}
TRACTOR_ENDPOINT(TellSurroundings);

Task<> MarkEnd(std::string path) {
  CurrentActor().OnTeardown(
      [path] { TestFiles::Append(path, CurrentActor().name() + " "); });
  co_return;
}
TRACTOR_ENDPOINT(MarkEnd);

Task<> RingAndSleep(std::string bell) {
  Doorbell::Ring(bell);
  co_await SleepForever();
}
TRACTOR_ENDPOINT(RingAndSleep);

Task<> Shielded(std::string bell) {
  CancelScope shield(absl::InfiniteFuture(), /*shield=*/true);
  auto sleep = [&]() -> Task<> {
    Doorbell::Ring(bell);
    co_await SleepForever();
  };
  co_await shield.Run(sleep);
}
TRACTOR_ENDPOINT(Shielded);

// ---- RunRoot ----

TEST(Root, GivesValuesAndErrors) {
  EXPECT_EQ(RunRoot([]() -> Task<std::string> { co_return "a value"; }),
            "a value");
  EXPECT_THROW(RunRoot([]() -> Task<> {
                 throw std::out_of_range("planted");
                 co_return;
               }),
               std::out_of_range);
}

TEST(Root, OneAfterAnother) {
  std::vector<std::string> trees;
  for (int i = 0; i < 5; ++i) {
    RunActors([&]() -> Task<> {
      trees.push_back(CurrentActor().tree_id());
      co_await WithActorNursery(
          [&](ActorNursery& an) -> Task<> { co_await an.RunInActor(Nop); });
    });
  }
  std::sort(trees.begin(), trees.end());
  EXPECT_EQ(std::unique(trees.begin(), trees.end()), trees.end());
}

TEST(Root, KnowsItself) {
  RunActors(
      []() -> Task<> {
        const Actor me = CurrentActor();
        EXPECT_TRUE(InActor());
        EXPECT_EQ(me.name(), "hamlet");
        EXPECT_TRUE(me.is_root());
        EXPECT_EQ(me.aid().pid, getpid());
        EXPECT_TRUE(me.parent().uuid.empty());
        EXPECT_THAT(me.path(), ElementsAre("hamlet"));
        EXPECT_EQ(me.tree_id().size(), 16u);
        EXPECT_EQ(access(me.runtime_directory().c_str(), W_OK), 0);
        co_return;
      },
      RootOptions().set_name("hamlet"));
  EXPECT_FALSE(InActor());
}

TEST(Root, C009_ASecondOneInTheProcess) {
  const std::exception_ptr error = ErrorOf([]() -> Task<> {
    RunRoot([]() -> Task<> { co_return; });
    co_return;
  });
  ExpectError<RuntimeFailure>(error, [](const RuntimeFailure& e) {
    EXPECT_THAT(e.what(), HasSubstr("a process has one root"));
  });
}

TEST(Root, C009_ASecondOneOnAnotherThread) {
  std::exception_ptr error;
  RunActors([&]() -> Task<> {
    std::thread([&] {
      error = internal::Catch([] { RunRoot([]() -> Task<> { co_return; }); });
    }).join();
    co_return;
  });
  ExpectError<RuntimeFailure>(error, [](const RuntimeFailure& e) {
    EXPECT_THAT(e.what(), HasSubstr("root actor already"));
  });
}

TEST(Root, C010_C011_WithoutOneThereIsNoRuntime) {
  EXPECT_THROW(CurrentActor(), NoRuntime);
  EXPECT_THROW(SetRuntimeVars(RuntimeVars()), NoRuntime);
  EXPECT_EQ(GetRuntimeVars(), RuntimeVars());
  Scheduler scheduler;
  const Outcome<> end = scheduler.Run([]() -> Task<> {
    co_await WithActorNursery([](ActorNursery&) -> Task<> { co_return; });
  });
  ExpectError<NoRuntime>(end.error(), [](const NoRuntime& e) {
    EXPECT_THAT(e.what(), HasSubstr("RunRoot()"));
  });
}

TEST(Root, CancelSoonEndsIt) {
  bool cleaned = false;
  RunActors([&]() -> Task<> {
    EXPECT_FALSE(CurrentActor().cancelling());
    CurrentActor().CancelSoon("enough");
    EXPECT_TRUE(CurrentActor().cancelling());
    auto sleep = []() -> Task<> { co_await SleepForever(); };
    auto clean = [&]() -> Task<> {
      cleaned = true;
      co_return;
    };
    co_await Finally(sleep, absl::Seconds(1), clean);
  });
  EXPECT_TRUE(cleaned);
  EXPECT_THROW(RunActors([]() -> Task<int> {
                 CurrentActor().CancelSoon();
                 co_await SleepForever();
                 co_return 7;
               }),
               RuntimeFailure)
      << "there is no value to give";
}

// ---- runtime variables ----

TEST(RuntimeVars, AreInheritedSetAndReset) {
  RunActors([]() -> Task<> {
    RuntimeVars vars = GetRuntimeVars();
    EXPECT_TRUE(vars.is_root);
    EXPECT_EQ(vars.root_uuid, CurrentActor().aid().uuid);
    vars.values["shard"] = "7";
    SetRuntimeVars(vars);
    EXPECT_EQ(GetRuntimeVars(), vars);
    const std::string method(SpawnMethodName(vars.spawn_method));
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      EXPECT_EQ(co_await an.RunInActor(TellVars),
                absl::StrCat("child level= method=", method, " shard=7"));
      EXPECT_EQ(
          co_await an.RunInActor(ChangeAndTellBelow),
          absl::StrCat("child level= method=", method, " depth=1 shard=7"));
    });
    EXPECT_FALSE(GetRuntimeVars().values.contains("depth"))
        << "what a child changes is its own";
  });
  EXPECT_EQ(GetRuntimeVars(), RuntimeVars()) << "the root has ended";
}

TEST(LogLevels, C005_OfAChildAreThoseOfItsOptions) {
  SKIP_ON_BACKEND(thread, "the level is the process's");
  TestFiles files;
  RunActors([&]() -> Task<> {
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      for (const char* level : {"debug", "cancel", "critical"}) {
        ActorOptions options("child");
        options.WithLogLevel(level).WithStderr(
            Stdio::File(files.Path("stderr")));
        EXPECT_EQ(co_await an.RunInActor(options, TellLogLevel), level);
      }
      ActorOptions options("child");
      options.WithLogLevel("critical")
          .WithStderr(Stdio::File(files.Path("stderr")));
      co_await an.RunInActor(options, LogOnce);
    });
  });
  EXPECT_THAT(files.Read("stderr"),
              HasSubstr("a critical record of the child"));
  EXPECT_THAT(files.Read("stderr"), Not(HasSubstr("a warning of the child")));
}

// ---- standard streams and surroundings ----

RootOptions Info() { return RootOptions().set_log_level("info"); }

class StdioTest : public ::testing::Test {
 protected:
  ~StdioTest() override { SetLogLevel(LogLevel::kWarning); }
};

TEST_F(StdioTest, APipeComesAsLogLines) {
  SKIP_ON_BACKEND(thread, "it has the process's streams");
  LogCapture log;
  RunActors(
      []() -> Task<> {
        co_await WithActorNursery([](ActorNursery& an) -> Task<> {
          ActorOptions options("printer");
          options.WithStdout(Stdio::Pipe()).WithStderr(Stdio::Pipe());
          co_await an.RunInActor(options, Print);
        });
      },
      Info());
  EXPECT_THAT(log.text(), HasSubstr("printer stdout: to stdout\n"));
  EXPECT_THAT(log.text(), HasSubstr("printer stdout: in two lines\n"));
  EXPECT_THAT(log.text(),
              HasSubstr("printer stderr: to stderr, without an end"));
}

TEST_F(StdioTest, AMegabyteThroughAPipe) {
  SKIP_ON_BACKEND(thread, "it has the process's streams");
  LogCapture log;
  RunActors(
      []() -> Task<> {
        co_await WithActorNursery([](ActorNursery& an) -> Task<> {
          ActorOptions options("printer");
          options.WithStdout(Stdio::Pipe());
          co_await an.RunInActor(options, PrintAMegabyte);
        });
      },
      Info());
  const std::string text = log.text();
  EXPECT_GE(std::count(text.begin(), text.end(), 'x'), 1023 * 1024);
}

TEST_F(StdioTest, AChildThatPrintsForEverCannotBlockItsParent) {
  SKIP_ON_BACKEND(thread, "it has the process's streams");
  LogCapture log;
  TestFiles files;
  const absl::Time begin = absl::Now();
  const std::exception_ptr error = ErrorOf([&]() -> Task<> {
    Doorbell bell(files, "bell");
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      ActorOptions options("printer");
      options.Expose(PrintForEver).WithStdout(Stdio::Pipe());
      Portal printer = co_await an.StartActor(options);
      co_await WithNursery([&](Nursery& n) -> Task<> {
        n.StartSoon([&]() -> Task<> {
          auto call = [&]() -> Task<> {
            co_await printer.Call(PrintForEver, bell.path());
          };
          (void)co_await Observe(call);
        });
        co_await bell.Wait();
        co_await an.Cancel();
      });
    });
  });
  ExpectError<ActorTooSlowError>(error);
  EXPECT_LT(absl::Now() - begin, absl::Seconds(15));
}

TEST_F(StdioTest, AStrayThatHoldsThePipeIsSwept) {
  SKIP_ON_BACKEND(thread, "it has the process's streams");
  const absl::Time begin = absl::Now();
  RunActors([]() -> Task<> {
    co_await WithActorNursery([](ActorNursery& an) -> Task<> {
      ActorOptions options("litterer");
      options.WithStdout(Stdio::Pipe());
      co_await an.RunInActor(options, LeaveAStray);
    });
  });
  EXPECT_LT(absl::Now() - begin, absl::Seconds(10));
}

TEST_F(StdioTest, NullAndFiles) {
  SKIP_ON_BACKEND(thread, "it has the process's streams");
  TestFiles files;
  TestFiles::Append(files.Path("in"), "from a file");
  RunActors([&]() -> Task<> {
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      ActorOptions options("printer");
      options.WithStdout(Stdio::File(files.Path("out")))
          .WithStderr(Stdio::Null());
      co_await an.RunInActor(options, Print);
      co_await an.RunInActor(options, Print);
      EXPECT_EQ(co_await an.RunInActor(ActorOptions("reader"), ReadStdin), "");
      ActorOptions reader("reader");
      reader.WithStdin(Stdio::File(files.Path("in")));
      EXPECT_EQ(co_await an.RunInActor(reader, ReadStdin), "from a file");
    });
  });
  EXPECT_EQ(files.Read("out"),
            "to stdout\nin two lines\nto stdout\nin two lines\n");
}

TEST_F(StdioTest, EnvironmentDirectoryAndNiceness) {
  SKIP_ON_BACKEND(thread, "it has the process's surroundings");
  TestFiles files;
  RunActors([&]() -> Task<> {
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      const std::string directory = files.Path("");
      ActorOptions options("child");
      options.WithEnvironment("PLANTED", "here")
          .WithWorkingDirectory(directory)
          .WithNice(5);
      const std::string told =
          co_await an.RunInActor(options, TellSurroundings);
      const std::vector<std::string> words = absl::StrSplit(told, ' ');
      EXPECT_EQ(words[0], "here");
      EXPECT_EQ(words[1] + "/", directory);
      EXPECT_GE(std::stoi(words[2]), 5);
    });
  });
  EXPECT_EQ(std::getenv("PLANTED"), nullptr);
}

// ---- programs: Main, Init, the environment ----

TEST_PROGRAM(GiveSeven) {
  return Main(argc, argv, []() -> Task<int> { co_return 7; });
}
TEST_PROGRAM(GiveNothing) {
  return Main(argc, argv, []() -> Task<> { co_return; });
}
TEST_PROGRAM(Throw) {
  return Main(argc, argv, []() -> Task<> {
    throw std::out_of_range("planted");
    co_return;
  });
}
TEST_PROGRAM(BadLogLevel) {
  return Main(
      argc, argv, []() -> Task<> { co_return; },
      RootOptions().set_log_level("shouting"));
}
TEST_PROGRAM(NoInit) {
  try {
    RunRoot([]() -> Task<> { co_return; });
  } catch (const RuntimeFailure& e) {
    std::puts(e.what());
    return 4;
  }
  return 0;
}
TEST_PROGRAM(InitLate) {
  std::thread([&] {
    try {
      Init(argc, argv);
    } catch (const RuntimeFailure& e) {
      std::puts(e.what());
    }
  }).join();
  return 0;
}

TEST_PROGRAM(ShutDown) {
  Init(argc, argv);
  RunRoot([]() -> Task<> { co_return; });
  const auto before = os::ChildrenOf(getpid());
  Shutdown();
  const auto behind = os::ChildrenOf(getpid());
  std::printf("%zu child, then %zu\n", before->size(), behind->size());
  try {
    RunRoot([]() -> Task<> { co_return; });
  } catch (const RuntimeFailure& e) {
    std::puts(e.what());
  }
  Shutdown();  // again
  return 0;
}

TEST(Programs, ShutdownEndsTheForkserver) {
  Program program("ShutDown");
  EXPECT_EQ(program.Join(), 0);
  EXPECT_THAT(program.output(), HasSubstr("1 child, then 0\n"));
  EXPECT_THAT(program.output(), HasSubstr("there is no forkserver"));
}

TEST(Programs, MainGivesTheExitCode) {
  EXPECT_EQ(Program("GiveSeven").Join(), 7);
  EXPECT_EQ(Program("GiveNothing").Join(), 0);
  Program thrower("Throw");
  EXPECT_EQ(thrower.Join(), 1);
  EXPECT_THAT(thrower.output(), HasSubstr("std::out_of_range: planted"));
}

TEST(Programs, RunRootWithoutInit) {
  Program program("NoInit");
  EXPECT_EQ(program.Join(), 4);
  EXPECT_THAT(program.output(), HasSubstr("tractor::Init"));
}

TEST(Programs, InitWithASecondThread) {
  Program program("InitLate");
  EXPECT_EQ(program.Join(), 0);
  EXPECT_THAT(program.output(), HasSubstr("thread"));
}

TEST(Programs, UnknownNamesAreUsageErrors) {
  Program method("GiveNothing", {{"TRACTOR_SPAWN_METHOD", "pigeon"}});
  EXPECT_EQ(method.Join(), 2);
  EXPECT_THAT(method.output(),
              HasSubstr("unknown spawn method 'pigeon'; there are: "
                        "forkserver, exec, thread"));
  EXPECT_EQ(std::count(method.output().begin(), method.output().end(), '\n'), 1)
      << method.output();
  Program level("BadLogLevel", {{"TRACTOR_LOGLEVEL", ""}});
  EXPECT_EQ(level.Join(), 2);
  EXPECT_THAT(level.output(), HasSubstr("shouting"));
}

Task<> TellOwnVars() { std::puts((co_await TellVars()).c_str()); }
TEST_PROGRAM(PlainVars) { return Main(argc, argv, TellOwnVars); }
TEST_PROGRAM(OptionVars) {
  return Main(argc, argv, TellOwnVars,
              RootOptions()
                  .set_spawn_method(SpawnMethod::kThread)
                  .set_log_level("warning"));
}

int Count(const std::string& text, std::string_view what) {
  int count = 0;
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; ++at) {
    ++count;
  }
  return count;
}

TEST(Programs, TheEnvironmentBeatsOptionsWithANoticeWhenTheyDiffer) {
  constexpr std::string_view kNotice = "is used instead of the option";
  Program differ("OptionVars", {{"TRACTOR_SPAWN_METHOD", "exec"},
                                {"TRACTOR_LOGLEVEL", "error"}});
  EXPECT_EQ(differ.Join(), 0);
  EXPECT_THAT(differ.output(), HasSubstr("root level=error method=exec"));
  EXPECT_EQ(Count(differ.output(), kNotice), 2) << differ.output();

  Program same("OptionVars", {{"TRACTOR_SPAWN_METHOD", "thread"},
                              {"TRACTOR_LOGLEVEL", "warning"}});
  EXPECT_EQ(same.Join(), 0);
  EXPECT_THAT(same.output(), HasSubstr("root level=warning method=thread"));
  EXPECT_EQ(Count(same.output(), kNotice), 0) << same.output();

  Program none("PlainVars", {{"TRACTOR_SPAWN_METHOD", "exec"},
                             {"TRACTOR_LOGLEVEL", "error"}});
  EXPECT_EQ(none.Join(), 0);
  EXPECT_EQ(Count(none.output(), kNotice), 0) << none.output();

  Program unset("OptionVars",
                {{"TRACTOR_SPAWN_METHOD", ""}, {"TRACTOR_LOGLEVEL", ""}});
  EXPECT_EQ(unset.Join(), 0);
  EXPECT_THAT(unset.output(), HasSubstr("root level=warning method=thread"));
  EXPECT_EQ(Count(unset.output(), kNotice), 0) << unset.output();
}

// ---- programs: signals ----

// What a program with a child was told in its environment.
std::string Env(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

void Say(std::string_view line) {
  Put(STDOUT_FILENO, std::string(line) + "\n");
}

Task<> RootWithAMarkedChild() {
  co_await WithActorNursery([](ActorNursery& an) -> Task<> {
    Portal child =
        co_await an.StartActor(ActorOptions("child").Expose(MarkEnd));
    co_await child.Call(MarkEnd, Env("PATH_OF_ENDS"));
    Say("ready");
    co_await SleepForever();
  });
}
// The same when its body has ended, and the nursery waits for the child.
Task<> RootThatWaitsForAMarkedChild() {
  co_await WithActorNursery([](ActorNursery& an) -> Task<> {
    Portal child =
        co_await an.StartActor(ActorOptions("child").Expose(MarkEnd));
    co_await child.Call(MarkEnd, Env("PATH_OF_ENDS"));
    Say("ready");
  });
}
TEST_PROGRAM(AwaitedChild) {
  return Main(argc, argv, RootThatWaitsForAMarkedChild);
}
TEST_PROGRAM(MarkedChild) { return Main(argc, argv, RootWithAMarkedChild); }

Task<> RootThatCleansUpForLong() {
  auto wait = []() -> Task<> {
    Say("ready");
    co_await SleepForever();
  };
  auto clean = []() -> Task<> {
    Say("cleaning");
    co_await SleepForever();
  };
  co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
    co_await an.StartActor(ActorOptions("child"));
    co_await Finally(wait, absl::Hours(1), clean);
  });
}
TEST_PROGRAM(CleansUpForLong) {
  return Main(argc, argv, RootThatCleansUpForLong);
}

Task<> RootWithAShieldedChild() {
  TestFiles files;
  Doorbell bell(files, "bell");
  co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
    Portal child =
        co_await an.StartActor(ActorOptions("child").Expose(Shielded));
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon(
          [&]() -> Task<> { co_await child.Call(Shielded, bell.path()); });
      co_await bell.Wait();
      Say("ready");
      co_await SleepForever();
    });
  });
}
TEST_PROGRAM(ShieldedChild) { return Main(argc, argv, RootWithAShieldedChild); }

// Asks a child for its tasks, and is ended from outside.
Task<> RootThatAsksItsChild() {
  co_await WithActorNursery([](ActorNursery& an) -> Task<> {
    Portal child = co_await an.StartActor(ActorOptions("child").Expose(Nop));
    const auto pidfd = os::Pidfd::Open(child.aid().pid);
    pidfd->Signal(SIGUSR1).IgnoreError();
    co_await child.Call(Nop);
  });
}
TEST_PROGRAM(AsksItsChild) { return Main(argc, argv, RootThatAsksItsChild); }

TEST_PROGRAM(WatchesNoSignals) {
  return Main(argc, argv, RootWithAMarkedChild,
              RootOptions().set_watch_signals(false));
}

// One-shots that sleep, started by a task in the background.
Task<> RootWithSleepingOneShots() {
  TestFiles files;
  Doorbell bell(files, "bell");
  co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
    co_await WithNursery([&](Nursery& n) -> Task<> {
      n.StartSoon([&]() -> Task<> {
        co_await WithNursery([&](Nursery& shots) -> Task<> {
          for (int i = 0; i < 3; ++i) {
            shots.StartSoon([&]() -> Task<> {
              co_await an.RunInActor(ActorOptions("one-shot"), RingAndSleep,
                                     bell.path());
            });
          }
          co_return;
        });
      });
      co_await bell.Wait(3);
      Say("ready");
    });
  });
}
TEST_PROGRAM(SleepingOneShots) {
  return Main(argc, argv, RootWithSleepingOneShots);
}

// All that carries the mark but us and our own forkserver. An ended program's
// forkserver needs a moment to sweep.
std::vector<std::string> LeftOf(const LeakCheck& before, absl::Duration limit) {
  const absl::Time end = absl::Now() + limit;
  // Allowed: it looks again, until it is so or `limit` is over.
  while (!before.NewSince().empty() && absl::Now() < end) usleep(2000);
  return before.NewSince();
}

TEST(Signals, C024_C027_EndARootInGoodOrder) {
  for (const char* name : {"MarkedChild", "AwaitedChild"}) {
    for (int signal : {SIGINT, SIGTERM}) {
      TestFiles files;
      {
        Program program(name, {{"PATH_OF_ENDS", files.Path("ends")}});
        ASSERT_TRUE(program.WaitForLine("ready")) << program.output();
        program.Signal(signal);
        EXPECT_EQ(program.Join(), 128 + signal);
        EXPECT_THAT(program.output(), HasSubstr("ended by signal"));
      }
      EXPECT_EQ(files.Read("ends"), "child ");
    }
  }
}

TEST(Signals, ASecondOneForces) {
  const LeakCheck before;
  {
    Program program("CleansUpForLong");
    ASSERT_TRUE(program.WaitForLine("ready")) << program.output();
    program.Signal(SIGINT);
    ASSERT_TRUE(program.WaitForLine("cleaning")) << program.output();
    program.Signal(SIGINT);
    EXPECT_EQ(program.JoinOnly(), 128 + SIGINT);
  }
  EXPECT_THAT(LeftOf(before, absl::Seconds(2)), IsEmpty());
}

TEST(Signals, SomeShowTheTasksAndEndNobody) {
  Program program("CleansUpForLong");
  ASSERT_TRUE(program.WaitForLine("ready")) << program.output();
  program.Signal(SIGHUP);
  for (int signal : {SIGUSR1, SIGQUIT}) {
    program.Signal(signal);
    ASSERT_TRUE(program.WaitForLine("tasks of root@")) << program.output();
    ASSERT_TRUE(program.WaitForLine("sleep")) << program.output();
  }
  program.Signal(SIGINT);
  ASSERT_TRUE(program.WaitForLine("cleaning")) << program.output();
  program.Signal(SIGTERM);
  EXPECT_EQ(program.Join(), 128 + SIGTERM);
}

TEST(Signals, SomeShowTheTasksOfAnActor) {
  SKIP_ON_BACKEND(thread, "it is one process");
  Program program("AsksItsChild");
  ASSERT_TRUE(program.WaitForLine("tasks of child@")) << program.output();
  program.Signal(SIGINT);
  EXPECT_EQ(program.Join(), 128 + SIGINT) << "it ended nobody";
}

TEST(Signals, C025_WhileOneShotsSleep) {
  const LeakCheck before;
  {
    Program program("SleepingOneShots");
    ASSERT_TRUE(program.WaitForLine("ready")) << program.output();
    const absl::Time begin = absl::Now();
    program.Signal(SIGINT);
    EXPECT_EQ(program.Join(), 128 + SIGINT);
    EXPECT_LT(absl::Now() - begin, absl::Seconds(2));
  }
  EXPECT_THAT(LeftOf(before, absl::Seconds(1)), IsEmpty());
}

TEST(Signals, AreTheProgramsOwnBusinessWhereItSaysSo) {
  const LeakCheck before;
  TestFiles files;
  {
    Program program("WatchesNoSignals", {{"PATH_OF_ENDS", files.Path("ends")}});
    ASSERT_TRUE(program.WaitForLine("ready")) << program.output();
    program.Signal(SIGTERM);
    EXPECT_EQ(program.Join(), 256 + SIGTERM) << "the signal's default action";
  }
  EXPECT_THAT(LeftOf(before, absl::Seconds(2)), IsEmpty());
}

TEST(Signals, OfTheTerminalReachTheRootAlone) {
  SKIP_ON_BACKEND(thread, "it is one process");
  RunActors([]() -> Task<> {
    co_await WithActorNursery([](ActorNursery& an) -> Task<> {
      Portal child = co_await an.StartActor(ActorOptions("child"));
      const auto stat = os::ReadProcStat(child.aid().pid);
      EXPECT_TRUE(stat.ok());
      if (stat.ok()) {
        EXPECT_NE(stat->group, getpgrp());
        EXPECT_EQ(stat->session, getsid(0)) << "it can still be reached";
      }
      co_await an.Cancel();
    });
  });
}

TEST(Signals, C028_AShieldedChildIsKilled) {
  SKIP_ON_BACKEND(thread, "a thread cannot be killed");
  Program program("ShieldedChild");
  ASSERT_TRUE(program.WaitForLine("ready")) << program.output();
  const absl::Time begin = absl::Now();
  program.Signal(SIGINT);
  EXPECT_NE(program.Join(), 0);
  EXPECT_LT(absl::Now() - begin, kCancelBudget + absl::Seconds(2));
  EXPECT_THAT(program.output(), HasSubstr("child@"));
  EXPECT_THAT(program.output(), HasSubstr("its end after a cancel"));
}

// ---- the end of the forkserver ----

Task<> RootWithoutAChild() {
  Say("ready");
  co_await SleepForever();
}
TEST_PROGRAM(NoChild) { return Main(argc, argv, RootWithoutAChild); }

// Also where it is not the parent of any actor: it keeps the tree's directory,
// and would have to end what an actor on a thread starts.
class Forkserver : public ::testing::TestWithParam<const char*> {};

TEST_P(Forkserver, ItsDeathEndsTheTreeAndIsAnErrorOfTheRoot) {
  const LeakCheck before;
  TestFiles files;
  {
    Program program(GetParam(), {{"PATH_OF_ENDS", files.Path("ends")}});
    ASSERT_TRUE(program.WaitForLine("ready")) << program.output();
    const auto children = os::ChildrenOf(program.pid());
    ASSERT_TRUE(children.ok());
    ASSERT_EQ(children->size(), 1u) << "the forkserver";
    const auto forkserver = os::Pidfd::Open(children->front());
    ASSERT_TRUE(forkserver.ok());
    const absl::Time begin = absl::Now();
    ASSERT_TRUE(forkserver->Signal(SIGKILL).ok());
    EXPECT_EQ(program.Join(), 1);
    EXPECT_LT(absl::Now() - begin, absl::Seconds(10));
    EXPECT_THAT(program.output(), HasSubstr("forkserver"));
    EXPECT_THAT(program.output(), HasSubstr("gone"));
  }
  EXPECT_THAT(LeftOf(before, absl::Seconds(1)), IsEmpty());
  const bool marked = GetParam() == std::string_view("MarkedChild");
  if (marked && CurrentBackend() == SpawnMethod::kThread) {
    EXPECT_EQ(files.Read("ends"), "child ") << "it was not killed";
  }
}

INSTANTIATE_TEST_SUITE_P(All, Forkserver,
                         ::testing::Values("MarkedChild", "NoChild"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace tractor::testing
