// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// ResourceCache: the first user of a key opens the resource, the others share
// it, the last one closes it.
//
//   tractor::ResourceCache<std::string, Connection> cache(nursery);
//   co_await cache.MaybeOpen(
//       address,
//       // Opens, calls hold(connection), which waits for the last user,
//       closes.
//       [&](const Cache::Hold& hold) -> tractor::Task<> {
//         Connection connection = co_await Connect(address);
//         co_await hold(connection);
//         co_await connection.SayGoodbye();
//       },
//       [&](Connection& connection, bool hit) -> tractor::Task<> { ... });
//
// Rules.
// - The resource lives in a task of the cache's nursery: it belongs to no user,
//   and any of them may leave first. `hit`: it was open already.
// - An error while opening goes to the user that opens, and to nobody else; the
//   next user that waits tries again. The same when that user is cancelled.
// - The last user waits until the resource has closed, also when it is
//   cancelled (its cancellation then goes on). An error of the closing comes
//   out at the last user, and wins over a cancellation; with an error of the
//   user itself it makes an ExceptionGroup.
// - Who comes while the resource is being closed waits, and opens a new one.
// - A resource that ends by itself, or whose nursery is cancelled, cuts its
//   users short: they get BrokenResourceError, the last one the resource's own
//   error.
// - Keys are independent. The cache must outlive its users, the nursery both.
#ifndef TRACTOR_RUNTIME_TASK_RESOURCE_CACHE_H_
#define TRACTOR_RUNTIME_TASK_RESOURCE_CACHE_H_

#include <cstddef>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <type_traits>
#include <utility>
#include <vector>

#include "runtime/task/cancel_scope.h"
#include "runtime/task/closed_errors.h"
#include "runtime/task/event.h"
#include "runtime/task/exception_group.h"
#include "runtime/task/lock.h"
#include "runtime/task/nursery.h"
#include "runtime/task/outcome.h"
#include "runtime/task/task.h"

namespace tractor {

template <class Key, class Value>
class ResourceCache {
 public:
  using Hold = std::function<Task<>(Value&)>;
  using Opener = std::function<Task<>(const Hold&)>;

  explicit ResourceCache(Nursery& nursery) : nursery_(nursery) {}
  ResourceCache(const ResourceCache&) = delete;
  ResourceCache& operator=(const ResourceCache&) = delete;

  // Runs use(value, hit) while the resource of `key` is open. Both are copied.
  // A checkpoint.
  template <Body<const Hold&> Open, Body<Value&, bool> Use>
  Task<> MaybeOpen(Key key, Open&& open, Use&& use) {
    return MaybeOpenCopies<std::decay_t<Open>, std::decay_t<Use>>(
        std::move(key), std::forward<Open>(open), std::forward<Use>(use));
  }

  // Keys that are open, being opened or being closed.
  size_t size() const { return slots_.size(); }

 private:
  // One life of a resource, from its opening to the end of its last user.
  struct Life {
    size_t users = 0;
    std::set<CancelScope*> scopes;  // of the users
    Value* value = nullptr;         // while it is open
    Event released;                 // nobody uses it any more
    Event closed;
    std::exception_ptr error;  // that it closed with
    bool left = false;         // its last user has seen to that
  };
  using LifePtr = std::shared_ptr<Life>;

  // One key. Exists as long as somebody uses it or waits for it.
  struct Slot {
    Lock lock;  // held while a resource is opened or closed
    LifePtr life;
  };
  using SlotPtr = std::shared_ptr<Slot>;

  template <class Open, class Use>
  Task<> MaybeOpenCopies(Key key, Open open, Use use);
  SlotPtr Find(const Key& key);
  static Task<> Host(LifePtr life, Opener open, TaskStatus<void> status);
  template <class Use>
  static Task<> UseLife(Life& life, Use& use, bool hit);
  static Task<> Leave(Slot& slot, Life& life);

