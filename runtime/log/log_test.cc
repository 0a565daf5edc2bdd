// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/log/log.h"

#include <errno.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <locale>
#include <string>
#include <thread>
#include <vector>

namespace tractor {
namespace {

using ::testing::ContainsRegex;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

std::string* captured = nullptr;

class LogTest : public testing::Test {
 protected:
  LogTest() {
    captured = &text_;
    SetLogSink([](std::string_view line) { captured->append(line); });
    SetLogLevel(LogLevel::kInfo);
  }
  ~LogTest() override {
    SetLogSink(nullptr);
    SetLogIdentity("", "");
    SetLogLevel(LogLevel::kWarning);
  }

  std::string text_;
};

// Sends stderr into a pipe while it lives.
class StderrPipe {
 public:
  StderrPipe() {
    EXPECT_EQ(pipe2(ends_, O_CLOEXEC), 0);
    kept_ = dup(STDERR_FILENO);
    dup2(ends_[1], STDERR_FILENO);
    close(ends_[1]);
  }
  ~StderrPipe() {
    Restore();
    close(ends_[0]);
  }
  void Restore() {
    if (kept_ < 0) return;
    dup2(kept_, STDERR_FILENO);
    close(kept_);
    kept_ = -1;
  }
  std::string ReadAll() {
    Restore();
    return ReadUntilRestored();
  }
  // Until every writer has gone.
  std::string ReadUntilRestored() {
    std::string text;
    char buffer[4096];
    ssize_t bytes = 0;
    while ((bytes = read(ends_[0], buffer, sizeof(buffer))) > 0) {
      text.append(buffer, static_cast<size_t>(bytes));
    }
    return text;
  }

