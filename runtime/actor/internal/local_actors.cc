// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/actor/internal/local_actors.h"

#include <mutex>
#include <utility>

namespace tractor::internal {
namespace {

std::mutex mutex;  // guards the list

}  // namespace

struct LocalActors::Entry::Acceptor {
  Aid self;
  std::string tree;
  std::shared_ptr<RemoteScheduler> scheduler;
  Accept accept;  // of its own thread; null: it has ended
};

std::list<std::shared_ptr<LocalActors::Entry::Acceptor>>& LocalActors::List() {
  // Never destroyed: threads may outlive main.
  static auto& list = *new std::list<std::shared_ptr<Entry::Acceptor>>;
  return list;
}

LocalActors::Entry::Entry(const Aid& self, const std::string& tree,
                          Accept accept)
    : acceptor_(std::make_shared<Acceptor>()) {
  acceptor_->self = self;
  acceptor_->tree = tree;
  acceptor_->scheduler = Scheduler::Current().remote();
  acceptor_->accept = std::move(accept);
  std::lock_guard lock(mutex);
  List().push_back(acceptor_);
}

LocalActors::Entry::~Entry() {
  acceptor_->accept = nullptr;
  std::lock_guard lock(mutex);
  List().remove(acceptor_);
}

bool LocalActors::Connect(const std::string& tree, const proto::Connect& target,
                          os::Fd channel, const std::string& from,
                          proto::Connected* who) {
  std::lock_guard lock(mutex);
  for (const std::shared_ptr<Entry::Acceptor>& acceptor : List()) {
    if (acceptor->tree != tree) continue;
    if (target.has_uuid() ? acceptor->self.uuid != target.uuid()
                          : acceptor->self.name != target.name()) {
      continue;
    }
    who->set_uuid(acceptor->self.uuid);
    who->set_name(acceptor->self.name);
    if (!channel.valid()) return true;
    // A std::function must be copyable.
    auto passed = std::make_shared<os::Fd>(std::move(channel));
    return acceptor->scheduler->Post([acceptor, passed, from] {
      if (acceptor->accept) acceptor->accept(std::move(*passed), from);
    });
  }
  return false;
}

}  // namespace tractor::internal
