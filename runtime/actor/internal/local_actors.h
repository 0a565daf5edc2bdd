// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The actors of this process: one, and those on threads. They find each other
// here, for a thread has no connection to the forkserver.
//
//   const LocalActors::Entry entry(self, tree, [this](os::Fd channel,
//                                                      std::string peer)
//                                                      {...});
//   ...
//   bool there = LocalActors::Connect(tree, target, std::move(channel),
//                                     self.uuid, &who);
#ifndef TRACTOR_RUNTIME_ACTOR_INTERNAL_LOCAL_ACTORS_H_
#define TRACTOR_RUNTIME_ACTOR_INTERNAL_LOCAL_ACTORS_H_

#include <functional>
#include <list>
#include <memory>
#include <string>

#include "os/fd.h"
#include "proto/forkserver.pb.h"
#include "runtime/actor/aid.h"
#include "runtime/task/scheduler.h"

namespace tractor::internal {

class LocalActors {
 public:
  // Called with the channel and the uuid of who connects.
  using Accept = std::function<void(os::Fd, const std::string&)>;

  // An actor of the calling thread, as long as this lives. `accept` is called
  // on that thread, and not after the end of the entry.
  class Entry {
   public:
    Entry(const Aid& self, const std::string& tree, Accept accept);
    ~Entry();
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

   private:
    struct Acceptor;
    friend class LocalActors;
    std::shared_ptr<Acceptor> acceptor_;
  };

  // As forkserver's Connect, from any thread, by the actor with the uuid
  // `from`. False: it is not in this process.
  static bool Connect(const std::string& tree, const proto::Connect& target,
                      os::Fd channel, const std::string& from,
                      proto::Connected* who);

 private:
  static std::list<std::shared_ptr<Entry::Acceptor>>& List();
};

}  // namespace tractor::internal

#endif  // TRACTOR_RUNTIME_ACTOR_INTERNAL_LOCAL_ACTORS_H_
