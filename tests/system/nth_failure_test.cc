// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The first, second, third ... system call of an actor's runtime fails while it
// starts a child, and while it ends one. Whatever that does to the tree: its
// root ends soon, with success or with an error of a type that is ours, and
// nothing is left.
//
// Each failure has a program of its own: one of them may cost it its
// forkserver.
#include <errno.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "os/fail_nth.h"
#include "runtime/io/status_error.h"
#include "runtime/tractor.h"
#include "tests/support/leak_check.h"
#include "tests/support/program.h"

namespace tractor::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// For a program that hangs; a busy machine is slow.
constexpr unsigned kLimitSeconds = 60;
constexpr int kMostCalls = 1000;

Task<std::string> Echo(std::string text) { co_return text; }
TRACTOR_ENDPOINT(Echo);

int Number(const char* variable) {
  const char* value = std::getenv(variable);
  return value == nullptr ? 0 : std::atoi(value);
}

// The failure that this program is to have, from Arm() on.
class Fault {
 public:
  void Arm() {
    failure_.emplace(os::FailNth::kAnyCall, Number("FAIL_NTH"),
                     Number("FAIL_ERRNO"));
  }
  void Disarm() {
    if (!failure_.has_value()) return;
    const std::string call(failure_->failed_call());
    failure_.reset();
    std::printf("failed: %s\n", call.empty() ? "nothing" : call.c_str());
  }

 private:
  std::optional<os::FailNth> failure_;
};

Task<> SpawnUnder(Fault& fault) {
  co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
    ActorOptions options("child");
    options.Expose(Echo);
    fault.Arm();
    const Portal child = co_await an.StartActor(options);
    co_await child.Call(Echo, "hello");
    fault.Disarm();
    co_await an.Cancel();
  });
}

// Two of them: what befalls the one must not cost the other.
Task<> TearDownUnder(Fault& fault) {
  co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
    ActorOptions options("child");
    options.Expose(Echo);
    for (int i = 0; i < 2; ++i) {
      const Portal child = co_await an.StartActor(options);
      co_await child.Call(Echo, "hello");
    }
    fault.Arm();
    co_await an.Cancel();
  });
}

bool IsOurs(const std::exception_ptr& error) {
  bool ours = IsA<RuntimeFailure>(error) || IsA<RemoteActorError>(error) ||
              IsA<TransportClosed>(error) || IsA<io::StatusError>(error);
  internal::VisitAs<ExceptionGroup>(error, [&](const ExceptionGroup& group) {
    ours = true;
    for (const std::exception_ptr& leaf : group.Leaves()) {
      ours = ours && IsOurs(leaf);
    }
  });
  return ours;
}

// Exit code 0: as it has to be.
int RunUnder(int argc, char** argv, Task<> (*body)(Fault&)) {
  alarm(kLimitSeconds);
  const LeakCheck before;
  Init(argc, argv);
  Fault fault;
  const std::exception_ptr error = internal::Catch(
      [&] { RunRoot([&]() -> Task<> { co_await body(fault); }); });
  fault.Disarm();
  const bool ours = error == nullptr || IsOurs(error);
  std::printf("ended with: %s\n", DescribeException(error).c_str());
  // A forkserver that has lost its root is reaped here, and what had come from
  // it is closed.
  Shutdown();
  bool clean = true;
  for (const std::string& thing : before.NewSince()) {
    std::printf("left behind: %s\n", thing.c_str());
    clean = false;
  }
  return ours && clean ? 0 : 1;
}

TEST_PROGRAM(Spawn) { return RunUnder(argc, argv, SpawnUnder); }
TEST_PROGRAM(TearDown) { return RunUnder(argc, argv, TearDownUnder); }

struct Path {
  const char* program;
  int error;
  const char* name;
};

class NthFailure : public ::testing::TestWithParam<Path> {
 protected:
  // What a program says whose `n`-th call fails.
  static std::string RunWithFailure(int n) {
    const absl::Time begin = absl::Now();
    Program program(GetParam().program,
                    {{"FAIL_NTH", absl::StrCat(n)},
                     {"FAIL_ERRNO", absl::StrCat(GetParam().error)}});
    EXPECT_EQ(program.Join(), 0)
        << "call " << n << " after " << absl::Now() - begin << ":\n"
        << program.output();
    return program.output();
  }
};

TEST_P(NthFailure, EndsTheRootAndLeavesNothing) {
  const LeakCheck before;
  std::map<std::string, int> failed;
  int n = 1;
  for (; n < kMostCalls; ++n) {
    const std::string output = RunWithFailure(n);
    EXPECT_THAT(before.NewSince(), IsEmpty()) << n << ": " << output;
    EXPECT_THAT(output, HasSubstr("ended with: ")) << n;
    if (HasFailure()) return;
    const size_t at = output.find("failed: ");
    ASSERT_NE(at, std::string::npos) << output;
    const std::string call =
        output.substr(at + 8, output.find('\n', at) - at - 8);
    // An interrupted call is made again, but for one that Linux never
    // interrupts.
    const bool again = GetParam().error == EINTR && call != "socketpair";
    if (call == "nothing" || again) {
      EXPECT_THAT(output, HasSubstr("ended with: no error")) << n;
    }
    if (call == "nothing") break;
    ++failed[call];
  }
  EXPECT_GT(n, 3) << "no call was failed";
  EXPECT_LT(n, kMostCalls);
  EXPECT_GT(failed["sendmsg"], 0) << "the link's are among them";
  std::string text;
  for (const auto& [call, count] : failed) {
    absl::StrAppend(&text, " ", call, " ", count);
  }
  std::printf("%d calls:%s\n", n - 1, text.c_str());
}

INSTANTIATE_TEST_SUITE_P(
    All, NthFailure,
    ::testing::Values(Path{"Spawn", ENOMEM, "SpawnEnomem"},
                      Path{"Spawn", EINTR, "SpawnEintr"},
                      Path{"TearDown", ENOMEM, "TearDownEnomem"},
                      Path{"TearDown", EINTR, "TearDownEintr"}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace tractor::testing
