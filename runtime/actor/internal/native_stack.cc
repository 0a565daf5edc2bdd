// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/actor/internal/native_stack.h"

#include <dlfcn.h>
#include <unwind.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
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

// Our machinery and the C++ library's, which no reader of an error looks for.
bool IsOfRuntime(const SourcePlace& place) {
  const std::string_view file = place.file;
  return HasFolder(file, "include/c++") ||
         (!file.ends_with("_test.cc") && (HasFolder(file, "runtime/task/") ||
                                          HasFolder(file, "runtime/actor/")));
}

bool IsOfLibrary(std::string_view function) {
  return function.empty() || function == "_start" ||
         function.starts_with("__cxa_") || function.starts_with("std::");
}

// "" for a frame that is of no interest. Where the library was inlined, the
// place is that of the call of it.
std::string FrameText(const Symbol& symbol) {
  if (IsOfLibrary(symbol.function)) return "";
  if (symbol.places.empty()) return symbol.function;
  const auto place =
      std::find_if_not(symbol.places.begin(), symbol.places.end(), IsOfRuntime);
  if (place == symbol.places.end()) return "";
  return symbol.function + " (" + place->file + ":" +
         std::to_string(place->line) + ")";
}

// A raw frame is "pc:<offset in the file>@<identity of the file>", in hex.
constexpr char kRawPrefix[] = "pc:";

// Takes a hexadecimal number off the front of `text`.
std::optional<uint64_t> TakeHex(std::string_view& text) {
  uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value, 16);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(rest - text.data()));
  return value;
}

// Of a raw frame of this program; nullopt for all else, whoever wrote it.
std::optional<uintptr_t> OffsetIn(const ProgramImage& image,
                                  std::string_view frame) {
  if (!frame.starts_with(kRawPrefix)) return std::nullopt;
  frame.remove_prefix(std::strlen(kRawPrefix));
  const std::optional<uint64_t> offset = TakeHex(frame);
  if (!offset || !frame.starts_with('@')) return std::nullopt;
  frame.remove_prefix(1);
  const std::optional<uint64_t> identity = TakeHex(frame);
  if (identity != image.identity || !frame.empty()) return std::nullopt;
  if (!image.Contains(image.bias + *offset)) return std::nullopt;
  return *offset;
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

std::vector<std::string> RawNativeStack(const std::exception_ptr& error) {
  const Throw* const note = FindThrow(error);
  if (note == nullptr) return {};
  const ProgramImage image = FindProgramImage();
  std::vector<std::string> frames;
  for (size_t i = 0; i < note->frames; ++i) {
    const uintptr_t address = note->addresses[i];
    if (!image.Contains(address)) continue;
    char text[64];
    std::snprintf(text, sizeof(text), "%s%llx@%llx", kRawPrefix,
                  static_cast<unsigned long long>(address - image.bias),
                  static_cast<unsigned long long>(image.identity));
    frames.emplace_back(text);
  }
  return frames;
}

std::vector<std::string> SymbolizeStack(
    const std::vector<std::string>& frames) {
  const ProgramImage image = FindProgramImage();
  std::vector<uintptr_t> addresses;
  for (const std::string& frame : frames) {
    if (const auto offset = OffsetIn(image, frame)) {
      addresses.push_back(image.bias + *offset);
    }
  }
  const std::vector<Symbol> symbols = TheCache().Get(addresses);
  std::vector<std::string> stack;
  size_t next = 0;
  for (const std::string& frame : frames) {
    if (!OffsetIn(image, frame)) {
      stack.push_back(frame);
      continue;
    }
    const Symbol& symbol = symbols[next++];
    std::string text = FrameText(symbol);
    if (!text.empty()) stack.push_back(std::move(text));
  }
  return stack;
}

std::vector<std::string> NativeStack(const std::exception_ptr& error) {
  return SymbolizeStack(RawNativeStack(error));
}

}  // namespace tractor::internal

#ifndef TRACTOR_HAS_SANITIZER

// Stands in front of the C++ library's own, for all that is thrown in this
// program, the library's throws included. Under another name here, because
// g++-12 has declared it by itself, with other types, in a file that throws.
extern "C" [[noreturn]] void TractorCxaThrow(
    void* object, std::type_info* type,
    void (*destroy)(void*)) __asm__("__cxa_throw");

extern "C" void TractorCxaThrow(void* object, std::type_info* type,
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
