// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/actor/internal/native_stack.h"

#include <dlfcn.h>
#include <unwind.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string_view>
#include <typeinfo>
#include <utility>

#include "runtime/actor/internal/symbolize.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TRACTOR_HAS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define TRACTOR_HAS_SANITIZER 1
#endif
#endif

namespace tractor::internal {
namespace {

constexpr size_t kThrows = 16;
constexpr size_t kMaxCached = 4096;

// Zeros before the first throw, so that it costs a fork nothing.
struct Throw {
  const void* object = nullptr;
  // An address may be used again, and make_exception_ptr throws nothing.
  const std::type_info* type = nullptr;
  size_t frames = 0;
  std::array<uintptr_t, kMaxNativeFrames> addresses = {};
};

struct Throws {
  std::array<Throw, kThrows> throws = {};
  size_t newest = 0;
};

constinit thread_local Throws this_thread;
constinit std::atomic<bool> recording = false;

[[maybe_unused]] _Unwind_Reason_Code NoteFrame(_Unwind_Context* context,
                                               void* data) {
  Throw& note = *static_cast<Throw*>(data);
  if (note.frames == kMaxNativeFrames) return _URC_END_OF_STACK;
  const uintptr_t address = _Unwind_GetIP(context);
  // The address to which a call returns may be in the next line already.
  if (address != 0) note.addresses[note.frames++] = address - 1;
  return _URC_NO_REASON;
}

[[maybe_unused]] void NoteThrow(const void* object,
                                const std::type_info* type) {
  this_thread.newest = (this_thread.newest + 1) % kThrows;
  Throw& note = this_thread.throws[this_thread.newest];
  note.object = object;
  note.type = type;
  note.frames = 0;
  _Unwind_Backtrace(&NoteFrame, &note);
}

// False for what make_exception_ptr made, which may lie where an exception lay
// that was thrown. The unwinder's header is right in front of the object (C++
// ABI for Itanium, 2.2.1), zero at first, and private_2 is never zero after a
// throw: it is the frame that catches.
bool WasThrown(const void* object) {
  return static_cast<const _Unwind_Exception*>(object)[-1].private_2 != 0;
}

const Throw* FindThrow(const std::exception_ptr& error) {
  static_assert(sizeof(error) == sizeof(void*));
  const void* object = nullptr;
  std::memcpy(&object, &error, sizeof(object));
  if (object == nullptr || !WasThrown(object)) return nullptr;
  for (size_t i = 0; i < kThrows; ++i) {
    const Throw& note =
        this_thread.throws[(this_thread.newest + kThrows - i) % kThrows];
    if (note.object != object) continue;
    const bool same = *note.type == *error.__cxa_exception_type();
    return same ? &note : nullptr;
  }
  return nullptr;
}

// Symbols that were looked up before: errors come from few places.
class Cache {
 public:
  std::vector<Symbol> Get(const std::vector<uintptr_t>& addresses) {
    const std::lock_guard<std::mutex> lock(mutex_);
    AddMissing(addresses);
    std::vector<Symbol> symbols;
    for (const uintptr_t address : addresses) {
      symbols.push_back(known_[address]);
    }
    return symbols;
  }

 private:
  void AddMissing(const std::vector<uintptr_t>& addresses) {
    if (known_.size() > kMaxCached) known_.clear();
    std::vector<uintptr_t> missing;
    for (const uintptr_t address : addresses) {
      if (!known_.contains(address)) missing.push_back(address);
    }
    if (missing.empty()) return;
    std::vector<Symbol> symbols = Symbolize(missing);
    for (size_t i = 0; i < missing.size(); ++i) {
      known_[missing[i]] = std::move(symbols[i]);
    }
  }

  std::mutex mutex_;
  std::map<uintptr_t, Symbol> known_;
};

Cache& TheCache() {
  static Cache* const cache = new Cache;
  return *cache;
}

bool HasFolder(std::string_view file, std::string_view folder) {
  const size_t at = file.find(folder);
  return at == 0 || (at != file.npos && file[at - 1] == '/');
}

// What no reader of an error looks for: our machinery and the library's.
bool IsOfRuntime(const Symbol& symbol) {
  const std::string_view name = symbol.function;
  if (name.empty() || name == "_start" || name.starts_with("__cxa_")) {
    return true;
  }
  if (HasFolder(symbol.file, "c++/12") || name.starts_with("std::"))
    return true;
  const bool test = symbol.file.ends_with("_test.cc");
  return !test && (HasFolder(symbol.file, "runtime/task/") ||
                   HasFolder(symbol.file, "runtime/actor/"));
}

std::string FrameText(const Symbol& symbol) {
  if (symbol.file.empty()) return symbol.function;
  return symbol.function + " (" + symbol.file + ":" +
         std::to_string(symbol.line) + ")";
}

}  // namespace

bool NativeStacksSupported() {
#ifdef TRACTOR_HAS_SANITIZER
  return false;
#else
  return true;
#endif
}

void SetNativeStacks(bool enabled) {
  recording.store(enabled, std::memory_order_relaxed);
}

std::vector<std::string> NativeStack(const std::exception_ptr& error) {
  const Throw* const note = FindThrow(error);
  if (note == nullptr) return {};
  const std::vector<uintptr_t> addresses(
      note->addresses.begin(), note->addresses.begin() + note->frames);
  std::vector<std::string> stack;
  for (const Symbol& symbol : TheCache().Get(addresses)) {
    if (!IsOfRuntime(symbol)) stack.push_back(FrameText(symbol));
  }
  return stack;
}

}  // namespace tractor::internal

#ifndef TRACTOR_HAS_SANITIZER

// Stands in front of the C++ library's own, for all that is thrown in this
// program, the library's throws included.
extern "C" [[noreturn]] void __cxa_throw(void* object, std::type_info* type,
                                         void (*destroy)(void*)) {
  using CxaThrow = void (*)(void*, std::type_info*, void (*)(void*));
  static const auto real =
      reinterpret_cast<CxaThrow>(dlsym(RTLD_NEXT, "__cxa_throw"));
  if (tractor::internal::recording.load(std::memory_order_relaxed)) {
    tractor::internal::NoteThrow(object, type);
  }
  if (real != nullptr) real(object, type, destroy);
  std::abort();
}

#endif
