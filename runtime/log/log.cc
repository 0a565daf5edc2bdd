// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/log/log.h"

#include <errno.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <locale>
#include <string>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace tractor {
namespace {

struct NamedLevel {
  LogLevel level;
  std::string_view name;
};

constexpr auto kLevels = std::to_array<NamedLevel>({
    {LogLevel::kTransport, "transport"},
    {LogLevel::kDebug, "debug"},
    {LogLevel::kRuntime, "runtime"},
    {LogLevel::kDevx, "devx"},
    {LogLevel::kInfo, "info"},
    {LogLevel::kCancel, "cancel"},
    {LogLevel::kWarning, "warning"},
    {LogLevel::kError, "error"},
    {LogLevel::kCritical, "critical"},
});

std::atomic<LogSink> sink = nullptr;
std::atomic<uint64_t> lost = 0;

// "3f9a1c07 worker@4711". A plain array, because records are written until the
// very end, when thread_local objects have been destroyed.
struct Identity {
  std::array<char, 160> text = {};
  size_t size = 0;
};
constinit thread_local Identity identity;

std::string IdentityText() {
  if (identity.size == 0) return std::to_string(getpid());
  return std::string(identity.text.data(), identity.size);
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return lower;
}

std::string Upper(std::string_view text) {
  std::string upper(text);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return std::toupper(c); });
  return upper;
}

std::string LevelNames() {
  std::string names;
  for (const NamedLevel& one : kLevels) {
    names += (names.empty() ? "" : ", ") + std::string(one.name);
  }
  return names;
}

// One write, so that nobody's record comes in between. What a stderr that does
// not block has no room for is lost rather than waited for.
void WriteToStderr(std::string_view line) {
  ssize_t written = 0;
  do {
    written = write(STDERR_FILENO, line.data(), line.size());
  } while (written < 0 && errno == EINTR);
  if (written != static_cast<ssize_t>(line.size())) {
    lost.fetch_add(1, std::memory_order_relaxed);
  }
}

std::string_view BaseName(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == path.npos ? path : path.substr(slash + 1);
}

}  // namespace

std::string_view LogLevelName(LogLevel level) {
  for (const NamedLevel& one : kLevels) {
    if (one.level == level) return one.name;
  }
  return "unknown";
}

absl::StatusOr<LogLevel> ParseLogLevel(std::string_view name) {
  const std::string lower = Lower(name);
  for (const NamedLevel& one : kLevels) {
    if (one.name == lower) return one.level;
  }
  if (lower == "warn") return LogLevel::kWarning;
  return absl::InvalidArgumentError("log level '" + std::string(name) +
                                    "' is not one of " + LevelNames());
}

void SetLogLevel(LogLevel level) {
  internal::log_threshold.store(static_cast<int>(level),
                                std::memory_order_relaxed);
}

LogLevel GetLogLevel() {
  return static_cast<LogLevel>(
      internal::log_threshold.load(std::memory_order_relaxed));
}

void SetLogIdentity(std::string_view actor, std::string_view tree) {
  std::string text(tree);
  if (!tree.empty()) text += ' ';
  text += actor;
  identity.size = text.copy(identity.text.data(), identity.text.size());
}

void SetLogSink(LogSink new_sink) {
  sink.store(new_sink, std::memory_order_release);
}

uint64_t LostLogRecords() { return lost.load(std::memory_order_relaxed); }

namespace internal {

constinit std::atomic<int> log_threshold = static_cast<int>(LogLevel::kWarning);

LogRecord::LogRecord(LogLevel level, const char* file, int line)
    : saved_errno_(errno) {
  // A program's global locale would write line 1,234.
  text_.imbue(std::locale::classic());
  text_ << absl::FormatTime("%Y-%m-%d%ET%H:%M:%E6SZ", absl::Now(),
                            absl::UTCTimeZone())
        << ' ' << Upper(LogLevelName(level)) << ' ';
  text_ << IdentityText() << ' ' << BaseName(file) << ':' << line << "] ";
}

LogRecord::~LogRecord() {
  std::string line = std::move(text_).str();
  if (line.empty() || line.back() != '\n') line += '\n';
  const LogSink to = sink.load(std::memory_order_acquire);
  to != nullptr ? to(line) : WriteToStderr(line);
  errno = saved_errno_;
}

}  // namespace internal
}  // namespace tractor
