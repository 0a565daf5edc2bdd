// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "examples/quickstart/report.h"

#include <algorithm>
#include <chrono>

#include "absl/strings/str_format.h"

namespace tractor::quickstart {
namespace {

double Seconds(Clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

// A word has no ASCII control characters; those of U+0080 to U+009F, which some
// terminals obey, become '?'.
std::string Printable(std::string word) {
  for (size_t i = 0; i + 1 < word.size(); ++i) {
    const auto next = static_cast<unsigned char>(word[i + 1]);
    if (word[i] == '\xc2' && next < 0xa0) word.replace(i, 2, "?");
  }
  return word;
}

}  // namespace

std::string WordsText(const Summary& summary, uint32_t top) {
  std::string text = "     count  word\n";
  const int size = std::min<int64_t>(summary.top_size(), top);
  for (int i = 0; i < size; ++i) {
    absl::StrAppendFormat(&text, "%10d  %s\n", summary.top(i).count(),
                          Printable(summary.top(i).word()));
  }
  return text;
}

std::string InputText(const TextFiles& input, const Summary& summary) {
  const Skipped& skipped = input.skipped();
  std::string text = absl::StrFormat(
      "%d files, %.1f MB, %d words, %d different\n", input.files(),
      input.bytes() / 1e6, summary.words(), summary.different_words());
  absl::StrAppendFormat(
      &text,
      "skipped: %d compressed, %d not text, %d links and devices, "
      "%d unreadable\n",
      skipped.compressed, skipped.not_text, skipped.special,
      skipped.unreadable.size());
  return text;
}

std::string RunText(const RunReport& report, const TextFiles& input,
                    Clock::duration teardown) {
  const double seconds = Seconds(report.count);
  return absl::StrFormat(
      "%.1f MB/s in %.2f s; %d mappers and a reducer (%s), %d processes\n"
      "spawn %.1f ms, teardown %.1f ms\n",
      seconds > 0 ? input.bytes() / 1e6 / seconds : 0.0, seconds,
      report.actors - 1, std::string(SpawnMethodName(report.spawn_method)),
      // And the root and the forkserver.
      report.actor_processes + 2, Seconds(report.spawn) * 1e3,
      Seconds(teardown) * 1e3);
}

std::string FailedRunText(const RunReport& report) {
  std::string text;
  if (!report.killed.empty()) {
    absl::StrAppendFormat(&text, "killed %s after %d pieces of text\n",
                          report.killed, report.pieces_of_killed);
  }
  absl::StrAppendFormat(&text, "%d actors were at work, in %d processes\n",
                        report.actors, report.actor_processes);
  return text;
}

std::string LeftoversText(const Leftovers& left) {
  return absl::StrFormat(
      "left behind: %d processes, %d children, %d directories, %d cgroups\n",
      left.processes, left.children, left.directories, left.cgroups);
}

}  // namespace tractor::quickstart
