// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "bench/actor_backlog.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>

#include "bench/bench.pb.h"
#include "bench/raw.h"

namespace tractor::bench {
namespace {

constexpr int kSlower = 100;
constexpr int kProbe = 200'000;  // messages that tell the sender's pace

// `count` messages of kSmall bytes, each with its number in front.
Task<> SendNumbers(Context<Nothing, Nothing, Blob>& ctx, std::string count) {
  const int64_t messages = std::stoll(count);
  co_await ctx.Started();
  co_await ctx.WithStream([&](auto& stream) -> Task<> {
    Blob blob;
    blob.set_data(std::string(kSmall, 'x'));
    for (int64_t i = 0; i < messages; ++i) {
      std::memcpy(blob.mutable_data()->data(), &i, sizeof(i));
      co_await stream.Send(blob);
    }
  });
}
TRACTOR_ENDPOINT(SendNumbers);

// A line of /proc/<pid>/status, "VmHWM", in MB.
double StatusMegabytes(int pid, const std::string& key) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  std::string word;
  while (status >> word) {
    if (word != key + ":") continue;
    double kilobytes = 0;
    status >> kilobytes;
    return kilobytes / 1024;
  }
  throw std::runtime_error("no " + key + " of the sender");
}

void Spin(int64_t nanos) {
  const int64_t end = NowNanos() + nanos;
  while (NowNanos() < end) continue;
}

// Receives them all and works `work` nanoseconds on each: nanoseconds for one.
// Throws when one is missing or out of order.
Task<double> Consume(const Portal& sender, int64_t messages, int64_t work) {
  const int64_t start = NowNanos();
  int64_t got = 0;
  const std::string count = std::to_string(messages);
  co_await sender.WithContext(SendNumbers, count, [&](auto& ctx) -> Task<> {
    co_await ctx.WithStream([&](auto& stream) -> Task<> {
      while (const auto blob = co_await stream.Receive()) {
        int64_t number = -1;
        std::memcpy(&number, blob->data().data(), sizeof(number));
        if (number != got) throw std::runtime_error("a message was lost");
        ++got;
        if (work > 0) Spin(work);
      }
    });
  });
  if (got != messages) throw std::runtime_error("messages were lost");
  co_return static_cast<double>(NowNanos() - start) /
      static_cast<double>(messages);
}

}  // namespace

Task<> BacklogFigures(Report& report, bool ten_million) {
  const std::string name =
      "sender's growth, consumer " + std::to_string(kSlower) + " x slower";
  const std::string pace = "time for a message then (limit: the sender's)";
  if (!report.Wants(name) && !report.Wants(pace)) co_return;
  const int messages = report.Rounds(ten_million ? 10'000'000 : 1'000'000);
  Samples growth;
  Samples alone;
  Samples together;
  co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
    ActorOptions options("sender");
    options.Expose(SendNumbers);
    const Portal sender = co_await an.StartActor(options);
    const int pid = sender.aid().pid;
    // What it needs at any pace is no growth.
    for (int i = 0; i < 5; ++i) {
      alone.Add(co_await Consume(sender, report.Rounds(kProbe), 0));
    }
    const double before = StatusMegabytes(pid, "VmRSS");
    const auto work = static_cast<int64_t>(alone.Quantile(0.5) * kSlower);
    together.Add(co_await Consume(sender, messages, work));
    growth.Add(std::max(0.0, StatusMegabytes(pid, "VmHWM") - before));
    co_await an.Cancel();
  });
  if (report.Wants(name)) {
    report.Add(name, "MB", growth, std::nullopt, {.max = 16});
  }
  if (report.Wants(pace)) {
    report.Add(pace, "ns", together, alone, {.min_ratio = kSlower});
  }
}

}  // namespace tractor::bench
