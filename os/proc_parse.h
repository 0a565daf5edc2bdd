// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The text of /proc in parts; for proc_fs.cc and its tests.

#ifndef TRACTOR_OS_PROC_PARSE_H_
#define TRACTOR_OS_PROC_PARSE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tractor::os {

// All of `text` as a decimal number.
std::optional<int64_t> ParseNumber(std::string_view text);

// The pieces between separators; SplitWords leaves empty ones out.
std::vector<std::string> SplitWords(std::string_view text, char separator);
std::vector<std::string> SplitKeepingEmpty(std::string_view text,
                                           char separator);

// The rest of the line that starts with `key`, without blanks around it.
std::optional<std::string_view> FindLine(std::string_view text,
                                         std::string_view key);

// The number at the start of that rest: "Rss:      12 kB" gives 12.
std::optional<int64_t> FindField(std::string_view text, std::string_view key);

}  // namespace tractor::os

#endif  // TRACTOR_OS_PROC_PARSE_H_
