// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "examples/quickstart/options.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tractor::quickstart {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Le;

Options Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "quickstart");
  return ParseOptions(static_cast<int>(arguments.size()), arguments.data());
}

TEST(Options, AreTheTextsOfThisMachineWhenNothingIsSaid) {
  const Options options = Parse({});
  EXPECT_THAT(options.paths,
              ElementsAre("/usr/share/common-licenses", "/usr/share/doc"));
  EXPECT_THAT(options.workers, AllOf(Ge(2), Le(16)));
  EXPECT_EQ(options.spawn_method, std::nullopt);
  EXPECT_EQ(options.top, 10u);
  EXPECT_FALSE(options.kill_one || options.check);
  EXPECT_FALSE(options.help || options.version);
}

TEST(Options, AreWhatIsSaid) {
  const Options options = Parse({"--workers=3", "a", "--spawn-method", "exec",
                                 "--top=7", "--kill-one", "b", "--check"});
  EXPECT_THAT(options.paths, ElementsAre("a", "b"));
  EXPECT_EQ(options.workers, 3);
  EXPECT_EQ(options.spawn_method, SpawnMethod::kExec);
  EXPECT_EQ(options.top, 7u);
  EXPECT_TRUE(options.kill_one && options.check);
}

TEST(Options, HaveTheirLimits) {
  EXPECT_EQ(Parse({"--workers=1"}).workers, 1);
  EXPECT_EQ(Parse({"--workers=256"}).workers, 256);
  for (const char* wrong : {"--workers=0", "--workers=257", "--workers=1x",
                            "--top=0", "--spawn-method=fork", "--work=2"}) {
    EXPECT_THROW(Parse({wrong}), UsageError) << wrong;
  }
}

TEST(HelpText, NamesAllOfThem) {
  for (const char* flag : {"--workers", "--spawn-method", "--top", "--kill-one",
                           "--check", "--help", "--version", "Exit code"}) {
    EXPECT_THAT(HelpText(), HasSubstr(flag));
  }
}

}  // namespace
}  // namespace tractor::quickstart
