// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// An error from another actor, as text for people.
#ifndef TRACTOR_RUNTIME_ACTOR_INTERNAL_ERROR_TEXT_H_
#define TRACTOR_RUNTIME_ACTOR_INTERNAL_ERROR_TEXT_H_

#include <string>

#include "proto/error.pb.h"

namespace tractor::internal {

inline constexpr int kMaxErrorLines = 40;

// The registered name, else the compiler's, else what the kind says.
std::string BoxedTypeName(const proto::ErrorProto& error);

// RemoteActorError::what(): at most kMaxErrorLines, no control characters but
// newlines.
std::string ErrorText(const proto::ErrorProto& error);

// One line that says what the error is: for a group, how many it holds.
std::string ErrorHeadline(const proto::ErrorProto& error);

}  // namespace tractor::internal

#endif  // TRACTOR_RUNTIME_ACTOR_INTERNAL_ERROR_TEXT_H_
