// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "runtime/wire/hello.h"

#include <algorithm>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "proto/actor.pb.h"
#include "runtime/wire/frame.h"
#include "runtime/wire/utf8.h"

namespace tractor::wire {

namespace {

constexpr size_t kMaxNameBytes = 1024;

// Every frame of the dialogue but large payloads must be possible.
constexpr uint64_t kLeastMaxFrameBytes = 64 << 10;

absl::Status CheckText(std::string_view what, std::string_view text) {
  if (text.size() > kMaxNameBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("hello: ", std::string(what), " of ", text.size(),
                     " bytes, at most ", kMaxNameBytes, " are allowed"));
  }
  if (IsUtf8(text)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("hello: ", std::string(what), " is not UTF-8"));
}

absl::Status CheckId(std::string_view what, std::string_view id) {
  if (id.size() == kIdBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("hello: ", std::string(what), " of ", id.size(),
                   " bytes, expected ", kIdBytes));
}

// What both sides hold themselves to.
absl::Status CheckHello(const proto::Hello& hello) {
  const proto::Aid& aid = hello.aid();
  absl::Status status = CheckText("name of the actor", aid.name());
  status.Update(CheckText("name of the host", aid.host()));
  status.Update(CheckId("uuid of the actor", aid.uuid()));
  status.Update(CheckId("id of the tree", hello.tree().value()));
  if (!status.ok()) return status;
  if (aid.name().empty()) {
    return absl::InvalidArgumentError("hello: the actor has no name");
  }
  if (hello.max_frame_bytes() < kLeastMaxFrameBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("hello: a frame limit of ", hello.max_frame_bytes(),
                     " bytes is below the least of ", kLeastMaxFrameBytes));
  }
  if (hello.secret().size() > kMaxNameBytes) {
    return absl::InvalidArgumentError("hello: the secret is too long");
  }
  return absl::OkStatus();
}

std::string NameOf(const proto::Aid& aid) {
  return absl::StrCat(aid.name(), "@", aid.pid());
}

}  // namespace

absl::StatusOr<proto::FrameHeader> MakeHello(const HelloOptions& ours) {
  proto::FrameHeader header;
  header.set_kind(proto::FRAME_HELLO);
  proto::Hello& hello = *header.mutable_hello();
  hello.set_min_version(ours.min_version);
  hello.set_max_version(ours.max_version);
  *hello.mutable_aid() = ours.aid;
  hello.mutable_tree()->set_value(ours.tree_id);
  hello.set_secret(ours.secret);
  hello.set_capabilities(ours.capabilities);
  hello.set_max_frame_bytes(ours.max_frame_bytes);
  absl::Status status = CheckHello(hello);
  if (!status.ok()) return status;
  return header;
}

absl::StatusOr<AgreedHello> AcceptHello(const proto::FrameHeader& header,
                                        const HelloOptions& ours) {
  if (header.kind() != proto::FRAME_HELLO || !header.has_hello()) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a hello, got ",
                     FrameKindName(static_cast<FrameKind>(header.kind()))));
  }
  const proto::Hello& hello = header.hello();
  // Before the rest: what another version means by its fields is unknown.
  const uint32_t version = std::min(ours.max_version, hello.max_version());
  if (version < std::max(ours.min_version, hello.min_version())) {
    return absl::FailedPreconditionError(absl::StrCat(
        "no protocol version in common: the peer speaks ", hello.min_version(),
        " to ", hello.max_version(), ", this side ", ours.min_version, " to ",
        ours.max_version));
  }
  if (absl::Status status = CheckHello(hello); !status.ok()) return status;
  if (hello.tree().value() != ours.tree_id) {
    return absl::PermissionDeniedError(
        absl::StrCat("actor ", NameOf(hello.aid()), " is of another tree"));
  }
  if (!ConstantTimeEquals(hello.secret(), ours.secret)) {
    return absl::UnauthenticatedError(absl::StrCat(
        "actor ", NameOf(hello.aid()), " has a wrong secret of the tree"));
  }
  if (!ours.peer_id.empty() && hello.aid().uuid() != ours.peer_id) {
    return absl::UnauthenticatedError(
        absl::StrCat("actor ", NameOf(hello.aid()),
                     " is not the one that this connection is with"));
  }
  AgreedHello agreed;
  agreed.version = version;
  agreed.peer = hello.aid();
  agreed.capabilities = hello.capabilities() & ours.capabilities;
  agreed.max_frame_bytes = hello.max_frame_bytes();
  return agreed;
}

bool ConstantTimeEquals(std::string_view a, std::string_view b) {
  // volatile: the compiler may not leave the loop early.
  volatile uint8_t difference = a.size() == b.size() ? 0 : 1;
  for (size_t i = 0; i < b.size(); ++i) {
    const char theirs = i < a.size() ? a[i] : static_cast<char>(~b[i]);
    difference = difference | static_cast<uint8_t>(theirs ^ b[i]);
  }
  return difference == 0;
}

}  // namespace tractor::wire
