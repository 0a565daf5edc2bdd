// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// What users, systems and children do wrong, each with its typed error.
//
// Long: one kind of bad input after the other.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "forkserver/preload.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "os/cgroup.h"
#include "os/fail_nth.h"
#include "os/fd.h"
#include "os/proc_fs.h"
#include "runtime/tractor.h"
#include "tests/support/backend.h"
#include "tests/support/program.h"
#include "tests/support/run_actors.h"

namespace tractor::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

Task<std::string> Echo(std::string text) { co_return text; }
TRACTOR_ENDPOINT(Echo);

Task<std::string> TellName() { co_return CurrentActor().name(); }
TRACTOR_ENDPOINT(TellName);

// The error of a StartActor() with these options; the nursery must go on.
std::exception_ptr StartError(const ActorOptions& options,
                              const RootOptions& root = RootOptions()) {
  std::exception_ptr error;
  RunActors(
      [&]() -> Task<> {
        co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
          auto start = [&]() -> Task<> { co_await an.StartActor(options); };
          auto end = co_await Observe(start);
          error = end.error();
          EXPECT_EQ(co_await an.RunInActor(Echo, "goes on"), "goes on");
        });
      },
      root);
  return error;
}

// ---- children that do not come up -------------------------------------------

constexpr char kBootVariable[] = "TRACTOR_TEST_BOOT";

// Where a child dies or hangs before its hello, when its environment asks for
// it: behind the fork, or at the start of the new image.
void FailToBoot() {
  const char* how = std::getenv(kBootVariable);
  if (how == nullptr) return;
  if (std::string_view(how) == "exit") _exit(2);
  if (std::string_view(how) == "abort") std::abort();
  while (true) pause();
}

const bool fails_behind_fork =
    forkserver::RegisterAfterFork("fail to boot", &FailToBoot);
const bool fails_in_image = (FailToBoot(), true);

TEST(Boot, C015_AnExitBeforeTheHello) {
  SKIP_ON_BACKEND(thread, "it has no process that could exit");
  const absl::Time begin = absl::Now();
  ExpectError<ActorDied>(
      StartError(
          ActorOptions("stillborn").WithEnvironment(kBootVariable, "exit")),
      [](const ActorDied& e) {
        EXPECT_EQ(e.exit_code(), 2);
        EXPECT_TRUE(e.booting());
        EXPECT_EQ(e.actor().name, "stillborn");
      });
  EXPECT_LT(absl::Now() - begin, absl::Seconds(5));
}

TEST(Boot, ASignalBeforeTheHello) {
  SKIP_ON_BACKEND(thread, "it has no process that could die");
  ExpectError<ActorDied>(
      StartError(
          ActorOptions("stillborn").WithEnvironment(kBootVariable, "abort")),
      [](const ActorDied& e) { EXPECT_EQ(e.signal(), SIGABRT); });
}

TEST(Boot, NoHelloAtAll) {
  SKIP_ON_BACKEND(thread, "it cannot be stopped");
  const absl::Time begin = absl::Now();
  ExpectError<ActorTooSlowError>(
      StartError(ActorOptions("mute")
                     .WithEnvironment(kBootVariable, "hang")
                     .WithBootTimeout(absl::Milliseconds(300))),
      [](const ActorTooSlowError& e) {
        EXPECT_EQ(e.actor().name, "mute");
        EXPECT_THAT(e.waited_for(), HasSubstr("hello"));
      });
  EXPECT_GE(absl::Now() - begin, absl::Milliseconds(300));
  EXPECT_LT(absl::Now() - begin, absl::Seconds(5));
}

TEST(Boot, ADirectoryThatIsNotThere) {
  SKIP_ON_BACKEND(thread, "it has no directory of its own");
  const std::exception_ptr error = StartError(
      ActorOptions("lost").WithWorkingDirectory("/no/such/directory"));
  EXPECT_THAT(DescribeException(error), HasSubstr("/no/such/directory"));
  EXPECT_TRUE(IsA<RuntimeFailure>(error) || IsA<ActorDied>(error));
}

TEST(Boot, AFileThatCannotBeOpened) {
  SKIP_ON_BACKEND(thread, "it has no streams of its own");
  const std::exception_ptr error =
      StartError(ActorOptions("lost").WithStdout(Stdio::File("/no/such/file")));
  EXPECT_THAT(DescribeException(error), HasSubstr("/no/such/file"));
}

// ---- names ------------------------------------------------------------------

