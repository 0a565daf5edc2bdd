// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/task/internal/error_trace.h"

#include <array>
#include <cstddef>
#include <cstring>
#include <typeinfo>

namespace tractor::internal {
namespace {

constexpr size_t kTraces = 64;
constexpr size_t kMaxPlaces = 64;

struct Trace {
  const void* exception = nullptr;
  const std::type_info* type = nullptr;
  // The frame that the exception goes to next. An exception object's address
  // may be used again; a trace is continued only by the very next frame
  // outwards.
  const FrameBase* next = nullptr;
  std::vector<std::source_location> places;
};

struct Table {
  std::array<Trace, kTraces> traces;
  size_t newest = 0;
};

Table& ThisThread() {
  static thread_local Table table;
  return table;
}

// libstdc++ and libc++ alike: an exception_ptr is one pointer to the object.
const void* Identity(const std::exception_ptr& error) {
  static_assert(sizeof(error) == sizeof(void*));
  const void* object = nullptr;
  std::memcpy(&object, &error, sizeof(object));
  return object;
}

// The frame that a finished `frame` hands its error to.
const FrameBase* Outwards(const FrameBase& frame) {
  if (frame.parent != nullptr) return frame.parent;
  return frame.boundary != nullptr ? frame.boundary->outer() : nullptr;
}

}  // namespace

void RecordErrorPlace(const FrameBase& frame) noexcept {
  Table& table = ThisThread();
  const void* exception = Identity(frame.error);
  Trace* trace = &table.traces[table.newest];
  const bool continues = trace->exception == exception &&
                         trace->next == &frame && trace->next != nullptr;
  if (!continues) {
    table.newest = (table.newest + 1) % kTraces;
    trace = &table.traces[table.newest];
    trace->exception = exception;
    trace->type = frame.error.__cxa_exception_type();
    trace->places.clear();
  }
  trace->next = Outwards(frame);
  if (!frame.has_place || trace->places.size() == kMaxPlaces) return;
  trace->places.push_back(frame.place);
}

std::vector<std::source_location> ErrorPlaces(const std::exception_ptr& error) {
  if (!error) return {};
  const Table& table = ThisThread();
  const void* exception = Identity(error);
  for (size_t i = 0; i < kTraces; ++i) {
    const Trace& trace = table.traces[(table.newest + kTraces - i) % kTraces];
    if (trace.exception != exception) continue;
    if (*trace.type != *error.__cxa_exception_type()) return {};
    return trace.places;
  }
  return {};
}

}  // namespace tractor::internal
