// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/task/timeouts.h"

namespace tractor::internal {

void ThrowTooSlow(const CancelScope& scope) {
  throw TooSlowError("ran out of time (" + ToString(scope.reason()) + ")");
}

}  // namespace tractor::internal
