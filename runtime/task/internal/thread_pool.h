// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Threads for ToThread: started when none is idle, ended when idle for long,
// and at the end of the program. How many there are is the limiters' business.
#ifndef TRACTOR_RUNTIME_TASK_INTERNAL_THREAD_POOL_H_
#define TRACTOR_RUNTIME_TASK_INTERNAL_THREAD_POOL_H_

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

namespace tractor::internal {

class ThreadPool {
 public:
  static constexpr std::chrono::seconds kIdleLimit{10};

  // The pool of the process. It ends with the program's statics.
  static ThreadPool& Global();

  explicit ThreadPool(std::chrono::nanoseconds idle_limit = kIdleLimit);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  // Joins the idle threads. Those that still work (abandoned ones) are left to
  // the end of the process: nobody can know how long they take.
  ~ThreadPool();

  // Runs `job`, which must not throw, on a thread of its own for the time.
  // Throws std::system_error when no thread can be started.
  void Submit(std::function<void()> job);

  // Threads that have not ended, and those of them that wait for work.
  size_t size() const;
  size_t idle() const;

 private:
  struct State;

  const std::shared_ptr<State> state_;
};

}  // namespace tractor::internal

#endif  // TRACTOR_RUNTIME_TASK_INTERNAL_THREAD_POOL_H_
