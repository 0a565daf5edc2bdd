// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "os/inject.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tractor::os {
namespace {

using ::testing::HasSubstr;

TEST(ParseInjection, TakesAllForms) {
  auto all = ParseInjection("delay:50@link.hello#3/worker.1");
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(all->action, Injection::Action::kDelay);
  EXPECT_EQ(all->argument, 50);
  EXPECT_EQ(all->point, "link.hello");
  EXPECT_EQ(all->pass, 3);
  EXPECT_EQ(all->who, "worker.1");
  auto least = ParseInjection("kill@a");
  ASSERT_TRUE(least.ok());
  EXPECT_EQ(least->action, Injection::Action::kKill);
  EXPECT_EQ(least->pass, 1);
  EXPECT_EQ(least->who, "");
  EXPECT_EQ(ParseInjection("stop@a")->action, Injection::Action::kStop);
  EXPECT_EQ(ParseInjection("exit:3@a")->argument, 3);
}

TEST(ParseInjection, SaysWhatIsWrong) {
  for (const char* text : {"", "kill", "kick@a", "kill:1@a", "delay@a",
                           "delay:x@a", "exit:-1@a"}) {
    EXPECT_THAT(ParseInjection(text).status().message(),
                HasSubstr("begins with"))
        << text;
  }
  EXPECT_THAT(ParseInjection("kill@").status().message(),
              HasSubstr("no point"));
  EXPECT_THAT(ParseInjection("kill@a/").status().message(),
              HasSubstr("no name"));
  for (const char* text : {"kill@a#0", "kill@a#x", "kill@a#"}) {
    EXPECT_THAT(ParseInjection(text).status().message(), HasSubstr("from 1"))
        << text;
  }
}

// How a process ends whose environment has `value`; its state is made at its
// first use, so each is a fresh one.
int StatusOf(const char* value, const std::function<void()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    setenv("TRACTOR_INJECT", value, 1);
    body();
    _exit(0);
  }
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, WUNTRACED), child);
  if (WIFSTOPPED(status)) {
    EXPECT_EQ(kill(child, SIGKILL), 0);  // Allowed: ours, and unreaped.
    EXPECT_EQ(waitpid(child, nullptr, 0), child);
  }
  return status;
}

TEST(Inject, ActsAtItsPoint) {
  auto pass = [] {
    PassInjectionPoint("other");
    PassInjectionPoint("here");
  };
  int status = StatusOf("kill@here", pass);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  status = StatusOf("stop@here", pass);
  EXPECT_TRUE(WIFSTOPPED(status));
  status = StatusOf("exit:3@here", pass);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 3);
  EXPECT_EQ(StatusOf("delay:1@here", pass), 0);
  EXPECT_EQ(StatusOf("exit:3@elsewhere", pass), 0);
  EXPECT_EQ(StatusOf("nonsense", pass), 0);
}

TEST(Inject, CountsPassesOfTheNamedProcess) {
  auto passes = [](int count, const char* name) {
    return [count, name] {
      PassInjectionPoint("here");  // as the root
      SetInjectionName(name);
      for (int i = 0; i < count; ++i) PassInjectionPoint("here");
    };
  };
  EXPECT_EQ(StatusOf("exit:3@here#3/worker", passes(2, "worker")), 0);
  EXPECT_EQ(WEXITSTATUS(StatusOf("exit:3@here#3/worker", passes(3, "worker"))),
            3);
  EXPECT_EQ(StatusOf("exit:3@here#3/worker", passes(3, "other")), 0);
  EXPECT_EQ(WEXITSTATUS(StatusOf("exit:3@here/root", passes(0, "worker"))), 3);
}

}  // namespace
}  // namespace tractor::os
