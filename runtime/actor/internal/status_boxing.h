// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The exceptions that carry an absl::Status: code, message and payloads cross.
#ifndef TRACTOR_RUNTIME_ACTOR_INTERNAL_STATUS_BOXING_H_
#define TRACTOR_RUNTIME_ACTOR_INTERNAL_STATUS_BOXING_H_

#include <exception>

#include "absl/status/status.h"
#include "proto/error.pb.h"

namespace tractor::internal {

proto::StatusDetail StatusToProto(const absl::Status& status);
// A code that is unknown here becomes kUnknown, as does OK: it was an error.
absl::Status StatusFromProto(const proto::StatusDetail& detail);

// When `error` is a StatusError, or derived from it: fills packed.status, and
// packed.type when it is one of those of this library.
void BoxStatusError(const std::exception_ptr& error, proto::ErrorProto& packed);
// Null when `error` has none of those types.
std::exception_ptr UnboxStatusError(const proto::ErrorProto& error);

}  // namespace tractor::internal

#endif  // TRACTOR_RUNTIME_ACTOR_INTERNAL_STATUS_BOXING_H_
