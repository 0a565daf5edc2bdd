// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "forkserver/packet.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "os/errno_status.h"
#include "os/status_macros.h"
#include "os/syscalls.h"
#include "os/unix_socket.h"

namespace tractor::forkserver {

os::Fd TakeFd(NamedFds& fds, std::string_view name) {
  for (auto it = fds.begin(); it != fds.end(); ++it) {
    if (it->first != name) continue;
    os::Fd fd = std::move(it->second);
    fds.erase(it);
    return fd;
  }
  return os::Fd();
}

std::string Clip(std::string_view text) {
  constexpr size_t kLimit = 2048;
  if (text.size() <= kLimit) return std::string(text);
  return std::string(text.substr(0, kLimit)) + "...";
}

absl::StatusOr<bool> SendPacket(int socket,
                                const google::protobuf::MessageLite& message,
                                const NamedFds& fds) {
  const std::string bytes = message.SerializeAsString();
  if (bytes.size() > kMaxPacketBytes) {
    return os::MakeStatus(absl::StatusCode::kInvalidArgument,
                          "packet of " + std::to_string(bytes.size()) +
                              " bytes; the limit is " +
                              std::to_string(kMaxPacketBytes),
                          EMSGSIZE);
  }
  std::vector<int> numbers;
  for (const auto& [name, fd] : fds) numbers.push_back(fd.get());
  auto sent = os::SendMessage(socket, bytes, numbers);
  if (!sent.ok()) {
    const int err = os::StatusErrno(sent.status());
    if (err != EPIPE && err != ECONNRESET && err != ENOTCONN) {
      return sent.status();
    }
    return os::MakeStatus(absl::StatusCode::kUnavailable,
                          "the other end of the control socket is gone", err);
  }
  return sent->has_value();
}

bool NameFds(const google::protobuf::RepeatedPtrField<std::string>& names,
             std::vector<os::Fd> fds, NamedFds* named) {
  if (static_cast<size_t>(names.size()) != fds.size()) return false;
  for (int i = 0; i < names.size(); ++i) {
    named->emplace_back(names[i], std::move(fds[i]));
  }
  return true;
}

namespace {

void TakeControlFds(msghdr* header, std::vector<os::Fd>* fds) {
  for (cmsghdr* part = CMSG_FIRSTHDR(header); part != nullptr;
       part = CMSG_NXTHDR(header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd;
      memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(fd));
      fds->emplace_back(fd);
    }
  }
}

}  // namespace

// Not os::ReceiveMessage: that drops the bytes when fds are lost, and with them
// the id of the request that has to be refused.
absl::StatusOr<Received> PacketReader::Read(int socket) {
  if (buffer_.empty()) buffer_.resize(kMaxPacketBytes);
  alignas(
      cmsghdr) char control[CMSG_SPACE(sizeof(int) * os::kMaxFdsPerMessage)];
  iovec part = {buffer_.data(), buffer_.size()};
  msghdr header = {};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof(control);
  ssize_t size;
  do {
    size = os::Sys().recvmsg(socket, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  } while (size < 0 && errno == EINTR);

  Received received;
  if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
    received.kind = Received::Kind::kNothing;
    return received;
  }
  if (size < 0 && errno != ECONNRESET) {
    return os::ErrnoStatus(errno, "recvmsg(control socket)");
  }
  if (size > 0) TakeControlFds(&header, &received.fds);
  if (size <= 0) {
    received.kind = Received::Kind::kEnd;
    return received;
  }
  received.bytes = std::string_view(buffer_.data(), size);
  received.too_long = (header.msg_flags & MSG_TRUNC) != 0;
  received.fds_lost = (header.msg_flags & MSG_CTRUNC) != 0;
  return received;
}

}  // namespace tractor::forkserver
