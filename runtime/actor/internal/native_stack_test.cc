// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/actor/internal/native_stack.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace user {

// Keeps the call before it from becoming a jump, which leaves no frame.
void UseIt(int value) { asm volatile("" : : "r"(value)); }

[[gnu::noinline]] int ThrowHere(int value) {
  if (value >= 0)
    throw std::domain_error("negative of " + std::to_string(value));
  return -value;
}

[[gnu::noinline]] int CallsIt(int value) {
  const int result = ThrowHere(value);
  UseIt(result);
  return result;
}

[[gnu::noinline]] int AsksVector(const std::vector<int>& vector) {
  const int result = vector.at(7);
  UseIt(result);
  return result;
}

}  // namespace user

namespace tractor::internal {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

template <class E, class F>
std::exception_ptr Thrown(F f) {
  try {
    f();
  } catch (const E&) {
    return std::current_exception();
  }
  return nullptr;
}

// Of this thread; the machine may be busy with other things.
double CpuMicros() {
  timespec time = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 +
         static_cast<double>(time.tv_nsec) / 1e3;
}

class NativeStackTest : public testing::Test {
 protected:
  NativeStackTest() { SetNativeStacks(true); }
  ~NativeStackTest() override { SetNativeStacks(false); }

  void SetUp() override {
    if (!NativeStacksSupported()) GTEST_SKIP() << "under a sanitizer";
  }

