// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "examples/quickstart/progress.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>

namespace tractor::quickstart {
namespace {

constexpr absl::Duration kEvery = absl::Milliseconds(100);

}  // namespace

bool ShowsProgress() { return isatty(STDERR_FILENO) == 1; }

Task<> DrawProgress(const TextFiles& input) {
  const auto begin = std::chrono::steady_clock::now();
  auto draw = [&]() -> Task<> {
    while (true) {
      const std::chrono::duration<double> time =
          std::chrono::steady_clock::now() - begin;
      const double megabytes = input.bytes() / 1e6;
      std::fprintf(stderr, "\r\033[K%llu files, %.1f MB, %.1f MB/s",
                   static_cast<unsigned long long>(input.files()), megabytes,
                   time.count() > 0 ? megabytes / time.count() : 0.0);
      co_await Sleep(kEvery);
    }
  };
  auto wipe = []() -> Task<> {
    std::fputs("\r\033[K", stderr);
    co_return;
  };
  co_await Finally(draw, kEvery, wipe);
}

}  // namespace tractor::quickstart
