// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "examples/quickstart/count_job.h"

// glibc 2.36 has forgotten that it may be included by C++.
extern "C" {
#include <sys/pidfd.h>
}
#include <unistd.h>

#include <csignal>
#include <optional>
#include <utility>

#include "examples/quickstart/progress.h"

namespace tractor::quickstart {
namespace {

// Pieces that a mapper gets before --kill-one ends it.
constexpr int kPiecesOfVictim = 3;

ActorOptions ReducerOptions() {
  ActorOptions options("reducer");
  options.Expose(ReduceWords);
  return options;
}

ActorOptions MapperOptions(int number) {
  ActorOptions options("mapper-" + std::to_string(number));
  options.Expose(MapWords);
  return options;
}

// As the OOM killer would, or an operator.
void KillProcess(const Aid& actor) {
  const int pidfd = pidfd_open(actor.pid, 0);
  if (pidfd < 0) return;  // it has died by itself
  pidfd_send_signal(pidfd, SIGKILL, nullptr, 0);
  close(pidfd);
}

}  // namespace

Task<> CountJob::Run() {
  report_.marks = MarksOfThisTree();
  report_.spawn_method = GetRuntimeVars().spawn_method;
  if (options_.kill_one && GetSpawnBackend(report_.spawn_method).in_process) {
    throw UsageError("--kill-one wants mappers that are processes, not " +
                     std::string(SpawnMethodName(report_.spawn_method)));
  }
  auto body = [&](ActorNursery& an) -> Task<> {
    std::vector<Portal> mappers = co_await StartActors(an);
    const Portal reducer = mappers.back();
    mappers.pop_back();
    report_.actor_processes = CountProcesses(report_.marks);
    const Clock::time_point begin = Clock::now();
    co_await Reduce(reducer, std::move(mappers));
    report_.teardown_began = Clock::now();
    report_.count = report_.teardown_began - begin;
    co_await an.Cancel("the work is done");
  };
  co_await WithActorNursery(body);
}

// The mappers, then the reducer.
Task<std::vector<Portal>> CountJob::StartActors(ActorNursery& an) {
  const Clock::time_point begin = Clock::now();
  std::vector<Task<Portal>> starts;
  for (int i = 0; i < options_.workers; ++i) {
    starts.push_back(an.StartActor(MapperOptions(i)));
  }
  starts.push_back(an.StartActor(ReducerOptions()));
  std::vector<Portal> actors = co_await Gather(std::move(starts));
  report_.actors = actors.size();
  report_.spawn = Clock::now() - begin;
  co_return actors;
}

Task<> CountJob::Reduce(Portal reducer, std::vector<Portal> mappers) {
  ReduceRequest request;
  request.set_top(options_.check ? 0 : options_.top);
  auto in_context = [&](auto& ctx) -> Task<> {
    auto with_stream = [&](ToReducer& to_reducer) -> Task<> {
      auto map = [&]() -> Task<> { co_await Map(mappers, to_reducer); };
      co_await WithProgress(input_, map);
    };
    co_await ctx.WithStream(with_stream);
    report_.summary = co_await ctx.WaitResult();
  };
  co_await reducer.WithContext(ReduceWords, request, in_context);
}

Task<> CountJob::Map(const std::vector<Portal>& mappers,
                     ToReducer& to_reducer) {
  NurseryOptions collapse;
  collapse.set_collapse(true).set_name("mappers");
  auto start = [&](Nursery& n) -> Task<> {
    for (const Portal& mapper : mappers) {
      n.StartSoon(TaskName("feed " + mapper.aid().name),
                  [this, mapper, &to_reducer]() -> Task<> {
                    return RunMapper(mapper, &to_reducer);
                  });
    }
    co_return;
  };
  co_await WithNursery(collapse, start);
}

Task<> CountJob::RunMapper(Portal mapper, ToReducer* to_reducer) {
  auto in_context = [&](auto& ctx) -> Task<> {
    report_.marks.cgroup = TreeCgroup(OwnCgroup(), ctx.first().cgroup());
    auto with_stream = [&](MapperStream& stream) -> Task<> {
      NurseryOptions collapse;
      collapse.set_collapse(true).set_name(mapper.aid().name);
      auto both_ways = [&](Nursery& n) -> Task<> {
        n.StartSoon([&]() -> Task<> { return Feed(mapper.aid(), stream); });
        while (std::optional<PartialCounts> counts =
                   co_await stream.Receive()) {
          co_await to_reducer->Send(std::move(*counts));
        }
      };
      co_await WithNursery(collapse, both_ways);
    };
    co_await ctx.WithStream(with_stream);
  };
  co_await mapper.WithContext(MapWords, in_context);
}

Task<> CountJob::Feed(const Aid& mapper, MapperStream& stream) {
  Chunk chunk;
  int pieces = 0;
  while (true) {
    std::optional<std::string> text = input_.Next();
    if (options_.kill_one && report_.killed.empty() &&
        (pieces == kPiecesOfVictim || !text.has_value())) {
      report_.killed = ToString(mapper);
      report_.pieces_of_killed = pieces;
      KillProcess(mapper);
    }
    if (!text.has_value()) break;
    chunk.set_text(std::move(*text));
    co_await stream.Send(chunk);
    ++pieces;
  }
  chunk.clear_text();
  chunk.set_last(true);
  co_await stream.Send(chunk);
}

}  // namespace tractor::quickstart
