// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// A program with a main of its own: Init(), roots, Shutdown(). It has its own
// main() because that is what it tests.
#include <sys/wait.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <string_view>

#include "runtime/actor/errors.h"
#include "runtime/actor/main.h"
#include "runtime/log/log.h"
#include "runtime/task/task.h"

namespace {

int failures = 0;

void Check(bool holds, const char* what) {
  if (holds) return;
  ++failures;
  std::fprintf(stderr, "FAILED: %s\n", what);
}

tractor::Task<int> Seven() { co_return 7; }

// A forkserver that does not go is killed, which is said.
int log_records = 0;

bool HasChildren() {
  siginfo_t info = {};
  return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 ||
         errno != ECHILD;
}

bool RefusesARoot() {
  try {
    tractor::RunRoot(Seven);
  } catch (const tractor::RuntimeFailure& failure) {
    return std::string(failure.what()).find("no forkserver") !=
           std::string::npos;
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  Check(RefusesARoot(), "no root without Init()");
  tractor::SetLogSink([](std::string_view) { ++log_records; });
  tractor::Init(argc, argv);
  Check(HasChildren(), "Init() starts the forkserver");
  Check(tractor::RunRoot(Seven) == 7, "a root gives its value");
  Check(tractor::RunRoot(Seven) == 7, "and so does the next one");
  tractor::Shutdown();
  Check(!HasChildren(), "Shutdown() leaves no child, not even a zombie");
  Check(log_records == 0, "the forkserver goes by itself");
  tractor::Shutdown();
  Check(RefusesARoot(), "no root after Shutdown()");
  return failures == 0 ? 0 : 1;
}
