// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Calls into other processes: one that is made for a single call, and one that
// stays until it is told to go.
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
      [](tractor::ActorNursery& an) -> tractor::Task<> {
        // Spawn, call, reap, result.
        tractor::ActorOptions once("greeter");
        std::string text = co_await an.RunInActor(once, Greet, "world");
        std::puts(text.c_str());

        // This one lives until the nursery ends it.
        tractor::ActorOptions options("receptionist");
        options.Expose(Greet);
        tractor::Portal desk = co_await an.StartActor(options);
        for (const char* name : {"Ada", "Grace"}) {
          text = co_await desk.Call(Greet, name);
          std::puts(text.c_str());
        }
        co_await an.Cancel("the day is over");
      });
  std::puts("and nothing is left");
}

}  // namespace

int main(int argc, char** argv) { return tractor::Main(argc, argv, RootTask); }
