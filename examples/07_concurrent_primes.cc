// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// A pool of worker processes, in thirty lines: each worker has a task here that
// takes the next number when its worker is free.
#include <array>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>

#include "runtime/tractor.h"

namespace {

constexpr int kWorkers = 4;

constexpr std::array<int64_t, 6> kNumbers = {112272535095293, 112582705942171,
                                             112272535095293, 115280095190773,
                                             115797848077099, 1099726899285419};

tractor::Task<std::string> IsPrime(std::string text) {
  const int64_t n = std::stoll(text);
  if (n < 2) co_return "no";
  for (int64_t i = 2; i * i <= n; ++i) {
    if (n % i == 0) co_return "no, " + std::to_string(i) + " divides it";
  }
  co_return "yes";
}
TRACTOR_ENDPOINT(IsPrime);

tractor::Task<> Work(tractor::Portal worker, size_t* next,
                     std::map<size_t, std::string>* answers) {
  while (*next < kNumbers.size()) {
    const size_t mine = (*next)++;
    (*answers)[mine] =
        co_await worker.Call(IsPrime, std::to_string(kNumbers[mine]));
  }
}

tractor::Task<> RootTask() {
  size_t next = 0;
  std::map<size_t, std::string> answers;
  co_await tractor::WithActorNursery([&](tractor::ActorNursery& an)
                                         -> tractor::Task<> {
    co_await tractor::WithNursery([&](tractor::Nursery& n) -> tractor::Task<> {
      for (int i = 0; i < kWorkers; ++i) {
        tractor::ActorOptions options("worker-" + std::to_string(i));
        options.Expose(IsPrime);
        n.StartSoon(Work, co_await an.StartActor(options), &next, &answers);
      }
    });
    co_await an.Cancel();
  });
  for (const auto& [i, answer] : answers) {
    std::printf("%lld: %s\n", static_cast<long long>(kNumbers[i]),
                answer.c_str());
  }
}

}  // namespace

int main(int argc, char** argv) { return tractor::Main(argc, argv, RootTask); }
