// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

// The fuzzer's checks without libFuzzer: seeds, and random damage to them.

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/wire/fuzz_checks.h"
#include "runtime/wire/testing.h"

namespace tractor::wire {
namespace {

void Damage(std::string& input, std::mt19937_64& random,
            const std::vector<std::string>& seeds) {
  const size_t at = input.empty() ? 0 : random() % input.size();
  switch (random() % 6) {
    case 0:
      if (!input.empty()) input[at] = static_cast<char>(random());
      break;
    case 1:
      if (!input.empty()) input[at] ^= static_cast<char>(1 << random() % 8);
      break;
    case 2:
      input.erase(at, 1 + random() % 8);
      break;
    case 3:
      input.insert(at, 1 + random() % 8, static_cast<char>(random()));
      break;
    case 4:
      input.resize(at);
      break;
    default:  // another stream behind it, without its choice of chunks
      input += seeds[random() % seeds.size()].substr(1);
  }
}

TEST(FrameMutationTest, SeedsHold) {
  for (const std::string& seed : SeedInputs()) CheckAnyInput(seed);
}

TEST(FrameMutationTest, DamagedSeedsHold) {
  std::mt19937_64 random = SeededRandom();
  const std::vector<std::string> seeds = SeedInputs();
  for (int i = 0; i < 20000; ++i) {
    std::string input = seeds[random() % seeds.size()];
    input[0] = static_cast<char>(random());
    for (uint64_t n = random() % 5; n > 0; --n) Damage(input, random, seeds);
    CheckAnyInput(input);
  }
}

}  // namespace
}  // namespace tractor::wire
