// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "os/unix_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "os/errno_status.h"
#include "os/fd.h"
#include "os/pidfd.h"
#include "os/status_macros.h"
#include "os/syscalls.h"

namespace tractor::os {
namespace {

constexpr int kPeerPidfd = 77;  // SO_PEERPIDFD, Linux 6.5

static_assert(sizeof(sockaddr_un{}.sun_path) == kMaxSocketPath + 1);

std::string Call(std::string_view name, int fd) {
  return std::string(name) + "(fd " + std::to_string(fd) + ")";
}

std::string Call(std::string_view name, std::string_view path) {
  return std::string(name).append("(").append(path).append(")");
}

sockaddr_un AddressOf(std::string_view path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, path.data(), path.size());
  return address;
}

absl::StatusOr<Fd> MakeSocket(int type) {
  Fd fd(Sys().socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return ErrnoStatus(errno, "socket(AF_UNIX)");
  return fd;
}

// Room for the most descriptors that a message can bring.
struct ControlBuffer {
  alignas(cmsghdr) char bytes[CMSG_SPACE(kMaxFdsPerMessage * sizeof(int))];
};

size_t TotalSize(std::span<const iovec> parts) {
  size_t size = 0;
  for (const iovec& part : parts) size += part.iov_len;
  return size;
}

msghdr HeaderOf(std::span<const iovec> parts) {
  msghdr message = {};
  message.msg_iov = const_cast<iovec*>(parts.data());  // the kernel only reads
  message.msg_iovlen = parts.size();
  return message;
}

void AttachFds(std::span<const int> fds, ControlBuffer& control,
               msghdr& message) {
  const size_t size = fds.size() * sizeof(int);
  message.msg_control = control.bytes;
  message.msg_controllen = CMSG_SPACE(size);
  memset(control.bytes, 0, message.msg_controllen);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(size);
  memcpy(CMSG_DATA(header), fds.data(), size);
}

// Takes every descriptor of a received message into ownership.
std::vector<Fd> TakeFds(msghdr& message) {
  std::vector<Fd> fds;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd;
      memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(fd));
      fds.emplace_back(fd);
    }
  }
  return fds;
}

// A message that did not come whole is an error, not a shorter message.
absl::Status CheckWhole(int fd, const msghdr& message) {
  if ((message.msg_flags & MSG_TRUNC) != 0) {
    return MakeStatus(
        absl::StatusCode::kOutOfRange,
        Call("recvmsg", fd) + ": the message is longer than " +
            std::to_string(TotalSize({message.msg_iov, message.msg_iovlen})) +
            " bytes",
        EMSGSIZE);
  }
  if ((message.msg_flags & MSG_CTRUNC) != 0) {
    return MakeStatus(
        absl::StatusCode::kResourceExhausted,
        Call("recvmsg", fd) + ": descriptors were lost, too many are open here",
        EMFILE);
  }
  return absl::OkStatus();
}

absl::StatusOr<int> GetIntOption(int fd, int option, const char* name) {
  int value = 0;
  socklen_t size = sizeof(value);
  if (Sys().getsockopt(fd, SOL_SOCKET, option, &value, &size) != 0) {
    return ErrnoStatus(errno, Call(name, fd));
  }
  return value;
}

absl::Status SetIntOption(int fd, int option, int value, const char* name) {
  if (Sys().setsockopt(fd, SOL_SOCKET, option, &value, sizeof(value)) == 0) {
    return absl::OkStatus();
  }
  return ErrnoStatus(errno, Call(name, fd));
}

