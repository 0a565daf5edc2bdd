// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// How long it takes until all is over: cancels and deaths.
//
//   bazel run --config=opt //bench:cancel_benchmark -- [--json] [--quick]
//       [--filter=TEXT] [--free]
//
// The targets of the trees are those of a machine with two cores: --free.
#include <signal.h>

#include <cstdint>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>

#include "bench/bench.pb.h"
#include "bench/busy.h"
#include "bench/harness.h"
#include "bench/raw.h"
#include "os/pidfd.h"
#include "runtime/tractor.h"

namespace tractor::bench {
namespace {

constexpr absl::Duration kUnwind = absl::Milliseconds(100);

double MillisSince(int64_t start) {
  return static_cast<double>(NowNanos() - start) / 1e6;
}

// ---- endpoints ----

Task<> Nop() { co_return; }
TRACTOR_ENDPOINT(Nop);

Task<> WaitForEver() { co_await SleepForever(); }
TRACTOR_ENDPOINT(WaitForEver);

// Says one word, and listens.
Task<> Listen(Context<Nothing, Blob, Blob>& ctx) {
  co_await ctx.Started();
  co_await ctx.WithStream([](auto& stream) -> Task<> {
    co_await stream.Send(Blob());
    while (co_await stream.Receive()) continue;
  });
}
TRACTOR_ENDPOINT(Listen);

Task<> UnwindSlowly() {
  co_await Finally([]() -> Task<> { co_await SleepForever(); },
                   absl::Seconds(10),
                   []() -> Task<> { co_await Sleep(kUnwind); });
}
TRACTOR_ENDPOINT(UnwindSlowly);

Task<> StreamTree(Context<Nothing, Blob, Blob>& ctx, std::string shape);

// Starts `count` children, each in a stream with this actor, which holds
// `shape` below itself. Returns never; `ready` once all of them are there.
template <class Ready>
Task<> HoldChildren(int count, std::string shape, Ready ready) {
  co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
    co_await WithNursery([&](Nursery& nursery) -> Task<> {
      auto child = [&](TaskStatus<> status) -> Task<> {
        ActorOptions options("node");
        options.Expose(StreamTree);
        const Portal portal = co_await an.StartActor(options);
        co_await portal.WithContext(StreamTree, shape, [&](auto& ctx) {
          return ctx.WithStream([&](auto& stream) -> Task<> {
            co_await stream.Receive();
            status.Started();
            while (co_await stream.Receive()) continue;
          });
        });
      };
      co_await WithNursery([&](Nursery& starts) -> Task<> {
        for (int i = 0; i < count; ++i) {
          starts.StartSoon([&]() -> Task<> { co_await nursery.Start(child); });
        }
        co_return;
      });
      ready();
      co_await SleepForever();
    });
  });
}

// `shape`: how many children each actor has, a number for each level below this
// one: "2 2 " is a tree of 1 + 2 + 4. Says one word when all of it is there.
Task<> StreamTree(Context<Nothing, Blob, Blob>& ctx, std::string shape) {
  co_await ctx.Started();
  co_await ctx.WithStream([&](auto& stream) -> Task<> {
    Event all_there;
    co_await WithNursery([&](Nursery& nursery) -> Task<> {
      const size_t end = shape.find(' ');
      if (end == shape.npos) {
        all_there.Set();
      } else {
        nursery.StartSoon([&]() -> Task<> {
          co_await HoldChildren(std::stoi(shape), shape.substr(end + 1),
                                [&] { all_there.Set(); });
        });
      }
      co_await all_there.Wait();
      co_await stream.Send(Blob());
      while (co_await stream.Receive()) continue;
    });
  });
}
TRACTOR_ENDPOINT(StreamTree);

// ---- figures ----

// Milliseconds from the cancel of a tree to the end of its last process, beside
// `busy` processes that compute.
Task<double> CancelTree(int tops, std::string shape, int busy) {
  int64_t start = 0;
  Event all_there;
  std::optional<BusyProcesses> load;
  co_await WithNursery([&](Nursery& nursery) -> Task<> {
    nursery.StartSoon([&]() -> Task<> {
      co_await HoldChildren(tops, shape, [&] { all_there.Set(); });
    });
    co_await all_there.Wait();
    if (busy > 0) load.emplace(busy);
    start = NowNanos();
    nursery.cancel_scope().Cancel();
  });
  co_return MillisSince(start);
}

struct TreeFigure {
  const char* name;
  int tops;           // children of the root
  const char* shape;  // below each of them
  int rounds;
  bool busy;
  double max_p99;  // milliseconds
};

