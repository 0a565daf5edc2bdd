// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The spawn backend that a run of a test suite is on: TRACTOR_SPAWN_METHOD, or
// the default one.
//
//   TEST(Death, WakesACall) {
//     SKIP_ON_BACKEND(thread, "a thread cannot be killed");
//     ...
//   }
//
// Rules. The name is one of forkserver, exec, thread; another one does not
// compile. The reason is printed with the skipped test.
#ifndef TRACTOR_TESTS_SUPPORT_BACKEND_H_
#define TRACTOR_TESTS_SUPPORT_BACKEND_H_

#include "gtest/gtest.h"
#include "runtime/actor/spawn_method.h"

namespace tractor::testing {

namespace backends {
inline constexpr SpawnMethod forkserver = SpawnMethod::kForkserver;
inline constexpr SpawnMethod exec = SpawnMethod::kExec;
inline constexpr SpawnMethod thread = SpawnMethod::kThread;
}  // namespace backends

// Throws RuntimeFailure for an unknown name in the environment.
SpawnMethod CurrentBackend();

}  // namespace tractor::testing

#define SKIP_ON_BACKEND(name, reason)         \
  if (::tractor::testing::CurrentBackend() == \
      ::tractor::testing::backends::name)     \
  GTEST_SKIP() << "not on the backend " << #name << ": " << reason

#endif  // TRACTOR_TESTS_SUPPORT_BACKEND_H_
