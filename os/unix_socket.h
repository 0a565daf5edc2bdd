// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Unix sockets with descriptors in the messages.
//
//   auto [mine, theirs] = *os::SocketPair(SOCK_SEQPACKET);
//   std::string_view text = "hello";
//   iovec part = {const_cast<char*>(text.data()), text.size()};
//   os::SendMessage(mine.get(), {&part, 1}, {{some_fd}});
//   ...
//   char buffer[1024];
//   iovec into = {buffer, sizeof(buffer)};
//   auto got = os::ReceiveMessage(theirs.get(), {&into, 1});
//
// Rules:
// - Everything made or received here is close-on-exec; sends never raise
//   SIGPIPE; EINTR is retried.
// - "Would block" is an answer, not an error, and costs no allocation.
// - An empty message cannot be told from the end on SEQPACKET, so it is
// refused.
// - A message that does not fit, or whose descriptors did not (RLIMIT_NOFILE),
//   is an error, never a silent cut. Descriptors that came are closed then.

#ifndef TRACTOR_OS_UNIX_SOCKET_H_
#define TRACTOR_OS_UNIX_SOCKET_H_

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "os/fd.h"
#include "os/pidfd.h"

namespace tractor::os {

// The longest path of a socket, in bytes.
inline constexpr size_t kMaxSocketPath = 107;

// The most descriptors of one message (the kernel's SCM_MAX_FD).
inline constexpr size_t kMaxFdsPerMessage = 253;

// `type`: SOCK_SEQPACKET, SOCK_STREAM or SOCK_DGRAM, with SOCK_NONBLOCK if
// wanted. Close-on-exec is added.
absl::StatusOr<std::pair<Fd, Fd>> SocketPair(int type);

// INVALID_ARGUMENT, naming the limit of 107 bytes, when `path` is too long for
// a socket or empty.
absl::Status CheckSocketPath(std::string_view path);

// A listening socket at `path`, which must not exist (ALREADY_EXISTS).
// The file is there from now on; who listens unlinks it at the end.
absl::StatusOr<Fd> ListenUnix(const std::string& path, int type,
                              int backlog = 128);

// Connects to `path`. A non-blocking one may be UNAVAILABLE (EAGAIN): backlog.
absl::StatusOr<Fd> ConnectUnix(const std::string& path, int type);

// The next connection; `flags` may hold SOCK_NONBLOCK. nullopt: would block.
absl::StatusOr<std::optional<Fd>> Accept(int listener, int flags = 0);

// Sends `parts` as one message with `fds`, which stay the caller's. Returns the
// bytes taken: all of them on SEQPACKET; fewer are possible on STREAM, where
// the descriptors go with the first byte. nullopt: would block, nothing sent.
// EPIPE, ECONNRESET: the peer is gone. `flags`: MSG_DONTWAIT, MSG_MORE.
absl::StatusOr<std::optional<size_t>> SendMessage(int fd,
                                                  std::span<const iovec> parts,
                                                  std::span<const int> fds = {},
                                                  int flags = 0);
absl::StatusOr<std::optional<size_t>> SendMessage(int fd,
                                                  std::string_view bytes,
                                                  std::span<const int> fds = {},
                                                  int flags = 0);

struct ReceivedMessage {
  enum class Kind { kData, kEnd, kWouldBlock };
  Kind kind = Kind::kData;
  size_t bytes = 0;  // > 0 exactly for kData
  std::vector<Fd> fds;

  bool end() const { return kind == Kind::kEnd; }
  bool would_block() const { return kind == Kind::kWouldBlock; }
};

// Receives one message (SEQPACKET) or what is there (STREAM) into `parts`.
// OUT_OF_RANGE (EMSGSIZE): the message was longer. RESOURCE_EXHAUSTED (EMFILE):
// descriptors were lost. `flags`: MSG_DONTWAIT, MSG_PEEK.
absl::StatusOr<ReceivedMessage> ReceiveMessage(int fd,
                                               std::span<const iovec> parts,
                                               int flags = 0);
absl::StatusOr<ReceivedMessage> ReceiveMessage(int fd, std::span<char> into,
                                               int flags = 0);

// Who made the other end: at connect() for a client, at listen() for a
// listener, at socketpair() for both.
struct PeerCredentials {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};
absl::StatusOr<PeerCredentials> GetPeerCredentials(int fd);

// A handle of that process. By SO_PEERPIDFD (Linux 6.5), race-free; before by
// the number, which is then checked: the process must have the peer's uid and
// the peer must not have hung up meanwhile. NOT_FOUND when it is gone.
absl::StatusOr<Pidfd> GetPeerPidfd(int fd);

// Bytes that the kernel may hold for this socket. The kernel doubles what it is
// told and caps it at net.core.[rw]mem_max; the getter says what came of it.
absl::Status SetSendBuffer(int fd, int bytes);
absl::Status SetReceiveBuffer(int fd, int bytes);
absl::StatusOr<int> GetSendBuffer(int fd);
absl::StatusOr<int> GetReceiveBuffer(int fd);

}  // namespace tractor::os

#endif  // TRACTOR_OS_UNIX_SOCKET_H_
