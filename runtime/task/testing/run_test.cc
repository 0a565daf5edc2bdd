// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/task/testing/run_test.h"

#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "runtime/task/exception_group.h"

namespace tractor::testing {
namespace {

uint64_t ChooseSeed() {
  const char* text = std::getenv("TRACTOR_SCHEDULER_SEED");
  const bool given =
      text != nullptr && *text != '\0' && std::string_view(text) != "random";
  const uint64_t seed =
      given ? std::strtoull(text, nullptr, 0) : std::random_device()();
  // For a test program that crashes before it can report a failure.
  std::fprintf(stderr, "TRACTOR_SCHEDULER_SEED=%llu repeats this order\n",
               static_cast<unsigned long long>(seed));
  return seed;
}

}  // namespace

uint64_t SchedulerSeed() {
  static const uint64_t seed = ChooseSeed();
  return seed;
}

namespace run_test_internal {

SeedTrace::SeedTrace(std::source_location where)
    : trace_(new ::testing::ScopedTrace(
          where.file_name(), static_cast<int>(where.line()),
          "TRACTOR_SCHEDULER_SEED=" + std::to_string(SchedulerSeed()))) {}

SeedTrace::~SeedTrace() { delete static_cast<::testing::ScopedTrace*>(trace_); }

void CheckEnd(bool completed, const std::exception_ptr& error,
              std::source_location where) {
  if (completed) return;
  ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line()))
      << "the body of the test ended "
      << (error ? "with " + DescribeException(error)
                : std::string("cancelled"));
}

}  // namespace run_test_internal
}  // namespace tractor::testing
