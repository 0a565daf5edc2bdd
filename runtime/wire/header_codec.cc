// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "runtime/wire/header_codec.h"

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "proto/actor.pb.h"
#include "runtime/wire/frame.h"

namespace tractor::wire {

namespace {

// Tags of FrameHeader: field number << 3 | wire type.
constexpr char kKindTag = 1 << 3;
constexpr char kCidTag = 2 << 3;
constexpr char kTypeTag = 3 << 3 | 2;
constexpr char kCreditTag = 4 << 3;
constexpr char kWindowTag = 5 << 3;

constexpr size_t VarintBytes(uint64_t value) {
  return (static_cast<size_t>(std::bit_width(value | 1)) + 6) / 7;
}

char* WriteVarint(uint64_t value, char* out) {
  while (value >= 0x80) {
    *out++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *out++ = static_cast<char>(value);
  return out;
}

// A cursor over a header. Every reader leaves what it does not know to the
// generated class, so it may be narrower than protobuf but never different.
class Reader {
 public:
  explicit Reader(std::string_view in)
      : at_(in.data()), end_(in.data() + in.size()) {}

  bool done() const { return at_ == end_; }

  // Whether the next field is `tag`; steps over the tag then.
  bool Take(char tag) {
    if (at_ == end_ || *at_ != tag) return false;
    ++at_;
    return true;
  }

  // Up to 9 bytes: the tenth has rules of its own.
  bool ReadVarint(uint64_t& value) {
    value = 0;
    for (int shift = 0; shift < 63 && at_ != end_; shift += 7) {
      const auto byte = static_cast<uint8_t>(*at_++);
      value |= uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }

  bool ReadText(std::string_view& text) {
    uint64_t size;
    if (!ReadVarint(size) || size > static_cast<size_t>(end_ - at_)) {
      return false;
    }
    text = std::string_view(at_, size);
    at_ += size;
    return true;
  }

 private:
  const char* at_;
  const char* end_;
};

// ASCII needs no check for UTF-8; anything else is for the generated class.
bool IsAscii(std::string_view text) {
  uint64_t seen = 0;
  size_t i = 0;
  for (; i + sizeof(seen) <= text.size(); i += sizeof(seen)) {
    uint64_t word;
    std::memcpy(&word, text.data() + i, sizeof(word));
    seen |= word;
  }
  for (; i < text.size(); ++i) seen |= static_cast<uint8_t>(text[i]);
  return (seen & 0x8080808080808080u) == 0;
}

absl::Status CheckKind(int kind, proto::FrameHeader::BodyCase body,
                       uint64_t cid) {
  if (kind <= 0 || kind > int{proto::FrameKind_MAX}) {
    return absl::InvalidArgumentError(
        absl::StrCat("frame of unknown kind ", kind));
  }
  const auto known = static_cast<FrameKind>(kind);
  if (body != BodyOf(known)) {
    return absl::InvalidArgumentError(absl::StrCat(
        FrameKindName(known), " frame with body field ", static_cast<int>(body),
        ", expected ", static_cast<int>(BodyOf(known))));
  }
  if (cid == 0 && NeedsCid(known)) {
    return absl::InvalidArgumentError(
        absl::StrCat(FrameKindName(known), " frame without a cid"));
  }
  return absl::OkStatus();
}

absl::StatusOr<FrameView> ReadFullHeader(std::string_view in,
                                         proto::FrameHeader& scratch) {
  if (!scratch.ParseFromArray(in.data(), static_cast<int>(in.size()))) {
    return absl::InvalidArgumentError(
        absl::StrCat("undecodable frame header of ", in.size(), " bytes"));
  }
  absl::Status status = CheckHeader(scratch);
  if (!status.ok()) return status;
  FrameView view;
  view.kind = static_cast<FrameKind>(scratch.kind());
  view.cid = scratch.cid();
  view.credit = scratch.credit();
  view.window = scratch.window();
  view.type = scratch.type();
  view.header_bytes = in;
  if (scratch.body_case() != proto::FrameHeader::BODY_NOT_SET) {
    view.header = &scratch;
  }
  return view;
}

}  // namespace

absl::Status CheckHeader(const SimpleHeader& header) {
  return CheckKind(static_cast<int>(header.kind),
                   proto::FrameHeader::BODY_NOT_SET, header.cid);
}

absl::Status CheckHeader(const proto::FrameHeader& header) {
  return CheckKind(header.kind(), header.body_case(), header.cid());
}

size_t HeaderBytes(const SimpleHeader& header) {
  size_t bytes = 2;
  if (header.cid != 0) bytes += 1 + VarintBytes(header.cid);
  if (!header.type.empty()) {
    bytes += 1 + VarintBytes(header.type.size()) + header.type.size();
  }
  if (header.credit != 0) bytes += 1 + VarintBytes(header.credit);
  if (header.window != 0) bytes += 1 + VarintBytes(header.window);
  return bytes;
}

char* WriteHeader(const SimpleHeader& header, char* out) {
  *out++ = kKindTag;
  *out++ = static_cast<char>(header.kind);
  if (header.cid != 0) {
    *out++ = kCidTag;
    out = WriteVarint(header.cid, out);
  }
  if (!header.type.empty()) {
    *out++ = kTypeTag;
    out = WriteVarint(header.type.size(), out);
    std::memcpy(out, header.type.data(), header.type.size());
    out += header.type.size();
  }
  if (header.credit != 0) {
    *out++ = kCreditTag;
    out = WriteVarint(header.credit, out);
  }
  if (header.window != 0) {
    *out++ = kWindowTag;
    out = WriteVarint(header.window, out);
  }
  return out;
}

std::optional<SimpleHeader> ReadSimpleHeader(std::string_view in) {
  Reader reader(in);
  uint64_t kind;
  if (!reader.Take(kKindTag) || !reader.ReadVarint(kind)) return std::nullopt;
  if (kind == 0 || kind > uint64_t{proto::FrameKind_MAX}) return std::nullopt;
  SimpleHeader header(static_cast<FrameKind>(kind), 0);
  if (reader.Take(kCidTag) && !reader.ReadVarint(header.cid)) {
    return std::nullopt;
  }
  if (reader.Take(kTypeTag) &&
      (!reader.ReadText(header.type) || !IsAscii(header.type))) {
    return std::nullopt;
  }
  if (reader.Take(kCreditTag) && !reader.ReadVarint(header.credit)) {
    return std::nullopt;
  }
  if (reader.Take(kWindowTag) && !reader.ReadVarint(header.window)) {
    return std::nullopt;
  }
  if (!reader.done()) return std::nullopt;
  return header;
}

absl::StatusOr<FrameView> ReadHeader(std::string_view in,
                                     proto::FrameHeader& scratch) {
  const std::optional<SimpleHeader> simple = ReadSimpleHeader(in);
  if (!simple) return ReadFullHeader(in, scratch);
  absl::Status status = CheckHeader(*simple);
  if (!status.ok()) return status;
  FrameView view;
  view.kind = simple->kind;
  view.cid = simple->cid;
  view.type = simple->type;
  view.credit = simple->credit;
  view.window = simple->window;
  view.header_bytes = in;
  return view;
}

}  // namespace tractor::wire
