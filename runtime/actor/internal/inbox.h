// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Messages that have arrived on a stream and were not taken yet. Small ones lie
// one behind the other in one buffer, so that taking in a message costs a copy
// and no allocation; large ones have memory of their own, which goes when they
// are taken. How much there is at most is the business of the stream's credit.
#ifndef TRACTOR_RUNTIME_ACTOR_INTERNAL_INBOX_H_
#define TRACTOR_RUNTIME_ACTOR_INTERNAL_INBOX_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

namespace tractor::internal {

class Inbox {
 public:
  static constexpr size_t kOwnMemoryFrom = 4096;

  bool empty() const { return entries_.empty(); }
  size_t size() const { return entries_.size(); }

  void PushBack(std::string_view message) {
    if (message.size() >= kOwnMemoryFrom) {
      large_.emplace_back(message);
      entries_.push_back(kLarge);
      return;
    }
    bytes_.append(message);
    entries_.push_back(static_cast<uint32_t>(message.size()));
  }

  // Valid until the next call. Only when not empty.
  std::string_view front() const {
    if (entries_.front() == kLarge) return large_.front();
    return std::string_view(bytes_).substr(begin_, entries_.front());
  }

  void PopFront() {
    if (entries_.front() == kLarge) {
      large_.pop_front();
    } else {
      begin_ += entries_.front();
      Compact();
    }
    entries_.pop_front();
  }

  // The last one; only when not empty.
  size_t back_size() const {
    return entries_.back() == kLarge ? large_.back().size() : entries_.back();
  }
  void PopBack() {
    if (entries_.back() == kLarge) {
      large_.pop_back();
    } else {
      bytes_.resize(bytes_.size() - entries_.back());
    }
    entries_.pop_back();
  }

  void Clear() { *this = Inbox(); }

 private:
  static constexpr uint32_t kLarge = UINT32_MAX;
  static constexpr size_t kCompactFrom = 64 << 10;

  void Compact() {
    if (begin_ == bytes_.size()) {
      bytes_.clear();
      begin_ = 0;
    } else if (begin_ >= kCompactFrom && begin_ >= bytes_.size() / 2) {
      bytes_.erase(0, begin_);
      begin_ = 0;
    }
  }

  std::deque<uint32_t> entries_;  // sizes, or kLarge
  std::string bytes_;
  size_t begin_ = 0;
  std::deque<std::string> large_;
};

}  // namespace tractor::internal

#endif  // TRACTOR_RUNTIME_ACTOR_INTERNAL_INBOX_H_
