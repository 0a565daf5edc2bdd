// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Errors that fit in a frame: what is cut off of one that is too large.
#ifndef TRACTOR_RUNTIME_ACTOR_INTERNAL_ERROR_LIMITS_H_
#define TRACTOR_RUNTIME_ACTOR_INTERNAL_ERROR_LIMITS_H_

#include <cstddef>

#include "proto/error.pb.h"

namespace tractor::internal {

// Cuts `error` to at most `max_bytes` when serialised, and `max_depth` levels
// of groups and causes. The type, the start of the message, the source and
// both ends of the relay path stay; texts are shortened, then members that do
// not fit are left out and counted, the first one last: it is the root cause.
// max_bytes is at least 32 KiB.
void LimitError(size_t max_bytes, int max_depth, proto::ErrorProto& error);

}  // namespace tractor::internal

#endif  // TRACTOR_RUNTIME_ACTOR_INTERNAL_ERROR_LIMITS_H_
