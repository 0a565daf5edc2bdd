// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// What may travel between actors: a protobuf message, raw bytes (std::string),
// or nothing.
//
//   tractor::Task<SquareReply> Square(SquareRequest request);   // messages
//   tractor::Task<std::string> Compress(std::string bytes);     // raw bytes
//   tractor::Task<> Reset();                                    // nothing
//
// Rules. The name of the type travels along; what arrives under another name is
// a MsgTypeError, never a guess. Unknown fields of a message are kept.
#ifndef TRACTOR_RUNTIME_ACTOR_PAYLOAD_H_
#define TRACTOR_RUNTIME_ACTOR_PAYLOAD_H_

#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "google/protobuf/message_lite.h"
#include "runtime/wire/send_queue.h"

namespace tractor {

// Stands for "no payload" where a type is needed.
struct Nothing {};

template <class T>
struct PayloadTraits;

template <>
struct PayloadTraits<Nothing> {
  static std::string_view Name() { return "nothing"; }
  template <class Header>
  static absl::Status Append(wire::SendQueue& queue, const Header& header,
                             const Nothing&) {
    return queue.Append(header);
  }
  static bool Parse(std::string_view bytes, Nothing&) { return bytes.empty(); }
};

template <>
struct PayloadTraits<std::string> {
  static std::string_view Name() { return "bytes"; }
  template <class Header>
  static absl::Status Append(wire::SendQueue& queue, const Header& header,
                             const std::string& bytes) {
    return queue.Append(header, std::string_view(bytes));
  }
  template <class Header>
  static absl::Status Append(wire::SendQueue& queue, const Header& header,
                             std::string&& bytes) {
    return queue.AppendMoved(header, std::move(bytes));
  }
  static bool Parse(std::string_view bytes, std::string& value) {
    value.assign(bytes);
    return true;
  }
};

template <class T>
  requires std::derived_from<T, google::protobuf::MessageLite>
struct PayloadTraits<T> {
  static std::string_view Name() {
    static const std::string* const name =
        new std::string(T::default_instance().GetTypeName());
    return *name;
  }
  template <class Header>
  static absl::Status Append(wire::SendQueue& queue, const Header& header,
                             const T& message) {
    return queue.Append(
        header, static_cast<const google::protobuf::MessageLite&>(message));
  }
  static bool Parse(std::string_view bytes, T& message) {
    return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  }
};

template <class T>
concept Payload = requires(std::string_view bytes, T& value) {
  { PayloadTraits<T>::Name() } -> std::convertible_to<std::string_view>;
  { PayloadTraits<T>::Parse(bytes, value) } -> std::same_as<bool>;
};

// void as a payload.
template <class T>
using PayloadOf = std::conditional_t<std::is_void_v<T>, Nothing, T>;

}  // namespace tractor

#endif  // TRACTOR_RUNTIME_ACTOR_PAYLOAD_H_
