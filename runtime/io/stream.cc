// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/io/stream.h"

#include <errno.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "os/errno_status.h"
#include "os/signals.h"
#include "os/syscalls.h"
#include "os/unix_socket.h"
#include "runtime/io/internal/in_use.h"
#include "runtime/io/internal/owned_fd.h"
#include "runtime/io/status_error.h"
#include "runtime/task/checkpoint.h"

namespace tractor::io {
namespace {

using internal::InUse;
using internal::OwnedFd;

constexpr const char* kTwoReaders = "io::Stream: a second task reads";
constexpr const char* kTwoWriters = "io::Stream: a second task writes";

bool IsSocket(const OwnedFd& fd) {
  struct stat st;
  if (os::Sys().fstat(fd.get(), &st) != 0) ThrowErrno(errno, fd.What("fstat"));
  return S_ISSOCK(st.st_mode);
}

}  // namespace

struct Stream::Impl {
  explicit Impl(os::Fd owned)
      : fd("io::Stream", std::move(owned)), is_socket(IsSocket(fd)) {
    if (!is_socket) OrThrow(os::IgnoreSigpipe());
  }

  // A read that did not fill its room has emptied the stream, so the next one
  // does not ask but waits. (If more has come since, the wait ends at once.)
  Task<size_t> Read(std::span<char> into) {
    InUse reading(is_read, kTwoReaders);
    if (into.empty()) ThrowErrno(EINVAL, fd.What("read into no bytes"));
    if (std::exchange(may_hold_more, true)) {
      co_await Checkpoint();
    } else {
      co_await fd.Readable();
    }
    for (;;) {
      fd.CheckOpen();
      const ssize_t n = os::Sys().read(fd.get(), into.data(), into.size());
      if (n >= 0) {
        may_hold_more = static_cast<size_t>(n) == into.size();
        co_return static_cast<size_t>(n);
      }
      if (errno == EINTR) continue;
      if (errno != EAGAIN) ThrowErrno(errno, fd.What("read"));
      co_await fd.Readable();
    }
  }

  Task<> ReadAll(std::span<char> into) {
    if (into.empty()) co_await Checkpoint();
    while (!into.empty()) {
      const size_t n = co_await Read(into);
      if (n == 0) ThrowErrno(ECONNRESET, fd.What("the end came too early"));
      into = into.subspan(n);
    }
  }

  Task<size_t> Write(std::span<const iovec> parts) {
    InUse writing(is_written, kTwoWriters);
    co_await Checkpoint();
    while (!parts.empty() && parts.front().iov_len == 0) {
      parts = parts.subspan(1);
    }
    if (parts.empty()) co_return 0;
    for (;;) {
      fd.CheckOpen();
      const ssize_t n = WriteNow(parts);
      if (n >= 0) co_return static_cast<size_t>(n);
      if (errno == EINTR) continue;
      if (errno != EAGAIN) ThrowErrno(errno, fd.What("write"));
      co_await fd.Writable();
    }
  }

  Task<> WriteAll(std::string_view from) {
    InUse writing(is_written, kTwoWriters);
    co_await Checkpoint();
    while (!from.empty()) {
      fd.CheckOpen();
      const iovec part = {const_cast<char*>(from.data()), from.size()};
      const ssize_t n = WriteNow({&part, 1});
      if (n >= 0) {
        from.remove_prefix(static_cast<size_t>(n));
        continue;
      }
      if (errno == EINTR) continue;
      if (errno != EAGAIN) ThrowErrno(errno, fd.What("write"));
      co_await fd.Writable();
    }
  }

  // Gathers on sockets; the first part, which is not empty, on pipes.
  ssize_t WriteNow(std::span<const iovec> parts) const {
    if (!is_socket) {
      return os::Sys().write(fd.get(), parts[0].iov_base, parts[0].iov_len);
    }
    msghdr message = {};
    message.msg_iov = const_cast<iovec*>(parts.data());
    message.msg_iovlen = std::min<size_t>(parts.size(), IOV_MAX);
    return os::Sys().sendmsg(fd.get(), &message, MSG_NOSIGNAL);
  }

  OwnedFd fd;
  const bool is_socket;
  bool is_read = false;
  bool is_written = false;
  bool may_hold_more = true;
};

Stream::Stream(os::Fd fd) : impl_(std::make_unique<Impl>(std::move(fd))) {}
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;
Stream::~Stream() = default;

Task<size_t> Stream::ReadSome(std::span<char> into) {
  return impl_->Read(into);
}
Task<> Stream::ReadAll(std::span<char> into) { return impl_->ReadAll(into); }
Task<> Stream::WriteAll(std::string_view from) { return impl_->WriteAll(from); }
Task<size_t> Stream::WriteSome(std::span<const iovec> parts) {
  return impl_->Write(parts);
}

void Stream::ShutdownWrite() {
  impl_->fd.CheckOpen();
  // ENOTCONN: the peer is gone, there is nobody to be told.
  if (os::Sys().shutdown(fd(), SHUT_WR) != 0 && errno != ENOTCONN) {
    ThrowErrno(errno, impl_->fd.What("shutdown"));
  }
}

void Stream::Close() { impl_->fd.Close(); }
int Stream::fd() const { return impl_->fd.get(); }

std::pair<Stream, Stream> StreamPair() {
  auto [one, other] = OrThrow(os::SocketPair(SOCK_STREAM | SOCK_NONBLOCK));
  return {Stream(std::move(one)), Stream(std::move(other))};
}

}  // namespace tractor::io
