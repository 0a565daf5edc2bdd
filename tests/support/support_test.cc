// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The helpers themselves: every kind of leak is planted and must be found.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"
#include "os/cgroup.h"
#include "os/fd.h"
#include "os/fork.h"
#include "os/pidfd.h"
#include "runtime/tractor.h"
#include "tests/support/backend.h"
#include "tests/support/headroom.h"
#include "tests/support/leak_check.h"
#include "tests/support/program.h"
#include "tests/support/run_actors.h"

namespace tractor::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(LeakCheck, NothingIsNothing) {
  EXPECT_THAT(LeakCheck().NewSince(), IsEmpty());
}

TEST(LeakCheck, FindsADescriptor) {
  const LeakCheck before;
  const os::Fd fd(open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_THAT(before.NewSince(), ElementsAre(HasSubstr("/dev/null")));
}

TEST(LeakCheck, FindsAChildAndItsZombie) {
  const LeakCheck before;
  auto child = os::Fork();
  if (child->in_child()) {
    pause();
    _exit(0);
  }
  EXPECT_THAT(
      before.NewSince(),
      ::testing::Contains(HasSubstr("process " + std::to_string(child->pid))));
  ASSERT_TRUE(child->pidfd.Signal(SIGKILL).ok());
  ASSERT_TRUE(child->pidfd.WaitForEnd(-1).ok());
  EXPECT_THAT(
      before.NewSince(),
      ::testing::Contains(HasSubstr("zombie " + std::to_string(child->pid))));
  ASSERT_TRUE(child->pidfd.Wait().ok());
}

// A grandchild in a session of its own, whose parent has gone.
TEST(LeakCheck, FindsADaemon) {
  const LeakCheck before;
  int fds[2];
  ASSERT_EQ(pipe2(fds, O_CLOEXEC), 0);
  auto child = os::Fork();
  if (child->in_child()) {
    setsid();
    auto grandchild = os::Fork();
    if (!grandchild->in_child()) _exit(0);
    const pid_t self = getpid();
    (void)!write(fds[1], &self, sizeof(self));
    pause();
    _exit(0);
  }
  pid_t daemon = 0;
  ASSERT_EQ(read(fds[0], &daemon, sizeof(daemon)), ssize_t{sizeof(daemon)});
  ASSERT_TRUE(child->pidfd.Wait().ok());
  EXPECT_THAT(
      before.NewSince(),
      ::testing::Contains(HasSubstr("process " + std::to_string(daemon))));
  auto pidfd = os::Pidfd::Open(daemon);
  ASSERT_TRUE(pidfd.ok());
  ASSERT_TRUE(pidfd->Signal(SIGKILL).ok());
  ASSERT_TRUE(pidfd->WaitForEnd(-1).ok());
  close(fds[0]);
  close(fds[1]);
}

TEST(LeakCheck, FindsAThread) {
  const LeakCheck before;
  std::mutex hold;
  hold.lock();
  std::thread thread([&] { std::lock_guard wait(hold); });
  EXPECT_THAT(before.NewSince(), ElementsAre(HasSubstr("thread ")));
  hold.unlock();
  thread.join();
}

// Below the runtime directory, as the runtime makes it.
std::string PlantedPath(const std::string& name) {
  const std::string base = std::string(getenv("XDG_RUNTIME_DIR")) + "/tractor";
  std::filesystem::create_directories(base);
  return base + "/" + name;
}

TEST(LeakCheck, FindsAFile) {
  const LeakCheck before;
  const std::string path = PlantedPath("planted");
  std::ofstream(path) << "x";
  EXPECT_THAT(before.NewSince(), ElementsAre(HasSubstr(path)));
  std::filesystem::remove(path);
}

TEST(LeakCheck, FindsASocketFile) {
  const LeakCheck before;
  const std::string path = PlantedPath("planted.sock");
  {
    const os::Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = {}};
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    ASSERT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address),
                   sizeof(address)),
              0);
  }
  EXPECT_THAT(before.NewSince(), ElementsAre(HasSubstr(path)));
  std::filesystem::remove(path);
  EXPECT_THAT(before.NewSince(), IsEmpty());
}

TEST(LeakCheck, FindsARuntimeDirectory) {
  const LeakCheck before;
  const std::string path = PlantedPath("planted");
  std::filesystem::create_directory(path);
  EXPECT_THAT(before.NewSince(), ElementsAre(HasSubstr(path)));
  std::filesystem::remove(path);
}

class SharedMemory {
 public:
  explicit SharedMemory(const std::string& name) : name_("/" + name) {
    const os::Fd fd(shm_open(name_.c_str(), O_CREAT | O_EXCL | O_RDWR, 0600));
    EXPECT_TRUE(fd.valid());
  }
  ~SharedMemory() { shm_unlink(name_.c_str()); }
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

 private:
  std::string name_;
};

TEST(LeakCheck, FindsSharedMemory) {
  const LeakCheck before;
  const std::string name = "planted-" + MarkName();
  const SharedMemory planted(name);
  EXPECT_THAT(before.NewSince(), ElementsAre("shared memory /dev/shm/" + name));
}

TEST(LeakCheck, LeavesTheSharedMemoryOfOthersAlone) {
  const LeakCheck before;
  const SharedMemory other("planted-tractor-test-other-than-" +
                           std::to_string(getpid()));
  const SharedMemory foreign("planted-by-" + std::to_string(getpid()));
  EXPECT_THAT(before.NewSince(), IsEmpty());
}

