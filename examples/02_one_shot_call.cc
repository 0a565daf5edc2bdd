// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// One function, run in a process of its own: spawn, call, reap, result.
#include <unistd.h>

#include <cstdio>
#include <string>

#include "runtime/tractor.h"

namespace {

tractor::Task<std::string> Greet(std::string name) {
  co_return "hello " + name + ", from actor '" +
      tractor::CurrentActor().name() + "'";
}
TRACTOR_ENDPOINT(Greet);

tractor::Task<> RootTask() {
  co_await tractor::WithActorNursery(
      [&](tractor::ActorNursery& an) -> tractor::Task<> {
        tractor::ActorOptions greeter("greeter");
        std::string text = co_await an.RunInActor(greeter, Greet, "world");
        std::printf("%s\n", text.c_str());
      });
  std::printf("and nothing is left\n");
}

}  // namespace

int main(int argc, char** argv) { return tractor::Main(argc, argv, RootTask); }
