// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// What a spawned actor is born with, and how its end is told.
//
// Long: one rule after the other.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "forkserver/preload.h"
#include "forkserver/testing/test_root.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "os/file.h"
#include "os/memfd.h"
#include "os/proc_fs.h"
#include "os/syscalls.h"

namespace tractor::forkserver {
namespace {

using ::testing::HasSubstr;
using testing::MakeSpec;
using testing::ReadLine;
using testing::ReadReport;
using testing::RunRoot;
using testing::TestChild;
using testing::TestRoot;

// Every rule holds whichever way a child is made.
enum class Way { kFork, kSpare, kExec };

class Backend : public ::testing::TestWithParam<Way> {
 protected:
  bool exec() const { return GetParam() == Way::kExec; }

  proto::SpawnSpec Spec(const std::string& name, const std::string& program) {
    proto::SpawnSpec spec = MakeSpec(name, program);
    spec.set_method(exec() ? proto::SpawnSpec::EXEC
                           : proto::SpawnSpec::FORKSERVER);
    return spec;
  }

  TestChild Start(TestRoot& root, const proto::SpawnSpec& spec,
                  std::map<std::string, os::Fd> fds = {}) {
    const pid_t spare = GetParam() == Way::kSpare ? root.MakeSpare() : 0;
    TestChild child = root.Spawn(spec, std::move(fds));
    if (spare != 0) {
      EXPECT_EQ(child.forked.pid, spare);
    }
    return child;
  }
};

std::string WayName(const ::testing::TestParamInfo<Way>& info) {
  return info.param == Way::kFork    ? "Fork"
         : info.param == Way::kSpare ? "Spare"
                                     : "Exec";
}

INSTANTIATE_TEST_SUITE_P(All, Backend,
                         ::testing::Values(Way::kFork, Way::kSpare, Way::kExec),
                         WayName);

std::string ReadFileOrEmpty(const std::string& path) {
  return os::ReadFile(path).value_or("");
}

// Waits for the pipe's end, so that nothing is missed.
std::string ReadPipe(const os::Fd& pipe) {
  std::string all;
  while (true) {
    pollfd waiting = {pipe.get(), POLLIN, 0};
    poll(&waiting, 1, 10000);
    char buffer[256];
    const ssize_t got = read(pipe.get(), buffer, sizeof(buffer));
    if (got <= 0) return all;
    all.append(buffer, static_cast<size_t>(got));
  }
}

TEST_P(Backend, ReportsTheExitCode) {
  RunRoot([&](TestRoot& root) {
    root.Open();
    for (int code : {0, 3, 255}) {
      auto child = Start(root, Spec("a", "exit " + std::to_string(code)));
      const proto::Exited exited = root.WaitExited(child);
      EXPECT_EQ(exited.child_id(), child.id());
      EXPECT_EQ(exited.code(), code);
      EXPECT_EQ(exited.signal(), 0);
      EXPECT_FALSE(exited.core());
      EXPECT_FALSE(exited.oom());
      EXPECT_TRUE(exited.swept());
      EXPECT_GT(exited.lifetime_ns(), 0u);
      EXPECT_GT(exited.use().minor_faults(), 0u);
      EXPECT_GT(exited.use().max_rss_kb(), 0u);
    }
    EXPECT_EQ(root.Close().killed_count(), 0u);
  });
}

TEST_P(Backend, ReportsTheSignalThatKilled) {
  RunRoot([&](TestRoot& root) {
    root.Open();
    for (int signal : {SIGSEGV, SIGABRT, SIGTERM, SIGKILL}) {
      auto child = Start(root, Spec("a", "raise " + std::to_string(signal)));
      const proto::Exited exited = root.WaitExited(child);
      EXPECT_EQ(exited.signal(), signal);
      EXPECT_EQ(exited.code(), 0);
      EXPECT_FALSE(exited.oom());
    }
  });
}

TEST_P(Backend, ReportsADumpedCore) {
  rlimit limit = {};
  getrlimit(RLIMIT_CORE, &limit);
  if (limit.rlim_max == 0 ||
      ReadFileOrEmpty("/proc/sys/kernel/core_pattern").starts_with("|")) {
    GTEST_SKIP() << "cores are not written to files here";
  }
  RunRoot([&](TestRoot& root) {
    root.Open();
    proto::SpawnSpec spec = Spec("a", "dump");
    spec.set_working_directory(root.directory);
    auto child = Start(root, spec);
    const proto::Exited exited = root.WaitExited(child);
    EXPECT_EQ(exited.signal(), SIGABRT);
    EXPECT_TRUE(exited.core());
  });
}

// What the kernel's memory controller counts, in the forkserver's eyes: the
// machine need not have one.
std::string planned_memory_events;

int OpenPlannedEvents(int dir, const char* path, int flags, mode_t mode) {
  if (std::string_view(path) != "memory.events") {
    return os::kRealSyscalls.openat(dir, path, flags, mode);
  }
  os::Fd memfd = *os::MakeMemfd("memory.events");
  EXPECT_TRUE(os::WriteAll(memfd.get(), planned_memory_events).ok());
  lseek(memfd.get(), 0, SEEK_SET);
  return memfd.release();
}

const bool plants_memory_events = RegisterPreload("memory events", [] {
  if (planned_memory_events.empty()) return absl::OkStatus();
  auto* table = new os::SyscallTable(os::Sys());
  table->openat = OpenPlannedEvents;
  new os::ScopedSyscallTable(table);
  return absl::OkStatus();
});

TEST_P(Backend, TellsTheOomKillersWorkFromOthers) {
  for (const int kills : {0, 1}) {
    planned_memory_events =
        "low 0\nhigh 0\nmax 3\noom 1\noom_kill " + std::to_string(kills) + "\n";
    RunRoot([&](TestRoot& root) {
      if (root.Open({.cgroup = true}).cgroup().empty()) {
        GTEST_SKIP() << "no cgroup can be made here";
      }
      auto killed = Start(root, Spec("a", "raise 9"));
      EXPECT_EQ(root.WaitExited(killed).oom(), kills == 1);
      // By another signal, or by ourselves, it is no work of the kernel's.
      auto crashed = Start(root, Spec("b", "raise 11"));
      EXPECT_FALSE(root.WaitExited(crashed).oom());
      auto ended = Start(root, Spec("c", "echo"));
      ASSERT_TRUE(root.client.Kill(ended.id(), SIGKILL).ok());
      EXPECT_FALSE(root.WaitExited(ended).oom());
    });
  }
  planned_memory_events.clear();
}

TEST_P(Backend, HasExactlyTheFdsThatItWasGiven) {
  RunRoot([&](TestRoot& root) {
    root.Open();
    // Some that must not get through: of the root, and of actors before it.
    os::Fd foreign = *os::Open("/dev/null", O_RDONLY);
    ASSERT_TRUE(os::SetCloexec(foreign.get(), false).ok());
    auto other = root.Spawn("other", "echo");
    std::map<std::string, os::Fd> fds;
    fds["log"] = *os::Open("/dev/null", O_WRONLY);
    fds["ring"] = *os::MakeMemfd("ring");
    auto child = Start(root, Spec("a", "report"), std::move(fds));
    std::istringstream words(ReadReport(child)["fds"]);
    const std::multiset<std::string> seen(
        std::istream_iterator<std::string>(words), {});
    EXPECT_EQ(seen, (std::multiset<std::string>{"std", "std", "std", "channel",
                                                "control", "log", "ring"}));
  });
}

TEST_P(Backend, StartsWithCleanSignalsAndItsOwnGroup) {
  RunRoot([&](TestRoot& root) {
    root.Open();
    auto child = Start(root, Spec("a", "report"));
    auto report = ReadReport(child);
    EXPECT_EQ(report["blocked"], "0");
    // 32 and 33 are glibc's own; whoever started us may have ignored them.
    const uint64_t glibc = (uint64_t{1} << 31) | (uint64_t{1} << 32);
    EXPECT_EQ(std::stoull(report["ignored"]) & ~glibc,
              uint64_t{1} << (SIGPIPE - 1));
    EXPECT_EQ(report["group"], "own");
    EXPECT_EQ(report["parent"], std::to_string(root.zygote.pid()));
  });
}

// Handlers of the program would run in actors, which know nothing of them.
TEST(Spawn, DoesNotInheritTheProgramsHandlersOrItsMask) {
  RunRoot([&](TestRoot& root) {
    root.Open();
    auto child = root.Spawn(MakeSpec("a", "report"));
    ReadReport(child);
    auto status = os::ReadProcStatus(child.forked.pid);
    ASSERT_TRUE(status.ok());
    for (int signal : {SIGTERM, SIGINT, SIGUSR1, SIGUSR2, SIGCHLD, SIGALRM}) {
      EXPECT_EQ(status->caught_signals & (uint64_t{1} << (signal - 1)), 0u)
          << signal;
    }
  });
}

TEST_P(Backend, ShowsItsNameAndItsMarks) {
  RunRoot([&](TestRoot& root) {
    root.Open();
    proto::SpawnSpec spec = Spec("worker.3", "report");
    auto child = Start(root, spec);
    auto report = ReadReport(child);
    EXPECT_EQ(report["comm"], "tractor[worker.");
    EXPECT_EQ(report["title"], "tractor[worker.3]");
    const std::string uuid = absl::BytesToHexString(spec.actor().uuid());
    for (const char* how : {"shown_", "env_"}) {
      EXPECT_EQ(report[std::string(how) + "TRACTOR_ACTOR"], uuid) << how;
      EXPECT_EQ(report[std::string(how) + "TRACTOR_TREE"].size(), 32u) << how;
      EXPECT_EQ(report[std::string(how) + "TRACTOR_ACTOR_PATH"],
                "root/worker.3")
          << how;
    }
    EXPECT_EQ(getenv("TRACTOR_ACTOR"), nullptr) << "the root has no mark";
  });
}

TEST_P(Backend, KnowsWhoItIs) {
  RunRoot([&](TestRoot& root) {
    root.Open();
    // Several, so that a start next to a clock tick comes up now and then.
    for (int i = 0; i < 20; ++i) {
      auto child = Start(root, Spec("a", "report"));
      auto report = ReadReport(child);
      EXPECT_EQ(report["pid"], std::to_string(child.forked.pid));
      EXPECT_EQ(report["aid_pid"], report["pid"]);
      EXPECT_EQ(report["aid_start_time"], report["start_time"]);
      EXPECT_EQ(report["start_time"], std::to_string(child.forked.start_time));
      EXPECT_EQ(report["boot_id_bytes"], "16");
    }
  });
}

TEST_P(Backend, TakesDirectoryNicenessAndEnvironment) {
  RunRoot([&](TestRoot& root) {
    root.Open();
    setenv("INHERITED", "no: set after the forkserver was forked", 1);
    proto::SpawnSpec spec = Spec("a", "report");
    spec.set_working_directory(root.directory);
    spec.set_nice(5);
    auto* entry = spec.add_environment();
    entry->set_name("COLOUR");
    entry->set_value("blue green");
    entry = spec.add_environment();
    entry->set_name("PATH");
    entry->set_unset(true);
    entry = spec.add_environment();
    entry->set_name("TRACTOR_ACTOR");  // cannot be forged
    entry->set_value("me");
    auto child = Start(root, spec);
    auto report = ReadReport(child);
    EXPECT_EQ(report["cwd"], root.directory);
    EXPECT_EQ(report["nice"],
              std::to_string(std::min(19, getpriority(PRIO_PROCESS, 0) + 5)));
    EXPECT_EQ(report["env_COLOUR"], "blue green");
    EXPECT_EQ(report["env_PATH"], "-");
    EXPECT_EQ(report["env_TRACTOR_ACTOR"].size(), 32u);
  });
}

TEST(Spawn, SeedsTheRandomNumbersOfEveryFork) {
  RunRoot([&](TestRoot& root) {
    root.Open();
    std::set<std::string> seen;
    for (int i = 0; i < 5; ++i) {
      auto child = root.Spawn("a", "report");
      seen.insert(ReadReport(child)["random"]);
    }
    EXPECT_EQ(seen.size(), 5u);
  });
}

TEST_P(Backend, KeepsTheProgramsFdLimit) {
  RunRoot([&](TestRoot& root) {
    root.Open();
    rlimit own = {};
    getrlimit(RLIMIT_NOFILE, &own);
    auto child = Start(root, Spec("a", "report"));
    EXPECT_EQ(ReadReport(child)["file_limit"], std::to_string(own.rlim_cur));
  });
}

TEST_P(Backend, TakesASpecThatIsLongerThanAPacket) {
  RunRoot([&](TestRoot& root) {
    root.Open();
    proto::SpawnSpec spec = Spec("a", "report");
    for (int i = 0; i < 20000; ++i) {
      spec.add_endpoints("some::name::space::Endpoint" + std::to_string(i));
    }
    // No packet holds it, so it is not for a spare.
    const pid_t spare = GetParam() == Way::kSpare ? root.MakeSpare() : 0;
    auto child = root.Spawn(spec);
    EXPECT_NE(child.forked.pid, spare);
    EXPECT_GT(std::stoul(ReadReport(child)["spec_bytes"]), 500'000u);
  });
}

TEST_P(Backend, StampsEveryStepInOrder) {
  RunRoot([&](TestRoot& root) {
    root.Open({.cgroup = true});
    auto child = Start(root, Spec("a", "report"));
    std::istringstream words(ReadReport(child)["steps"]);
    std::vector<std::string> names;
    uint64_t last = 0;
    for (std::string word; words >> word;) {
      const size_t colon = word.find(':');
      names.push_back(word.substr(5, colon - 5));
      const uint64_t at = std::stoull(word.substr(colon + 1));
      EXPECT_GE(at, last) << word;
      last = at;
    }
    std::vector<std::string> expected = {"REQUESTED", "RECEIVED", "CHECK",
                                         "RESOURCES", "FORK",     "CHILD"};
    auto expect = [&](std::initializer_list<const char*> more) {
      expected.insert(expected.end(), more.begin(), more.end());
    };
    if (GetParam() != Way::kSpare) expect({"PDEATHSIG", "CGROUP", "SIGNALS"});
    expect({"STDIO", "FDS", "TITLE", "ENVIRONMENT", "RANDOM", "CWD"});
    if (exec()) expect({"EXEC", "IMAGE"});
    expected.push_back("ENTRY");
    EXPECT_EQ(names, expected);
    EXPECT_EQ(child.forked.timing.stamps_size(), 5);
  });
}

// ---- stdio

TEST_P(Backend, RelaysPipesWithNothingLost) {
  RunRoot([&](TestRoot& root) {
    root.Open();
    proto::SpawnSpec spec = Spec("a", "print hello");
    spec.mutable_stdout_policy()->set_kind(proto::StdioPolicy::PIPE);
    spec.mutable_stderr_policy()->set_kind(proto::StdioPolicy::PIPE);
    auto child = Start(root, spec);
    EXPECT_EQ(ReadPipe(child.forked.stdout_pipe), "out:hello");
    EXPECT_EQ(ReadPipe(child.forked.stderr_pipe), "err:hello");
    EXPECT_EQ(root.WaitExited(child).code(), 0);
  });
}

TEST_P(Backend, AppendsToFiles) {
  RunRoot([&](TestRoot& root) {
    root.Open();
    const std::string path = root.directory + "/out.txt";
    proto::SpawnSpec spec = Spec("a", "print x");
    for (auto* policy :
         {spec.mutable_stdout_policy(), spec.mutable_stderr_policy()}) {
      policy->set_kind(proto::StdioPolicy::FILE);
      policy->set_path(path);
    }
    spec.mutable_stdin_policy()->set_kind(proto::StdioPolicy::NULL_DEVICE);
    EXPECT_EQ(root.WaitExited(Start(root, spec)).code(), 0);
    spec.mutable_actor()->set_uuid(MakeSpec("", "").actor().uuid());
    EXPECT_EQ(root.WaitExited(Start(root, spec)).code(), 0);
    EXPECT_EQ(ReadFileOrEmpty(path), "err:xout:xerr:xout:x");
    unlink(path.c_str());
  });
}

TEST(Spawn, APipeThatNobodyReadsStopsOnlyItsWriter) {
  RunRoot([&](TestRoot& root) {
    root.Open();
    // More than a pipe holds: the writer blocks in its flush.
    proto::SpawnSpec spec =
        MakeSpec("flood", "print " + std::string(300'000, 'x'));
    spec.mutable_stdout_policy()->set_kind(proto::StdioPolicy::PIPE);
    spec.mutable_stderr_policy()->set_kind(proto::StdioPolicy::NULL_DEVICE);
    auto flood = root.Spawn(spec);
    pollfd full = {flood.forked.stdout_pipe.get(), POLLIN, 0};
    ASSERT_EQ(poll(&full, 1, 10000), 1);
    auto other = root.Spawn("other", "exit 4");
    EXPECT_EQ(root.WaitExited(other).code(), 4);
    const proto::TreeClosed closed = root.Close();
    ASSERT_EQ(closed.killed_count(), 1u);
    EXPECT_EQ(closed.killed(0).name(), "flood");
  });
}

// ---- failures of the set-up

TEST_P(Backend, TellsWhichStepFailed) {
  RunRoot([&](TestRoot& root) {
    root.Open();
    struct Case {
      proto::SpawnStep step;
      int err;
      std::function<void(proto::SpawnSpec&)> spoil;
    };
    const Case cases[] = {
        {proto::STEP_CWD, ENOENT,
         [](auto& spec) { spec.set_working_directory("/no/such/place"); }},
        {proto::STEP_STDIO, ENOENT,
         [](auto& spec) {
           spec.mutable_stdout_policy()->set_kind(proto::StdioPolicy::FILE);
           spec.mutable_stdout_policy()->set_path("/no/such/place/out");
         }},
    };
    for (const Case& one : cases) {
      proto::SpawnSpec spec = Spec("a", "exit 0");
      one.spoil(spec);
      auto child = Start(root, spec);
      const proto::Failed failed = root.Wait<Failed>(child.request_id).body;
      EXPECT_EQ(failed.child_id(), child.id());
      EXPECT_EQ(failed.step(), one.step);
      EXPECT_EQ(failed.errno_value(), one.err);
      EXPECT_THAT(failed.message(), HasSubstr("/no/such/place"));
      EXPECT_EQ(root.WaitExited(child).code(), 70);
    }
  });
}

TEST(Spawn, TellsThatTheImageCannotBeExecuted) {
  RunRoot([&](TestRoot& root) {
    root.Open();
    proto::SpawnSpec spec = MakeSpec("a", "exit 0");
    spec.set_method(proto::SpawnSpec::EXEC);
    // The kernel takes no string of more than 32 pages for an exec.
    auto* entry = spec.add_environment();
    entry->set_name("LONG");
    entry->set_value(std::string(200'000, 'x'));
    auto child = root.Spawn(spec);
    const proto::Failed failed = root.Wait<Failed>(child.request_id).body;
    EXPECT_EQ(failed.step(), proto::STEP_EXEC);
    EXPECT_EQ(failed.errno_value(), E2BIG);
    EXPECT_EQ(root.WaitExited(child).code(), 70);
  });
}

// ---- hooks

const bool preload_fails = RegisterPreload(
    "table", [] { return absl::UnavailableError("no such table"); });

// Counts itself in the environment that children inherit.
const bool preload_counts = RegisterPreload("count", [] {
  const char* before = getenv("PRELOADED");
  const std::string count =
      (before == nullptr ? std::string() : std::string(before)) + "x";
  setenv("PRELOADED", count.c_str(), 1);
  setenv("PRELOADED_BY", std::to_string(getpid()).c_str(), 1);
  return absl::OkStatus();
});

TEST(Preload, HooksRunOnceInTheForkserverForAllChildren) {
  RunRoot([](TestRoot& root) {
    root.Open();
    for (int i = 0; i < 3; ++i) {
      auto report = ReadReport(root.Spawn("a", "report"));
      EXPECT_EQ(report["env_PRELOADED"], "x");
      EXPECT_EQ(report["env_PRELOADED_BY"], std::to_string(root.zygote.pid()));
    }
    EXPECT_EQ(getenv("PRELOADED"), nullptr) << "the root has no part in it";
  });
}

const bool after_fork =
    RegisterAfterFork("counter", [] { setenv("AFTER_FORK", "1", 1); });

TEST(Preload, AFailedHookIsAWarningOfTheTree) {
  RunRoot([&](TestRoot& root) {
    const proto::TreeOpened opened = root.Open();
    ASSERT_EQ(opened.warnings_size(), 1);
    EXPECT_EQ(opened.warnings(0), "preload hook \"table\": no such table");
  });
}

TEST(Preload, AfterForkHooksRunInEveryForkedChild) {
  RunRoot([&](TestRoot& root) {
    root.Open();
    proto::SpawnSpec spec = MakeSpec("a", "report");
    // Unset before the hooks run, so what is reported comes from them.
    auto* entry = spec.add_environment();
    entry->set_name("AFTER_FORK");
    entry->set_unset(true);
    auto child = root.Spawn(spec);
    EXPECT_EQ(ReadReport(child)["env_AFTER_FORK"], "1");
  });
}

}  // namespace
}  // namespace tractor::forkserver
