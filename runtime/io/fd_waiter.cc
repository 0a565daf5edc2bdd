// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/io/fd_waiter.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <utility>

#include "os/errno_status.h"
#include "runtime/io/internal/handler_memory.h"
#include "runtime/io/status_error.h"

namespace tractor::io {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// Not the default executor, which can be anything and costs a virtual call.
using Descriptor =
    asio::posix::basic_stream_descriptor<asio::io_context::executor_type>;

std::string What(int fd) {
  return "io::FdWaiter(fd " + std::to_string(fd) + ")";
}

}  // namespace

struct FdWaiter::Impl {
  // One direction.
  struct Half {
    Wait* parked = nullptr;
    internal::HandlerMemory memory;
    asio::cancellation_signal cancel;
  };

  // What Asio calls, found with its allocator and its cancellation slot.
  struct Handler {
    using allocator_type = internal::HandlerAllocator<void>;
    using cancellation_slot_type = asio::cancellation_slot;

    allocator_type get_allocator() const noexcept {
      return allocator_type(half->memory);
    }
    cancellation_slot_type get_cancellation_slot() const noexcept {
      return half->cancel.slot();
    }
    void operator()(const error_code& error) const {
      me->OnReady(*half, error);
    }

    Impl* me;
    Half* half;
  };

  Impl(int fd, Reactor& reactor)
      : fd(fd), reactor(reactor), descriptor(reactor.context()) {
    Register();
    reactor.AddSource(1);
  }

  ~Impl() {
    if (halves[0].parked != nullptr || halves[1].parked != nullptr) {
      // The operation still lies in this object: going on would be a use of
      // freed memory later.
      std::fprintf(stderr, "%s: destroyed while a task waits on it\n",
                   What(fd).c_str());
      std::abort();
    }
    Close();
  }

  void Register() {
    error_code error;
    descriptor.assign(fd, error);
    if (error) ThrowErrno(error.value(), What(fd));
    watches_write = false;
  }

  void Close() {
    if (!std::exchange(closed, true)) {
      descriptor.release();
      reactor.AddSource(-1);
    }
  }

  Half& HalfOf(const Wait& wait) {
    return halves[wait.side_ == Wait::Side::kWrite];
  }

  void Start(Wait& wait) {
    Half& half = HalfOf(wait);
    if (closed) return wait.Finish(Wait::End::kClosed);
    if (half.parked != nullptr) return wait.Finish(Wait::End::kConflict);
    if (wait.side_ == Wait::Side::kWrite) {
      watches_write = true;
    } else if (watches_write && halves[1].parked == nullptr) {
      // Asio goes on watching for EPOLLOUT once it was asked to, and the
      // kernel reports it whenever the peer reads: a needless wake-up a
      // message, for ever. So begin afresh.
      descriptor.release();
      Register();
    }
    half.parked = &wait;
    reactor.AddSource(1);
    descriptor.async_wait(wait.side_ == Wait::Side::kRead
                              ? Descriptor::wait_read
                              : Descriptor::wait_write,
                          Handler{this, &half});
  }

  // Never undoes what has already happened: an operation that is ready is no
  // longer in Asio's queue, and the signal finds nothing.
  void Cancel(Wait& wait) {
    wait.aborting_ = true;
    HalfOf(wait).cancel.emit(asio::cancellation_type::all);
  }

  void OnReady(Half& half, const error_code& error) {
    // Counted apart from the descriptor: Close() ends that one first.
    reactor.AddSource(-1);
    Wait& wait = *std::exchange(half.parked, nullptr);
    if (error != asio::error::operation_aborted) {
      // Also for what epoll cannot watch: such files never block.
      wait.Finish(Wait::End::kReady);
    } else if (wait.aborting_) {
      wait.CompleteCancelled();
    } else {
      wait.Finish(Wait::End::kClosed);
    }
  }

  const int fd;
  Reactor& reactor;
  bool closed = false;
  bool watches_write = false;
  Half halves[2];
  Descriptor descriptor;
};

FdWaiter::FdWaiter(int fd, Reactor& reactor)
    : impl_(std::make_unique<Impl>(fd, reactor)) {}
FdWaiter::~FdWaiter() = default;

void FdWaiter::Close() { impl_->Close(); }
bool FdWaiter::closed() const { return impl_->closed; }
int FdWaiter::fd() const { return impl_->fd; }

void FdWaiter::Wait::Start() { waiter_.Start(*this); }

void FdWaiter::Wait::Finish(End end) {
  end_ = end;
  Complete();
}

bool FdWaiter::Wait::Abort() noexcept {
  waiter_.Cancel(*this);
  return false;
}

void FdWaiter::Wait::Throw() const {
  const std::string what = What(waiter_.fd);
  if (end_ == End::kConflict) {
    throw std::logic_error(what + ": another task waits for the same already");
  }
  throw ResourceClosed(os::MakeStatus(absl::StatusCode::kFailedPrecondition,
                                      what + ": closed here", EBADF));
}

}  // namespace tractor::io
