// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// docs/semantics.md says what runtime/actor/constants.h says.
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/actor/constants.h"

namespace tractor {
namespace {

TEST(Document, HasTheConstantsAsTheyAre) {
  std::ifstream file("docs/semantics.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::pair<const char*, absl::Duration> constants[] = {
      {"kCancelAckTimeout", kCancelAckTimeout},
      {"kTerminateGrace", kTerminateGrace},
      {"kCancelBudget", kCancelBudget},
      {"kLevelReserve", kLevelReserve},
      {"kContextCancelTimeout", kContextCancelTimeout},
      {"kBootTimeout", kBootTimeout},
      {"kOrphanBudget", kOrphanBudget},
      {"kExitNewsTimeout", kExitNewsTimeout},
      {"kKillTimeout", kKillTimeout},
  };
  for (const auto& [name, value] : constants) {
    EXPECT_THAT(text,
                ::testing::HasSubstr(absl::StrCat(
                    "| ", name, " | ", absl::FormatDuration(value), " |")));
  }
}

}  // namespace
}  // namespace tractor
