// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Actors against the system calls that they are made of.
//
//   bazel run --config=opt //bench:actor_benchmark -- [--json] [--quick]
//
// Long: one measurement after the other, and the actors that they need.
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "bench/bench.pb.h"
#include "bench/harness.h"
#include "runtime/tractor.h"

namespace tractor::bench {
namespace {

constexpr size_t kSmall = 64;
constexpr size_t kLarge = 64 << 10;

// ---- the raw limits ----

void WriteAll(int fd, const char* data, size_t size) {
  while (size > 0) {
    const ssize_t n = write(fd, data, size);
    if (n <= 0) _exit(1);
    data += n;
    size -= static_cast<size_t>(n);
  }
}

bool ReadAll(int fd, char* data, size_t size) {
  while (size > 0) {
    const ssize_t n = read(fd, data, size);
    if (n <= 0) return false;
    data += n;
    size -= static_cast<size_t>(n);
  }
  return true;
}

// Echoes messages of kSmall bytes until its peer is gone.
[[noreturn]] void RunEcho(int fd) {
  char buffer[kSmall];
  while (ReadAll(fd, buffer, kSmall)) WriteAll(fd, buffer, kSmall);
  _exit(0);
}

struct RawChild {
  int fd = -1;
  pid_t pid = -1;

  ~RawChild() {
    close(fd);
    waitpid(pid, nullptr, 0);
  }
};

template <class Body>
std::unique_ptr<RawChild> ForkRaw(Body body) {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) _exit(1);
  auto child = std::make_unique<RawChild>();
  child->pid = fork();
  if (child->pid == 0) {
    close(fds[0]);
    body(fds[1]);
    _exit(0);
  }
  close(fds[1]);
  child->fd = fds[0];
  return child;
}

Samples RawRoundTrips(int rounds) {
  Samples samples;
  const auto child = ForkRaw(RunEcho);
  char buffer[kSmall] = {};
  for (int i = 0; i < rounds; ++i) {
    const int64_t start = NowNanos();
    WriteAll(child->fd, buffer, kSmall);
    ReadAll(child->fd, buffer, kSmall);
    samples.Add(static_cast<double>(NowNanos() - start) / 1e3);
  }
  return samples;
}

Samples RawSpawns(int rounds) {
  Samples samples;
  char buffer[kSmall] = {};
  for (int i = 0; i < rounds; ++i) {
    const int64_t start = NowNanos();
    const auto child = ForkRaw(RunEcho);
    WriteAll(child->fd, buffer, kSmall);
    ReadAll(child->fd, buffer, kSmall);
    samples.Add(static_cast<double>(NowNanos() - start) / 1e6);
  }
  return samples;
}

// MB/s of writes of `size` bytes.
Samples RawThroughput(size_t size, int64_t bytes, int rounds) {
  Samples samples;
  for (int round = 0; round < rounds; ++round) {
    const auto child = ForkRaw([&](int fd) {
      std::vector<char> buffer(size);
      for (int64_t left = bytes; left > 0; left -= static_cast<int64_t>(size)) {
        WriteAll(fd, buffer.data(), size);
      }
    });
    std::vector<char> buffer(256 << 10);
    const int64_t start = NowNanos();
    int64_t total = 0;
    while (total < bytes) {
      const ssize_t n = read(child->fd, buffer.data(), buffer.size());
      if (n <= 0) break;
      total += n;
    }
    samples.Add(static_cast<double>(total) * 1e3 /
                static_cast<double>(NowNanos() - start));
  }
  return samples;
}

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

// From StartActor to the reply of a first call, once; milliseconds.
Task<double> SpawnOnce(ActorNursery& an, const Blob& request) {
  const int64_t start = NowNanos();
  ActorOptions options("spawned");
  options.Expose(Echo);
  const Portal child = co_await an.StartActor(options);
  co_await child.Call(Echo, request);
  const double took = static_cast<double>(NowNanos() - start) / 1e6;
  co_await child.CancelActor();
  co_return took;
}

Task<Samples> SpawnTimes(int rounds) {
  Samples samples;
  Blob request;
  request.set_data(std::string(kSmall, 'x'));
  for (int i = 0; i < rounds; ++i) {
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      samples.Add(co_await SpawnOnce(an, request));
    });
  }
  co_return samples;
}

