// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Making connections: listen, accept, connect; Unix paths and TCP.
//
//   auto listener = tractor::io::Listener::Tcp("127.0.0.1", 0);
//   Use(listener.port());
//   tractor::io::Stream stream = co_await listener.Accept();
//
// Rules.
// - Hosts are numeric ("127.0.0.1", "::1"): a look-up by name would block.
// - TCP: SO_REUSEADDR on listeners, TCP_NODELAY on connections.
// - A failed Accept() (EMFILE, say) leaves the listener usable, and the
//   connection in its queue: give something back before the next try.
#ifndef TRACTOR_RUNTIME_IO_LISTENER_H_
#define TRACTOR_RUNTIME_IO_LISTENER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "os/fd.h"
#include "runtime/io/stream.h"
#include "runtime/task/task.h"

namespace tractor::io {

class Listener {
 public:
  // Listens at `path`, which must not exist; the end of the listener unlinks
  // it.
  static Listener Unix(const std::string& path);
  // Port 0: the kernel picks one, see port().
  static Listener Tcp(std::string_view host, uint16_t port);
  // Takes a listening socket of any kind.
  explicit Listener(os::Fd fd);

  Listener(Listener&&) noexcept;
  Listener& operator=(Listener&&) noexcept;
  ~Listener();

  // A checkpoint. A connection that was accepted is never thrown away.
  Task<Stream> Accept();

  // The TCP port; 0 for other sockets.
  uint16_t port() const;

  // Waits on it end with ResourceClosed. May be called twice.
  void Close();

 private:
  struct Impl;
  explicit Listener(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

// A full backlog of the listener is waited for. Cancelled, there is no
// connection.
Task<Stream> ConnectUnix(std::string path);
Task<Stream> ConnectTcp(std::string host, uint16_t port);

}  // namespace tractor::io

#endif  // TRACTOR_RUNTIME_IO_LISTENER_H_