TEST(LeakCheck, FindsACgroup) {
  const auto parent = os::Cgroup::FindWritableParent();
  if (!parent.ok()) GTEST_SKIP() << parent.status();
  const LeakCheck before;
  const auto planted = os::Cgroup::Create(*parent, "tractor-planted");
  ASSERT_TRUE(planted.ok());
  EXPECT_THAT(before.NewSince(), ::testing::Contains("cgroup tractor-planted"));
  EXPECT_TRUE(planted->Remove().ok());
}

TEST(RunActors, GivesTheValue) {
  EXPECT_EQ(RunActors([]() -> Task<int> { co_return 7; }), 7);
}

TEST(RunActors, EndsARootThatHangs) {
  EXPECT_NONFATAL_FAILURE(RunActors([]() -> Task<> { co_await SleepForever(); },
                                    RootOptions(), absl::Milliseconds(100)),
                          "sleep");
}

TEST(ErrorOf, GivesTheError) {
  const std::exception_ptr error = ErrorOf([]() -> Task<> {
    throw std::out_of_range("planted");
    co_return;
  });
  ExpectError<std::out_of_range>(error);
  EXPECT_NONFATAL_FAILURE(ExpectError<std::bad_alloc>(error), "planted");
  EXPECT_NONFATAL_FAILURE(ExpectError<std::bad_alloc>(nullptr), "none at all");
}

TEST_PROGRAM(SayAndExit) {
  std::puts("hello");
  return 7;
}

TEST(Program, TellsOutputAndExitCode) {
  Program program("SayAndExit");
  EXPECT_EQ(program.WaitForLine("hel"), "hello");
  EXPECT_EQ(program.WaitForLine("more"), std::nullopt);
  EXPECT_EQ(program.Join(), 7);
}

TEST_PROGRAM(PauseForEver) {
  std::puts("ready");
  std::fflush(stdout);
  pause();
  return 0;
}

TEST(Program, TellsSignals) {
  Program program("PauseForEver");
  ASSERT_TRUE(program.WaitForLine("ready"));
  program.Signal(SIGKILL);
  EXPECT_EQ(program.Join(), 256 + SIGKILL);
  EXPECT_THAT(LeakCheck().NewSince(), SizeIs(0));
}

// ---- main() of the tests ----

// These run in programs of their own, with a mark of their own.
TEST(DISABLED_Planted, Nothing) {}
TEST(DISABLED_Planted, LeavesAFile) {
  std::ofstream(PlantedPath("planted")) << "x";
}

// The tests that GTEST_FILTER names.
TEST_PROGRAM(Tests) {
  unsetenv(kMarkVariable);
  setenv("GTEST_ALSO_RUN_DISABLED_TESTS", "1", 1);
  execl("/proc/self/exe", "tests", nullptr);
  return 2;
}

Program RunPlanted(const std::string& name,
                   std::map<std::string, std::string> environment = {}) {
  environment["GTEST_FILTER"] = "DISABLED_Planted." + name;
  return Program("Tests", environment);
}

TEST(ActorTestMain, ATestThatLeavesNothingPasses) {
  Program tests = RunPlanted("Nothing");
  EXPECT_EQ(tests.Join(), 0) << tests.output();
}

TEST(ActorTestMain, ALeakFailsItsTest) {
  Program tests = RunPlanted("LeavesAFile");
  EXPECT_EQ(tests.Join(), 1) << tests.output();
  EXPECT_THAT(tests.output(), HasSubstr("left behind: file "));
  EXPECT_THAT(tests.output(),
              HasSubstr("FAILED  ] DISABLED_Planted.LeavesAFile"));
}

// A program with a mark of its own leaves a process behind: one that lives for
// as long as somebody reads what it says.
TEST_PROGRAM(Leaves) {
  if (getenv("PLANTED") == nullptr) {
    unsetenv(kMarkVariable);
    setenv("PLANTED", "yes", 1);
    execv("/proc/self/exe", argv);
  }
  auto child = os::Fork();
  if (!child->in_child()) return 0;
  pollfd output = {.fd = STDOUT_FILENO, .events = 0, .revents = 0};
  poll(&output, 1, -1);
  _exit(0);
}

TEST(ActorTestMain, AProcessThatOutlivesThemFailsTheTests) {
  absl::StatusOr<os::Pidfd> left = absl::NotFoundError("not told");
  {
    Program program("Leaves");
    constexpr std::string_view kTold = "outlived the test program: process ";
    const std::optional<std::string> line = program.WaitForLine(kTold);
    ASSERT_TRUE(line.has_value()) << program.output();
    left = os::Pidfd::Open(std::stoi(line->substr(kTold.size())));
    EXPECT_EQ(program.JoinOnly(), kLeftCode);
  }
  // In a cgroup of its own it was killed at once.
  if (left.ok()) {
    EXPECT_TRUE(left->WaitForEnd(-1).ok());
  }
}

TEST(Backend, IsOneOfThree) {
  EXPECT_FALSE(SpawnMethodName(CurrentBackend()).empty());
}

TEST(Backend, AnUnknownOneFailsTheTests) {
  Program tests = RunPlanted("Nothing", {{"TRACTOR_SPAWN_METHOD", "pigeon"}});
  EXPECT_NE(tests.Join(), 0);
  EXPECT_THAT(tests.output(), HasSubstr("unknown spawn method 'pigeon'"));
}

// ---- budgets ----

TEST(Headroom, IsMeasuredOnce) {
  const double factor = Headroom();
  EXPECT_GE(factor, kLeast);
  EXPECT_EQ(Headroom(), factor);
  EXPECT_GT(SlowestFork(1), absl::ZeroDuration());
  EXPECT_EQ(Scaled(absl::Seconds(2)), absl::Seconds(2) * factor);
}

}  // namespace
}  // namespace tractor::testing