TEST(Names, EmptyOrTooLong) {
  ExpectError<RuntimeFailure>(StartError(ActorOptions("")),
                              [](const RuntimeFailure& e) {
                                EXPECT_THAT(e.what(), HasSubstr("name"));
                              });
  ExpectError<RuntimeFailure>(
      StartError(ActorOptions(std::string(1 << 20, 'x'))),
      [](const RuntimeFailure& e) {
        EXPECT_THAT(e.what(), HasSubstr("1048576"));
        EXPECT_LT(std::string(e.what()).size(), 2000u);
      });
  ExpectError<RuntimeFailure>(StartError(ActorOptions(std::string(256, 'x'))));
}

TEST(Names, WithAZeroByte) {
  ExpectError<RuntimeFailure>(StartError(ActorOptions(std::string("a\0b", 3))),
                              [](const RuntimeFailure& e) {
                                EXPECT_THAT(e.what(), HasSubstr("zero byte"));
                              });
}

TEST(Names, OfRoots) {
  for (const std::string& name :
       {std::string(), std::string("a\0b", 3), std::string(1 << 20, 'x')}) {
    ExpectError<RuntimeFailure>(
        ErrorOf([]() -> Task<> { co_return; }, RootOptions().set_name(name)));
  }
}

TEST(Names, OfAnyBytes) {
  RunActors([]() -> Task<> {
    co_await WithActorNursery([](ActorNursery& an) -> Task<> {
      for (const std::string& name :
           {std::string("\xff\xfe not UTF-8"), std::string("a/b\n\t\"c\""),
            std::string(255, 'n')}) {
        Portal child =
            co_await an.StartActor(ActorOptions(name).Expose(TellName));
        EXPECT_EQ((co_await child.Call(TellName)).size(), name.size());
      }
      co_await an.Cancel();
    });
  });
}

// ---- backends ---------------------------------------------------------------

Task<std::string> StartBelowByFork() {
  std::string error;
  co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
    auto start = [&]() -> Task<> {
      co_await an.StartActor(
          ActorOptions("below").WithSpawnMethod(SpawnMethod::kForkserver));
      co_await an.Cancel();
    };
    auto end = co_await Observe(start);
    if (end.has_error()) error = DescribeException(end.error());
  });
  co_return error;
}
TRACTOR_ENDPOINT(StartBelowByFork);

TEST_PROGRAM(ForkBelowAThread) {
  return Main(argc, argv, []() -> Task<> {
    co_await WithActorNursery([](ActorNursery& an) -> Task<> {
      ActorOptions options("thread");
      options.WithSpawnMethod(SpawnMethod::kThread);
      const std::string error =
          co_await an.RunInActor(options, StartBelowByFork);
      std::puts(error.c_str());
    });
  });
}

TEST(Backends, ThatAreNotAvailableHere) {
  Program program("ForkBelowAThread", {{"TRACTOR_SPAWN_METHOD", ""}});
  EXPECT_EQ(program.Join(), 0);
  EXPECT_THAT(program.output(),
              AllOf(HasSubstr("RuntimeFailure"), HasSubstr("'forkserver'"),
                    HasSubstr("available here: thread")));
}

TEST(Backends, UnknownOnes) {
  EXPECT_THROW(ParseSpawnMethod("pigeon"), RuntimeFailure);
  EXPECT_THROW(ParseSpawnMethod(""), RuntimeFailure);
  for (const SpawnBackend& backend : SpawnBackends()) {
    EXPECT_EQ(ParseSpawnMethod(backend.name), backend.method);
  }
}

// ---- a system without room --------------------------------------------------

// The first fork is that of the forkserver; the second one, in it, that of the
// first child.
int RunWithFailingFork(int argc, char** argv, int error) {
  const os::FailNth fault("fork", 2, error);
  return Main(
      argc, argv,
      []() -> Task<> {
        co_await WithActorNursery([](ActorNursery& an) -> Task<> {
          try {
            co_await an.StartActor(ActorOptions("first"));
          } catch (const RuntimeFailure& e) {
            std::printf("RuntimeFailure: %s\n", e.what());
          }
          std::puts(
              (co_await an.RunInActor(Echo, "the next one is fine")).c_str());
        });
      },
      RootOptions().set_cgroup(false));
}
TEST_PROGRAM(ForkEagain) { return RunWithFailingFork(argc, argv, EAGAIN); }
TEST_PROGRAM(ForkEnomem) { return RunWithFailingFork(argc, argv, ENOMEM); }

TEST(NoRoom, AForkThatFailsIsTheErrorOfOneStart) {
  SKIP_ON_BACKEND(thread, "it does not fork");
  for (const auto& [name, text] :
       {std::pair("ForkEagain", "Resource temporarily unavailable"),
        std::pair("ForkEnomem", "Cannot allocate memory")}) {
    Program program(name);
    EXPECT_EQ(program.Join(), 0);
    EXPECT_THAT(program.output(),
                AllOf(HasSubstr("RuntimeFailure: cannot start actor 'first'"),
                      HasSubstr(text), HasSubstr("the next one is fine")));
  }
}

