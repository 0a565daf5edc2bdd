// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// For the tests of FdWaiter: counts how waits end.
#ifndef TRACTOR_RUNTIME_IO_ENDS_H_
#define TRACTOR_RUNTIME_IO_ENDS_H_

#include "runtime/io/fd_waiter.h"
#include "runtime/io/status_error.h"
#include "runtime/task/task.h"

namespace tractor::io {

// How often a wait came to an end, and how.
struct Ends {
  int ready = 0;
  int closed = 0;

  Task<> Read(FdWaiter& waiter) {
    try {
      co_await waiter.Readable();
      ++ready;
    } catch (const ResourceClosed&) {
      ++closed;
    }
  }
  Task<> Write(FdWaiter& waiter) {
    try {
      co_await waiter.Writable();
      ++ready;
    } catch (const ResourceClosed&) {
      ++closed;
    }
  }
};

}  // namespace tractor::io

#endif  // TRACTOR_RUNTIME_IO_ENDS_H_
