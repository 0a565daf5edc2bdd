// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "runtime/wire/fuzz_checks.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "google/protobuf/stubs/logging.h"
#include "proto/actor.pb.h"
#include "runtime/wire/frame.h"
#include "runtime/wire/frame_decoder.h"
#include "runtime/wire/send_queue.h"
#include "runtime/wire/testing.h"

namespace tractor::wire {

namespace {

// Small, so that inputs of a few bytes reach it.
constexpr uint64_t kMaxFrameBytes = 1 << 20;

void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

void RequireSame(const Decoded& a, const Decoded& b) {
  Require(a.status == b.status, "the status is that of the other chunking");
  Require(a.frames.size() == b.frames.size(), "as many frames");
  for (size_t i = 0; i < a.frames.size(); ++i) {
    Require(a.frames[i].header_bytes == b.frames[i].header_bytes,
            "the same headers");
    Require(a.frames[i].payload == b.frames[i].payload, "the same payloads");
  }
}

// The view is what the generated class reads.
void RequireTrue(const OwnedFrame& frame) {
  const proto::FrameHeader& header = frame.header;
  Require(header.kind() == static_cast<int>(frame.kind), "kind");
  Require(header.cid() == frame.cid, "cid");
  Require(header.type() == frame.type, "type");
  Require(header.credit() == frame.credit, "credit");
  Require(header.window() == frame.window, "window");
  Require(header.body_case() == BodyOf(frame.kind), "body");
  Require(frame.cid != 0 || !NeedsCid(frame.kind), "cid is there");
}

// Sent again, the frame comes back as it was.
void RequireSendable(const OwnedFrame& frame) {
  SendQueue queue(2 * kMaxFrameBytes);
  // Parsing keeps unknown fields, so the size may only change by encoding.
  const absl::Status status = queue.Append(frame.header, frame.payload);
  if (absl::IsResourceExhausted(status)) return;
  Require(status.ok(), "a decoded frame can be sent");
  const Decoded again = Decode(TakeBytes(queue));
  Require(again.status.ok(), "a sent frame can be decoded");
  Require(again.frames.size() == 1, "one frame is one frame");
  Require(again.frames[0].payload == frame.payload, "payload comes back");
  Require(again.frames[0].header.SerializeAsString() ==
              frame.header.SerializeAsString(),
          "header comes back");
}

std::string Sent(SendQueue& queue) { return '\x2a' + TakeBytes(queue); }

std::string SeedOf(const proto::FrameHeader& header, std::string_view payload) {
  SendQueue queue;
  Require(queue.Append(header, payload).ok(), "a seed is a frame");
  return Sent(queue);
}

proto::FrameHeader HeaderOf(proto::FrameKind kind, uint64_t cid) {
  proto::FrameHeader header;
  header.set_kind(kind);
  header.set_cid(cid);
  return header;
}

}  // namespace

void CheckAnyInput(std::string_view input) {
  if (input.empty()) return;
  // protobuf prints a line for every text that is not UTF-8.
  const google::protobuf::LogSilencer silence;
  const auto choice = static_cast<uint8_t>(input.front());
  const std::string_view bytes = input.substr(1);
  const auto whole = [] { return SIZE_MAX; };
  const Decoded decoded = Decode(bytes, whole, kMaxFrameBytes);

  std::mt19937 random(choice);
  const uint32_t largest = 1u << (choice % 12);
  const auto chunked = [&] { return size_t{1} + random() % largest; };
  RequireSame(decoded, Decode(bytes, chunked, kMaxFrameBytes));

  Require(decoded.max_capacity <=
              8 * FrameDecoder::kInitialBytes + 2 * bytes.size(),
          "memory is bounded by what has come");
  for (const OwnedFrame& frame : decoded.frames) {
    RequireTrue(frame);
    RequireSendable(frame);
  }
}

std::vector<std::string> SeedInputs() {
  std::vector<std::string> seeds;
  proto::FrameHeader hello = HeaderOf(proto::FRAME_HELLO, 0);
  hello.mutable_hello()->set_min_version(1);
  hello.mutable_hello()->set_max_version(1);
  hello.mutable_hello()->mutable_aid()->set_name("worker");
  hello.mutable_hello()->mutable_aid()->set_uuid(std::string(16, 'u'));
  hello.mutable_hello()->mutable_tree()->set_value(std::string(16, 't'));
  hello.mutable_hello()->set_secret("secret");
  seeds.push_back(SeedOf(hello, ""));

  proto::FrameHeader start = HeaderOf(proto::FRAME_START, 1);
  start.set_type("tractor.proto.Aid");
  start.set_window(1 << 18);
  start.mutable_start()->set_endpoint("app::Square");
  start.mutable_start()->set_kind(proto::ENDPOINT_CONTEXT);
  start.mutable_start()->set_budget_ns(5'000'000'000);
  seeds.push_back(SeedOf(start, "request"));

  for (proto::FrameKind kind :
       {proto::FRAME_CANCEL, proto::FRAME_CANCEL_ACTOR}) {
    proto::FrameHeader cancel = HeaderOf(kind, 1);
    cancel.mutable_cancel()->set_budget_ns(500'000'000);
    cancel.mutable_cancel()->set_reason("deadline");
    cancel.mutable_cancel()->mutable_canceller()->set_name("root");
    seeds.push_back(SeedOf(cancel, ""));
  }
  for (proto::FrameKind kind :
       {proto::FRAME_CANCEL_ACK, proto::FRAME_CANCEL_ACTOR_ACK}) {
    proto::FrameHeader ack = HeaderOf(kind, 1);
    ack.mutable_cancel_ack()->set_state(proto::CancelAck::CANCELLING);
    ack.mutable_cancel_ack()->set_done_within_ns(400'000'000);
    seeds.push_back(SeedOf(ack, ""));
  }

  SendQueue queue;
  absl::Status status = queue.Append(SimpleHeader::StartAck(1, 1 << 18));
  status.Update(queue.Append({FrameKind::kStarted, 1, "app.Ready"}, "ready"));
  status.Update(queue.Append({FrameKind::kData, 1, "app.Quote"}, "one"));
  status.Update(queue.Append({FrameKind::kData, 1}, "two"));
  status.Update(queue.Append(SimpleHeader::Credit(1, 1 << 17)));
  status.Update(queue.Append({FrameKind::kStop, 1}));
  status.Update(queue.Append({FrameKind::kReturn, 1, "app.Summary"}, "sum"));
  status.Update(queue.Append({FrameKind::kError, 3}, "\x08\x01"));
  status.Update(queue.Append({FrameKind::kGoodbye, 0}));
  Require(status.ok(), "the stream of seeds is one of frames");
  seeds.push_back(Sent(queue));

  const std::string stream = seeds.back();
  seeds.push_back(stream.substr(0, stream.size() - 3));  // torn
  seeds.push_back("\x07GET / HTTP/1.1\r\n\r\n");
  seeds.push_back(std::string("\x07T\x02\x04\0\0\0\0\0", 9));  // version 2
  seeds.push_back(std::string("\x07T\x01\xff\xff\xff\xff\xff\xff", 9));
  seeds.push_back(std::string("\x07T\x01\x04\0\xff\xff\x0f\0\x08\x01", 11));
  seeds.push_back(std::string("\x07T\x01\0\0\0\0\0\0", 9));  // no header
  return seeds;
}

}  // namespace tractor::wire
