// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Refuses a second task where only one may be at a time: the mistake is named
// at once, instead of bytes that arrive in two halves.
#ifndef TRACTOR_RUNTIME_IO_INTERNAL_IN_USE_H_
#define TRACTOR_RUNTIME_IO_INTERNAL_IN_USE_H_

#include <stdexcept>

namespace tractor::io::internal {

class InUse {
 public:
  // Throws std::logic_error(`conflict`) when `flag` is set, else sets it until
  // the end of this object.
  InUse(bool& flag, const char* conflict) : flag_(flag) {
    if (flag_) throw std::logic_error(conflict);
    flag_ = true;
  }
  InUse(const InUse&) = delete;
  InUse& operator=(const InUse&) = delete;
  ~InUse() { flag_ = false; }

 private:
  bool& flag_;
};

}  // namespace tractor::io::internal

#endif  // TRACTOR_RUNTIME_IO_INTERNAL_IN_USE_H_
