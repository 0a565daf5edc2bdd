// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// What a publisher sends: a message with its topic. Include publisher.h
// instead.
//
// Made once for all subscribers, and serialised straight into the queue of
// each. The name of its type holds that of the message, so that a subscriber of
// another type gets a MsgTypeError.
#ifndef TRACTOR_RUNTIME_ACTOR_INTERNAL_ENVELOPE_H_
#define TRACTOR_RUNTIME_ACTOR_INTERNAL_ENVELOPE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "google/protobuf/message_lite.h"
#include "proto/publish.pb.h"
#include "runtime/actor/payload.h"
#include "runtime/wire/send_queue.h"

namespace tractor {

namespace internal {

inline std::string ToBytes(const Nothing&) { return {}; }
inline std::string ToBytes(std::string bytes) { return bytes; }
inline std::string ToBytes(const google::protobuf::MessageLite& message) {
  return message.SerializeAsString();
}

template <Payload T>
struct Envelope {
  std::shared_ptr<const proto::Published> content;
  // Of the one subscriber that it goes to.
  uint64_t missed = 0;
};

template <Payload T>
Envelope<T> MakeEnvelope(const std::string& topic, T message) {
  auto content = std::make_shared<proto::Published>();
  content->set_topic(topic);
  content->set_message(ToBytes(std::move(message)));
  Envelope<T> envelope;
  envelope.content = std::move(content);
  return envelope;
}

}  // namespace internal

template <class T>
struct PayloadTraits<internal::Envelope<T>> {
  static std::string_view Name() {
    static const std::string* const name =
        new std::string("published " + std::string(PayloadTraits<T>::Name()));
    return *name;
  }
  template <class Header>
  static absl::Status Append(wire::SendQueue& queue, const Header& header,
                             const internal::Envelope<T>& envelope) {
    const google::protobuf::MessageLite& content = *envelope.content;
    if (envelope.missed == 0) return queue.Append(header, content);
    proto::Published told = *envelope.content;
    told.set_missed(envelope.missed);
    return queue.Append(
        header, static_cast<const google::protobuf::MessageLite&>(told));
  }
  static bool Parse(std::string_view bytes, internal::Envelope<T>& envelope) {
    auto content = std::make_shared<proto::Published>();
    const bool parsed =
        content->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
    envelope.missed = content->missed();
    envelope.content = std::move(content);
    return parsed;
  }
};

}  // namespace tractor

#endif  // TRACTOR_RUNTIME_ACTOR_INTERNAL_ENVELOPE_H_
