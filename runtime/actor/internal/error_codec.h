// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Exceptions to bytes and back: what is inside the frames ERROR and GOODBYE.
//
// A local exception is boxed: type, message, places of its tasks, the native
// stack of its throw, and us as its source. One that came from another actor is
// passed on: it keeps all that, and we are added to its path. Groups stay
// groups; std::nested_exception becomes a cause.
#ifndef TRACTOR_RUNTIME_ACTOR_INTERNAL_ERROR_CODEC_H_
#define TRACTOR_RUNTIME_ACTOR_INTERNAL_ERROR_CODEC_H_

#include <cstddef>
#include <exception>
#include <string_view>

#include "proto/error.pb.h"
#include "runtime/actor/aid.h"
#include "runtime/actor/internal/unbox.h"  // UnpackError, its other half

namespace tractor::internal {

// What is packed has at most this many bytes when serialised ...
inline constexpr size_t kMaxErrorBytes = 64 << 10;
// ... and this many levels of groups and causes. What is deeper becomes text,
// what is over the size is counted in dropped_nested and dropped_places.
inline constexpr int kMaxErrorDepth = 32;

// Never throws but std::bad_alloc. `error` must not be null. `task` names the
// task whose end this is.
proto::ErrorProto PackError(const std::exception_ptr& error, const Aid& self,
                            std::string_view task = {});

}  // namespace tractor::internal

#endif  // TRACTOR_RUNTIME_ACTOR_INTERNAL_ERROR_CODEC_H_
