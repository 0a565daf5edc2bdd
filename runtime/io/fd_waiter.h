// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Waiting until a descriptor is ready, for code that does its own system calls.
//
//   tractor::io::FdWaiter waiter(fd.get());
//   for (;;) {
//     const ssize_t n = recv(fd.get(), ...);
//     if (n >= 0 || errno != EAGAIN) break;
//     co_await waiter.Readable();
//   }
//
// Rules.
// - The descriptor is borrowed: it must be non-blocking, outlive the waiter,
//   and stay open until then. Never closed here.
// - Readiness is a hint, as with poll(): an error or a hang-up is readiness,
//   and the next system call says what it is. What is ready at the start of
//   the wait is reported too, so nobody must have seen EAGAIN first. Files
//   without readiness (regular ones) are always ready.
// - One task may wait for each direction: a second one gets a std::logic_error.
// - A wait is a checkpoint and allocates nothing. Readiness that was already
//   seen when a cancel comes is delivered; the next checkpoint cancels.
// - The waiter outlives the waits on it. Destroyed earlier, it aborts the
//   program.
#ifndef TRACTOR_RUNTIME_IO_FD_WAITER_H_
#define TRACTOR_RUNTIME_IO_FD_WAITER_H_

#include <coroutine>
#include <cstdint>
#include <memory>

#include "runtime/io/reactor.h"
#include "runtime/task/operation.h"

namespace tractor::io {

class FdWaiter {
 public:
  class Wait;

  // Throws StatusError when the descriptor cannot be watched: EBADF; EEXIST
  // when another waiter of this reactor watches the same number.
  explicit FdWaiter(int fd, Reactor& reactor = Reactor::Current());
  FdWaiter(const FdWaiter&) = delete;
  FdWaiter& operator=(const FdWaiter&) = delete;
  ~FdWaiter();

  // co_await them. ResourceClosed after Close(), also when it comes meanwhile.
  Wait Readable();
  Wait Writable();

  // Forgets the descriptor, which may be closed from now on. Waits end with
  // ResourceClosed. May be called twice.
  void Close();

  bool closed() const;
  int fd() const;

 private:
  struct Impl;
  const std::unique_ptr<Impl> impl_;
};

class [[nodiscard]] FdWaiter::Wait final : public Operation {
 public:
  enum class Side : uint8_t { kRead, kWrite };

  Wait(Impl& waiter, Side side) : waiter_(waiter), side_(side) {}

  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> frame) {
    if (Park(frame)) Start();
  }
  void await_resume() const {
    if (end_ != End::kReady) Throw();
  }

 private:
  friend struct FdWaiter::Impl;
  enum class End : uint8_t { kReady, kClosed, kConflict };

  bool Abort() noexcept override;
  const char* Describe() const noexcept override {
    return side_ == Side::kRead ? "wait for readable" : "wait for writable";
  }

  void Start();
  void Finish(End end);
  [[noreturn]] void Throw() const;

  Impl& waiter_;
  const Side side_;
  End end_ = End::kReady;
  bool aborting_ = false;
};

inline FdWaiter::Wait FdWaiter::Readable() {
  return Wait(*impl_, Wait::Side::kRead);
}
inline FdWaiter::Wait FdWaiter::Writable() {
  return Wait(*impl_, Wait::Side::kWrite);
}

}  // namespace tractor::io

#endif  // TRACTOR_RUNTIME_IO_FD_WAITER_H_
