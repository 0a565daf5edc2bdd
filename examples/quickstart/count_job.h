// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The root's part: makes the tree, feeds the mappers, and takes the tree down.
//
//   root --Chunk--> mapper 0..n-1 --PartialCounts--> root --> reducer
//
// Each mapper has two tasks in the root: one that gives it the next piece of
// text whenever its stream has room, which shares the work out by itself, and
// one that passes its counts on to the reducer. A mapper or reducer that does
// not keep up parks those tasks, and nothing else.
#ifndef TRACTOR_EXAMPLES_QUICKSTART_COUNT_JOB_H_
#define TRACTOR_EXAMPLES_QUICKSTART_COUNT_JOB_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "examples/quickstart/leftovers.h"
#include "examples/quickstart/mapper.h"
#include "examples/quickstart/options.h"
#include "examples/quickstart/reducer.h"
#include "examples/quickstart/text_files.h"
#include "examples/quickstart/wordcount.pb.h"
#include "runtime/tractor.h"

namespace tractor::quickstart {

using Clock = std::chrono::steady_clock;

// What is known about a run; filled as far as it came.
struct RunReport {
  TreeMarks marks;
  SpawnMethod spawn_method = SpawnMethod::kForkserver;
  size_t actors = 0;           // besides the root
  size_t actor_processes = 0;  // as counted while they were at work
  Clock::duration spawn = {};  // until all actors had said hello
  Clock::duration count = {};  // from there to the summary
  Clock::time_point teardown_began = {};
  Summary summary;
  std::string killed;        // by --kill-one, "name@pid"
  int pieces_of_killed = 0;  // that it had been given by then
};

class CountJob {
 public:
  CountJob(const Options& options, TextFiles& input, RunReport& report)
      : options_(options), input_(input), report_(report) {}
  CountJob(const CountJob&) = delete;
  CountJob& operator=(const CountJob&) = delete;

  // Fills the report. Throws ActorDied when an actor dies; then all others have
  // been ended.
  Task<> Run();

 private:
  using ToReducer = Stream<Nothing, PartialCounts>;
  using MapperStream = Stream<PartialCounts, Chunk>;

  Task<std::vector<Portal>> StartActors(ActorNursery& an);
  Task<> Reduce(Portal reducer, std::vector<Portal> mappers);
  Task<> Map(const std::vector<Portal>& mappers, ToReducer& to_reducer);
  Task<> RunMapper(Portal mapper, ToReducer* to_reducer);
  Task<> Feed(const Aid& mapper, MapperStream& stream);

  const Options& options_;
  TextFiles& input_;
  RunReport& report_;
};

}  // namespace tractor::quickstart

#endif  // TRACTOR_EXAMPLES_QUICKSTART_COUNT_JOB_H_