// `spec`: "<levels below> <rounds>". Times as text, one number a line.
Task<std::string> SpawnBelow(std::string spec) {
  const int depth = std::stoi(spec);
  const int rounds = std::stoi(spec.substr(spec.find(' ') + 1));
  std::string times;
  if (depth == 0) {
    Blob request;
    request.set_data(std::string(kSmall, 'x'));
    for (int i = 0; i < rounds; ++i) {
      co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
        const double took = co_await SpawnOnce(an, request);
        times += std::to_string(took) + "\n";
      });
    }
    co_return times;
  }
  const std::string below =
      std::to_string(depth - 1) + " " + std::to_string(rounds);
  co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
    times = co_await an.RunInActor(SpawnBelow, below);
  });
  co_return times;
}
TRACTOR_ENDPOINT(SpawnBelow);

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
  if (!report.Wants("call")) co_return;
  const int rounds = report.Rounds(20000);
  Samples samples;
  const Samples raw = RawRoundTrips(rounds);
  co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
    ActorOptions options("echo");
    options.Expose(Echo);
    const Portal echo = co_await an.StartActor(options);
    Blob request;
    request.set_data(std::string(kSmall, 'x'));
    for (int i = 0; i < rounds; ++i) {
      const int64_t start = NowNanos();
      co_await echo.Call(Echo, request);
      samples.Add(static_cast<double>(NowNanos() - start) / 1e3);
    }
    co_await an.Cancel();
  });
  report.Add("call round trip, 64 B", "us", samples, raw, {.max_ratio = 2});
}

// Messages a second of `endpoint`, or MB a second with `per_byte`.
template <class Endpoint>
Task<Samples> StreamRates(Endpoint endpoint, int64_t count, size_t size,
                          int rounds, bool per_byte) {
  Samples samples;
  co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
    ActorOptions options("producer");
    options.Expose(endpoint);
    const Portal producer = co_await an.StartActor(options);
    const std::string spec = std::to_string(count) + " " + std::to_string(size);
    for (int i = 0; i < rounds; ++i) {
      const int64_t start = NowNanos();
      int64_t got = 0;
      co_await producer.WithContext(endpoint, spec, [&](auto& ctx) -> Task<> {
        co_await ctx.WithStream([&](auto& stream) -> Task<> {
          while (auto message = co_await stream.Receive()) ++got;
        });
      });
      if (got != count) throw std::runtime_error("messages were lost");
      const double seconds = static_cast<double>(NowNanos() - start) / 1e9;
      const double unit = per_byte ? static_cast<double>(size) / 1e6 : 1e-6;
      samples.Add(static_cast<double>(count) * unit / seconds);
    }
    co_await an.Cancel();
  });
  co_return samples;
}

Task<> Streams(Report& report) {
  if (report.Wants("stream, 64 B")) {
    const Samples raw = RawThroughput(kSmall, 64 * report.Rounds(200000), 5);
    Samples limit;
    for (double q : {0.0, 0.25, 0.5, 0.75, 1.0}) {
      limit.Add(raw.Quantile(q) / static_cast<double>(kSmall));
    }
    Samples ours =
        co_await StreamRates(Produce, report.Rounds(1000000), kSmall, 7, false);
    report.Add("stream, 64 B messages, one way", "M/s", ours, limit,
               {.min = 2});
  }
  if (report.Wants("stream, 64 KiB")) {
    const int count = report.Rounds(16000);
    const Samples raw =
        RawThroughput(kLarge, static_cast<int64_t>(kLarge) * count, 5);
    Samples bytes = co_await StreamRates(ProduceBytes, count, kLarge, 7, true);
    report.Add("stream, 64 KiB of bytes, one way", "MB/s", bytes, raw,
               {.min_ratio = 0.5});
    Samples blobs = co_await StreamRates(Produce, count, kLarge, 7, true);
    report.Add("stream, 64 KiB protobuf messages, one way", "MB/s", blobs, raw,
               {.min_ratio = 0.5});
  }
}

