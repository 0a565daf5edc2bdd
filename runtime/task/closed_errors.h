// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// What goes wrong with something that tasks share and that can be closed.
#ifndef TRACTOR_RUNTIME_TASK_CLOSED_ERRORS_H_
#define TRACTOR_RUNTIME_TASK_CLOSED_ERRORS_H_

#include <stdexcept>

namespace tractor {

// We closed it ourselves, before or while we used it.
class ClosedResourceError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The other side is gone, or it does not work any more.
class BrokenResourceError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace tractor

#endif  // TRACTOR_RUNTIME_TASK_CLOSED_ERRORS_H_
