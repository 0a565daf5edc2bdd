// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "os/proc_parse.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "os/proc_fs.h"

namespace tractor::os {
namespace {

// The number at the front of `text`, which must end there or at a blank.
template <typename Number>
std::optional<Number> Leading(std::string_view text, int base = 10) {
  Number value = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value, base);
  if (error != std::errc() || (at != end && *at != ' ' && *at != '\t')) {
    return std::nullopt;
  }
  return value;
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const size_t begin = std::min(text.find_first_not_of(kBlanks), text.size());
  text.remove_prefix(begin);
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

uint64_t SignalMaskField(std::string_view text, std::string_view key) {
  const std::optional<std::string_view> line = FindLine(text, key);
  if (!line.has_value()) return 0;
  return Leading<uint64_t>(*line, 16).value_or(0);
}

// The `column`-th number of a line of several.
uint32_t ColumnOf(std::string_view text, std::string_view key, size_t column) {
  const std::optional<std::string_view> line = FindLine(text, key);
  if (!line.has_value()) return 0;
  const std::vector<std::string> words = SplitWords(*line, '\t');
  if (column >= words.size()) return 0;
  return Leading<uint32_t>(words[column]).value_or(0);
}

}  // namespace

std::optional<int64_t> ParseNumber(std::string_view text) {
  const std::optional<int64_t> value = Leading<int64_t>(text);
  const bool blank = text.find_first_of(" \t") != std::string_view::npos;
  return blank ? std::nullopt : value;
}

std::vector<std::string> SplitKeepingEmpty(std::string_view text,
                                           char separator) {
  std::vector<std::string> parts;
  while (true) {
    const size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::vector<std::string> SplitWords(std::string_view text, char separator) {
  std::vector<std::string> words = SplitKeepingEmpty(text, separator);
  std::erase(words, "");
  return words;
}

std::optional<std::string_view> FindLine(std::string_view text,
                                         std::string_view key) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    if (line.substr(0, key.size()) == key) return Trim(line.substr(key.size()));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return std::nullopt;
}

std::optional<int64_t> FindField(std::string_view text, std::string_view key) {
  const std::optional<std::string_view> line = FindLine(text, key);
  if (!line.has_value()) return std::nullopt;
  return Leading<int64_t>(*line);
}

// "PID (COMM) STATE PPID ...": the comm may hold anything, so it ends at the
// last parenthesis.
absl::StatusOr<ProcStat> ParseProcStat(std::string_view text) {
  const size_t open = text.find(" (");
  const size_t close = text.rfind(") ");
  const absl::Status malformed =
      absl::InvalidArgumentError("malformed /proc/<pid>/stat");
  if (open == text.npos || close == text.npos || close < open) {
    return malformed;
  }
  while (text.back() == '\n') text.remove_suffix(1);
  const std::vector<std::string> fields =
      SplitWords(text.substr(close + 2), ' ');
  const auto pid = ParseNumber(text.substr(0, open));
  if (!pid.has_value() || fields.size() < 37 || fields[0].size() != 1) {
    return malformed;
  }
  const auto field = [&](size_t number) {  // as proc(5) counts, from 3
    return ParseNumber(fields[number - 3]).value_or(0);
  };
  ProcStat stat;
  stat.pid = static_cast<pid_t>(*pid);
  stat.comm = text.substr(open + 2, close - open - 2);
  stat.state = fields[0][0];
  stat.parent = static_cast<pid_t>(field(4));
  stat.group = static_cast<pid_t>(field(5));
  stat.session = static_cast<pid_t>(field(6));
  stat.user_ticks = static_cast<uint64_t>(field(14));
  stat.system_ticks = static_cast<uint64_t>(field(15));
  stat.threads = static_cast<int>(field(20));
  stat.start_time = static_cast<uint64_t>(field(22));
  stat.virtual_bytes = static_cast<uint64_t>(field(23));
  stat.resident_pages = field(24);
  stat.processor = static_cast<int>(field(39));
  return stat;
}

absl::StatusOr<ProcStatus> ParseProcStatus(std::string_view text) {
  const std::optional<std::string_view> name = FindLine(text, "Name:");
  if (!name.has_value() || !FindLine(text, "Uid:").has_value()) {
    return absl::InvalidArgumentError("malformed /proc/<pid>/status");
  }
  ProcStatus status;
  status.name = *name;
  status.real_uid = ColumnOf(text, "Uid:", 0);
  status.effective_uid = ColumnOf(text, "Uid:", 1);
  status.real_gid = ColumnOf(text, "Gid:", 0);
  status.tracer = static_cast<pid_t>(FindField(text, "TracerPid:").value_or(0));
  status.blocked_signals = SignalMaskField(text, "SigBlk:");
  status.ignored_signals = SignalMaskField(text, "SigIgn:");
  status.caught_signals = SignalMaskField(text, "SigCgt:");
  status.vm_rss_kib = FindField(text, "VmRSS:");
  status.vm_swap_kib = FindField(text, "VmSwap:");
  for (const std::string& word :
       SplitWords(FindLine(text, "NSpid:").value_or(""), '\t')) {
    const std::optional<int64_t> pid = ParseNumber(word);
    if (pid.has_value()) {
      status.namespace_pids.push_back(static_cast<pid_t>(*pid));
    }
  }
  return status;
}

}  // namespace tractor::os
