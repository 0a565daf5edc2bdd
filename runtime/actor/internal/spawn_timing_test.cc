// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/actor/internal/spawn_timing.h"

#include "gtest/gtest.h"

namespace tractor::internal {
namespace {

void AddStamp(proto::SpawnTiming& timing, proto::SpawnStep step, uint64_t ns) {
  proto::SpawnTiming::Stamp& stamp = *timing.add_stamps();
  stamp.set_step(step);
  stamp.set_monotonic_ns(ns);
}

TEST(SpawnTimingTest, SaysWhatPassedBetweenTheSteps) {
  proto::SpawnTiming timing;
  AddStamp(timing, proto::STEP_REQUESTED, 1'000'000);
  AddStamp(timing, proto::STEP_RECEIVED, 1'014'500);
  AddStamp(timing, proto::STEP_FORK, 1'020'000);
  EXPECT_EQ(FormatTiming(timing), "received 14, fork 5 = 20 us");
}

TEST(SpawnTimingTest, SaysWhenNothingWasRecorded) {
  proto::SpawnTiming timing;
  EXPECT_EQ(FormatTiming(timing), "not recorded");
  AddStamp(timing, proto::STEP_REQUESTED, 1'000'000);
  EXPECT_EQ(FormatTiming(timing), "not recorded");
}

}  // namespace
}  // namespace tractor::internal