Samples FromText(const std::string& times) {
  Samples samples;
  size_t begin = 0;
  while (begin < times.size()) {
    const size_t end = times.find('\n', begin);
    samples.Add(std::stod(times.substr(begin, end - begin)));
    begin = end + 1;
  }
  return samples;
}

Task<> Spawns(Report& report) {
  if (!report.Wants("spawn")) co_return;
  const int rounds = report.Rounds(400);
  const Samples raw = RawSpawns(rounds);
  Samples forked = co_await SpawnTimes(rounds);
  const SpawnMethod method = GetRuntimeVars().spawn_method;
  const std::string how(SpawnMethodName(method));
  Target target;
  if (method == SpawnMethod::kForkserver) target = {.max_ratio = 4, .max = 1};
  if (method == SpawnMethod::kExec) target = {.max = 12};
  report.Add("spawn to first reply, " + how, "ms", forked, raw, target);
  for (const int depth : {3, 5}) {
    const std::string spec =
        std::to_string(depth) + " " + std::to_string(rounds);
    std::string times;
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      times = co_await an.RunInActor(SpawnBelow, spec);
    });
    report.Add(
        "spawn at depth " + std::to_string(depth + 2) + " (limit: at depth 1)",
        "ms", FromText(times), forked, {.max_ratio = 1.15});
  }
  const size_t ballast_size = report.quick() ? (64 << 20) : (size_t{2} << 30);
  auto ballast = std::make_unique<char[]>(ballast_size);
  std::memset(ballast.get(), 1, ballast_size);
  Samples heavy = co_await SpawnTimes(rounds);
  report.Add("spawn, parent holds 2 GB (limit: holds nothing)", "ms", heavy,
             forked, {.max_ratio = 1.15});
}

Task<> Trees(Report& report) {
  if (!report.Wants("tree")) co_return;
  Samples failing;
  for (int i = 0; i < report.Rounds(40); ++i) {
    const int64_t start = NowNanos();
    bool failed = false;
    try {
      co_await SpawnTree("4");
    } catch (const std::exception&) {
      failed = true;
    }
    if (!failed) throw std::runtime_error("the tree should have failed");
    failing.Add(static_cast<double>(NowNanos() - start) / 1e6);
  }
  report.Add("tree of 62 actors, spawn to the root's error", "ms", failing,
             std::nullopt, {.max = 500});
  Samples cancels;
  for (int i = 0; i < report.Rounds(20); ++i) {
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
        for (int k = 0; k < 2; ++k) co_await nursery.Start(top);
        start = NowNanos();
        nursery.cancel_scope().Cancel();
      });
      co_await an.Cancel();
    });
    cancels.Add(static_cast<double>(NowNanos() - start) / 1e6);
  }
  report.Add("tree of 62 idle actors, cancel to all gone", "ms", cancels,
             std::nullopt, {.max = 50});
}

Task<> Memory(Report& report) {
  if (!report.Wants("idle")) co_return;
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
  report.Add("idle actor, PSS", "MB", samples, std::nullopt, {.max = 1.5});
}

}  // namespace
}  // namespace tractor::bench

// Takes `flag` out of the arguments; true when it was there.
static bool TakeFlag(int& argc, char** argv, const char* flag) {
  const auto end = std::remove_if(argv + 1, argv + argc, [&](char* arg) {
    return std::strcmp(arg, flag) == 0;
  });
  const bool found = end != argv + argc;
  argc = static_cast<int>(end - argv);
  return found;
}

// Beside the flags of every benchmark: --free (all cores; else one) and
// --no-cgroup (children in the cgroup of the program).
int main(int argc, char** argv) {
  using namespace tractor::bench;
  const bool free = TakeFlag(argc, argv, "--free");
  const bool no_cgroup = TakeFlag(argc, argv, "--no-cgroup");
  if (!free) PinTo(0);
  std::string title = free ? "actors, all cores" : "actors, one core";
  if (no_cgroup) title += ", no cgroup";
  return tractor::Main(
      argc, argv,
      [&]() -> tractor::Task<int> {
        Report report(title, argc, argv);
        co_await RoundTrips(report);
        co_await Streams(report);
        co_await Spawns(report);
        co_await Trees(report);
        co_await Memory(report);
        co_return report.Finish();
      },
      tractor::RootOptions().set_cgroup(!no_cgroup));
}
