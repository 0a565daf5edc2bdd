// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

// Text that protobuf's `string` accepts.
//
// The generated parser refuses a whole message when a `string` in it is not
// UTF-8, so what comes from users or the system is checked before it is put
// into one.

#ifndef TRACTOR_RUNTIME_WIRE_UTF8_H_
#define TRACTOR_RUNTIME_WIRE_UTF8_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace tractor::wire {

// Whether `text` is UTF-8 as protobuf means it: no surrogates, no overlong
// forms, nothing above U+10FFFF.
bool IsUtf8(std::string_view text);

// `text` with every byte that is not part of UTF-8 replaced by '?', and cut at
// a character's border to at most `max_bytes`.
std::string ToUtf8(std::string_view text, size_t max_bytes = std::string::npos);

}  // namespace tractor::wire

#endif  // TRACTOR_RUNTIME_WIRE_UTF8_H_
