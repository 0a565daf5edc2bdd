// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// What tasks cost. The raw limits are what the same thing costs without tasks:
// a bare coroutine that is resumed, a frame that is allocated and freed, a
// value that goes through a std::deque.
//
//   bazel run --config=opt //bench:task_benchmark [-- --json] [--quick]
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <vector>

#include "bench/harness.h"
#include "runtime/task/checkpoint.h"
#include "runtime/task/memory_channel.h"
#include "runtime/task/nursery.h"
#include "runtime/task/scheduler.h"
#include "runtime/task/task.h"
#include "runtime/task/timeouts.h"

namespace {

using tractor::Task;
using tractor::bench::MeasureBatches;
using tractor::bench::NowNanos;
using tractor::bench::Report;
using tractor::bench::Samples;
using tractor::bench::Use;

constexpr size_t kMany = 1000;
constexpr int kRounds = 2'000;
constexpr int kTasks = 10'000;
constexpr int kDepth = 8;

// ---- raw limits ----

struct Bare {
  struct promise_type {
    Bare get_return_object() {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};

Bare Suspends() {
  while (true) co_await std::suspend_always{};
}

Bare Ends() { co_return; }

Samples RawResume(const Report& report) {
  Bare bare = Suspends();
  Samples samples = MeasureBatches(report, kRounds, kMany, [&] {
    for (size_t i = 0; i < kMany; ++i) {
      Use(bare);  // it may be another one now: no inlining
      bare.handle.resume();
    }
  });
  bare.handle.destroy();
  return samples;
}

Samples RawFrame(const Report& report) {
  return MeasureBatches(report, kRounds, kMany, [&] {
    for (size_t i = 0; i < kMany; ++i) {
      const Bare bare = Ends();
      Use(bare);
      bare.handle.resume();
      bare.handle.destroy();
    }
  });
}

Samples RawQueue(const Report& report) {
  std::deque<int> queue;
  return MeasureBatches(report, kRounds, kMany, [&] {
    for (size_t i = 0; i < kMany; ++i) {
      queue.push_back(static_cast<int>(i));
      Use(queue);
      queue.pop_front();
    }
  });
}

// As many frames as the tasks have, destroyed. Milliseconds.
Samples RawDestroy(const Report& report) {
  Samples samples;
  std::vector<Bare> frames(kTasks * kDepth);
  for (int i = 0; i < report.Rounds(50); ++i) {
    for (Bare& bare : frames) bare = Suspends();
    const int64_t start = NowNanos();
    for (Bare& bare : frames) bare.handle.destroy();
    samples.Add(static_cast<double>(NowNanos() - start) / 1e6);
  }
  return samples;
}

// ---- ours ----

// Measures inside of a task: body() does `operations` operations.
template <class Body>
Samples MeasureTask(const Report& report, Body& body) {
  tractor::Scheduler scheduler;
  return MeasureBatches(report, kRounds, kMany,
                        [&] { (void)scheduler.Run(body); });
}

void Checkpoints(Report& report) {
  if (!report.Wants("checkpoint")) return;
  auto body = [&]() -> Task<> {
    for (size_t i = 0; i < kMany; ++i) co_await tractor::Checkpoint();
  };
  report.Add("checkpoint", "ns", MeasureTask(report, body), RawResume(report),
             {.max = 100});
}

Task<> Nothing() { co_return; }

void Awaits(Report& report) {
  const char* const name = "await of a task that ends at once";
  if (!report.Wants(name)) return;
  auto body = [&]() -> Task<> {
    for (size_t i = 0; i < kMany; ++i) co_await Nothing();
  };
  report.Add(name, "ns", MeasureTask(report, body), RawFrame(report));
}

void Children(Report& report) {
  const char* const name = "nursery child, start and finish";
  if (!report.Wants(name)) return;
  auto body = [&]() -> Task<> {
    co_await tractor::WithNursery([&](tractor::Nursery& n) -> Task<> {
      for (size_t i = 0; i < kMany; ++i) n.StartSoon(Nothing);
      co_return;
    });
  };
  report.Add(name, "ns", MeasureTask(report, body), RawFrame(report),
             {.max = 150});
}

void Scopes(Report& report) {
  const char* const name = "cancel scope, open and close";
  if (!report.Wants(name)) return;
  auto body = [&]() -> Task<> {
    for (size_t i = 0; i < kMany; ++i) {
      tractor::CancelScope scope;
      co_await scope.Run(Nothing);
    }
  };
  report.Add(name, "ns", MeasureTask(report, body), RawFrame(report));
}

void Deadlines(Report& report) {
  const char* const name = "cancel scope with a deadline";
  if (!report.Wants(name)) return;
  auto body = [&]() -> Task<> {
    const absl::Time deadline = tractor::Now() + absl::Hours(1);
    for (size_t i = 0; i < kMany; ++i) {
      tractor::CancelScope scope(deadline);
      co_await scope.Run(Nothing);
    }
  };
  report.Add(name, "ns", MeasureTask(report, body), RawFrame(report));
}

void Channel(Report& report, const char* name, size_t capacity) {
  if (!report.Wants(name)) return;
  auto body = [&]() -> Task<> {
    auto [sender, receiver] = tractor::OpenChannel<int>(capacity);
    auto produce = [](tractor::SenderHandle<int> mine) -> Task<> {
      for (size_t i = 0; i < kMany; ++i) co_await mine.Send(7);
    };
    auto& receive = receiver;
    auto& send = sender;
    co_await tractor::WithNursery([&](tractor::Nursery& n) -> Task<> {
      n.StartSoon(produce, std::move(send));
      while (co_await receive.Receive()) {
      }
    });
  };
  report.Add(name, "ns", MeasureTask(report, body), RawQueue(report),
             {.max = 100});
}

Task<> Deep(int depth) {
  if (depth > 1) {
    co_await Deep(depth - 1);
  } else {
    co_await tractor::SleepForever();
  }
}

// Only the cancel is measured, up to the moment when nothing is left.
void Cancel(Report& report) {
  const char* const name = "cancel of 10 000 tasks, 8 frames each";
  if (!report.Wants(name)) return;
  Samples samples;
  auto body = [&]() -> Task<> {
    int64_t start = 0;
    co_await tractor::WithNursery([&](tractor::Nursery& n) -> Task<> {
      for (int i = 0; i < kTasks; ++i) n.StartSoon(Deep, kDepth);
      co_await tractor::Checkpoint();
      co_await tractor::Checkpoint();
      start = NowNanos();
      n.cancel_scope().Cancel();
    });
    samples.Add(static_cast<double>(NowNanos() - start) / 1e6);
  };
  tractor::Scheduler scheduler;
  for (int i = 0; i < report.Rounds(50); ++i) (void)scheduler.Run(body);
  report.Add(name, "ms", samples, RawDestroy(report), {.max = 10});
}

}  // namespace

int main(int argc, char** argv) {
  Report report("tasks", argc, argv);
  Checkpoints(report);
  Awaits(report);
  Children(report);
  Scopes(report);
  Deadlines(report);
  Channel(report, "channel hand-over, rendezvous", 0);
  Channel(report, "channel hand-over, capacity 16", 16);
  Channel(report, "channel hand-over, unbounded", tractor::kUnbounded);
  Cancel(report);
  return report.Finish();
}