// Before Linux 6.5: by number, and then a look whether the number can still
// mean the peer.
absl::StatusOr<Pidfd> PeerPidfdByNumber(int fd) {
  TRACTOR_ASSIGN_OR_RETURN(const PeerCredentials peer, GetPeerCredentials(fd));
  TRACTOR_ASSIGN_OR_RETURN(Pidfd pidfd, Pidfd::Open(peer.pid));
  const std::string path = "/proc/" + std::to_string(peer.pid);
  struct stat st;
  if (Sys().fstatat(AT_FDCWD, path.c_str(), &st, 0) != 0) {
    return ErrnoStatus(errno, Call("stat", path));
  }
  pollfd poll = {fd, 0, 0};
  if (Sys().poll(&poll, 1, 0) < 0) return ErrnoStatus(errno, Call("poll", fd));
  const bool hung_up = (poll.revents & (POLLHUP | POLLERR)) != 0;
  if (hung_up || st.st_uid != peer.uid) {
    return MakeStatus(absl::StatusCode::kNotFound,
                      Call("peer pidfd", fd) + ": process " +
                          std::to_string(peer.pid) + " is not the peer",
                      ESRCH);
  }
  return pidfd;
}

}  // namespace

absl::StatusOr<std::pair<Fd, Fd>> SocketPair(int type) {
  int fds[2];
  if (Sys().socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds) != 0) {
    return ErrnoStatus(errno, "socketpair");
  }
  return std::pair(Fd(fds[0]), Fd(fds[1]));
}

absl::Status CheckSocketPath(std::string_view path) {
  if (path.empty()) {
    return MakeStatus(absl::StatusCode::kInvalidArgument, "socket path: empty",
                      EINVAL);
  }
  if (path.find('\0') != std::string_view::npos) {
    return MakeStatus(absl::StatusCode::kInvalidArgument,
                      "socket path: NUL byte", EINVAL);
  }
  if (path.size() <= kMaxSocketPath) return absl::OkStatus();
  return MakeStatus(absl::StatusCode::kInvalidArgument,
                    Call("socket path", path) + ": " +
                        std::to_string(path.size()) +
                        " bytes, the limit is 107; set XDG_RUNTIME_DIR to a "
                        "shorter directory",
                    ENAMETOOLONG);
}

absl::StatusOr<Fd> ListenUnix(const std::string& path, int type, int backlog) {
  TRACTOR_RETURN_IF_ERROR(CheckSocketPath(path));
  TRACTOR_ASSIGN_OR_RETURN(Fd fd, MakeSocket(type));
  const sockaddr_un address = AddressOf(path);
  if (Sys().bind(fd.get(), reinterpret_cast<const sockaddr*>(&address),
                 sizeof(address)) != 0) {
    const int err = errno;
    const absl::Status status = ErrnoStatus(err, Call("bind", path));
    if (err != EADDRINUSE) return status;
    return MakeStatus(absl::StatusCode::kAlreadyExists,
                      FromAbsl(status.message()), err);
  }
  if (Sys().listen(fd.get(), backlog) != 0) {
    const int err = errno;
    Sys().unlinkat(AT_FDCWD, path.c_str(), 0);
    return ErrnoStatus(err, Call("listen", path));
  }
  return fd;
}

