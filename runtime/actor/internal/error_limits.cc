// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/actor/internal/error_limits.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "runtime/actor/internal/error_text.h"
#include "runtime/wire/utf8.h"

namespace tractor::internal {
namespace {

constexpr size_t kMaxName = 256;
constexpr size_t kMaxHost = 64;
constexpr size_t kUuidBytes = 16;
constexpr size_t kMaxNested = 512;
// A member that gets less could not even say what it is.
constexpr size_t kMinShare = 4096;
// The cause, or the first member of a group, says most: it may try with less.
constexpr size_t kMinFirst = 1024;

// Tag and length in front of a message field.
size_t FieldBytes(const google::protobuf::MessageLite& message) {
  return message.ByteSizeLong() + 6;
}

void Clip(size_t max_bytes, std::string& text) {
  if (text.size() <= max_bytes) return;
  const std::string note =
      " ... (" + std::to_string(text.size()) + " bytes in all)";
  text.resize(max_bytes > note.size() ? max_bytes - note.size() : 0);
  text += note;
}

// For fields that protobuf wants in UTF-8.
void ClipName(size_t max_bytes, std::string& text) {
  if (text.size() > max_bytes) text = wire::ToUtf8(text, max_bytes);
}

void LimitAid(proto::Aid& aid) {
  ClipName(kMaxName, *aid.mutable_name());
  ClipName(kMaxHost, *aid.mutable_host());
  if (aid.uuid().size() > kUuidBytes) aid.mutable_uuid()->resize(kUuidBytes);
  if (aid.boot_id().size() > kUuidBytes) {
    aid.mutable_boot_id()->resize(kUuidBytes);
  }
}

// Keeps the source and the last actors of the path.
void LimitRelays(size_t max_bytes, proto::ErrorProto& error) {
  size_t bytes = 0;
  int kept = 0;
  for (int i = error.relay_path_size() - 1; i >= 0; --i) {
    LimitAid(*error.mutable_relay_path(i));
    bytes += FieldBytes(error.relay_path(i));
    if (bytes > max_bytes) break;
    ++kept;
  }
  const int drop = error.relay_path_size() - std::max(kept, 2);
  if (drop > 0) error.mutable_relay_path()->DeleteSubrange(1, drop);
  if (error.relay_path_size() > 0) LimitAid(*error.mutable_relay_path(0));
}

void LimitStack(size_t max_bytes, proto::ErrorProto& error) {
  size_t bytes = 0;
  int kept = 0;
  for (std::string& frame : *error.mutable_native_stack()) {
    Clip(kMaxName, frame);
    bytes += frame.size() + 4;
    if (bytes > max_bytes) break;
    ++kept;
  }
  error.mutable_native_stack()->DeleteSubrange(
      kept, error.native_stack_size() - kept);
}

void LimitPlaces(size_t max_bytes, proto::ErrorProto& error) {
  size_t bytes = 0;
  int kept = 0;
  for (proto::TaskPlace& place : *error.mutable_task_places()) {
    Clip(kMaxName, *place.mutable_file());
    Clip(kMaxName, *place.mutable_function());
    Clip(kMaxName, *place.mutable_task());
    bytes += FieldBytes(place);
    if (bytes > max_bytes) break;
    ++kept;
  }
  const int drop = error.task_places_size() - kept;
  error.mutable_task_places()->DeleteSubrange(kept, drop);
  error.set_dropped_places(error.dropped_places() +
                           static_cast<uint32_t>(drop));
}

void LimitStatus(size_t max_bytes, proto::StatusDetail& status) {
  Clip(max_bytes / 2, *status.mutable_message());
  if (status.ByteSizeLong() > max_bytes) status.clear_payloads();
}

void LimitDetails(proto::ErrorProto& error) {
  if (error.has_died()) LimitAid(*error.mutable_died()->mutable_actor());
  if (error.has_msg_type()) {
    Clip(kMaxName, *error.mutable_msg_type()->mutable_place());
    ClipName(kMaxName, *error.mutable_msg_type()->mutable_expected());
    ClipName(kMaxName, *error.mutable_msg_type()->mutable_got());
  }
  if (error.has_cancelled()) {
    LimitAid(*error.mutable_cancelled()->mutable_canceller());
    Clip(kMaxName, *error.mutable_cancelled()->mutable_reason());
  }
  if (error.has_too_slow()) {
    LimitAid(*error.mutable_too_slow()->mutable_actor());
    Clip(kMaxName, *error.mutable_too_slow()->mutable_what());
  }
}

// Half of a boxed exception is none: it stays text then.
void LimitBoxed(size_t max_bytes, proto::ErrorProto& error) {
  if (error.boxed().size() <= max_bytes) return;
  error.clear_boxed();
  if (error.native_type().empty()) error.set_native_type(error.type());
  error.clear_type();
}

// All but members and causes: takes at most about 5/8 of max_bytes.
void LimitOwn(size_t max_bytes, proto::ErrorProto& error) {
  LimitBoxed(max_bytes / 8, error);
  ClipName(kMaxName, *error.mutable_type());
  Clip(kMaxName, *error.mutable_native_type());
  Clip(kMaxName, *error.mutable_endpoint());
  Clip(max_bytes / 4, *error.mutable_message());
  if (error.has_source()) LimitAid(*error.mutable_source());
  LimitRelays(max_bytes / 32, error);
  LimitStack(max_bytes / 16, error);
  LimitPlaces(max_bytes / 16, error);
  if (error.has_status()) {
    LimitStatus(max_bytes / 16, *error.mutable_status());
  }
  LimitDetails(error);
}

int Children(const proto::ErrorProto& error) {
  return error.nested_size() + (error.has_cause() ? 1 : 0);
}

// What is below becomes text of this one.
void Flatten(proto::ErrorProto& error) {
  const int children = Children(error);
  if (children == 0) return;
  error.set_message(ErrorText(error));
  error.set_dropped_nested(error.dropped_nested() +
                           static_cast<uint32_t>(children));
  error.clear_nested();
  error.clear_cause();
}

// True when `child` fits in `room` now; takes its bytes off.
bool Fit(bool first, size_t children_left, int max_depth, size_t& room,
         proto::ErrorProto& child) {
  if (room < (first ? kMinFirst : kMinShare)) return false;
  const size_t share =
      std::max(room / children_left, std::min(room, kMinShare));
  LimitError(share, max_depth - 1, child);
  const size_t bytes = FieldBytes(child);
  if (bytes > room) return false;
  room -= bytes;
  return true;
}

void LimitChildren(size_t room, int max_depth, proto::ErrorProto& error) {
  uint32_t dropped = 0;
  auto left = static_cast<size_t>(Children(error));
  if (error.has_cause() &&
      !Fit(/*first=*/true, left--, max_depth, room, *error.mutable_cause())) {
    error.clear_cause();
    ++dropped;
  }
  int kept = 0;
  const int tried = std::min<int>(error.nested_size(), kMaxNested);
  while (kept < tried && Fit(/*first=*/kept == 0, left--, max_depth, room,
                             *error.mutable_nested(kept))) {
    ++kept;
  }
  const int drop = error.nested_size() - kept;
  error.mutable_nested()->DeleteSubrange(kept, drop);
  dropped += static_cast<uint32_t>(drop);
  error.set_dropped_nested(error.dropped_nested() + dropped);
}

}  // namespace

void LimitError(size_t max_bytes, int max_depth, proto::ErrorProto& error) {
  // What a newer version added cannot be cut, and a proxy need not pass it on.
  error.DiscardUnknownFields();
  if (max_depth <= 1) Flatten(error);
  LimitOwn(max_bytes, error);
  if (Children(error) == 0) return;
  proto::ErrorProto children;
  children.mutable_nested()->Swap(error.mutable_nested());
  const bool has_cause = error.has_cause();
  if (has_cause) children.mutable_cause()->Swap(error.mutable_cause());
  error.clear_cause();
  const size_t own = error.ByteSizeLong() + 12;
  error.mutable_nested()->Swap(children.mutable_nested());
  if (has_cause) error.mutable_cause()->Swap(children.mutable_cause());
  LimitChildren(own < max_bytes ? max_bytes - own : 0, max_depth, error);
}

}  // namespace tractor::internal
