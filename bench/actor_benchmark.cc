// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Actors against the system calls that they are made of.
//
//   bazel run --config=opt //bench:actor_benchmark -- [--json] [--quick]
//       [--filter=TEXT] [--free] [--no-cgroup] [--ten-million]
//
// --no-cgroup leaves children in the cgroup of the program. How they are made
// is said by TRACTOR_SPAWN_METHOD, as everywhere. --ten-million: that many
// messages to a slow consumer, which takes four minutes.
#include <cstdint>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <string>

#include "bench/actor_backlog.h"
#include "bench/actor_spawns.h"
#include "bench/bench.pb.h"
#include "bench/harness.h"
#include "bench/raw.h"
#include "runtime/tractor.h"

namespace tractor::bench {
namespace {

constexpr size_t kLarge = 64 << 10;

// ---- endpoints ----

Task<Blob> Echo(Blob request) { co_return request; }
TRACTOR_ENDPOINT(Echo);

// Asks for `count` messages of `size` bytes.
Task<> Produce(Context<Nothing, Nothing, Blob>& ctx, std::string spec) {
  const int64_t count = std::stoll(spec);
  const size_t size = std::stoul(spec.substr(spec.find(' ') + 1));
  co_await ctx.Started();
  co_await ctx.WithStream([&](auto& stream) -> Task<> {
    Blob blob;
    blob.set_data(std::string(size, 'x'));
    for (int64_t i = 0; i < count; ++i) co_await stream.Send(blob);
  });
}
TRACTOR_ENDPOINT(Produce);

Task<> ProduceBytes(Context<Nothing, Nothing, std::string>& ctx,
                    std::string spec) {
  const int64_t count = std::stoll(spec);
  const size_t size = std::stoul(spec.substr(spec.find(' ') + 1));
  co_await ctx.Started();
  co_await ctx.WithStream([&](auto& stream) -> Task<> {
    const std::string bytes(size, 'x');
    for (int64_t i = 0; i < count; ++i) co_await stream.Send(bytes);
  });
}
TRACTOR_ENDPOINT(ProduceBytes);

// C-023: every spawner starts two spawners down to level 0, whose two leaves
// fail.
Task<> Fail() {
  throw std::runtime_error("leaf");
  co_return;
}
TRACTOR_ENDPOINT(Fail);

Task<> SpawnTree(std::string depth) {
  const int level = std::stoi(depth);
  co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
    co_await WithNursery([&](Nursery& nursery) -> Task<> {
      for (int i = 0; i < 2; ++i) {
        nursery.StartSoon([&]() -> Task<> {
          if (level == 0) {
            co_await an.RunInActor(Fail);
          } else {
            const std::string below = std::to_string(level - 1);
            co_await an.RunInActor(SpawnTree, below);
          }
        });
      }
      co_return;
    });
  });
}
TRACTOR_ENDPOINT(SpawnTree);

// The same tree without the failures: Started() when all below is there.
Task<> IdleTree(Context<>& ctx, std::string depth) {
  const int level = std::stoi(depth);
  if (level < 0) {
    co_await ctx.Started();
    co_await SleepForever();
  }
  co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
    co_await WithNursery([&](Nursery& nursery) -> Task<> {
      auto child = [&](TaskStatus<> status) -> Task<> {
        ActorOptions options("node");
        options.Expose(IdleTree);
        const Portal portal = co_await an.StartActor(options);
        const std::string below = std::to_string(level - 1);
        co_await portal.WithContext(IdleTree, below, [&](auto&) -> Task<> {
          status.Started();
          co_await SleepForever();
        });
      };
      for (int i = 0; i < 2; ++i) co_await nursery.Start(child);
      co_await ctx.Started();
      co_await SleepForever();
    });
  });
}
TRACTOR_ENDPOINT(IdleTree);

// PSS of this process in MB.
Task<std::string> Pss() {
  std::ifstream rollup("/proc/self/smaps_rollup");
  std::string word;
  while (rollup >> word) {
    if (word == "Pss:") {
      rollup >> word;
      break;
    }
  }
  co_return word;
}
TRACTOR_ENDPOINT(Pss);

// ---- figures ----

Task<> RoundTrips(Report& report) {
  const char* const name = "call round trip, 64 B";
  if (!report.Wants(name)) co_return;
  const int in_turn = report.RoundsInTurn(20'000);
  Samples raw;
  Samples ours;
  RawEcho raw_echo;
  co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
    ActorOptions options("echo");
    options.Expose(Echo);
    const Portal echo = co_await an.StartActor(options);
    Blob request;
    request.set_data(std::string(kSmall, 'x'));
    for (int turn = 0; turn < Report::kTurns; ++turn) {
      for (int i = 0; i < in_turn; ++i) raw.Add(raw_echo.RoundTripMicros());
      for (int i = 0; i < in_turn; ++i) {
        const int64_t start = NowNanos();
        co_await echo.Call(Echo, request);
        ours.Add(static_cast<double>(NowNanos() - start) / 1e3);
      }
    }
    co_await an.Cancel();
  });
  report.Add(name, "us", ours, raw, {.max_ratio = 2});
}

// What a stream of messages is to be measured as.
struct StreamFigure {
  const char* name;
  size_t size;            // of a message, bytes
  int64_t count;          // of messages in a round
  const char* unit;       // of a rate
  double bytes_per_unit;  // what of it goes through in a second
  Target target;
};

