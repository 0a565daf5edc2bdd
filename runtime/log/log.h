// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Log records of actors, on stderr.
//
//   TRACTOR_LOG(info) << "listening on " << address;
//   TRACTOR_LOG_AT(level) << "as loud as asked";
//
//   2026-11-22T21:07:46.123456Z INFO 3f9a1c07 worker@4711 server.cc:42] ...
//
// Levels, quiet to loud: transport debug runtime devx info cancel warning error
// critical. A record below the current level costs one load: what is after <<
// is not evaluated.
//
// Rules.
// - A record is written by one write(2), without a lock: a fork at any moment
// is
//   safe, and records of many threads and processes on one pipe do not mix, up
//   to 4096 bytes each.
// - Nothing here fails: a record that stderr does not take is lost, and
//   counted. A stderr that blocks blocks the writer.
#ifndef TRACTOR_RUNTIME_LOG_LOG_H_
#define TRACTOR_RUNTIME_LOG_LOG_H_

#include <atomic>
#include <cstdint>
#include <sstream>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace tractor {

enum class LogLevel : int {
  kTransport = 5,
  kDebug = 10,
  kRuntime = 15,
  kDevx = 17,
  kInfo = 20,
  kCancel = 22,
  kWarning = 30,
  kError = 40,
  kCritical = 50,
};

// "info".
std::string_view LogLevelName(LogLevel level);
// Any case; "warn" is warning. INVALID_ARGUMENT lists the names.
absl::StatusOr<LogLevel> ParseLogLevel(std::string_view name);

// Records below are suppressed. At first: warning.
void SetLogLevel(LogLevel level);
LogLevel GetLogLevel();

// Who is in front of every record of this thread: the short id of the tree and
// "name@pid"; together at most 160 bytes. Threads that have none, as those that
// only help an actor, show the number of the process. Two empty texts: none.
void SetLogIdentity(std::string_view actor, std::string_view tree);

// Where records go instead of stderr; null: stderr again. `line` ends in a
// newline. For tests and for relays; called from any thread.
using LogSink = void (*)(std::string_view line);
void SetLogSink(LogSink sink);

// Records that were lost because stderr did not take them.
uint64_t LostLogRecords();

namespace internal {

extern std::atomic<int> log_threshold;

inline bool LogEnabled(LogLevel level) {
  return static_cast<int>(level) >=
         log_threshold.load(std::memory_order_relaxed);
}

// One record, written when it is destroyed.
class LogRecord {
 public:
  LogRecord(LogLevel level, const char* file, int line);
  ~LogRecord();

  LogRecord(const LogRecord&) = delete;
  LogRecord& operator=(const LogRecord&) = delete;

  std::ostream& stream() { return text_; }

 private:
  const int saved_errno_;  // << must not change what the next line reads
  std::ostringstream text_;
};

// Makes both arms of the macro's ?: void.
struct LogVoid {
  void operator&(std::ostream&) const {}
};

// The words of TRACTOR_LOG.
namespace log_levels {
inline constexpr LogLevel transport = LogLevel::kTransport;
inline constexpr LogLevel debug = LogLevel::kDebug;
inline constexpr LogLevel runtime = LogLevel::kRuntime;
inline constexpr LogLevel devx = LogLevel::kDevx;
inline constexpr LogLevel info = LogLevel::kInfo;
inline constexpr LogLevel cancel = LogLevel::kCancel;
inline constexpr LogLevel warning = LogLevel::kWarning;
inline constexpr LogLevel error = LogLevel::kError;
inline constexpr LogLevel critical = LogLevel::kCritical;
}  // namespace log_levels

}  // namespace internal
}  // namespace tractor

#define TRACTOR_LOG_AT(level)             \
  !::tractor::internal::LogEnabled(level) \
      ? (void)0                           \
      : ::tractor::internal::LogVoid() &  \
            ::tractor::internal::LogRecord(level, __FILE__, __LINE__).stream()

#define TRACTOR_LOG(level) \
  TRACTOR_LOG_AT(::tractor::internal::log_levels::level)

#endif  // TRACTOR_RUNTIME_LOG_LOG_H_
