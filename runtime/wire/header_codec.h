// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

// proto::FrameHeader in protobuf's wire format, by hand for the frames that
// come by the million.
//
// The fast codec covers headers that have no body, in the order in which the
// generated class writes them. It either agrees with the generated class or
// declines; header_codec_test.cc and the fuzzer hold it to that.

#ifndef TRACTOR_RUNTIME_WIRE_HEADER_CODEC_H_
#define TRACTOR_RUNTIME_WIRE_HEADER_CODEC_H_

#include <cstddef>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/actor.pb.h"
#include "runtime/wire/frame.h"

namespace tractor::wire {

// Whether a header may be sent: kind, cid and body belong together.
// kInvalidArgument if not, as for a received one.
absl::Status CheckHeader(const SimpleHeader& header);
absl::Status CheckHeader(const proto::FrameHeader& header);

// Size of the encoded header.
size_t HeaderBytes(const SimpleHeader& header);

// Writes HeaderBytes(header) bytes; returns the end.
char* WriteHeader(const SimpleHeader& header, char* out);

// Reads a header that the fast path knows; nothing for all others, malformed
// ones included. The result's `type` points into `in`.
std::optional<SimpleHeader> ReadSimpleHeader(std::string_view in);

// Reads any header, the fast way or with the generated class, and checks that
// kind, cid and body belong together. Sets all of the view but its payload.
// `scratch` keeps what the view points to when the fast path has declined.
absl::StatusOr<FrameView> ReadHeader(std::string_view in,
                                     proto::FrameHeader& scratch);

}  // namespace tractor::wire

#endif  // TRACTOR_RUNTIME_WIRE_HEADER_CODEC_H_
