// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "bench/actor_spawns.h"

#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/bench.pb.h"
#include "bench/raw.h"

namespace tractor::bench {
namespace {

constexpr int kRounds = 400;
constexpr int kAtOnce = 64;
constexpr int kMaxDepth = 6;

Task<Blob> Answer(Blob request) { co_return request; }
TRACTOR_ENDPOINT(Answer);

Blob SmallBlob() {
  Blob blob;
  blob.set_data(std::string(kSmall, 'x'));
  return blob;
}

// From StartActor to the reply of a first call.
Task<Portal> StartAndCall(ActorNursery& an, SpawnMethod method,
                          const Blob& request) {
  ActorOptions options("spawned");
  options.Expose(Answer).WithSpawnMethod(method);
  Portal child = co_await an.StartActor(options);
  co_await child.Call(Answer, request);
  co_return child;
}

// One after the other, `rounds` times; milliseconds.
Task<> SpawnTimes(SpawnMethod method, int rounds, Samples& samples) {
  const Blob request = SmallBlob();
  for (int i = 0; i < rounds; ++i) {
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      const int64_t start = NowNanos();
      const Portal child = co_await StartAndCall(an, method, request);
      samples.Add(static_cast<double>(NowNanos() - start) / 1e6);
      co_await child.CancelActor();
    });
  }
}

SpawnMethod Method() { return GetRuntimeVars().spawn_method; }

// ---- to the first reply ----

Task<> FirstReply(Report& report, SpawnMethod method, int rounds,
                  Target target) {
  const std::string name =
      "spawn to first reply, " + std::string(SpawnMethodName(method));
  if (!report.Wants(name)) co_return;
  const int in_turn = report.RoundsInTurn(rounds);
  Samples raw;
  Samples ours;
  for (int turn = 0; turn < Report::kTurns; ++turn) {
    for (int i = 0; i < in_turn; ++i) raw.Add(RawSpawnMillis());
    co_await SpawnTimes(method, in_turn, ours);
  }
  report.Add(name, "ms", ours, raw, target);
}

// ---- at depth n, that is by an actor at depth n - 1 ----

std::vector<std::string> Words(const std::string& text) {
  std::vector<std::string> words;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

// From this actor. Without the first ones, which find its memory as the fork
// has left it.
Task<> SpawnWarm(int rounds, Samples& samples) {
  Samples first;
  co_await SpawnTimes(Method(), 5, first);
  co_await SpawnTimes(Method(), rounds, samples);
}

// `spec`: "<levels between> <rounds>". The times as text.
Task<std::string> SpawnBelow(std::string spec) {
  const std::vector<std::string> words = Words(spec);
  const int levels = std::stoi(words.at(0));
  std::string times;
  if (levels > 0) {
    const std::string below = std::to_string(levels - 1) + " " + words.at(1);
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      times = co_await an.RunInActor(SpawnBelow, below);
    });
    co_return times;
  }
  Samples samples;
  co_await SpawnWarm(std::stoi(words.at(1)), samples);
  for (const double time : samples.values()) {
    times += std::to_string(time) + " ";
  }
  co_return times;
}
TRACTOR_ENDPOINT(SpawnBelow);

Task<> SpawnAt(int depth, int rounds, Samples& samples) {
  if (depth == 1) {
    co_await SpawnWarm(rounds, samples);
    co_return;
  }
  const std::string spec =
      std::to_string(depth - 2) + " " + std::to_string(rounds);
  std::string times;
  co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
    times = co_await an.RunInActor(SpawnBelow, spec);
  });
  for (const std::string& time : Words(times)) samples.Add(std::stod(time));
}

Task<> Depths(Report& report) {
  std::map<int, std::string> names;
  for (int depth = 2; depth <= kMaxDepth; ++depth) {
    std::string name =
        "spawn at depth " + std::to_string(depth) + " (limit: at depth 1)";
    if (report.Wants(name)) names[depth] = std::move(name);
  }
  if (names.empty()) co_return;
  std::map<int, Samples> samples;
  for (int turn = 0; turn < Report::kTurns; ++turn) {
    const int rounds = report.RoundsInTurn(kRounds);
    co_await SpawnAt(1, rounds, samples[1]);
    for (const auto& [depth, name] : names) {
      co_await SpawnAt(depth, rounds, samples[depth]);
    }
  }
  for (const auto& [depth, name] : names) {
    report.Add(name, "ms", samples[depth], samples[1], {.max_ratio = 1.15});
  }
}

// ---- by a parent that holds much memory ----

Task<> LargeParent(Report& report) {
  const size_t megabytes = report.quick() ? 64 : 2048;
  const std::string name = "spawn, parent holds " + std::to_string(megabytes) +
                           " MB (limit: nothing)";
  if (!report.Wants(name)) co_return;
  const int rounds = report.RoundsInTurn(kRounds);
  Samples light;
  Samples heavy;
  for (int turn = 0; turn < Report::kTurns; ++turn) {
    co_await SpawnTimes(Method(), rounds, light);
    const auto ballast = std::make_unique<char[]>(megabytes << 20);
    std::memset(ballast.get(), 1, megabytes << 20);
    Use(ballast[0]);
    co_await SpawnTimes(Method(), rounds, heavy);
  }
  report.Add(name, "ms", heavy, light, {.max_ratio = 1.15});
}

// ---- many at once ----

Task<double> SpawnAtOnce(int count) {
  const Blob request = SmallBlob();
  double each = 0;
  co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
    const int64_t start = NowNanos();
    std::vector<Task<Portal>> spawns;
    for (int i = 0; i < count; ++i) {
      spawns.push_back(StartAndCall(an, Method(), request));
    }
    const auto children = co_await Gather(std::move(spawns));
    each = static_cast<double>(NowNanos() - start) / 1e6 / count;
    co_await an.Cancel();
  });
  co_return each;
}

Task<> ManyAtOnce(Report& report) {
  const std::string name =
      "spawn of " + std::to_string(kAtOnce) + " actors at once, each";
  if (!report.Wants(name)) co_return;
  Samples raw;
  Samples ours;
  for (int i = 0; i < report.Rounds(40); ++i) {
    raw.Add(RawSpawnsMillis(kAtOnce));
    ours.Add(co_await SpawnAtOnce(kAtOnce));
  }
  report.Add(name, "ms", ours, raw);
}

}  // namespace

Task<> SpawnFigures(Report& report) {
  const Target exec = {.max = 12};
  const Target forked = {.max_ratio = 4, .max = 1};
  switch (Method()) {
    case SpawnMethod::kForkserver:
      co_await FirstReply(report, SpawnMethod::kForkserver, kRounds, forked);
      co_await FirstReply(report, SpawnMethod::kExec, kRounds / 4, exec);
      break;
    case SpawnMethod::kExec:
      co_await FirstReply(report, SpawnMethod::kExec, kRounds, exec);
      break;
    case SpawnMethod::kThread:
      co_await FirstReply(report, SpawnMethod::kThread, kRounds, {});
      break;
  }
  co_await Depths(report);
  co_await LargeParent(report);
  co_await ManyAtOnce(report);
}

}  // namespace tractor::bench
