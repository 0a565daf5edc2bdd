// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// What a tree owns besides processes: its cgroup and its runtime directory.
//
//   auto tree = Tree::Open(request, warnings, &opened);   // fills the answer
//   ...
//   tree->Remove(&closed);                     // when no process is left
//
// A cgroup that cannot be had is normal and becomes a layer that is not active.
// A runtime directory that cannot be had is an error: sockets need it.

#ifndef TRACTOR_FORKSERVER_TREE_H_
#define TRACTOR_FORKSERVER_TREE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "os/cgroup.h"
#include "os/runtime_dir.h"
#include "proto/forkserver.pb.h"

namespace tractor::forkserver {

class Tree {
 public:
  static absl::StatusOr<Tree> Open(const proto::OpenTree& request,
                                   proto::TreeOpened* opened);

  // Lower-case hex of the tree's id; the mark of its processes.
  const std::string& hex() const { return hex_; }
  const std::string& id() const { return id_; }
  const os::Cgroup& cgroup() const { return cgroup_; }  // may be none
  std::string runtime_directory() const {
    return directory_.valid() ? directory_.path() : std::string();
  }
  uint32_t max_processes() const { return max_processes_; }  // 0: no limit
  int64_t orphan_grace_ns() const { return orphan_grace_ns_; }

  // Removes both. What fails becomes a warning.
  void Remove(proto::TreeClosed* closed);

 private:
  Tree() = default;
  absl::Status OpenDirectory(const proto::OpenTree& request,
                             proto::TreeOpened* opened);
  void OpenCgroup(bool wanted, proto::TreeOpened* opened);

  std::string id_;
  std::string hex_;
  os::Cgroup cgroup_;
  os::RuntimeDir parent_directory_;
  os::RuntimeDir directory_;
  uint32_t max_processes_ = 0;
  int64_t orphan_grace_ns_ = 0;
};

}  // namespace tractor::forkserver

#endif  // TRACTOR_FORKSERVER_TREE_H_
