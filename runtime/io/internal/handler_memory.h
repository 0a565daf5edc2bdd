// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Room for one Asio operation at a time, used again and again, so that a wait
// does not allocate: Asio frees the room before it calls the handler, and the
// handler may start the next operation in it.
#ifndef TRACTOR_RUNTIME_IO_INTERNAL_HANDLER_MEMORY_H_
#define TRACTOR_RUNTIME_IO_INTERNAL_HANDLER_MEMORY_H_

#include <cstddef>
#include <new>

namespace tractor::io::internal {

class HandlerMemory {
 public:
  HandlerMemory() = default;
  HandlerMemory(const HandlerMemory&) = delete;
  HandlerMemory& operator=(const HandlerMemory&) = delete;

  void* Allocate(size_t size) {
    if (in_use_ || size > sizeof(room_)) {
      return ::operator new(size);
    }
    in_use_ = true;
    return room_;
  }

  void Free(void* memory) {
    if (memory == room_) {
      in_use_ = false;
    } else {
      ::operator delete(memory);
    }
  }

 private:
  alignas(std::max_align_t) std::byte room_[256];
  bool in_use_ = false;
};

// What Asio finds as the associated allocator of a handler.
template <class T>
class HandlerAllocator {
 public:
  using value_type = T;

  explicit HandlerAllocator(HandlerMemory& memory) : memory_(&memory) {}
  template <class U>
  HandlerAllocator(const HandlerAllocator<U>& other) noexcept
      : memory_(other.memory_) {}

  T* allocate(size_t n) {
    return static_cast<T*>(memory_->Allocate(n * sizeof(T)));
  }
  void deallocate(T* memory, size_t) { memory_->Free(memory); }

  template <class U>
  bool operator==(const HandlerAllocator<U>& other) const noexcept {
    return memory_ == other.memory_;
  }

 private:
  template <class U>
  friend class HandlerAllocator;

  HandlerMemory* memory_;
};

}  // namespace tractor::io::internal

#endif  // TRACTOR_RUNTIME_IO_INTERNAL_HANDLER_MEMORY_H_
