// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "runtime/wire/frame_decoder.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <cstring>
#include <new>
#include <optional>
#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "runtime/wire/frame.h"
#include "runtime/wire/header_codec.h"

namespace tractor::wire {

namespace {

// Frames up to here get a buffer for several of them at once, so that little
// is moved to its front and a read brings more than one.
constexpr size_t kEagerFrameBytes = 68 << 10;
constexpr size_t kEagerCapacity = 4 * kEagerFrameBytes;

}  // namespace

FrameDecoder::FrameDecoder(uint64_t max_frame_bytes)
    : max_frame_bytes_(max_frame_bytes) {}

std::span<char> FrameDecoder::WritableSpace(size_t min) {
  min = std::max<size_t>(min, 1);
  const size_t pending = end_ - begin_;
  if (pending == 0) {
    begin_ = end_ = 0;
    if (capacity_ > kKeepBytes) Resize(0);
  }
  const size_t wanted = WantedCapacity(min);
  if (begin_ > 0 && (capacity_ - end_ < min || capacity_ < wanted)) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, pending);
    begin_ = 0;
    end_ = pending;
  }
  if (capacity_ < wanted) Resize(wanted);
  return {buffer_.get() + end_, capacity_ - end_};
}

size_t FrameDecoder::WantedCapacity(size_t min) const {
  const size_t pending = end_ - begin_;
  size_t wanted = std::max({pending + min, kInitialBytes, capacity_});
  if (frame_bytes_ > wanted / 4 && frame_bytes_ <= kEagerFrameBytes) {
    wanted = std::max(wanted, kEagerCapacity);
  } else if (frame_bytes_ + min > wanted) {
    // Not at once: the length may be a lie, and doubling costs little. With
    // room for `min` behind the frame, so that its last bytes need no more.
    wanted = std::max(wanted, std::min(frame_bytes_ + min, 2 * capacity_));
  }
  return wanted;
}

void FrameDecoder::Resize(size_t capacity) {
  if (capacity == 0) {
    buffer_.reset();
  } else {
    void* memory = std::realloc(buffer_.get(), capacity);
    if (memory == nullptr) throw std::bad_alloc();
    (void)buffer_.release();
    buffer_.reset(static_cast<char*>(memory));
  }
  capacity_ = capacity;
}

void FrameDecoder::Commit(size_t bytes) {
  assert(bytes <= capacity_ - end_);
  end_ += bytes;
}

absl::StatusOr<std::optional<FrameView>> FrameDecoder::Next() {
  if (!failure_.ok()) return failure_;
  const std::string_view in(buffer_.get() + begin_, end_ - begin_);
  failure_ = CheckPrefix(in, max_frame_bytes_);
  if (!failure_.ok()) return failure_;
  if (in.size() < kPrefixBytes) {
    frame_bytes_ = 0;
    return std::nullopt;
  }
  const FramePrefix prefix = ReadPrefix(in.data());
  frame_bytes_ = prefix.frame_bytes();
  if (in.size() < frame_bytes_) return std::nullopt;

  absl::StatusOr<FrameView> view =
      ReadHeader(in.substr(kPrefixBytes, prefix.header_bytes), header_);
  if (!view.ok()) {
    failure_ = view.status();
    return failure_;
  }
  view->payload =
      in.substr(kPrefixBytes + prefix.header_bytes, prefix.payload_bytes);
  begin_ += frame_bytes_;
  frame_bytes_ = 0;
  return *view;
}

absl::Status FrameDecoder::CheckEof() const {
  if (!failure_.ok()) return failure_;
  if (!mid_frame()) return absl::OkStatus();
  const size_t here = end_ - begin_;
  return absl::DataLossError(absl::StrCat(
      "connection closed inside of a frame, after ", here, " of ",
      frame_bytes_ != 0 ? absl::StrCat(frame_bytes_) : "an unknown number of",
      " bytes"));
}

}  // namespace tractor::wire