absl::StatusOr<Fd> ConnectUnix(const std::string& path, int type) {
  TRACTOR_RETURN_IF_ERROR(CheckSocketPath(path));
  TRACTOR_ASSIGN_OR_RETURN(Fd fd, MakeSocket(type));
  const sockaddr_un address = AddressOf(path);
  int result;
  do {  // unlike TCP's, a connect of AF_UNIX may be tried again after EINTR
    result = Sys().connect(
        fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  } while (result != 0 && errno == EINTR);
  if (result != 0) return ErrnoStatus(errno, Call("connect", path));
  return fd;
}

absl::StatusOr<std::optional<Fd>> Accept(int listener, int flags) {
  int fd;
  do {  // ECONNABORTED: that one has gone again, take the next
    fd = Sys().accept4(listener, nullptr, nullptr, flags | SOCK_CLOEXEC);
  } while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
  if (fd >= 0) return std::optional<Fd>(Fd(fd));
  if (errno == EAGAIN || errno == EWOULDBLOCK) return std::nullopt;
  return ErrnoStatus(errno, Call("accept", listener));
}

absl::StatusOr<std::optional<size_t>> SendMessage(int fd,
                                                  std::span<const iovec> parts,
                                                  std::span<const int> fds,
                                                  int flags) {
  if (TotalSize(parts) == 0 || fds.size() > kMaxFdsPerMessage) {
    return MakeStatus(absl::StatusCode::kInvalidArgument,
                      Call("sendmsg", fd) + ": " +
                          std::to_string(TotalSize(parts)) + " bytes and " +
                          std::to_string(fds.size()) +
                          " descriptors; at least 1 and at most 253",
                      EINVAL);
  }
  msghdr message = HeaderOf(parts);
  ControlBuffer control;
  if (!fds.empty()) AttachFds(fds, control, message);
  ssize_t sent;
  do {
    sent = Sys().sendmsg(fd, &message, flags | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) return static_cast<size_t>(sent);
  if (errno == EAGAIN || errno == EWOULDBLOCK) return std::nullopt;
  return ErrnoStatus(errno, Call("sendmsg", fd));
}

absl::StatusOr<std::optional<size_t>> SendMessage(int fd,
                                                  std::string_view bytes,
                                                  std::span<const int> fds,
                                                  int flags) {
  const iovec part = {const_cast<char*>(bytes.data()), bytes.size()};
  return SendMessage(fd, std::span(&part, 1), fds, flags);
}

absl::StatusOr<ReceivedMessage> ReceiveMessage(int fd,
                                               std::span<const iovec> parts,
                                               int flags) {
  if (TotalSize(parts) == 0) {  // would look like the end
    return MakeStatus(absl::StatusCode::kInvalidArgument,
                      Call("recvmsg", fd) + ": into no bytes", EINVAL);
  }
  msghdr message = HeaderOf(parts);
  ControlBuffer control;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof(control.bytes);
  ssize_t got;
  do {
    got = Sys().recvmsg(fd, &message, flags | MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  ReceivedMessage received;
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
    received.kind = ReceivedMessage::Kind::kWouldBlock;
    return received;
  }
  if (got < 0) return ErrnoStatus(errno, Call("recvmsg", fd));
  received.fds = TakeFds(message);
  TRACTOR_RETURN_IF_ERROR(CheckWhole(fd, message));
  if (got == 0) {
    received.fds.clear();
    received.kind = ReceivedMessage::Kind::kEnd;
  }
  received.bytes = static_cast<size_t>(got);
  return received;
}

absl::StatusOr<ReceivedMessage> ReceiveMessage(int fd, std::span<char> into,
                                               int flags) {
  const iovec part = {into.data(), into.size()};
  return ReceiveMessage(fd, std::span(&part, 1), flags);
}

absl::StatusOr<PeerCredentials> GetPeerCredentials(int fd) {
  ucred peer = {};
  socklen_t size = sizeof(peer);
  if (Sys().getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return ErrnoStatus(errno, Call("SO_PEERCRED", fd));
  }
  if (peer.pid == 0) {  // what an unconnected socket says
    return MakeStatus(absl::StatusCode::kFailedPrecondition,
                      Call("SO_PEERCRED", fd) + ": no peer", ENOTCONN);
  }
  return PeerCredentials{peer.pid, peer.uid, peer.gid};
}

absl::StatusOr<Pidfd> GetPeerPidfd(int fd) {
  absl::StatusOr<int> pidfd = GetIntOption(fd, kPeerPidfd, "SO_PEERPIDFD");
  if (!pidfd.ok()) {
    if (StatusErrno(pidfd.status()) != ENOPROTOOPT) return pidfd.status();
    return PeerPidfdByNumber(fd);
  }
  Fd owned(*pidfd);
  TRACTOR_ASSIGN_OR_RETURN(const PeerCredentials peer, GetPeerCredentials(fd));
  return Pidfd(std::move(owned), peer.pid);
}

absl::Status SetSendBuffer(int fd, int bytes) {
  return SetIntOption(fd, SO_SNDBUF, bytes, "SO_SNDBUF");
}
absl::Status SetReceiveBuffer(int fd, int bytes) {
  return SetIntOption(fd, SO_RCVBUF, bytes, "SO_RCVBUF");
}
absl::StatusOr<int> GetSendBuffer(int fd) {
  return GetIntOption(fd, SO_SNDBUF, "SO_SNDBUF");
}
absl::StatusOr<int> GetReceiveBuffer(int fd) {
  return GetIntOption(fd, SO_RCVBUF, "SO_RCVBUF");
}

}  // namespace tractor::os
