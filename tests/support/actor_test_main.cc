// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// main() of the tests of actors: the runtime first, then GoogleTest, and a look
// at what is left behind every test.
#include <optional>
#include <thread>

#include "gtest/gtest.h"
#include "runtime/actor/main.h"
#include "tests/support/leak_check.h"
#include "tests/support/program.h"

namespace {

class LeakListener final : public ::testing::EmptyTestEventListener {
 private:
  void OnTestStart(const ::testing::TestInfo&) override { before_.emplace(); }
  void OnTestEnd(const ::testing::TestInfo&) override {
    for (const std::string& thing : before_->NewSince()) {
      ADD_FAILURE() << "left behind: " << thing;
    }
  }

  std::optional<tractor::testing::LeakCheck> before_;
};

}  // namespace

int main(int argc, char** argv) {
  tractor::testing::MarkThisProgram(argv);
  if (auto program = tractor::testing::FindProgram(argc, argv)) {
    return program(argc, argv);
  }
  tractor::Init(argc, argv);
  // Until its first answer the forkserver may still be dressing itself, and the
  // first test would take it for something that it has left behind.
  tractor::RunRoot([]() -> tractor::Task<> { co_return; });
  // With the first thread, ThreadSanitizer starts one of its own.
  std::thread([] {}).join();
  ::testing::InitGoogleTest(&argc, argv);
  ::testing::UnitTest::GetInstance()->listeners().Append(new LeakListener);
  const int code = RUN_ALL_TESTS();
  tractor::Shutdown();
  return code;
}