Task<> CancelledTrees(Report& report) {
  const TreeFigure figures[] = {
      {"cancel of 256 actors in streams, 16 x 15", 16, "15 ", 100, false, 100},
      {"cancel of 254 actors in streams, 2 below each", 2, "2 2 2 2 2 2 ", 100,
       false, 100},
      {"cancel of 256 actors, 4 busy processes a core", 16, "15 ", 40, true,
       1000},
  };
  for (const TreeFigure& figure : figures) {
    if (!report.Wants(figure.name)) continue;
    const int busy = figure.busy ? 4 * BusyProcesses::Cores() : 0;
    Samples samples;
    for (int i = 0; i < report.Rounds(figure.rounds); ++i) {
      samples.Add(co_await CancelTree(figure.tops, figure.shape, busy));
    }
    report.Add(figure.name, "ms", samples, std::nullopt,
               {.max_p99 = figure.max_p99});
  }
}

// Milliseconds from the kill of an actor to the end of `wait(portal)`.
template <class F>
Task<double> KillUnder(F wait) {
  int64_t start = 0;
  std::optional<double> took;
  auto tree = [&]() -> Task<> {
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      ActorOptions options("victim");
      options.Expose(Nop, WaitForEver, Listen);
      const Portal victim = co_await an.StartActor(options);
      co_await WithNursery([&](Nursery& nursery) -> Task<> {
        auto waiter = [&](TaskStatus<> status) -> Task<> {
          auto run = [&]() -> Task<> { co_await wait(victim, status); };
          const auto end = co_await Observe(run);
          took = MillisSince(start);
          if (end.has_error()) std::rethrow_exception(end.error());
        };
        co_await nursery.Start(waiter);
        // What the waiter has asked for is there when this has its answer.
        co_await victim.Call(Nop);
        const auto pidfd = os::Pidfd::Open(victim.aid().pid);
        Check(pidfd.ok(), "pidfd_open");
        start = NowNanos();
        Check(pidfd->Signal(SIGKILL).ok(), "pidfd_send_signal");
      });
    });
  };
  const auto end = co_await Observe(tree);
  if (!took.has_value() || !IsA<ActorDied>(end.error())) {
    throw std::runtime_error("nobody has noticed the death");
  }
  co_return *took;
}

template <class F>
Task<> Death(Report& report, const char* name, F wait) {
  if (!report.Wants(name)) co_return;
  const int in_turn = report.RoundsInTurn(400);
  Samples raw;
  Samples ours;
  for (int turn = 0; turn < Report::kTurns; ++turn) {
    for (int i = 0; i < in_turn; ++i) raw.Add(RawKillMillis());
    for (int i = 0; i < in_turn; ++i) ours.Add(co_await KillUnder(wait));
  }
  report.Add(name, "ms", ours, raw, {.max_p99 = 20});
}

Task<> InCall(const Portal& victim, TaskStatus<>& status) {
  status.Started();
  co_await victim.Call(WaitForEver);
}

Task<> InReceive(const Portal& victim, TaskStatus<>& status) {
  co_await victim.WithContext(Listen, [&](auto& ctx) {
    return ctx.WithStream([&](auto& stream) -> Task<> {
      co_await stream.Receive();
      status.Started();
      co_await stream.Receive();
    });
  });
}

// Milliseconds from the cancel of an actor to its end, when `calls` calls in it
// need kUnwind each.
Task<double> CancelUnwinding(int calls) {
  int64_t start = 0;
  double took = 0;
  co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
    ActorOptions options("unwinding");
    options.Expose(Nop, UnwindSlowly);
    const Portal child = co_await an.StartActor(options);
    co_await WithNursery([&](Nursery& nursery) -> Task<> {
      for (int i = 0; i < calls; ++i) {
        nursery.StartSoon([&]() -> Task<> {
          auto call = [&]() -> Task<> { co_await child.Call(UnwindSlowly); };
          (void)co_await Observe(call);
        });
      }
      co_await Checkpoint();  // they send their requests before ours
      co_await child.Call(Nop);
      start = NowNanos();
      co_await an.Cancel();
      took = MillisSince(start);
    });
  });
  co_return took;
}

Task<> Unwinding(Report& report) {
  const char* const name = "cancel of an actor, 20 calls need 100 ms each";
  if (!report.Wants(name)) co_return;
  Samples limit;
  Samples ours;
  for (int i = 0; i < report.Rounds(100); ++i) {
    const int64_t start = NowNanos();
    co_await Sleep(kUnwind);
    limit.Add(MillisSince(start));
    ours.Add(co_await CancelUnwinding(20));
  }
  report.Add(name, "ms", ours, limit, {.max_p99 = 200});
}

}  // namespace
}  // namespace tractor::bench

int main(int argc, char** argv) {
  using namespace tractor::bench;
  Report report("cancels", argc, argv);
  return tractor::Main(argc, argv, [&]() -> tractor::Task<int> {
    co_await Death(report, "SIGKILL of an actor to its caller's ActorDied",
                   InCall);
    co_await Death(report, "SIGKILL of an actor to the end of a Receive",
                   InReceive);
    co_await Unwinding(report);
    co_await CancelledTrees(report);
    co_return report.Finish();
  });
}
