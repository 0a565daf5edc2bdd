// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// What this process logs, as text.
//
//   LogCapture log;
//   ...
//   EXPECT_THAT(log.text(), HasSubstr("is used instead of"));
//
// Rules. One at a time. Records below the log's level are not made, so they are
// not seen. While it exists nothing is written to stderr.
#ifndef TRACTOR_TESTS_SUPPORT_LOG_CAPTURE_H_
#define TRACTOR_TESTS_SUPPORT_LOG_CAPTURE_H_

#include <mutex>
#include <string>
#include <string_view>

#include "runtime/log/log.h"

namespace tractor::testing {

class LogCapture {
 public:
  LogCapture() {
    Shared().text.clear();
    SetLogSink([](std::string_view line) {
      std::lock_guard lock(Shared().mutex);
      Shared().text += line;
    });
  }
  ~LogCapture() { SetLogSink(nullptr); }
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;

  std::string text() const {
    std::lock_guard lock(Shared().mutex);
    return Shared().text;
  }

 private:
  struct State {
    std::mutex mutex;
    std::string text;  // guarded by mutex
  };
  static State& Shared() {
    static State* const state = new State;
    return *state;
  }
};

}  // namespace tractor::testing

#endif  // TRACTOR_TESTS_SUPPORT_LOG_CAPTURE_H_
