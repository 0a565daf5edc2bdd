// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Dice: numbers that depend on a seed and on nothing else, on every machine and
// with every standard library (splitmix64).
//
//   Dice dice(17);
//   dice.Between(1, 6);
#ifndef TRACTOR_TESTS_CHAOS_DICE_H_
#define TRACTOR_TESTS_CHAOS_DICE_H_

#include <cstdint>

namespace tractor::chaos {

class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // Both ends may come.
  int Between(int low, int high) {
    const auto span = static_cast<uint64_t>(high - low) + 1;
    return low + static_cast<int>(Next() % span);
  }
  // True `percent` times in a hundred.
  bool Chance(int percent) { return Between(1, 100) <= percent; }

 private:
  uint64_t state_;
};

}  // namespace tractor::chaos

#endif  // TRACTOR_TESTS_CHAOS_DICE_H_
