// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The helpers themselves: every kind of leak is planted and must be found.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"
#include "os/cgroup.h"
#include "os/fd.h"
#include "os/fork.h"
#include "runtime/tractor.h"
#include "tests/support/backend.h"
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

TEST(LeakCheck, FindsAFile) {
  const LeakCheck before;
  const std::string base = std::string(getenv("XDG_RUNTIME_DIR")) + "/tractor";
  std::filesystem::create_directories(base);
  const std::string path = base + "/planted";
  std::ofstream(path) << "x";
  EXPECT_THAT(before.NewSince(), ElementsAre(HasSubstr(path)));
  std::filesystem::remove(path);
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

TEST(Backend, IsOneOfThree) {
  EXPECT_FALSE(SpawnMethodName(CurrentBackend()).empty());
}

}  // namespace
}  // namespace tractor::testing
