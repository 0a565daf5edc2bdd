// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <string>

#include "runtime/tractor.h"

tractor::Task<std::string> Greet(std::string name) {
  co_return "hello, " + name;
}
TRACTOR_ENDPOINT(Greet);

tractor::Task<> RootTask() {
  co_await tractor::WithActorNursery(
      [&](tractor::ActorNursery& nursery) -> tractor::Task<> {
        std::string name = "world";
        std::puts((co_await nursery.RunInActor(Greet, name)).c_str());
      });
}

int main(int argc, char** argv) { return tractor::Main(argc, argv, RootTask); }
