// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/task/internal/frame_allocator.h"

namespace tractor::internal {

FrameCache::~FrameCache() {
  closed = true;
  for (FreeFrames& free : classes) {
    while (free.head != nullptr) {
      FreeFrames::Node* next = free.head->next;
      ::operator delete(free.head);
      free.head = next;
    }
  }
}

FrameCache& ThisThreadFrames() {
  static thread_local FrameCache cache;
  return cache;
}

}  // namespace tractor::internal
