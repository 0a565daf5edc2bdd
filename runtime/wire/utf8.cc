// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "runtime/wire/utf8.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tractor::wire {

namespace {

// Length of the character at the front of `text`, 0 when it is none. The
// ranges of the second byte are those of the Unicode standard, table 3-7.
size_t CharacterBytes(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return 1;
  uint8_t low = 0x80;
  uint8_t high = 0xbf;
  size_t bytes = 0;
  if (first >= 0xc2 && first <= 0xdf) bytes = 2;
  if (first >= 0xe0 && first <= 0xef) bytes = 3;
  if (first >= 0xf0 && first <= 0xf4) bytes = 4;
  if (first == 0xe0) low = 0xa0;
  if (first == 0xed) high = 0x9f;
  if (first == 0xf0) low = 0x90;
  if (first == 0xf4) high = 0x8f;
  if (bytes == 0 || text.size() < bytes) return 0;
  if (byte(1) < low || byte(1) > high) return 0;
  for (size_t i = 2; i < bytes; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xbf) return 0;
  }
  return bytes;
}

}  // namespace

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const size_t bytes = CharacterBytes(text);
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

std::string ToUtf8(std::string_view text, size_t max_bytes) {
  std::string out;
  while (!text.empty()) {
    const size_t bytes = CharacterBytes(text);
    const size_t step = bytes == 0 ? 1 : bytes;
    if (out.size() + step > max_bytes) break;
    out += bytes == 0 ? std::string_view("?") : text.substr(0, bytes);
    text.remove_prefix(step);
  }
  return out;
}

}  // namespace tractor::wire
