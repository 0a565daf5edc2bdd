// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/actor/internal/spawn_timing.h"

#include <cctype>
#include <cstdint>
#include <string_view>

namespace tractor::internal {
namespace {

// STEP_FORK as "fork".
std::string NameOf(proto::SpawnStep step) {
  std::string name = proto::SpawnStep_Name(step);
  constexpr std::string_view kPrefix = "STEP_";
  if (name.starts_with(kPrefix)) name.erase(0, kPrefix.size());
  for (char& c : name) c = static_cast<char>(std::tolower(c));
  return name;
}

}  // namespace

std::string FormatTiming(const proto::SpawnTiming& timing) {
  if (timing.stamps_size() < 2) return "not recorded";
  std::string text;
  const uint64_t begin = timing.stamps(0).monotonic_ns();
  uint64_t before = begin;
  for (int i = 1; i < timing.stamps_size(); ++i) {
    const proto::SpawnTiming::Stamp& stamp = timing.stamps(i);
    text += NameOf(stamp.step()) + " " +
            std::to_string((stamp.monotonic_ns() - before) / 1000) + ", ";
    before = stamp.monotonic_ns();
  }
  text.resize(text.size() - 2);
  return text + " = " + std::to_string((before - begin) / 1000) + " us";
}

}  // namespace tractor::internal
