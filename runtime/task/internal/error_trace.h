// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Where an exception has passed through tasks: the places of the frames that it
// left, innermost first. It costs nothing until something throws, and it is
// what a supervisor in another process shows of a remote error.
#ifndef TRACTOR_RUNTIME_TASK_INTERNAL_ERROR_TRACE_H_
#define TRACTOR_RUNTIME_TASK_INTERNAL_ERROR_TRACE_H_

#include <exception>
#include <source_location>
#include <vector>

#include "runtime/task/internal/frame.h"

namespace tractor::internal {

// Called by a promise whose coroutine is left by the current exception.
void RecordErrorPlace(const FrameBase& frame) noexcept;

// The places of `error` on this thread, innermost first; empty when they are
// not known (any more: the last 64 errors of a thread are kept). An error is
// known by its address and type: one that never passed a task may be taken for
// an earlier one that has died. Keeping errors alive to tell would be worse.
std::vector<std::source_location> ErrorPlaces(const std::exception_ptr& error);

}  // namespace tractor::internal

#endif  // TRACTOR_RUNTIME_TASK_INTERNAL_ERROR_TRACE_H_
