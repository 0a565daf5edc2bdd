// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Packets of the forkserver protocol: one protobuf message and named fds per
// SOCK_SEQPACKET packet, for both ends.
//
//   SetFdNames(fds, &event);
//   auto sent = SendPacket(socket, event, fds);   // false: try again later
//   ...
//   PacketReader reader;
//   Received packet = *reader.Read(socket);
//   request.ParseFromArray(packet.bytes.data(), packet.bytes.size());
//
// Rules: sockets are non-blocking. What a peer may send wrongly (too long, fds
// that do not fit, more names than fds) is told in the result and is no error.

#ifndef TRACTOR_FORKSERVER_PACKET_H_
#define TRACTOR_FORKSERVER_PACKET_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/message_lite.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "os/fd.h"

namespace tractor::forkserver {

inline constexpr uint32_t kProtocolVersion = 1;
inline constexpr size_t kMaxPacketBytes = size_t{64} << 10;

using NamedFds = std::vector<std::pair<std::string, os::Fd>>;

template <typename Message>
void SetFdNames(const NamedFds& fds, Message* message) {
  message->clear_fds();
  for (const auto& [name, fd] : fds) message->add_fds(name);
}

// Takes the fd of that name out of `fds`; an invalid one when there is none.
os::Fd TakeFd(NamedFds& fds, std::string_view name);

// Text for a message: what is longer than 2 KiB is cut, so that no path or name
// of a peer can make a packet too long.
std::string Clip(std::string_view text);

// The fds stay the caller's. False: the socket is full. INVALID_ARGUMENT: too
// many bytes or fds; UNAVAILABLE: the peer is gone.
absl::StatusOr<bool> SendPacket(int socket,
                                const google::protobuf::MessageLite& message,
                                const NamedFds& fds);

struct Received {
  enum class Kind { kPacket, kNothing, kEnd };
  Kind kind = Kind::kPacket;
  std::string_view bytes;  // valid until the reader's next Read
  std::vector<os::Fd> fds;
  bool too_long = false;  // the end of the packet was cut off
  bool fds_lost = false;  // no room in our table of descriptors
};

// Names for received fds; false when the numbers differ.
bool NameFds(const google::protobuf::RepeatedPtrField<std::string>& names,
             std::vector<os::Fd> fds, NamedFds* named);

class PacketReader {
 public:
  // The next packet. A reset connection is kEnd.
  absl::StatusOr<Received> Read(int socket);

 private:
  std::vector<char> buffer_;
};

}  // namespace tractor::forkserver

#endif  // TRACTOR_FORKSERVER_PACKET_H_
