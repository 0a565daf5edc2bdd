// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Where coroutine frames and child tasks come from: free lists by size, one set
// a thread. A frame lives and dies on one thread nearly always; a frame that is
// freed on another thread simply joins the lists there. Under a sanitizer every
// frame is a malloc of its own, so that use after free is seen.
#ifndef TRACTOR_RUNTIME_TASK_INTERNAL_FRAME_ALLOCATOR_H_
#define TRACTOR_RUNTIME_TASK_INTERNAL_FRAME_ALLOCATOR_H_

#include <cstddef>
#include <new>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TRACTOR_PLAIN_FRAMES 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define TRACTOR_PLAIN_FRAMES 1
#endif
#endif

namespace tractor::internal {

inline constexpr size_t kFrameStep = 64;
inline constexpr size_t kFrameClasses = 16;  // up to 1024 bytes
inline constexpr size_t kFramesKept = 1024;  // of each class, each thread

struct FreeFrames {
  struct Node {
    Node* next;
  };
  Node* head = nullptr;
  size_t count = 0;
};

struct FrameCache {
  ~FrameCache();
  FreeFrames classes[kFrameClasses];
  bool closed = false;  // the thread is ending: frees go straight to the heap
};

FrameCache& ThisThreadFrames();

#ifdef TRACTOR_PLAIN_FRAMES
inline void* AllocateFrame(size_t size) { return ::operator new(size); }
inline void FreeFrame(void* frame, size_t size) {
  ::operator delete(frame, size);
}
#else
inline void* AllocateFrame(size_t size) {
  const size_t index = (size + kFrameStep - 1) / kFrameStep - 1;
  if (index >= kFrameClasses) return ::operator new(size);
  FreeFrames& free = ThisThreadFrames().classes[index];
  if (free.head == nullptr) return ::operator new((index + 1) * kFrameStep);
  FreeFrames::Node* node = free.head;
  free.head = node->next;
  --free.count;
  return node;
}

inline void FreeFrame(void* frame, size_t size) {
  const size_t index = (size + kFrameStep - 1) / kFrameStep - 1;
  FrameCache& cache = ThisThreadFrames();
  if (index >= kFrameClasses || cache.closed ||
      cache.classes[index].count == kFramesKept) {
    ::operator delete(frame);
    return;
  }
  FreeFrames& free = cache.classes[index];
  auto* node = static_cast<FreeFrames::Node*>(frame);
  node->next = free.head;
  free.head = node;
  ++free.count;
}
#endif

}  // namespace tractor::internal

#endif  // TRACTOR_RUNTIME_TASK_INTERNAL_FRAME_ALLOCATOR_H_
