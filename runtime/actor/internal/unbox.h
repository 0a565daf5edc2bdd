// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// From a received error to exceptions: the one that stands for it here, and the
// one that it was there. Both take anything, also what nobody ever packed.
#ifndef TRACTOR_RUNTIME_ACTOR_INTERNAL_UNBOX_H_
#define TRACTOR_RUNTIME_ACTOR_INTERNAL_UNBOX_H_

#include <exception>

#include "proto/error.pb.h"

namespace tractor::internal {

// A RemoteActorError, or the class derived from it that `error` tells of.
std::exception_ptr UnpackError(const proto::ErrorProto& error);

// What was thrown over there; null when its type is not registered here, or
// its boxed form cannot be read.
std::exception_ptr Unbox(const proto::ErrorProto& error);

}  // namespace tractor::internal

#endif  // TRACTOR_RUNTIME_ACTOR_INTERNAL_UNBOX_H_
