// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/io/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstring>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "os/errno_status.h"
#include "os/syscalls.h"
#include "os/unix_socket.h"
#include "runtime/io/fd_waiter.h"
#include "runtime/io/internal/in_use.h"
#include "runtime/io/internal/owned_fd.h"
#include "runtime/io/status_error.h"
#include "runtime/task/checkpoint.h"
#include "runtime/task/timeouts.h"

namespace tractor::io {
namespace {

// A full backlog of a Unix listener has no readiness to wait for.
constexpr absl::Duration kBacklogPause = absl::Milliseconds(1);
constexpr int kBacklog = 128;

struct Address {
  sockaddr_storage storage = {};
  socklen_t size = 0;
  std::string text;  // "tcp 127.0.0.1:80"

  const sockaddr* get() const {
    return reinterpret_cast<const sockaddr*>(&storage);
  }
  int family() const { return storage.ss_family; }
};

Address ParseTcp(std::string_view host, uint16_t port) {
  const std::string name(host);
  Address address;
  address.text = "tcp " + name + ":" + std::to_string(port);
  auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address.storage);
  if (inet_pton(AF_INET, name.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    address.size = sizeof(v4);
  } else if (inet_pton(AF_INET6, name.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    address.size = sizeof(v6);
  } else {
    ThrowErrno(EINVAL, address.text + ": not a numeric address");
  }
  return address;
}

os::Fd TcpSocket(const Address& address) {
  os::Fd fd(os::Sys().socket(address.family(),
                             SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) ThrowErrno(errno, "socket for " + address.text);
  return fd;
}

void SetOption(int fd, int level, int option, const char* name) {
  const int on = 1;
  if (os::Sys().setsockopt(fd, level, option, &on, sizeof(on)) != 0) {
    ThrowErrno(errno, name);
  }
}

// The address of the socket's own end; its port is 0 unless it is TCP.
uint16_t PortOf(int fd) {
  sockaddr_storage storage = {};
  socklen_t size = sizeof(storage);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) {
    ThrowErrno(errno, "getsockname(fd " + std::to_string(fd) + ")");
  }
  switch (storage.ss_family) {
    case AF_INET:
      return ntohs(reinterpret_cast<sockaddr_in&>(storage).sin_port);
    case AF_INET6:
      return ntohs(reinterpret_cast<sockaddr_in6&>(storage).sin6_port);
    default:
      return 0;
  }
}

// The file of a listening Unix socket, which is unlinked at the end.
class SocketFile {
 public:
  explicit SocketFile(std::string path) : path_(std::move(path)) {}
  SocketFile(const SocketFile&) = delete;
  SocketFile& operator=(const SocketFile&) = delete;
  ~SocketFile() { Unlink(); }

  void Unlink() {
    if (!path_.empty()) os::Sys().unlinkat(AT_FDCWD, path_.c_str(), 0);
    path_.clear();
  }

 private:
  std::string path_;
};

// Waits for a connect() that has been begun, and says how it ended.
Task<> FinishConnect(int fd, const std::string& text) {
  {
    FdWaiter waiter(fd);
    co_await waiter.Writable();
  }
  int error = 0;
  socklen_t size = sizeof(error);
  if (os::Sys().getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
    error = errno;
  }
  if (error != 0) ThrowErrno(error, "connect to " + text);
}

}  // namespace

struct Listener::Impl {
  explicit Impl(os::Fd owned, std::string path = {})
      : file(std::move(path)),
        fd("io::Listener", std::move(owned)),
        port(PortOf(fd.get())) {}

  void Close() {
    fd.Close();
    file.Unlink();
  }

  Task<Stream> Accept() {
    internal::InUse accepting(is_accepting, "io::Listener: a second task");
    co_await Checkpoint();
    for (;;) {
      fd.CheckOpen();
      std::optional<os::Fd> got = OrThrow(os::Accept(fd.get(), SOCK_NONBLOCK));
      if (got.has_value()) {
        if (port != 0) {
          SetOption(got->get(), IPPROTO_TCP, TCP_NODELAY, "TCP_NODELAY");
        }
        co_return Stream(std::move(*got));
      }
      co_await fd.Readable();
    }
  }

  SocketFile file;  // first: it goes also when the rest cannot be made
  internal::OwnedFd fd;
  const uint16_t port;
  bool is_accepting = false;
};

Listener::Listener(os::Fd fd) : impl_(std::make_unique<Impl>(std::move(fd))) {}
Listener::Listener(Listener&&) noexcept = default;
Listener& Listener::operator=(Listener&&) noexcept = default;
Listener::~Listener() = default;

Listener::Listener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Listener Listener::Unix(const std::string& path) {
  os::Fd fd =
      OrThrow(os::ListenUnix(path, SOCK_STREAM | SOCK_NONBLOCK, kBacklog));
  return Listener(std::make_unique<Impl>(std::move(fd), path));
}

Listener Listener::Tcp(std::string_view host, uint16_t port) {
  const Address address = ParseTcp(host, port);
  os::Fd fd = TcpSocket(address);
  SetOption(fd.get(), SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR");
  if (os::Sys().bind(fd.get(), address.get(), address.size) != 0 ||
      os::Sys().listen(fd.get(), kBacklog) != 0) {
    ThrowErrno(errno, "listen at " + address.text);
  }
  return Listener(std::move(fd));
}

Task<Stream> Listener::Accept() { return impl_->Accept(); }
uint16_t Listener::port() const { return impl_->port; }
void Listener::Close() { impl_->Close(); }

Task<Stream> ConnectUnix(std::string path) {
  co_await Checkpoint();
  for (;;) {
    absl::StatusOr<os::Fd> fd =
        os::ConnectUnix(path, SOCK_STREAM | SOCK_NONBLOCK);
    if (fd.ok()) co_return Stream(*std::move(fd));
    if (os::StatusErrno(fd.status()) != EAGAIN) ThrowStatus(fd.status());
    co_await Sleep(kBacklogPause);
  }
}

Task<Stream> ConnectTcp(std::string host, uint16_t port) {
  co_await Checkpoint();
  const Address address = ParseTcp(host, port);
  os::Fd fd = TcpSocket(address);
  SetOption(fd.get(), IPPROTO_TCP, TCP_NODELAY, "TCP_NODELAY");
  if (os::Sys().connect(fd.get(), address.get(), address.size) != 0) {
    // An interrupted connect() goes on by itself, like one begun.
    if (errno != EINPROGRESS && errno != EINTR) {
      ThrowErrno(errno, "connect to " + address.text);
    }
    co_await FinishConnect(fd.get(), address.text);
  }
  co_return Stream(std::move(fd));
}

}  // namespace tractor::io
