// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Fan-out: one actor streams numbers, four others each get all of them. The
// root subscribes each worker to the one incoming stream, and sends on what
// comes. A worker that is slow slows only its own copy, until it is further
// behind than the buffer is long.
#include <array>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "runtime/tractor.h"

namespace {

constexpr int kNumbers = 1000;
constexpr int kWorkers = 4;

using Numbers = tractor::Context<tractor::Nothing, tractor::Nothing,
                                 std::string>;  // to the caller
using Sum = tractor::Context<tractor::Nothing, std::string,
                             tractor::Nothing>;  // to the callee
using Feed = tractor::BroadcastReceiver<std::string>;

tractor::Task<> Publish(Numbers& ctx, std::string count) {
  co_await ctx.Started();
  co_await ctx.WithStream([&](auto& stream) -> tractor::Task<> {
    for (int i = 1; i <= std::stoi(count); ++i) {
      co_await stream.Send(std::to_string(i));
    }
  });
}
TRACTOR_ENDPOINT(Publish);

tractor::Task<std::string> AddUp(Sum& ctx) {
  int64_t sum = 0;
  co_await ctx.Started();
  co_await ctx.WithStream([&](auto& stream) -> tractor::Task<> {
    while (std::optional<std::string> number = co_await stream.Receive()) {
      sum += std::stoi(*number);
    }
  });
  co_return std::to_string(sum);
}
TRACTOR_ENDPOINT(AddUp);

// Sends a worker everything that its subscription gets.
tractor::Task<> Serve(tractor::Portal worker, Feed feed) {
  co_await worker.WithContext(AddUp, [&](auto& ctx) -> tractor::Task<> {
    co_await ctx.WithStream([&](auto& stream) -> tractor::Task<> {
      while (std::optional<std::string> number = co_await feed.Receive()) {
        co_await stream.Send(*number);
      }
    });
    std::string sum = co_await ctx.WaitResult();
    std::printf("a worker has added up %s\n", sum.c_str());
  });
}

tractor::Task<> FanOut(const tractor::Portal& publisher,
                       const std::vector<tractor::Portal>& workers) {
  co_await publisher.WithContext(
      Publish, std::to_string(kNumbers), [&](auto& ctx) -> tractor::Task<> {
        co_await ctx.WithStream([&](auto& stream) -> tractor::Task<> {
          auto next = [&]() -> tractor::Task<std::optional<std::string>> {
            co_return co_await stream.Receive();
          };
          const Feed feed(next, /*max_buffer=*/kNumbers);
          co_await tractor::WithNursery(
              [&](tractor::Nursery& n) -> tractor::Task<> {
                for (const tractor::Portal& worker : workers) {
                  n.StartSoon(Serve, worker, feed.Subscribe());
                }
                co_return;
              });
        });
      });
}

tractor::Task<> RootTask() {
  co_await tractor::WithActorNursery(
      [](tractor::ActorNursery& an) -> tractor::Task<> {
        tractor::ActorOptions options("publisher");
        options.Expose(Publish);
        const tractor::Portal publisher = co_await an.StartActor(options);
        std::vector<tractor::Portal> workers;
        for (int i = 0; i < kWorkers; ++i) {
          tractor::ActorOptions worker("worker-" + std::to_string(i));
          worker.Expose(AddUp);
          workers.push_back(co_await an.StartActor(worker));
        }
        co_await FanOut(publisher, workers);
        co_await an.Cancel();
      });
}

}  // namespace

int main(int argc, char** argv) { return tractor::Main(argc, argv, RootTask); }
