// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// A daemon that outlives its calls, and a supervisor that starts it again when
// it dies: soon for the first time, later the more often it happens, and not
// for ever.
//
// The daemon dies by SIGKILL. A thread cannot be killed alone, so on the
// backend `thread` an error is its end, and the output says "failed".
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>

#include "runtime/tractor.h"

namespace {

constexpr int kMaxStarts = 3;
constexpr absl::Duration kBackOff = absl::Milliseconds(5);

// The daemon: keeps a number, until it is given a bad one. An actor has one
// thread, and maybe not a process of its own: what is its own is thread_local.
thread_local int64_t total = 0;

void Die() {
  const tractor::SpawnMethod method = tractor::GetRuntimeVars().spawn_method;
  if (tractor::GetSpawnBackend(method).in_process) {
    throw std::range_error("a negative number");
  }
  std::raise(SIGKILL);  // no exception: the process is gone
}

tractor::Task<std::string> Add(std::string text) {
  const int64_t value = std::stoll(text);
  if (value < 0) Die();
  co_return std::to_string(total += value);
}
TRACTOR_ENDPOINT(Add);

// What its clients do: the third call of a round is bad.
tractor::Task<> UseDaemon(const tractor::Portal& daemon) {
  for (const char* number : {"1", "2", "-1"}) {
    std::string sum = co_await daemon.Call(Add, number);
    std::printf("  adding %s makes %s\n", number, sum.c_str());
  }
}

// One life of the daemon. Throws ActorDied when it dies, and what a call
// throws.
tractor::Task<> RunDaemon() {
  co_await tractor::WithActorNursery(
      [](tractor::ActorNursery& an) -> tractor::Task<> {
        tractor::ActorOptions options("adder");
        options.Expose(Add);
        const tractor::Portal daemon = co_await an.StartActor(options);
        co_await UseDaemon(daemon);
        co_await an.Cancel();
      });
}

tractor::Task<> Supervise() {
  for (int start = 1; start <= kMaxStarts; ++start) {
    std::printf("start %d\n", start);
    try {
      co_await RunDaemon();
      co_return;
    } catch (const tractor::ActorDied& death) {
      std::printf("  %s died of signal %d\n", death.actor().name.c_str(),
                  death.signal());
    } catch (const tractor::RemoteActorError& error) {
      std::printf("  %s failed: %s\n", error.source().name.c_str(),
                  error.message().c_str());
    }
    co_await tractor::Sleep(kBackOff * (1 << (start - 1)));
  }
  throw std::runtime_error("it has died too often; giving up");
}

}  // namespace

int main(int argc, char** argv) { return tractor::Main(argc, argv, Supervise); }