// os::ForkInto() uses another call then.
#if defined(__SANITIZE_THREAD__)
constexpr bool kThreadSanitizer = true;
#elif defined(__has_feature)
constexpr bool kThreadSanitizer = __has_feature(thread_sanitizer);
#else
constexpr bool kThreadSanitizer = false;
#endif

// The same where children are born into a cgroup.
TEST_PROGRAM(ForkIntoEagain) {
  if (!os::Cgroup::FindWritableParent().ok()) return 77;
  const os::FailNth fault("clone3", 1, EAGAIN);
  return Main(argc, argv, []() -> Task<> {
    co_await WithActorNursery([](ActorNursery& an) -> Task<> {
      try {
        co_await an.StartActor(ActorOptions("first"));
        std::puts("no fault");
      } catch (const RuntimeFailure& e) {
        std::printf("RuntimeFailure: %s\n", e.what());
      }
      std::puts((co_await an.RunInActor(Echo, "the next one is fine")).c_str());
      co_await an.Cancel();
    });
  });
}

TEST(NoRoom, AForkIntoACgroupThatFailsIsTheErrorOfOneStart) {
  SKIP_ON_BACKEND(thread, "it does not fork");
  if (kThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer must see each fork";
  Program program("ForkIntoEagain");
  const int code = program.Join();
  if (code == 77) GTEST_SKIP() << "no cgroup here";
  EXPECT_EQ(code, 0) << program.output();
  EXPECT_THAT(program.output(),
              AllOf(HasSubstr("RuntimeFailure: cannot start actor 'first'"),
                    HasSubstr("Resource temporarily unavailable"),
                    HasSubstr("the next one is fine")));
}

// Lowers a limit of a process while it exists.
class ScopedFdLimit {
 public:
  ScopedFdLimit(pid_t pid, rlim_t limit) : pid_(pid) {
    prlimit(pid_, RLIMIT_NOFILE, nullptr, &before_);
    rlimit now = before_;
    now.rlim_cur = limit;
    prlimit(pid_, RLIMIT_NOFILE, &now, nullptr);
  }
  ~ScopedFdLimit() { prlimit(pid_, RLIMIT_NOFILE, &before_, nullptr); }
  ScopedFdLimit(const ScopedFdLimit&) = delete;

 private:
  const pid_t pid_;
  rlimit before_ = {};
};

TEST(NoRoom, DescriptorsOfTheParent) {
  RunActors([]() -> Task<> {
    co_await WithActorNursery([](ActorNursery& an) -> Task<> {
      auto start = [&]() -> Task<> {
        const int last = os::OpenFds()->back();
        ScopedFdLimit limit(getpid(), static_cast<rlim_t>(last) + 1);
        // Fills what is left between the open ones.
        std::vector<os::Fd> fill;
        while (true) {
          os::Fd fd(open("/dev/null", O_RDONLY | O_CLOEXEC));
          if (!fd.valid()) break;
          fill.push_back(std::move(fd));
        }
        co_await an.StartActor(ActorOptions("one too many"));
      };
      auto end = co_await Observe(start);
      ExpectError<RuntimeFailure>(end.error(), [](const RuntimeFailure& e) {
        EXPECT_THAT(e.what(), AllOf(HasSubstr("one too many"),
                                    HasSubstr("Too many open files")));
      });
      EXPECT_EQ(co_await an.RunInActor(Echo, "goes on"), "goes on");
    });
  });
}

TEST(NoRoom, DescriptorsOfTheForkserver) {
  SKIP_ON_BACKEND(thread, "it needs none");
  const auto children = os::ChildrenOf(getpid());
  ASSERT_TRUE(children.ok());
  ASSERT_EQ(children->size(), 1u);
  const pid_t forkserver = children->front();
  RunActors([&]() -> Task<> {
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      auto start = [&]() -> Task<> {
        const int used = *os::FdCount(forkserver);
        ScopedFdLimit limit(forkserver, static_cast<rlim_t>(used) + 1);
        co_await an.StartActor(ActorOptions("one too many"));
      };
      auto end = co_await Observe(start);
      EXPECT_TRUE(IsA<RuntimeFailure>(end.error()))
          << DescribeException(end.error());
      EXPECT_EQ(co_await an.RunInActor(Echo, "goes on"), "goes on");
    });
  });
}

}  // namespace
}  // namespace tractor::testing
