// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/actor/internal/error_codec.h"

#include <cstdint>
#include <source_location>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "runtime/actor/error_registry.h"
#include "runtime/actor/errors.h"
#include "runtime/actor/internal/error_limits.h"
#include "runtime/actor/internal/native_stack.h"
#include "runtime/actor/internal/status_boxing.h"
#include "runtime/task/exception_group.h"
#include "runtime/task/internal/error_trace.h"
#include "runtime/wire/utf8.h"

namespace tractor::internal {
namespace {

// The same exception may be in many groups; without this, nesting 20 of them
// would make a million copies.
constexpr int kMaxErrors = 4096;

// std::throw_with_nested throws a hidden type that is derived from ours.
std::string StripNested(std::string name) {
  constexpr std::string_view kStart = "std::_Nested_exception<";
  if (!name.starts_with(kStart) || !name.ends_with('>')) return name;
  name.pop_back();
  name.erase(0, kStart.size());
  while (name.ends_with(' ')) name.pop_back();
  return name;
}

// What is thrown and is no std::exception often is its own message.
std::string OtherMessage(const std::exception_ptr& error) {
  std::string message;
  VisitAs<std::string>(error, [&](const std::string& e) { message = e; });
  // clang++-19 loses a pointer that is caught by reference, as VisitAs does.
  Catch([&] {
    try {
      std::rethrow_exception(error);
    } catch (const char* e) {
      message = e != nullptr ? e : "";
    }
  });
  VisitAs<int>(error, [&](int e) { message = std::to_string(e); });
  return message;
}

std::string Message(const std::exception_ptr& error) {
  std::string message;
  const bool group = VisitAs<ExceptionGroup>(
      error, [&](const ExceptionGroup& e) { message = e.message(); });
  if (group) return message;
  return VisitException(
      error, [](const std::exception& e) { return std::string(e.what()); },
      [&error] { return OtherMessage(error); });
}

class Packer {
 public:
  Packer(const Aid& self, std::string_view task)
      : self_(tractor::ToProto(self)), task_(task) {}

  proto::ErrorProto Pack(const std::exception_ptr& error, int depth);

 private:
  proto::ErrorProto PackLocal(const std::exception_ptr& error, int depth);
  void PackKind(const std::exception_ptr& error, proto::ErrorProto& packed);
  void PackRegistered(const std::exception_ptr& error,
                      proto::ErrorProto& packed);
  void PackMembers(const std::exception_ptr& error, int depth,
                   proto::ErrorProto& packed);
  void PackCause(const std::exception_ptr& error, int depth,
                 proto::ErrorProto& packed);
  void AddPlaces(const std::exception_ptr& error, proto::ErrorProto& packed);
  void AddUs(proto::ErrorProto& packed);

