// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/actor/internal/unbox.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "runtime/actor/error_registry.h"
#include "runtime/actor/errors.h"
#include "runtime/actor/internal/status_boxing.h"
#include "runtime/task/exception_group.h"

namespace tractor::internal {
namespace {

std::exception_ptr UnboxGroup(const proto::ErrorProto& error) {
  std::vector<std::exception_ptr> members;
  for (const proto::ErrorProto& member : error.nested()) {
    members.push_back(UnpackError(member));
  }
  return std::make_exception_ptr(
      ExceptionGroup(error.message(), std::move(members)));
}

std::exception_ptr UnboxTooSlow(const proto::TooSlowDetail& detail) {
  return std::make_exception_ptr(
      ActorTooSlowError(FromProto(detail.actor()), detail.what(),
                        absl::Nanoseconds(detail.budget_ns())));
}

// The types that need no more than the kind; null for other kinds.
std::exception_ptr UnboxByKind(const proto::ErrorProto& error) {
  switch (error.kind()) {
    case proto::ERROR_RUNTIME_FAILURE:
      return std::make_exception_ptr(RuntimeFailure(error.message()));
    case proto::ERROR_NO_RUNTIME:
      return std::make_exception_ptr(NoRuntime(error.message()));
    case proto::ERROR_TRANSPORT_CLOSED:
      return std::make_exception_ptr(TransportClosed(error.message()));
    case proto::ERROR_ACTOR_TOO_SLOW:
      return UnboxTooSlow(error.too_slow());
    case proto::ERROR_GROUP:
      return UnboxGroup(error);
    case proto::ERROR_CONTEXT_CANCELLED:
    case proto::ERROR_MSG_TYPE:
    case proto::ERROR_STREAM_OVERRUN:
    case proto::ERROR_ACTOR_DIED:
    case proto::ERROR_ENDPOINT_NOT_EXPOSED:
      return UnpackError(error);
    default:
      return nullptr;
  }
}

std::exception_ptr UnboxRegistered(const proto::ErrorProto& error) {
  const ExceptionType* type = FindExceptionType(error.type());
  if (type == nullptr) return nullptr;
  std::exception_ptr made;
  // A user's Unbox may throw for what it cannot read; it then stays text.
  Catch([&] {
    made = type->unbox(type->by_text ? error.message() : error.boxed());
  });
  return made;
}

}  // namespace

std::exception_ptr UnpackError(const proto::ErrorProto& error) {
  switch (error.kind()) {
    case proto::ERROR_CONTEXT_CANCELLED:
      return std::make_exception_ptr(ContextCancelled(error));
    case proto::ERROR_MSG_TYPE:
      return std::make_exception_ptr(MsgTypeError(error));
    case proto::ERROR_STREAM_OVERRUN:
      return std::make_exception_ptr(StreamOverrun(error));
    case proto::ERROR_ACTOR_DIED:
      return std::make_exception_ptr(ActorDied(error));
    case proto::ERROR_ENDPOINT_NOT_EXPOSED:
      return std::make_exception_ptr(EndpointNotExposed(error));
    default:
      return std::make_exception_ptr(RemoteActorError(error));
  }
}

std::exception_ptr Unbox(const proto::ErrorProto& error) {
  if (std::exception_ptr made = UnboxRegistered(error)) return made;
  if (std::exception_ptr made = UnboxStatusError(error)) return made;
  return UnboxByKind(error);
}

}  // namespace tractor::internal
