// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/io/reactor.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/system_error.hpp>
#include <chrono>
#include <stdexcept>
#include <utility>

#include "runtime/io/internal/handler_memory.h"
#include "runtime/io/status_error.h"

namespace tractor::io {
namespace {

namespace asio = boost::asio;
using tractor::internal::kNever;

thread_local Reactor* this_thread = nullptr;

}  // namespace

struct Reactor::Impl {
  using Timer =
      asio::basic_waitable_timer<std::chrono::steady_clock,
                                 asio::wait_traits<std::chrono::steady_clock>,
                                 asio::io_context::executor_type>;

  // The handler of the alarm.
  struct Ring {
    using allocator_type = internal::HandlerAllocator<void>;
    allocator_type get_allocator() const noexcept {
      return allocator_type(me->memory);
    }
    void operator()(const boost::system::error_code& error) const {
      if (!error) me->alarm_at = kNever;
    }
    Impl* me;
  };

  explicit Impl(const Clock& clock) : clock(clock) {}

  // The alarm stays set until it rings: a later deadline only costs one
  // needless wake-up, where moving it would cost a system call each time.
  // Asio's timers are a timerfd, so it is as exact as the kernel.
  void SetAlarm(int64_t deadline, int64_t now) {
    if (alarm_at <= deadline) return;
    alarm_at = deadline;
    alarm.expires_after(std::chrono::nanoseconds(deadline - now));
    alarm.async_wait(Ring{this});
  }

  const Clock& clock;
  Reactor* outer = nullptr;
  int sources = 0;
  bool woken = false;  // a Wake() that Poll() met: for the next Wait()
  int64_t alarm_at = kNever;
  // Before the context, which gives memory back when it ends.
  internal::HandlerMemory memory;
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> keep_going{
      context.get_executor()};
  Timer alarm{context};
};

Reactor::Reactor(const Clock& clock) try
    : impl_(std::make_unique<Impl>(clock)) {
  impl_->outer = std::exchange(this_thread, this);
} catch (const boost::system::system_error& error) {
  ThrowErrno(error.code().value(), "io::Reactor");
}

Reactor::~Reactor() { this_thread = impl_->outer; }

Reactor* Reactor::CurrentOrNull() { return this_thread; }

Reactor& Reactor::Current() {
  if (this_thread == nullptr) {
    throw std::logic_error(
        "no io::Reactor on this thread: I/O needs a scheduler that has one as "
        "its driver (io::Run makes both)");
  }
  return *this_thread;
}

boost::asio::io_context& Reactor::context() { return impl_->context; }

void Reactor::AddSource(int change) { impl_->sources += change; }

// Wake() stops the context: that needs no memory, reaches a run that is going
// on as well as the next one, and lasts until restart().
bool Reactor::Wait(int64_t deadline_nanos) {
  Impl& me = *impl_;
  if (std::exchange(me.woken, false)) return true;
  if (deadline_nanos == kNever) {
    if (NothingCanHappen()) return false;
  } else {
    const int64_t now = me.clock.NowNanos();
    if (deadline_nanos <= now) {
      me.context.poll();
      return true;
    }
    me.SetAlarm(deadline_nanos, now);
  }
  if (me.context.run_one() == 0) me.context.restart();
  return true;
}

bool Reactor::NothingCanHappen() const {
  if (impl_->sources > 0 || impl_->context.stopped()) return false;
  const Scheduler* scheduler = Scheduler::CurrentOrNull();
  return scheduler == nullptr || scheduler->external_work() == 0;
}

void Reactor::Poll() {
  if (impl_->context.stopped()) {
    impl_->woken = true;
    impl_->context.restart();
  }
  impl_->context.poll();
}

void Reactor::Wake() noexcept { impl_->context.stop(); }

}  // namespace tractor::io