  const proto::Aid self_;
  const std::string task_;
  int errors_ = 0;
};

void Packer::AddUs(proto::ErrorProto& packed) {
  if (!packed.has_source()) *packed.mutable_source() = self_;
  const int hops = packed.relay_path_size();
  const bool there = hops > 0 && !self_.uuid().empty() &&
                     packed.relay_path(hops - 1).uuid() == self_.uuid();
  if (!there) *packed.add_relay_path() = self_;
}

void Packer::AddPlaces(const std::exception_ptr& error,
                       proto::ErrorProto& packed) {
  for (const std::source_location& place : ErrorPlaces(error)) {
    proto::TaskPlace& added = *packed.add_task_places();
    added.set_file(place.file_name());
    added.set_line(place.line());
    added.set_function(place.function_name());
    added.set_task(task_);
  }
}

void Packer::PackKind(const std::exception_ptr& error,
                      proto::ErrorProto& packed) {
  const auto kind = [&packed](proto::ErrorKind kind, const char* type) {
    packed.set_kind(kind);
    packed.set_type(type);
  };
  packed.set_kind(proto::ERROR_REMOTE);
  if (IsA<ExceptionGroup>(error)) {
    kind(proto::ERROR_GROUP, "tractor::ExceptionGroup");
  } else if (IsA<NoRuntime>(error)) {
    kind(proto::ERROR_NO_RUNTIME, "tractor::NoRuntime");
  } else if (IsA<TransportClosed>(error)) {
    kind(proto::ERROR_TRANSPORT_CLOSED, "tractor::TransportClosed");
  } else if (IsA<RuntimeFailure>(error)) {
    kind(proto::ERROR_RUNTIME_FAILURE, "tractor::RuntimeFailure");
  }
  VisitAs<ActorTooSlowError>(error, [&](const ActorTooSlowError& e) {
    kind(proto::ERROR_ACTOR_TOO_SLOW, "tractor::ActorTooSlowError");
    proto::TooSlowDetail& detail = *packed.mutable_too_slow();
    *detail.mutable_actor() = tractor::ToProto(e.actor());
    detail.set_what(e.waited_for());
    detail.set_budget_ns(
        static_cast<uint64_t>(absl::ToInt64Nanoseconds(e.budget())));
  });
}

void Packer::PackRegistered(const std::exception_ptr& error,
                            proto::ErrorProto& packed) {
  const ExceptionType* type = FindExceptionType(packed.native_type());
  if (type == nullptr) return;
  packed.set_type(type->name);
  if (type->by_text) return;
  const std::exception_ptr failed =
      Catch([&] { packed.set_boxed(type->box(error)); });
  if (failed) packed.clear_type();
}

void Packer::PackMembers(const std::exception_ptr& error, int depth,
                         proto::ErrorProto& packed) {
  VisitAs<ExceptionGroup>(error, [&](const ExceptionGroup& group) {
    if (depth == kMaxErrorDepth) {
      packed.set_message(group.what());
      packed.set_dropped_nested(static_cast<uint32_t>(group.errors().size()));
      return;
    }
    for (const std::exception_ptr& member : group.errors()) {
      if (errors_ == kMaxErrors) {
        packed.set_dropped_nested(packed.dropped_nested() + 1);
        continue;
      }
      *packed.add_nested() = Pack(member, depth + 1);
    }
  });
}

void Packer::PackCause(const std::exception_ptr& error, int depth,
                       proto::ErrorProto& packed) {
  VisitAs<std::nested_exception>(error, [&](const std::nested_exception& e) {
    if (!e.nested_ptr()) return;
    if (depth == kMaxErrorDepth || errors_ == kMaxErrors) {
      packed.set_dropped_nested(packed.dropped_nested() + 1);
      return;
    }
    *packed.mutable_cause() = Pack(e.nested_ptr(), depth + 1);
  });
}

proto::ErrorProto Packer::PackLocal(const std::exception_ptr& error,
                                    int depth) {
  proto::ErrorProto packed;
  packed.set_native_type(StripNested(ExceptionTypeName(error)));
  packed.set_message(Message(error));
  PackKind(error, packed);
  BoxStatusError(error, packed);
  PackRegistered(error, packed);
  PackMembers(error, depth, packed);
  PackCause(error, depth, packed);
  for (std::string& frame : RawNativeStack(error)) {
    packed.add_native_stack(std::move(frame));
  }
  return packed;
}

proto::ErrorProto Packer::Pack(const std::exception_ptr& error, int depth) {
  ++errors_;
  proto::ErrorProto packed;
  const bool remote = VisitAs<RemoteActorError>(
      error, [&packed](const RemoteActorError& e) { packed = e.proto(); });
  if (!remote) packed = PackLocal(error, depth);
  AddPlaces(error, packed);
  AddUs(packed);
  return packed;
}

}  // namespace

proto::ErrorProto PackError(const std::exception_ptr& error, const Aid& self,
                            std::string_view task) {
  proto::ErrorProto packed = Packer(self, task).Pack(error, 1);
  LimitError(kMaxErrorBytes, kMaxErrorDepth, packed);
  return packed;
}

}  // namespace tractor::internal
