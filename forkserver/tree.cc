// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "forkserver/tree.h"

#include <errno.h>

#include <utility>

#include "absl/strings/escaping.h"
#include "os/errno_status.h"
#include "os/file.h"
#include "os/status_macros.h"

namespace tractor::forkserver {
namespace {

constexpr int64_t kDefaultOrphanGraceNs = 500'000'000;

void AddLayer(proto::TreeOpened* opened, const char* name, bool active,
              std::string detail) {
  proto::ContainmentLayer* layer = opened->add_layers();
  layer->set_name(name);
  layer->set_active(active);
  layer->set_detail(std::move(detail));
}

}  // namespace

absl::StatusOr<Tree> Tree::Open(const proto::OpenTree& request,
                                proto::TreeOpened* opened) {
  Tree tree;
  tree.id_ = request.tree().value();
  if (tree.id_.size() != 16) {
    return os::MakeStatus(absl::StatusCode::kInvalidArgument,
                          "a tree id has 16 bytes", EINVAL);
  }
  tree.hex_ = absl::BytesToHexString(tree.id_);
  tree.max_processes_ = request.max_processes();
  tree.orphan_grace_ns_ = request.orphan_grace_ns() != 0
                              ? static_cast<int64_t>(request.orphan_grace_ns())
                              : kDefaultOrphanGraceNs;
  TRACTOR_RETURN_IF_ERROR(tree.OpenDirectory(request, opened));
  tree.OpenCgroup(request.want_cgroup(), opened);
  AddLayer(opened, "subreaper", true, "the forkserver adopts all orphans");
  AddLayer(opened, "pdeathsig", true, "SIGKILL when the forkserver dies");
  return tree;
}

absl::Status Tree::OpenDirectory(const proto::OpenTree& request,
                                 proto::TreeOpened* opened) {
  if (!request.want_runtime_directory()) {
    AddLayer(opened, "runtime-directory", false, "not asked for");
    return absl::OkStatus();
  }
  os::RuntimeDir::Places places;
  if (!request.runtime_base().empty()) {
    places.xdg_runtime_dir = request.runtime_base();
    places.temporary = request.runtime_base();
  }
  TRACTOR_ASSIGN_OR_RETURN(parent_directory_, os::RuntimeDir::OpenRoot(places));
  TRACTOR_ASSIGN_OR_RETURN(directory_, parent_directory_.CreateTree(hex_));
  opened->set_runtime_directory(directory_.path());
  AddLayer(opened, "runtime-directory", true, directory_.path());
  return absl::OkStatus();
}

void Tree::OpenCgroup(bool wanted, proto::TreeOpened* opened) {
  if (!wanted) return AddLayer(opened, "cgroup", false, "not asked for");
  absl::StatusOr<os::Cgroup> parent = os::Cgroup::FindWritableParent();
  absl::StatusOr<os::Cgroup> mine =
      parent.ok() ? os::Cgroup::Create(*parent, "tractor-" + hex_)
                  : parent.status();
  if (!mine.ok()) {
    return AddLayer(opened, "cgroup", false,
                    std::string(mine.status().message()));
  }
  cgroup_ = *std::move(mine);
  opened->set_cgroup(cgroup_.path());
  AddLayer(opened, "cgroup", true, cgroup_.path());
}

void Tree::Remove(proto::TreeClosed* closed) {
  if (cgroup_.valid()) {
    if (absl::Status status = cgroup_.Remove(); !status.ok()) {
      closed->add_warnings(std::string(status.message()));
    }
  }
  if (!directory_.valid()) return;
  if (auto entries = os::ListDir(directory_.fd()); entries.ok()) {
    closed->set_files_removed(static_cast<uint32_t>(entries->size()));
  }
  directory_ = os::RuntimeDir();
  if (absl::Status status = parent_directory_.RemoveTree(hex_); !status.ok()) {
    closed->add_warnings(std::string(status.message()));
  }
}

}  // namespace tractor::forkserver
