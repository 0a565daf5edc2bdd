// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "os/fork.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "os/cgroup.h"
#include "os/errno_status.h"
#include "os/fail_nth.h"
#include "os/fd.h"
#include "os/pidfd.h"
#include "os/proc_fs.h"
#include "os/syscalls.h"
#include "os/testing.h"

namespace tractor::os {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TRACTOR_TSAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define TRACTOR_TSAN 1
#endif

// No child of this process is left, dead or alive.
void ExpectNoChild() {
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(ForkTest, GivesTheParentAHandleAndTheChildNone) {
  const FdCheck fds;
  {
    TRACTOR_ASSERT_OK_AND_ASSIGN(ForkResult fork, Fork());
    if (fork.in_child()) {
      _exit(fork.pidfd.valid() || OpenFds().value().empty() ? 1 : 0);
    }
    EXPECT_GT(fork.pid, 0);
    EXPECT_EQ(fork.pidfd.pid(), fork.pid);
    EXPECT_EQ(fcntl(fork.pidfd.fd(), F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(fork.pidfd.Wait().value().code, 0);
  }
  fds.CheckNothingNew();
  ExpectNoChild();
}

TEST(ForkTest, TheChildInheritsNoExtraDescriptor) {
  const std::vector<int> before = OpenFds().value();
  EXPECT_EQ(RunInChild([&] { return OpenFds().value() == before ? 0 : 1; }), 0);
}

TEST(ForkTest, ARefusedForkIsAnErrorAndLeavesNothing) {
  const FdCheck fds;
  FailNth fault("fork", 1, EAGAIN);
  const auto fork = Fork();
  EXPECT_EQ(fork.status().message(), "fork: Resource temporarily unavailable");
  EXPECT_THAT(fork, HasCode(absl::StatusCode::kUnavailable));
  fds.CheckNothingNew();
}

TEST(ForkTest, WithoutADescriptorThereIsNoChild) {
  FailNth fault("pidfd_open", 1, EMFILE);
  FailNth forks("fork", 0, 0);
  EXPECT_THAT(Fork(), HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(forks.calls(), 0);
  ExpectNoChild();
}

TEST(ForkTest, AChildWithoutAHandleIsEndedAndReaped) {
  const FdCheck fds;
  FailNth fault("pidfd_open", 2, ENOMEM);
  const auto fork = Fork();
  if (fork.ok() && fork->in_child()) {
    for (;;) pause();
  }
  EXPECT_THAT(fork, HasErrno(ENOMEM));
  ExpectNoChild();
  fds.CheckNothingNew();
}

TEST(ForkTest, CountsThreads) {
  EXPECT_EQ(RunInChild([] {
              const int before = ThreadCount().value();
              if (!IsSingleThreaded().value()) return 1;
              bool stop = false;
              pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
              pthread_mutex_lock(&mutex);
              std::vector<std::thread> threads;
              for (int i = 0; i < 3; ++i) {
                threads.emplace_back([&] {
                  pthread_mutex_lock(&mutex);
                  stop = true;
                  pthread_mutex_unlock(&mutex);
                });
              }
              const bool counted = ThreadCount().value() >= before + 3 &&
                                   !IsSingleThreaded().value();
              pthread_mutex_unlock(&mutex);
              for (std::thread& thread : threads) thread.join();
              return counted && stop ? 0 : 2;
            }),
            0);
}

class ForkIntoTest : public ::testing::TestWithParam<ForkIntoMethod> {
 protected:
  void SetUp() override {
    if (!cgroup_.ok()) GTEST_SKIP() << cgroup_.why_not();
#ifdef TRACTOR_TSAN
    if (GetParam() == ForkIntoMethod::kCloneInto) {
      GTEST_SKIP() << "ThreadSanitizer must see every fork";
    }
#endif
  }

  const Cgroup& cgroup() const { return cgroup_.get(); }

  absl::StatusOr<ForkResult> ForkHere() const {
    return ForkInto(cgroup().fd(), GetParam());
  }

  // Runs `body` in a child in the cgroup; its exit code.
  template <typename Body>
  int RunInside(Body body) const {
    absl::StatusOr<ForkResult> fork = ForkHere();
    TRACTOR_EXPECT_OK(fork);
    if (!fork.ok()) return -1;
    if (fork->in_child()) _exit(body());
    const ExitStatus end = fork->pidfd.Wait().value();
    return end.signal != 0 ? 256 + end.signal : end.code;
  }

 private:
  TestCgroup cgroup_;
};

std::string MethodName(const ::testing::TestParamInfo<ForkIntoMethod>& info) {
  constexpr const char* kNames[] = {"Auto", "CloneInto", "ForkThenJoin"};
  return kNames[static_cast<int>(info.param)];
}

INSTANTIATE_TEST_SUITE_P(Methods, ForkIntoTest,
                         ::testing::Values(ForkIntoMethod::kAuto,
                                           ForkIntoMethod::kCloneInto,
                                           ForkIntoMethod::kForkThenJoin),
                         MethodName);

TEST_P(ForkIntoTest, TheChildIsInsideBeforeItRuns) {
  const std::string path = CgroupOf(getpid()).value();
  EXPECT_EQ(RunInside([&] {
              const std::string inside = CgroupOf(getpid()).value();
              return inside != path &&
                             inside.find("tractor-test-") != std::string::npos
                         ? 0
                         : 1;
            }),
            0);
  EXPECT_EQ(CgroupOf(getpid()).value(), path);
}

TEST_P(ForkIntoTest, TheParentHasAHandleAndNothingElseIsLeft) {
  const FdCheck fds;
  {
    TRACTOR_ASSERT_OK_AND_ASSIGN(ForkResult fork, ForkHere());
    if (fork.in_child()) {
      for (;;) pause();
    }
    EXPECT_THAT(cgroup().Processes().value(), ElementsAre(fork.pid));
    EXPECT_EQ(fcntl(fork.pidfd.fd(), F_GETFD), FD_CLOEXEC);
    TRACTOR_EXPECT_OK(fork.pidfd.Signal(SIGKILL));
    EXPECT_EQ(fork.pidfd.Wait().value().signal, SIGKILL);
  }
  fds.CheckNothingNew();
  ExpectNoChild();
}

TEST_P(ForkIntoTest, TheChildInheritsNoExtraDescriptor) {
  const std::vector<int> before = OpenFds().value();
  EXPECT_EQ(RunInside([&] { return OpenFds().value() == before ? 0 : 1; }), 0);
}

// With a stale thread id the kernel refuses the unlock (EPERM).
TEST_P(ForkIntoTest, PriorityInheritingMutexesWorkInTheChild) {
  EXPECT_EQ(RunInside([] {
              pthread_mutexattr_t kind;
              pthread_mutexattr_init(&kind);
              pthread_mutexattr_setprotocol(&kind, PTHREAD_PRIO_INHERIT);
              pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_ERRORCHECK);
              pthread_mutex_t mutex;
              pthread_mutex_init(&mutex, &kind);
              if (pthread_mutex_lock(&mutex) != 0) return 1;
              // Once a second thread waits, the kernel looks at the owner.
              std::thread other([&] {
                pthread_mutex_lock(&mutex);
                pthread_mutex_unlock(&mutex);
              });
              const int error = pthread_mutex_unlock(&mutex);
              if (error != 0) _exit(error);  // the other would wait for ever
              other.join();
              return 0;
            }),
            0);
}

TEST_P(ForkIntoTest, TheChildKnowsItsThreadId) {
  EXPECT_EQ(RunInside([] {
              pid_t* tid = nullptr;
              prctl(PR_GET_TID_ADDRESS, &tid, 0, 0, 0);
              return tid != nullptr && *tid == gettid() ? 0 : 1;
            }),
            0);
}

TEST_P(ForkIntoTest, ThreadsAndMemoryWorkInTheChildAndItsChildren) {
  EXPECT_EQ(RunInside([] {
              std::vector<std::thread> threads;
              for (int i = 0; i < 4; ++i) {
                threads.emplace_back([] {
                  for (int n = 1; n < 1000; ++n) free(malloc(n * 64));
                });
              }
              for (std::thread& thread : threads) thread.join();
              return RunInChild([] { return 5; });
            }),
            5);
}

TEST_P(ForkIntoTest, ARobustMutexOfADeadChildIsFound) {
  // The kernel marks it only if the child's robust list is registered.
  auto* mutex = static_cast<pthread_mutex_t*>(
      mmap(nullptr, sizeof(pthread_mutex_t), PROT_READ | PROT_WRITE,
           MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  pthread_mutexattr_t kind;
  pthread_mutexattr_init(&kind);
  pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(mutex, &kind);
  EXPECT_EQ(RunInside([&] { return pthread_mutex_lock(mutex); }), 0);
  EXPECT_EQ(pthread_mutex_trylock(mutex), EOWNERDEAD);
  pthread_mutex_consistent(mutex);
  pthread_mutex_unlock(mutex);
  munmap(mutex, sizeof(*mutex));
}

TEST_P(ForkIntoTest, ADescriptorThatIsNoCgroupIsAnError) {
  const FdCheck fds;
  Fd dir(open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto fork = ForkInto(dir.get(), GetParam());
  if (fork.ok() && fork->in_child()) _exit(9);
  EXPECT_FALSE(fork.ok());
  EXPECT_NE(StatusErrno(fork.status()), 0) << fork.status();
  EXPECT_THAT(std::string(fork.status().message()), HasSubstr("cgroup fd"));
  dir.reset();
  fds.CheckNothingNew();
  ExpectNoChild();
}

TEST_P(ForkIntoTest, EveryFailedCallOfTheParentIsSurvived) {
  const FdCheck fds;
  const pid_t parent = getpid();
  bool fired = true;
  for (int n = 1; fired; ++n) {
    absl::StatusOr<ForkResult> fork;
    {
      FailNth fault(FailNth::kAnyCall, n, EIO);
      fork = ForkHere();
      if (getpid() != parent) _exit(0);
      fired = fault.fired();
    }
    if (fork.ok()) {
      TRACTOR_EXPECT_OK(fork->pidfd.Wait());
    }
    ASSERT_LT(n, 100);
  }
  fds.CheckNothingNew();
  ExpectNoChild();
}

TEST_P(ForkIntoTest, ASecondThreadIsToldApart) {
  Signpost stop;
  std::thread other([&] { stop.Wait(); });
#ifndef TRACTOR_TSAN  // whose fork counts one thread of its own
  const auto fork = ForkHere();
  if (fork.ok() && fork->in_child()) _exit(0);
  if (GetParam() == ForkIntoMethod::kCloneInto) {
    EXPECT_THAT(fork, HasCode(absl::StatusCode::kFailedPrecondition));
  } else {
    TRACTOR_EXPECT_OK(fork);
    if (fork.ok()) {
      TRACTOR_EXPECT_OK(fork->pidfd.Wait());
    }
  }
#endif
  stop.Notify();
  other.join();
}

TEST(ForkIntoFallbackTest, AutoForksAndJoinsWhereClone3IsForbidden) {
  TestCgroup cgroup;
  if (!cgroup.ok()) GTEST_SKIP() << cgroup.why_not();
  for (const int err : {ENOSYS, EPERM, E2BIG, EINVAL}) {
    FailNth fault("clone3", 1, err);
    TRACTOR_ASSERT_OK_AND_ASSIGN(ForkResult fork, ForkInto(cgroup.get().fd()));
    if (fork.in_child()) {
      const std::string path = CgroupOf(getpid()).value();
      _exit(path.find("tractor-test-") == std::string::npos ? 1 : 0);
    }
    EXPECT_EQ(fork.pidfd.Wait().value().code, 0) << strerror(err);
  }
}

}  // namespace
}  // namespace tractor::os
