// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Programs of a test: the test program itself, executed again as something
// else, so that it can be signalled, killed and looked at from outside.
//
//   TEST_PROGRAM(Sleeper) { return tractor::Main(argc, argv, SleepRoot); }
//
//   TEST(Signals, EndARoot) {
//     Program sleeper("Sleeper");
//     ASSERT_TRUE(sleeper.WaitForLine("ready"));
//     sleeper.Signal(SIGINT);
//     EXPECT_EQ(sleeper.Join(), 128 + SIGINT);
//   }
#ifndef TRACTOR_TESTS_SUPPORT_PROGRAM_H_
#define TRACTOR_TESTS_SUPPORT_PROGRAM_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "os/fd.h"
#include "os/pidfd.h"

namespace tractor::testing {

using ProgramMain = int (*)(int argc, char** argv);

bool RegisterProgram(std::string_view name, ProgramMain main);
// What this process is to run instead of the tests; null: the tests.
ProgramMain FindProgram(int argc, char** argv);

class Program {
 public:
  // Starts it; its stdout comes here, its stderr as well.
  explicit Program(std::string_view name,
                   const std::map<std::string, std::string>& environment = {});
  // Kills and reaps it when nobody has joined it.
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  pid_t pid() const { return pidfd_.pid(); }
  void Signal(int signal);
  // Reads on until a line holds `text`; that line. Nothing at the end of the
  // output.
  std::optional<std::string> WaitForLine(std::string_view text);
  // Reads the rest and waits for the end: its exit code, or 256 plus the
  // signal.
  int Join();
  // Waits for the end alone: others may hold the output open.
  int JoinOnly();
  // What was read so far.
  const std::string& output() const { return output_; }

 private:
  bool ReadMore();

  os::Pidfd pidfd_;
  os::Fd out_;
  std::string output_;
  size_t searched_ = 0;
  std::optional<int> end_;
};

}  // namespace tractor::testing

#define TEST_PROGRAM(name)                                           \
  static int TestProgram##name(int argc, char** argv);               \
  [[maybe_unused]] static const bool test_program_##name =           \
      ::tractor::testing::RegisterProgram(#name, TestProgram##name); \
  static int TestProgram##name([[maybe_unused]] int argc,            \
                               [[maybe_unused]] char** argv)

#endif  // TRACTOR_TESTS_SUPPORT_PROGRAM_H_
