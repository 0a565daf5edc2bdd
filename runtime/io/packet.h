// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Messages with descriptors: a SOCK_SEQPACKET connection.
//
//   tractor::io::PacketSocket control(std::move(fd));
//   co_await control.Send(bytes, fds);
//   std::optional<tractor::io::Packet> reply = co_await
//   control.Receive(buffer);
//
// Rules. As for Stream: checkpoints first, one sender and one receiver, a
// packet that was received or sent is never thrown away, lost peers are
// ConnectionClosed. Received descriptors are close-on-exec. A packet that is
// longer than the buffer is an OUT_OF_RANGE StatusError and gone.
#ifndef TRACTOR_RUNTIME_IO_PACKET_H_
#define TRACTOR_RUNTIME_IO_PACKET_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "os/fd.h"
#include "runtime/task/task.h"

namespace tractor::io {

struct Packet {
  size_t bytes = 0;  // so many at the beginning of the buffer
  std::vector<os::Fd> fds;
};

class PacketSocket {
 public:
  // Takes the descriptor and makes it non-blocking. On the current reactor.
  explicit PacketSocket(os::Fd fd);
  PacketSocket(PacketSocket&&) noexcept;
  PacketSocket& operator=(PacketSocket&&) noexcept;
  ~PacketSocket();

  // All or nothing. `bytes` is not empty; `fds` stay the caller's.
  Task<> Send(std::string_view bytes, std::span<const int> fds = {});

  // The next packet; nullopt at the peer's end.
  Task<std::optional<Packet>> Receive(std::span<char> into);

  // Waits on it end with ResourceClosed. May be called twice.
  void Close();

  int fd() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tractor::io

#endif  // TRACTOR_RUNTIME_IO_PACKET_H_