  static std::exception_ptr Throw() {
    return Thrown<std::domain_error>([] { user::CallsIt(3); });
  }
};

TEST_F(NativeStackTest, InnermostFunctionComesFirstWithItsLine) {
  const std::vector<std::string> stack = NativeStack(Throw());
  ASSERT_GE(stack.size(), 2u);
  EXPECT_THAT(
      stack[0],
      MatchesRegex("user::ThrowHere\\(int\\) "
                   "\\(runtime/actor/internal/native_stack_test.cc:[0-9]+\\)"));
  EXPECT_THAT(stack[1], StartsWith("user::CallsIt(int) ("));
}

TEST_F(NativeStackTest, LineIsThatOfTheThrow) {
  int line = 0;
  const std::exception_ptr error = Thrown<std::runtime_error>([&line] {
    line = __LINE__ + 1;
    throw std::runtime_error("here");
  });
  ASSERT_FALSE(NativeStack(error).empty());
  EXPECT_THAT(NativeStack(error)[0],
              HasSubstr("native_stack_test.cc:" + std::to_string(line) + ")"));
}

TEST_F(NativeStackTest, LibraryThrowsAreSeenAndItsFramesAreNot) {
  const std::vector<int> small = {1};
  const std::vector<std::string> stack = NativeStack(
      Thrown<std::out_of_range>([&small] { user::AsksVector(small); }));
  ASSERT_FALSE(stack.empty());
  // The line is ours too, also where the library's code was inlined.
  EXPECT_THAT(stack[0], MatchesRegex("user::AsksVector\\(.*\\) "
                                     "\\(runtime/.*_test.cc:[0-9]+\\)"));
  EXPECT_THAT(stack, Not(Contains(StartsWith("std::"))));
  EXPECT_THAT(stack, Not(Contains(HasSubstr("__cxa_throw"))));
}

TEST_F(NativeStackTest, RethrowKeepsTheFirstThrow) {
  const std::exception_ptr first = Throw();
  const std::exception_ptr again =
      Thrown<std::domain_error>([&first] { std::rethrow_exception(first); });
  EXPECT_EQ(NativeStack(first), NativeStack(again));
  EXPECT_THAT(NativeStack(again)[0], StartsWith("user::ThrowHere"));
}

TEST_F(NativeStackTest, NotThrownMeansNoStack) {
  EXPECT_THAT(NativeStack(nullptr), IsEmpty());
  // The second one gets the memory of the first.
  const auto address = [](const std::exception_ptr& error) {
    return Thrown<std::domain_error>([&] { std::rethrow_exception(error); }) ==
                   error
               ? *reinterpret_cast<void* const*>(&error)
               : nullptr;
  };
  const void* const thrown = address(Throw());
  const auto made = std::make_exception_ptr(std::domain_error("not thrown"));
  ASSERT_EQ(address(made), thrown) << "this tests nothing any more";
  EXPECT_THAT(NativeStack(made), IsEmpty());
}

TEST_F(NativeStackTest, OffMeansNoStack) {
  SetNativeStacks(false);
  std::vector<std::string> stack;
  // A thread that has thrown nothing so far.
  std::thread([&stack] { stack = NativeStack(Throw()); }).join();
  EXPECT_THAT(stack, IsEmpty());
}

TEST_F(NativeStackTest, LastSixteenAreKept) {
  std::vector<std::exception_ptr> errors;
  for (int i = 0; i < 17; ++i) errors.push_back(Throw());
  EXPECT_THAT(NativeStack(errors[0]), IsEmpty());
  EXPECT_THAT(NativeStack(errors[1]), Not(IsEmpty()));
  EXPECT_THAT(NativeStack(errors[16]), Not(IsEmpty()));
}

TEST_F(NativeStackTest, DeepRecursionIsCutAtTheOuterEnd) {
  struct Recursion {
    [[gnu::noinline]] static int Down(int depth) {
      if (depth == 0) return user::ThrowHere(1);
      return Down(depth - 1) + 1;
    }
  };
  const std::vector<std::string> stack =
      NativeStack(Thrown<std::domain_error>([] { Recursion::Down(1000); }));
  ASSERT_FALSE(stack.empty());
  EXPECT_LE(stack.size(), kMaxNativeFrames);
  EXPECT_THAT(stack[0], StartsWith("user::ThrowHere"));
}

TEST_F(NativeStackTest, AnotherThreadsThrowIsItsOwn) {
  std::exception_ptr error;
  std::vector<std::string> there;
  std::thread([&] {
    error = Throw();
    there = NativeStack(error);
  }).join();
  EXPECT_THAT(there, Not(IsEmpty()));
  EXPECT_THAT(NativeStack(error), IsEmpty());
}

TEST_F(NativeStackTest, WorksInAForkedChild) {
  const pid_t child = fork();
  if (child == 0) {
    const std::vector<std::string> stack = NativeStack(Throw());
    const bool good = !stack.empty() && stack[0].starts_with("user::ThrowHere");
    _exit(good ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(NativeStackTest, RawFramesAreReadElsewhere) {
  const std::exception_ptr error = Throw();
  const std::vector<std::string> raw = RawNativeStack(error);
  ASSERT_FALSE(raw.empty());
  EXPECT_THAT(raw, Each(MatchesRegex("pc:[0-9a-f]+@[0-9a-f]+")));
  std::vector<std::string> there;
  std::thread([&] { there = SymbolizeStack(raw); }).join();
  EXPECT_EQ(there, NativeStack(error));
}

TEST_F(NativeStackTest, WhatIsNoFrameOfThisProgramStaysAsItIs) {
  const std::string frame = RawNativeStack(Throw()).at(0);
  const std::string identity = frame.substr(frame.find('@'));
  const std::vector<std::string> frames = {
      "",
      "pc:",
      "pc:@",
      "pc:12",
      "pc:12@",
      "pc:xyz" + identity,
      "pc:-1" + identity,
      "pc:ffffffffffffffff" + identity,
      "pc:123456789abcdef01" + identity,
      frame + "0",
      frame.substr(0, frame.find('@')) + "@1",
      "Divide (examples/divide.cc:17)",
  };
  EXPECT_EQ(SymbolizeStack(frames), frames);
}

TEST_F(NativeStackTest, CostsOfAThrowAndOfTheFirstLookUp) {
  const auto micros = [](auto work) {
    const double start = CpuMicros();
    work();
    return CpuMicros() - start;
  };
  const auto throw_many = [] {
    for (int i = 0; i < 1000; ++i) Throw();
  };
  const double on = micros(throw_many) / 1000;
  SetNativeStacks(false);
  const double off = micros(throw_many) / 1000;
  SetNativeStacks(true);
  const std::exception_ptr error = Throw();
  const double first = micros([&error] { NativeStack(error); });
  const double again = micros([&error] { NativeStack(error); });
  std::printf(
      "throw %.1f us, without %.1f us; look-up %.0f us, again %.1f us\n", on,
      off, first, again);
  // Loose: only a mistake of an order of magnitude should fail here.
  EXPECT_LT(again, first);
}

}  // namespace
}  // namespace tractor::internal
