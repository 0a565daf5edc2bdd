// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Makes the n-th system call fail: for tests of every layer, test code only.
//
//   for (int n = 1;; ++n) {
//     os::FailNth fault(os::FailNth::kAnyCall, n, ENOMEM);
//     absl::Status status = ThingUnderTest();
//     if (!fault.fired()) break;  // the thing needs fewer than n calls
//     EXPECT_FALSE(status.ok());
//     ExpectNothingLeft();
//   }
//
// Rules:
// - Calls are counted from 1, across threads, through os::Sys() only.
// - A failing `close` does close: that is what Linux does, and otherwise each
//   injected failure would look like a leak. A failing `munmap` likewise.
// - A forked child goes on with a copy of the counter.
// - They nest like brackets; a call that two of them would fail is failed by
//   the inner one.

#ifndef TRACTOR_OS_FAIL_NTH_H_
#define TRACTOR_OS_FAIL_NTH_H_

#include <atomic>
#include <string>
#include <string_view>

#include "os/syscalls.h"

namespace tractor::os {

class FailNth {
 public:
  static constexpr std::string_view kAnyCall = "*";

  // Fails the `n`-th call (1: the next one) of `call`, a name of the table
  // like "openat", or of any call with kAnyCall; errno will be `err`. n == 0
  // fails nothing: it only counts. `repeat`: the n-th and all that follow.
  // An unknown name is a bug of the test and aborts.
  FailNth(std::string_view call, int n, int err, bool repeat = false);
  ~FailNth();

  FailNth(const FailNth&) = delete;
  FailNth& operator=(const FailNth&) = delete;

  // Matching calls so far, the failed ones included.
  int calls() const { return calls_.load(std::memory_order_relaxed); }

  // Whether a call has been failed.
  bool fired() const { return fired_.load(std::memory_order_relaxed); }

  // The name of the first call that was failed; empty before.
  std::string_view failed_call() const;

 private:
  friend class FailNthAccess;

  // True when this call, named `name`, must fail.
  bool Hit(const char* name);

  const std::string call_;
  const int n_;
  const int err_;
  const bool repeat_;
  std::atomic<int> calls_{0};
  std::atomic<bool> fired_{false};
  std::atomic<const char*> failed_call_{nullptr};
  FailNth* const outer_;
  const SyscallTable* const base_;
  const ScopedSyscallTable table_;
};

}  // namespace tractor::os

#endif  // TRACTOR_OS_FAIL_NTH_H_
