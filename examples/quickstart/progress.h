// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// A line on a terminal that tells how far the input has been read.
//
//   co_await WithProgress(input, [&]() -> Task<> { co_await Work(); });
#ifndef TRACTOR_EXAMPLES_QUICKSTART_PROGRESS_H_
#define TRACTOR_EXAMPLES_QUICKSTART_PROGRESS_H_

#include <utility>

#include "examples/quickstart/text_files.h"
#include "runtime/tractor.h"

namespace tractor::quickstart {

// Whether stderr is a terminal.
bool ShowsProgress();

// Rewrites the line until it is cancelled; takes it away on every way out.
Task<> DrawProgress(const TextFiles& input);

// Runs body() with the line beside it, if stderr is a terminal.
template <Body F>
Task<> WithProgress(const TextFiles& input, F body) {
  if (!ShowsProgress()) {
    co_await body();
    co_return;
  }
  auto in_nursery = [&](Nursery& n) -> Task<> {
    n.StartSoon(TaskName("progress"),
                [&input]() -> Task<> { return DrawProgress(input); });
    co_await body();
    n.cancel_scope().Cancel();
  };
  NurseryOptions collapse;
  collapse.set_collapse(true).set_name("progress");
  co_await WithNursery(collapse, in_nursery);
}

}  // namespace tractor::quickstart

#endif  // TRACTOR_EXAMPLES_QUICKSTART_PROGRESS_H_
