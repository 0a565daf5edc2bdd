// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The driver of a scheduler whose tasks do I/O: it waits in Boost.Asio.
//
//   tractor::io::Reactor reactor;
//   tractor::Scheduler scheduler(
//       tractor::SchedulerOptions().set_driver(reactor));
//   scheduler.Run(RootTask);          // or, the same: io::Run(RootTask), run.h
//
// Rules.
// - A reactor belongs to the thread that made it, and so must its scheduler.
//   Everything but Wake() is for that thread.
// - It is Current() from its construction to its destruction; they nest.
// - Every FdWaiter on it must be gone before it.
// - It holds descriptors (epoll, eventfd, timerfd), all close-on-exec. A forked
//   child shares the epoll set: it must leave this reactor and its waiters
//   alone (not even destroy them) and make a reactor of its own.
#ifndef TRACTOR_RUNTIME_IO_REACTOR_H_
#define TRACTOR_RUNTIME_IO_REACTOR_H_

#include <cstdint>
#include <memory>

#include "runtime/task/clock.h"
#include "runtime/task/scheduler.h"

namespace boost::asio {
class io_context;
}

namespace tractor::io {

class Reactor final : public Driver {
 public:
  // `clock` must be the scheduler's. Throws StatusError when the kernel has no
  // descriptor or memory left.
  explicit Reactor(const Clock& clock = SystemClock());
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;
  ~Reactor() override;

  // The innermost reactor of this thread. Throws std::logic_error (Current) or
  // answers null when there is none.
  static Reactor& Current();
  static Reactor* CurrentOrNull();

  // Wakes within microseconds of the deadline, not within an epoll_wait()
  // millisecond. False (the scheduler then reports a deadlock): no source
  // exists, no deadline, no external work, no Wake() is pending.
  bool Wait(int64_t deadline_nanos) override;
  void Poll() override;
  void Wake() noexcept override;

  // What may complete operations: FdWaiters count themselves. Whoever uses
  // context() directly must count, too.
  void AddSource(int change);

  // For awaitables of Asio; see runtime/io/internal. Costs seconds to include.
  boost::asio::io_context& context();

 private:
  bool NothingCanHappen() const;

  struct Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace tractor::io

#endif  // TRACTOR_RUNTIME_IO_REACTOR_H_
