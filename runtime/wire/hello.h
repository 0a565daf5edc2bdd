// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

// The first frame of each side: who it is, what it speaks, and the proof that
// it belongs to the tree.
//
//   HelloOptions ours = ...;
//   RETURN_IF_ERROR(queue.Append(MakeHello(ours)));
//   ...
//   ASSIGN_OR_RETURN(AgreedHello agreed, AcceptHello(*frame.header, ours));
//   queue.LowerMaxFrameBytes(agreed.max_frame_bytes);
//
// Both sides send at once and then read; there is no order between them. The
// deadline for the peer's hello is the caller's.

#ifndef TRACTOR_RUNTIME_WIRE_HELLO_H_
#define TRACTOR_RUNTIME_WIRE_HELLO_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "proto/actor.pb.h"
#include "runtime/wire/frame.h"

namespace tractor::wire {

// Versions of the dialogue (proto/actor.proto) that this code speaks.
inline constexpr uint32_t kMinProtocolVersion = 1;
inline constexpr uint32_t kMaxProtocolVersion = 1;

inline constexpr size_t kIdBytes = 16;  // uuid of an actor, id of a tree

// What one side says, and holds the other one to.
struct HelloOptions {
  HelloOptions() = default;

  proto::Aid aid;
  std::string tree_id;  // kIdBytes bytes
  std::string secret;   // both sides of a tree have the same
  std::string peer_id;  // uuid that the other side must have; empty: any
  uint64_t capabilities = 0;
  uint64_t max_frame_bytes = kDefaultMaxFrameBytes;
  uint32_t min_version = kMinProtocolVersion;
  uint32_t max_version = kMaxProtocolVersion;
};

// What holds for the connection after both hellos.
struct AgreedHello {
  AgreedHello() = default;

  uint32_t version = 0;  // highest that both speak
  proto::Aid peer;
  uint64_t capabilities = 0;     // that both have
  uint64_t max_frame_bytes = 0;  // that we may send
};

// Our hello. kInvalidArgument when it is none that a peer would accept: a name
// that is empty, too long or not UTF-8, an id of the wrong size.
absl::StatusOr<proto::FrameHeader> MakeHello(const HelloOptions& ours);

// Checks the peer's hello against ours, in this order:
//   kInvalidArgument     not a hello, or its ids are malformed
//   kFailedPrecondition  no protocol version in common
//   kPermissionDenied    of another tree
//   kUnauthenticated     of our tree, with a wrong secret, or not the actor
//                        that this connection is with
// The texts are for our own log; no secret is in them.
absl::StatusOr<AgreedHello> AcceptHello(const proto::FrameHeader& header,
                                        const HelloOptions& ours);

// Compares in a time that depends on the length of `b` only.
bool ConstantTimeEquals(std::string_view a, std::string_view b);

}  // namespace tractor::wire

#endif  // TRACTOR_RUNTIME_WIRE_HELLO_H_
