// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <string>

#include "runtime/tractor.h"

tractor::Task<std::string> Work(std::string job) {
  if (job == "for ever") co_await tractor::SleepForever();
  co_return job + ": done in " + tractor::CurrentActor().name();
}
TRACTOR_ENDPOINT(Work);

tractor::Task<> RootTask() {
  co_await tractor::WithActorNursery(
      [](tractor::ActorNursery& an) -> tractor::Task<> {
        tractor::Portal worker = co_await an.StartActor(
            tractor::ActorOptions("worker").Expose(Work));  // a process
        std::puts((co_await worker.Call(Work, "job 1")).c_str());
        co_await worker.Call(Work, "for ever");
      });
}

int main(int argc, char** argv) { return tractor::Main(argc, argv, RootTask); }