// The time for one round of `figure`, in seconds.
template <class Endpoint>
Task<double> StreamOnce(const Portal& producer, Endpoint endpoint,
                        const StreamFigure& figure) {
  const std::string spec =
      std::to_string(figure.count) + " " + std::to_string(figure.size);
  const int64_t start = NowNanos();
  int64_t got = 0;
  co_await producer.WithContext(endpoint, spec, [&](auto& ctx) -> Task<> {
    co_await ctx.WithStream([&](auto& stream) -> Task<> {
      while (auto message = co_await stream.Receive()) ++got;
    });
  });
  if (got != figure.count) throw std::runtime_error("messages were lost");
  co_return static_cast<double>(NowNanos() - start) / 1e9;
}

template <class Endpoint>
Task<> Stream(Report& report, Endpoint endpoint, StreamFigure figure) {
  if (!report.Wants(figure.name)) co_return;
  const int64_t bytes = figure.count * static_cast<int64_t>(figure.size);
  // Raw writes of small messages take long.
  const int64_t raw_bytes = figure.size == kSmall ? bytes / 5 : bytes;
  Samples raw;
  Samples ours;
  co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
    ActorOptions options("producer");
    options.Expose(endpoint);
    const Portal producer = co_await an.StartActor(options);
    for (int i = 0; i < 7; ++i) {
      raw.Add(RawBytesPerSecond(figure.size, raw_bytes) /
              figure.bytes_per_unit);
      const double seconds = co_await StreamOnce(producer, endpoint, figure);
      ours.Add(static_cast<double>(bytes) / seconds / figure.bytes_per_unit);
    }
    co_await an.Cancel();
  });
  report.Add(figure.name, figure.unit, ours, raw, figure.target);
}

Task<> Streams(Report& report) {
  const int small = report.Rounds(1'000'000);
  const int large = report.Rounds(16'000);
  co_await Stream(report, Produce,
                  {"stream, 64 B messages, one way",
                   kSmall,
                   small,
                   "M/s",
                   1e6 * kSmall,
                   {.min = 2}});
  co_await Stream(report, ProduceBytes,
                  {"stream, 64 KiB of bytes, one way",
                   kLarge,
                   large,
                   "MB/s",
                   1e6,
                   {.min_ratio = 0.5}});
  co_await Stream(report, Produce,
                  {"stream, 64 KiB protobuf messages, one way",
                   kLarge,
                   large,
                   "MB/s",
                   1e6,
                   {.min_ratio = 0.5}});
}

// `depth` of SpawnTree; at most `max` milliseconds.
Task<> FailingTree(Report& report, const char* name, std::string depth,
                   double max) {
  if (!report.Wants(name)) co_return;
  Samples samples;
  for (int i = 0; i < report.Rounds(40); ++i) {
    const int64_t start = NowNanos();
    bool failed = false;
    try {
      co_await SpawnTree(depth);
    } catch (const std::exception&) {
      failed = true;
    }
    if (!failed) throw std::runtime_error("the tree should have failed");
    samples.Add(static_cast<double>(NowNanos() - start) / 1e6);
  }
  report.Add(name, "ms", samples, std::nullopt, {.max = max});
}

// C-023.
Task<> FailingTrees(Report& report) {
  co_await FailingTree(report, "tree of 14 actors, spawn to the root's error",
                       "2", 150);
  co_await FailingTree(report, "tree of 62 actors, spawn to the root's error",
                       "4", 500);
}

// Milliseconds from the cancel to the end of the last process.
Task<double> CancelIdleTree() {
  int64_t start = 0;
  co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
    co_await WithNursery([&](Nursery& nursery) -> Task<> {
      auto top = [&](TaskStatus<> status) -> Task<> {
        ActorOptions options("top");
        options.Expose(IdleTree);
        const Portal portal = co_await an.StartActor(options);
        co_await portal.WithContext(IdleTree, "3", [&](auto&) -> Task<> {
          status.Started();
          co_await SleepForever();
        });
      };
      for (int i = 0; i < 2; ++i) co_await nursery.Start(top);
      start = NowNanos();
      nursery.cancel_scope().Cancel();
    });
    co_await an.Cancel();
  });
  co_return static_cast<double>(NowNanos() - start) / 1e6;
}

Task<> CancelledTree(Report& report) {
  const char* const name = "tree of 62 idle actors, cancel to all gone";
  if (!report.Wants(name)) co_return;
  Samples samples;
  for (int i = 0; i < report.Rounds(20); ++i) {
    samples.Add(co_await CancelIdleTree());
  }
  report.Add(name, "ms", samples, std::nullopt, {.max = 50});
}

Task<> Memory(Report& report) {
  const char* const name = "idle actor, PSS";
  if (!report.Wants(name)) co_return;
  Samples samples;
  co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
    for (int i = 0; i < 8; ++i) {
      ActorOptions options("idle");
      options.Expose(Pss);
      const Portal child = co_await an.StartActor(options);
      const std::string kilobytes = co_await child.Call(Pss);
      samples.Add(std::stod(kilobytes) / 1024);
    }
    co_await an.Cancel();
  });
  report.Add(name, "MB", samples, std::nullopt, {.max = 1.5});
}

}  // namespace
}  // namespace tractor::bench

int main(int argc, char** argv) {
  using namespace tractor::bench;
  bool no_cgroup = false;
  bool ten_million = false;
  Report report("actors", argc, argv,
                {{"--no-cgroup", &no_cgroup}, {"--ten-million", &ten_million}});
  return tractor::Main(
      argc, argv,
      [&]() -> tractor::Task<int> {
        co_await RoundTrips(report);
        co_await Streams(report);
        co_await SpawnFigures(report);
        co_await FailingTrees(report);
        co_await CancelledTree(report);
        co_await Memory(report);
        co_await BacklogFigures(report, ten_million);
        co_return report.Finish();
      },
      tractor::RootOptions().set_cgroup(!no_cgroup));
}
