// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "forkserver/actor_table.h"

#include <utility>

namespace tractor::forkserver {

ActorTable::ActorTable() {
  actors_.emplace(kRootId, std::make_unique<Actor>());
}

Actor* ActorTable::Find(uint64_t id) {
  auto it = actors_.find(id);
  return it == actors_.end() ? nullptr : it->second.get();
}

Actor* ActorTable::FindPid(pid_t pid) {
  auto it = by_pid_.find(pid);
  return it == by_pid_.end() ? nullptr : it->second;
}

Actor* ActorTable::FindUuid(const std::string& uuid) {
  auto it = by_uuid_.find(uuid);
  return it == by_uuid_.end() ? nullptr : it->second;
}

Actor* ActorTable::FindName(const std::string& name) {
  for (const auto& [id, actor] : actors_) {
    if (actor->alive && !actor->spare && actor->name == name) {
      return actor.get();
    }
  }
  return nullptr;
}

void ActorTable::NameRoot(std::string uuid, std::string name) {
  by_uuid_.erase(root().uuid);
  root().uuid = std::move(uuid);
  root().name = std::move(name);
  if (!root().uuid.empty()) by_uuid_[root().uuid] = &root();
}

Actor& ActorTable::Add(std::unique_ptr<Actor> actor) {
  Actor& added = *actor;
  actors_.at(added.parent)->children.insert(added.id);
  by_pid_[added.pidfd.pid()] = &added;
  if (added.spare) {
    spare_ = &added;
  } else {
    by_uuid_[added.uuid] = &added;
  }
  actors_.emplace(added.id, std::move(actor));
  return added;
}

void ActorTable::Promote(Actor& spare, std::string uuid) {
  spare.spare = false;
  spare.uuid = std::move(uuid);
  by_uuid_[spare.uuid] = &spare;
  spare_ = nullptr;
}

void ActorTable::MarkDead(Actor& actor) {
  actor.alive = false;
  if (spare_ == &actor) spare_ = nullptr;
  by_pid_.erase(actor.pidfd.pid());
}

std::unique_ptr<Actor> ActorTable::Take(Actor& actor) {
  if (auto it = actors_.find(actor.parent); it != actors_.end()) {
    it->second->children.erase(actor.id);
  }
  if (!actor.spare) by_uuid_.erase(actor.uuid);
  auto it = actors_.find(actor.id);
  std::unique_ptr<Actor> taken = std::move(it->second);
  actors_.erase(it);
  return taken;
}

bool ActorTable::IsBelow(uint64_t id, uint64_t above) {
  const Actor* actor = Find(id);
  while (actor != nullptr && actor->id != kRootId) {
    if (actor->parent == above) return true;
    actor = Find(actor->parent);
  }
  return false;
}

std::vector<Actor*> ActorTable::Below(uint64_t id) {
  std::vector<Actor*> found;
  const Actor* top = Find(id);
  if (top == nullptr) return found;
  for (uint64_t child : top->children) found.push_back(Find(child));
  for (size_t i = 0; i < found.size(); ++i) {
    for (uint64_t child : found[i]->children) found.push_back(Find(child));
  }
  return found;
}

}  // namespace tractor::forkserver
