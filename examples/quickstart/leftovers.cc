// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "examples/quickstart/leftovers.h"

#include <unistd.h>

#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>

#include "runtime/tractor.h"

namespace tractor::quickstart {
namespace {

namespace fs = std::filesystem;

std::string Hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return text;
}

// Empty when it cannot be read: it has gone, or is somebody else's.
std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string((std::istreambuf_iterator<char>(file)),
                     std::istreambuf_iterator<char>());
}

bool Exists(const std::string& path) {
  std::error_code unknown;
  return !path.empty() && fs::exists(path, unknown);
}

}  // namespace

std::string OwnCgroup() {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("0::")) return line.substr(3);
  }
  return "";
}

std::string TreeCgroup(const std::string& root, const std::string& actor) {
  if (actor == root) return "";
  const std::string above = root.ends_with('/') ? root : root + '/';
  if (!actor.starts_with(above)) return actor;
  return actor.substr(0, actor.find('/', above.size()));
}

TreeMarks MarksOfThisTree() {
  const Actor root = CurrentActor();
  TreeMarks marks;
  marks.variable = "TRACTOR_TREE=" + Hex(root.tree_id());
  marks.directory = root.runtime_directory();
  return marks;
}

size_t CountProcesses(const TreeMarks& marks) {
  size_t count = 0;
  std::error_code error;
  for (fs::directory_iterator entry("/proc", error), end;
       !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (std::isdigit(static_cast<unsigned char>(name[0])) == 0) continue;
    const std::string environment = '\0' + ReadFile(entry->path() / "environ");
    const std::string wanted = '\0' + marks.variable + '\0';
    if (environment.find(wanted) != environment.npos) ++count;
  }
  return count;
}

Leftovers FindLeftovers(const TreeMarks& marks) {
  Leftovers left;
  left.processes = CountProcesses(marks);
  const std::string me = std::to_string(getpid());
  std::ifstream children("/proc/self/task/" + me + "/children");
  for (std::string pid; children >> pid;) ++left.children;
  left.directories = Exists(marks.directory) ? 1 : 0;
  if (!marks.cgroup.empty()) {
    left.cgroups = Exists("/sys/fs/cgroup" + marks.cgroup) ||
                   Exists("/sys/fs/cgroup/unified" + marks.cgroup);
  }
  return left;
}

}  // namespace tractor::quickstart
