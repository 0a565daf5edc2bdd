// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Aid: who an actor is.
//
//   TRACTOR_LOG(info) << "lost " << tractor::ToString(error.source());   //
//   "worker@4711"
//
// Rules.
// - Names need not be unique; the uuid is, for every incarnation. Two Aids are
//   equal when their uuids are.
// - Everything else is for people and for tools: with host and boot id, pid and
//   start time name one process for ever.
#ifndef TRACTOR_RUNTIME_ACTOR_AID_H_
#define TRACTOR_RUNTIME_ACTOR_AID_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace tractor {

namespace proto {
class Aid;
}  // namespace proto

struct Aid {
  std::string name;         // given by the user
  std::string uuid;         // 16 random bytes; empty: nobody
  int32_t pid = 0;          // in the actor's own pid namespace
  uint64_t start_time = 0;  // clock ticks since boot, as /proc/<pid>/stat says
  std::string host;
  std::string boot_id;  // 16 bytes

  bool operator==(const Aid& other) const { return uuid == other.uuid; }
};

// "name@pid".
std::string ToString(const Aid& aid);
// The uuid as "9f0c1d3e-5a7b-4c21-8f00-0123456789ab"; "" when it is not 16
// bytes long.
std::string UuidText(const Aid& aid);

// Any bytes are taken: a peer's name that is not UTF-8 gets '?' for what is
// wrong in it, on the way out.
proto::Aid ToProto(const Aid& aid);
Aid FromProto(const proto::Aid& aid);

// A new identity that is only a name and a uuid: for a child that will say the
// rest itself. Throws like MakeAid().
Aid MakeBareAid(std::string_view name);

// A new identity for this process. Throws io::StatusError when the kernel
// gives no random bytes.
Aid MakeAid(std::string_view name);

}  // namespace tractor

#endif  // TRACTOR_RUNTIME_ACTOR_AID_H_
