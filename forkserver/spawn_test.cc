// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include <signal.h>

#include "forkserver/testing/test_root.h"
#include "gtest/gtest.h"

namespace tractor::forkserver {
namespace {

using testing::RunRoot;
using testing::TestRoot;

TEST(Spawn, ReportsTheExitCode) {
  RunRoot([](TestRoot& root) {
    root.Open();
    auto child = root.Spawn("a", "exit 3");
    const proto::Exited exited = root.WaitExited(child);
    EXPECT_EQ(exited.code(), 3);
    EXPECT_EQ(exited.signal(), 0);
    EXPECT_TRUE(exited.swept());
    EXPECT_EQ(root.Close().killed_count(), 0u);
  });
}

}  // namespace
}  // namespace tractor::forkserver
