// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/io/packet.h"

#include <sys/socket.h>

#include <utility>

#include "os/unix_socket.h"
#include "runtime/io/internal/in_use.h"
#include "runtime/io/internal/owned_fd.h"
#include "runtime/io/status_error.h"
#include "runtime/task/checkpoint.h"

namespace tractor::io {

using internal::InUse;

struct PacketSocket::Impl {
  explicit Impl(os::Fd owned) : fd("io::PacketSocket", std::move(owned)) {}

  Task<> Send(std::string_view bytes, std::span<const int> fds) {
    InUse sending(is_sending, "io::PacketSocket: a second task sends");
    co_await Checkpoint();
    for (;;) {
      fd.CheckOpen();
      if (OrThrow(os::SendMessage(fd.get(), bytes, fds))) co_return;
      co_await fd.Writable();
    }
  }

  Task<std::optional<Packet>> Receive(std::span<char> into) {
    InUse receiving(is_receiving, "io::PacketSocket: a second task receives");
    co_await Checkpoint();
    for (;;) {
      fd.CheckOpen();
      os::ReceivedMessage got = OrThrow(os::ReceiveMessage(fd.get(), into));
      if (got.end()) co_return std::nullopt;
      if (!got.would_block()) co_return Packet{got.bytes, std::move(got.fds)};
      co_await fd.Readable();
    }
  }

  internal::OwnedFd fd;
  bool is_sending = false;
  bool is_receiving = false;
};

PacketSocket::PacketSocket(os::Fd fd)
    : impl_(std::make_unique<Impl>(std::move(fd))) {}
PacketSocket::PacketSocket(PacketSocket&&) noexcept = default;
PacketSocket& PacketSocket::operator=(PacketSocket&&) noexcept = default;
PacketSocket::~PacketSocket() = default;

Task<> PacketSocket::Send(std::string_view bytes, std::span<const int> fds) {
  return impl_->Send(bytes, fds);
}
Task<std::optional<Packet>> PacketSocket::Receive(std::span<char> into) {
  return impl_->Receive(into);
}
void PacketSocket::Close() { impl_->fd.Close(); }
int PacketSocket::fd() const { return impl_->fd.get(); }

}  // namespace tractor::io
