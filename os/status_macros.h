// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Early return on errors; Debian's abseil has no status macros.
//
//   absl::StatusOr<Fd> OpenConfig() {
//     TRACTOR_RETURN_IF_ERROR(CheckOwner(path));
//     TRACTOR_ASSIGN_OR_RETURN(Fd fd, OpenFile(path));
//     return fd;
//   }
//
// Not for coroutines: they say `return`.

#ifndef TRACTOR_OS_STATUS_MACROS_H_
#define TRACTOR_OS_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Returns from the function when `expr`, an absl::Status, is not OK.
#define TRACTOR_RETURN_IF_ERROR(expr)                  \
  do {                                                 \
    absl::Status tractor_status_ = (expr);             \
    if (!tractor_status_.ok()) return tractor_status_; \
  } while (false)

// Declares or assigns `lhs` from `expr`, an absl::StatusOr; returns its status
// when it holds none. `lhs` must hold no comma outside of parentheses.
#define TRACTOR_ASSIGN_OR_RETURN(lhs, expr) \
  TRACTOR_ASSIGN_OR_RETURN_IMPL_(           \
      TRACTOR_STATUS_CONCAT_(tractor_statusor_, __LINE__), lhs, expr)

#define TRACTOR_ASSIGN_OR_RETURN_IMPL_(tmp, lhs, expr) \
  auto tmp = (expr);                                   \
  if (!tmp.ok()) return std::move(tmp).status();       \
  lhs = *std::move(tmp)

#define TRACTOR_STATUS_CONCAT_(a, b) TRACTOR_STATUS_CONCAT_2_(a, b)
#define TRACTOR_STATUS_CONCAT_2_(a, b) a##b

#endif  // TRACTOR_OS_STATUS_MACROS_H_
