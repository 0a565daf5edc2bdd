// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// A cgroup with little memory, for actors that are to be killed for it.
//
//   const MemoryGroup group;
//   if (!group.path().empty()) ... write a pid to path() + "/cgroup.procs" ...
//
// Rules. Of version 1, where memory is a hierarchy of its own: an actor that
// goes there stays in the cgroup of its tree. There is none where that
// controller is not mounted, or not ours to write. Its end removes it, which
// takes that nobody is left in it.
#ifndef TRACTOR_TESTS_CHAOS_MEMORY_GROUP_H_
#define TRACTOR_TESTS_CHAOS_MEMORY_GROUP_H_

#include <string>

namespace tractor::chaos {

class MemoryGroup {
 public:
  MemoryGroup();
  ~MemoryGroup();
  MemoryGroup(const MemoryGroup&) = delete;
  MemoryGroup& operator=(const MemoryGroup&) = delete;

  // Empty: there is none.
  const std::string& path() const { return path_; }
  // False: somebody is still in it.
  bool Remove();

 private:
  std::string path_;
};

}  // namespace tractor::chaos

#endif  // TRACTOR_TESTS_CHAOS_MEMORY_GROUP_H_