 private:
  int ends_[2] = {-1, -1};
  int kept_ = -1;
};

TEST_F(LogTest, RecordHasTimeLevelIdentityAndPlace) {
  SetLogIdentity("worker@4711", "3f9a1c07");
  TRACTOR_LOG(info) << "listening on " << 7;
  EXPECT_THAT(
      text_,
      ContainsRegex("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\."
                    "[0-9]{6}Z INFO 3f9a1c07 worker@4711 log_test\\.cc:[0-9]+] "
                    "listening on 7\n$"));
}

TEST_F(LogTest, IdentityIsThatOfTheThread) {
  SetLogIdentity("one@1", "tree");
  std::thread([] { SetLogIdentity("two@1", "tree"); }).join();
  TRACTOR_LOG(info) << "x";
  EXPECT_THAT(text_, HasSubstr(" tree one@1 "));
  text_.clear();
  std::thread([] { TRACTOR_LOG(info) << "x"; }).join();
  EXPECT_THAT(text_, HasSubstr(" INFO " + std::to_string(getpid()) + " log"));
}

TEST_F(LogTest, LongIdentityIsCut) {
  SetLogIdentity(std::string(1000, 'n'), "tree");
  TRACTOR_LOG(info) << "x";
  EXPECT_THAT(text_, HasSubstr(" tree " + std::string(155, 'n') + " log"));
}

TEST_F(LogTest, SuppressedRecordIsNotEvenFormatted) {
  int formatted = 0;
  const auto format = [&formatted] { return ++formatted; };
  TRACTOR_LOG(runtime) << format();
  EXPECT_EQ(formatted, 0);
  EXPECT_EQ(text_, "");
  TRACTOR_LOG(cancel) << format();
  EXPECT_EQ(formatted, 1);
  EXPECT_THAT(text_, EndsWith("] 1\n"));
}

TEST_F(LogTest, EveryLevelLetsItselfAndLouderThrough) {
  const std::vector<LogLevel> levels = {
      LogLevel::kTransport, LogLevel::kDebug, LogLevel::kRuntime,
      LogLevel::kDevx,      LogLevel::kInfo,  LogLevel::kCancel,
      LogLevel::kWarning,   LogLevel::kError, LogLevel::kCritical};
  for (const LogLevel threshold : levels) {
    SetLogLevel(threshold);
    EXPECT_EQ(GetLogLevel(), threshold);
    for (const LogLevel level : levels) {
      text_.clear();
      TRACTOR_LOG_AT(level) << "x";
      EXPECT_EQ(!text_.empty(), level >= threshold);
    }
  }
}

TEST_F(LogTest, MacroIsOneStatement) {
  bool reached = false;
  if (false)
    TRACTOR_LOG(error) << "no";
  else
    reached = true;
  EXPECT_TRUE(reached);
  EXPECT_EQ(text_, "");
}

TEST_F(LogTest, MessageThatEndsItsLineGetsNoEmptyOne) {
  TRACTOR_LOG(error) << "one\n";
  EXPECT_THAT(text_, EndsWith("] one\n"));
  EXPECT_THAT(text_, Not(HasSubstr("\n\n")));
}

TEST_F(LogTest, ErrnoSurvives) {
  errno = EXDEV;
  TRACTOR_LOG(error) << "x" << close(-1);
  EXPECT_EQ(errno, EXDEV);
}

TEST_F(LogTest, GlobalLocaleDoesNotShow) {
  struct Grouping : std::numpunct<char> {
    char do_thousands_sep() const override { return '_'; }
    std::string do_grouping() const override { return "\3"; }
  };
  const std::locale before =
      std::locale::global(std::locale(std::locale(), new Grouping));
  TRACTOR_LOG(error) << 1234567;
  std::locale::global(before);
  EXPECT_THAT(text_, EndsWith("] 1234567\n"));
}

TEST(LogLevelTest, NamesParseBackInAnyCase) {
  for (const int value : {5, 10, 15, 17, 20, 22, 30, 40, 50}) {
    const auto level = static_cast<LogLevel>(value);
    const std::string name(LogLevelName(level));
    ASSERT_TRUE(ParseLogLevel(name).ok()) << name;
    EXPECT_EQ(*ParseLogLevel(name), level);
  }
  EXPECT_EQ(*ParseLogLevel("CANCEL"), LogLevel::kCancel);
  EXPECT_EQ(*ParseLogLevel("Warn"), LogLevel::kWarning);
}

TEST(LogLevelTest, WrongNameIsAnsweredWithTheRightOnes) {
  const auto level = ParseLogLevel("loud");
  ASSERT_FALSE(level.ok());
  EXPECT_EQ(level.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(std::string(level.status().message()),
            "log level 'loud' is not one of transport, debug, runtime, devx, "
            "info, cancel, warning, error, critical");
  EXPECT_FALSE(ParseLogLevel("").ok());
}

TEST(LogStderrTest, RecordsGoToStderr) {
  StderrPipe pipe;
  TRACTOR_LOG(error) << "first " << 1;
  TRACTOR_LOG(error) << "second " << 2;
  const std::string text = pipe.ReadAll();
  EXPECT_THAT(text, ContainsRegex("] first 1\n[^\n]*] second 2\n$"));
}

TEST(LogStderrTest, RecordsOfThreadsAndProcessesDoNotMix) {
  constexpr int kThreads = 4;
  constexpr int kRecords = 50;
  const std::string filler(500, 'x');
  StderrPipe pipe;
  const auto write_all = [&filler] {
    for (int i = 0; i < kRecords; ++i) TRACTOR_LOG(error) << filler << "end";
  };
  const pid_t child = fork();
  if (child == 0) {
    write_all();
    _exit(0);
  }
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(write_all);
  std::thread waiter([&] {
    for (std::thread& thread : threads) thread.join();
    waitpid(child, nullptr, 0);
    pipe.Restore();
  });
  const std::string text = pipe.ReadUntilRestored();
  waiter.join();
  int whole = 0;
  size_t at = 0;
  while (at < text.size()) {
    const size_t end = text.find('\n', at);
    ASSERT_NE(end, text.npos);
    EXPECT_THAT(text.substr(at, end - at), EndsWith("] " + filler + "end"));
    at = end + 1;
    ++whole;
  }
  EXPECT_EQ(whole, (kThreads + 1) * kRecords);
}

TEST(LogStderrTest, FullStderrThatDoesNotBlockLosesAndCounts) {
  StderrPipe pipe;
  ASSERT_EQ(fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK), 0);
  const uint64_t before = LostLogRecords();
  const std::string filler(4000, 'x');
  for (int i = 0; i < 40; ++i) TRACTOR_LOG(error) << filler;
  EXPECT_GT(LostLogRecords(), before);
}

}  // namespace
}  // namespace tractor
