// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "tests/chaos/memory_group.h"

#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

namespace tractor::chaos {
namespace {

constexpr char kLimit[] = "48M";

// The directory of our own memory cgroup; empty: there is none.
std::string OwnGroup() {
  std::ifstream file("/proc/self/cgroup");
  std::string line;
  constexpr std::string_view kField = ":memory:";
  while (std::getline(file, line)) {
    const size_t at = line.find(kField);
    if (at == std::string::npos) continue;
    return "/sys/fs/cgroup/memory" + line.substr(at + kField.size());
  }
  return {};
}

}  // namespace

MemoryGroup::MemoryGroup() {
  const std::string own = OwnGroup();
  if (own.empty()) return;
  std::string path = own + "/tractor-chaos-XXXXXX";
  if (mkdtemp(path.data()) == nullptr) return;
  path_ = path;
  std::ofstream limit(path_ + "/memory.limit_in_bytes");
  limit << kLimit << std::flush;
  if (!limit.good()) Remove();
}

MemoryGroup::~MemoryGroup() { Remove(); }

bool MemoryGroup::Remove() {
  if (path_.empty()) return true;
  if (rmdir(path_.c_str()) != 0 && errno != ENOENT) return false;
  path_.clear();
  return true;
}

}  // namespace tractor::chaos
