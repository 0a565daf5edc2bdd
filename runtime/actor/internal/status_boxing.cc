// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/actor/internal/status_boxing.h"

#include <string>
#include <typeinfo>

#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "runtime/io/status_error.h"
#include "runtime/task/exception_group.h"

namespace tractor::internal {
namespace {

template <class E>
std::exception_ptr UnboxAs(const proto::ErrorProto& error) {
  if (error.type() != Demangle(typeid(E))) return nullptr;
  return std::make_exception_ptr(E(StatusFromProto(error.status())));
}

template <class E>
bool IsExactly(const std::exception_ptr& error) {
  return ExceptionTypeName(error) == Demangle(typeid(E));
}

}  // namespace

proto::StatusDetail StatusToProto(const absl::Status& status) {
  proto::StatusDetail detail;
  detail.set_code(static_cast<int>(status.code()));
  detail.set_message(std::string(status.message()));
  status.ForEachPayload(
      [&detail](absl::string_view type_url, const absl::Cord& value) {
        proto::StatusDetail::Payload& payload = *detail.add_payloads();
        payload.set_type_url(std::string(type_url));
        payload.set_value(std::string(value));
      });
  return detail;
}

absl::Status StatusFromProto(const proto::StatusDetail& detail) {
  const bool known =
      detail.code() >= static_cast<int>(absl::StatusCode::kCancelled) &&
      detail.code() <= static_cast<int>(absl::StatusCode::kUnauthenticated);
  absl::Status status(known ? static_cast<absl::StatusCode>(detail.code())
                            : absl::StatusCode::kUnknown,
                      detail.message());
  for (const proto::StatusDetail::Payload& payload : detail.payloads()) {
    status.SetPayload(payload.type_url(), absl::Cord(payload.value()));
  }
  return status;
}

void BoxStatusError(const std::exception_ptr& error,
                    proto::ErrorProto& packed) {
  const bool has_status =
      VisitAs<io::StatusError>(error, [&packed](const io::StatusError& e) {
        *packed.mutable_status() = StatusToProto(e.status());
      });
  if (!has_status) return;
  if (IsExactly<io::StatusError>(error) ||
      IsExactly<io::ConnectionClosed>(error) ||
      IsExactly<io::ResourceClosed>(error)) {
    packed.set_type(packed.native_type());
  }
}

std::exception_ptr UnboxStatusError(const proto::ErrorProto& error) {
  if (!error.has_status()) return nullptr;
  if (auto made = UnboxAs<io::StatusError>(error)) return made;
  if (auto made = UnboxAs<io::ConnectionClosed>(error)) return made;
  return UnboxAs<io::ResourceClosed>(error);
}

}  // namespace tractor::internal
