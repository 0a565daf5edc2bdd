// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// What chaos has found, each as a test of its own.
#include <signal.h>

#include "gtest/gtest.h"
#include "runtime/tractor.h"
#include "tests/support/backend.h"
#include "tests/support/run_actors.h"

namespace tractor::chaos {
namespace {

using ::tractor::testing::RunActors;

Task<> TermAtTheVeryEnd() {
  CurrentActor().OnTeardown([] { raise(SIGTERM); });
  co_return;
}
TRACTOR_ENDPOINT(TermAtTheVeryEnd);

// Stopped, it had not answered in time, so it got a SIGTERM; then it
// woke up, ended as it should, and died of what was still pending.
TEST(Found, ASigtermInTheLastMomentIsNoDeath) {
  SKIP_ON_BACKEND(thread, "it would be the test's own");
  RunActors([]() -> Task<> {
    co_await WithActorNursery([](ActorNursery& an) -> Task<> {
      const Portal child = co_await an.StartActor(
          ActorOptions("child").Expose(TermAtTheVeryEnd));
      co_await child.Call(TermAtTheVeryEnd);
      co_await an.Cancel();
    });
  });
}

}  // namespace
}  // namespace tractor::chaos
