// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

// Where our cgroup is: the text of /proc, pure.

#include <string.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "os/cgroup.h"

namespace tractor::os {
namespace {

// Takes the text up to `separator` off the front of `rest`.
std::string_view Next(std::string_view& rest, char separator) {
  const size_t end = rest.find(separator);
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return word;
}

bool IsOctal(char c) { return c >= '0' && c <= '7'; }

// mountinfo writes space, tab, newline and backslash as \ooo.
std::string Unescape(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && IsOctal(text[i + 1]) &&
        IsOctal(text[i + 2]) && IsOctal(text[i + 3])) {
      plain += static_cast<char>((text[i + 1] - '0') * 64 +
                                 (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

// "36 25 0:31 ROOT POINT rw,... shared:1 - cgroup2 cgroup2 rw"
std::optional<CgroupMount> ParseLine(std::string_view line) {
  const size_t dash = line.find(" - ");
  if (dash == std::string_view::npos) return std::nullopt;
  std::string_view tail = line.substr(dash + 3);
  if (Next(tail, ' ') != "cgroup2") return std::nullopt;
  for (int skipped = 0; skipped < 3; ++skipped) Next(line, ' ');
  CgroupMount mount;
  mount.root = Unescape(Next(line, ' '));
  mount.mount_point = Unescape(Next(line, ' '));
  return mount;
}

}  // namespace

std::vector<CgroupMount> ParseCgroupMounts(std::string_view mountinfo) {
  std::vector<CgroupMount> mounts;
  while (!mountinfo.empty()) {
    std::optional<CgroupMount> mount = ParseLine(Next(mountinfo, '\n'));
    if (mount.has_value()) mounts.push_back(*std::move(mount));
  }
  return mounts;
}

std::optional<std::string> PathUnderMount(const CgroupMount& mount,
                                          std::string_view path) {
  // "/../x": outside of our cgroup namespace.
  if (path.empty() || path[0] != '/' || path.substr(0, 3) == "/..") {
    return std::nullopt;
  }
  if (mount.root != "/") {
    const std::string& root = mount.root;
    if (path.substr(0, root.size()) != root) return std::nullopt;
    path.remove_prefix(root.size());
    if (!path.empty() && path[0] != '/') return std::nullopt;
  }
  if (path == "/") path = "";
  return mount.mount_point + std::string(path);
}

std::optional<std::string> ParseOwnCgroup(std::string_view text) {
  constexpr std::string_view kVersion2 = "0::";
  while (!text.empty()) {
    const std::string_view line = Next(text, '\n');
    if (line.substr(0, kVersion2.size()) == kVersion2) {
      return std::string(line.substr(kVersion2.size()));
    }
  }
  return std::nullopt;
}

}  // namespace tractor::os