  Nursery& nursery_;
  std::map<Key, std::weak_ptr<Slot>> slots_;
};

template <class Key, class Value>
auto ResourceCache<Key, Value>::Find(const Key& key) -> SlotPtr {
  std::weak_ptr<Slot>& known = slots_[key];
  SlotPtr slot = known.lock();
  if (slot == nullptr) {
    slot = SlotPtr(new Slot, [this, key](Slot* dead) {
      slots_.erase(key);
      delete dead;
    });
    known = slot;
  }
  return slot;
}

// The task that the resource lives in.
template <class Key, class Value>
Task<> ResourceCache<Key, Value>::Host(LifePtr life, Opener open,
                                       TaskStatus<void> status) {
  bool opened = false;
  const Hold hold = [&](Value& value) -> Task<> {
    life->value = &value;
    opened = true;
    // However this ends, nobody may use the value behind it.
    struct CutUsersShort {
      Life& life;
      ~CutUsersShort() {
        life.value = nullptr;
        for (CancelScope* scope : life.scopes) {
          scope->Cancel(CancelReason::kExplicit, "the resource has closed");
        }
      }
    } const guard{*life};
    status.Started();
    co_await life->released.Wait();
  };
  auto run = [&]() -> Task<> { co_await open(hold); };
  Outcome<> end = co_await Observe(run);
  if (opened) {
    life->error = end.error();
    life->closed.Set();
    if (end.has_error()) co_return;  // it is for the last user
  }
  co_await std::move(end).Get();
}

template <class Key, class Value>
template <class Use>
Task<> ResourceCache<Key, Value>::UseLife(Life& life, Use& use, bool hit) {
  CancelScope scope;
  struct Listed {
    Life& life;
    CancelScope* scope;
    ~Listed() { life.scopes.erase(scope); }
  } const listed{life, &scope};
  const bool open = life.value != nullptr;
  if (open) {
    life.scopes.insert(&scope);
    auto body = [&]() -> Task<> { co_await use(*life.value, hit); };
    co_await scope.Run(body);
  }
  if (!open || scope.cancelled_caught()) {
    throw BrokenResourceError("resource cache: the resource has closed");
  }
}

// The user that leaves last closes, under the lock, so that who comes now waits
// for it.
template <class Key, class Value>
Task<> ResourceCache<Key, Value>::Leave(Slot& slot, Life& life) {
  if (--life.users > 0) co_return;
  const Lock::Held held = co_await slot.lock.Acquire();
  if (life.users > 0 || life.left) co_return;  // somebody came meanwhile
  life.left = true;
  life.released.Set();
  co_await life.closed.Wait();
  if (life.error) std::rethrow_exception(life.error);
}

template <class Key, class Value>
template <class Open, class Use>
Task<> ResourceCache<Key, Value>::MaybeOpenCopies(Key key, Open open, Use use) {
  const SlotPtr slot = Find(key);
  LifePtr life;
  bool hit = true;
  {
    const Lock::Held held = co_await slot->lock.Acquire();
    if (slot->life == nullptr || slot->life->value == nullptr) {
      hit = false;
      slot->life = std::make_shared<Life>();
      co_await nursery_.Start(TaskName("resource"), Host, slot->life,
                              Opener(open));
    }
    life = slot->life;
    ++life->users;
  }
  Outcome<> end = co_await Observe(UseLife(*life, use, hit));
  CancelScope shield(absl::InfiniteFuture(), /*shield=*/true);
  auto leave = [&]() -> Task<> {
    co_await shield.Run([&]() -> Task<> { co_await Leave(*slot, *life); });
  };
  const Outcome<> left = co_await Observe(leave);
  if (left.has_error()) {
    std::vector<std::exception_ptr> errors;
    if (end.has_error() && !IsA<BrokenResourceError>(end.error())) {
      errors.push_back(end.error());
    }
    errors.push_back(left.error());
    ThrowCollapsed("errors of a user and of its resource", std::move(errors));
  }
  co_await std::move(end).Get();
}

}  // namespace tractor

#endif  // TRACTOR_RUNTIME_TASK_RESOURCE_CACHE_H_
