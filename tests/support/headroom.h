// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Time budgets of a quiet machine, on the machine that there is.
//
//   EXPECT_LT(Now() - killed, Scaled(absl::Milliseconds(100)));
//
// Rules. The factor is measured once for a test program, by what every tree is
// made of: forks, each with a round trip over a socketpair. It is twice that of
// the slowest one, and never below kLeast: a test of a budget finds what takes
// far too long, and never fails for a busy moment. No test passes because time
// has passed.
#ifndef TRACTOR_TESTS_SUPPORT_HEADROOM_H_
#define TRACTOR_TESTS_SUPPORT_HEADROOM_H_

#include "absl/time/time.h"

namespace tractor::testing {

// What a fork with its round trip takes on the machine that budgets are for.
inline constexpr absl::Duration kQuietFork = absl::Microseconds(150);
inline constexpr double kLeast = 5;

// The slowest of `forks` with their round trips.
absl::Duration SlowestFork(int forks);

double Headroom();

inline absl::Duration Scaled(absl::Duration budget) {
  return budget * Headroom();
}

}  // namespace tractor::testing

#endif  // TRACTOR_TESTS_SUPPORT_HEADROOM_H_
