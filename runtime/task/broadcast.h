// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// BroadcastReceiver: every subscriber gets every value of one source, at its
// own pace, as long as it does not fall too far behind.
//
//   tractor::BroadcastReceiver<int> first(
//       [&]() -> tractor::Task<std::optional<int>> {
//         co_return co_await receiver.Receive();
//       },
//       /*max_buffer=*/64);
//   tractor::BroadcastReceiver<int> second = first.Subscribe();
//   while (auto value = co_await first.Receive()) ...
//
// Rules.
// - Nobody pumps: a subscriber that has no value to read pulls one from the
//   source, the others wait for it. When the one that pulls is cancelled or
//   fails, another takes over.
// - A new subscriber sees what is pulled from now on.
// - A subscriber that is more than `max_buffer` values behind gets a
//   LaggedError, once, and goes on with the oldest value that is still there.
//   With set_throw_on_lag(false) it goes on silently; lagged() counts.
// - The source's nullopt is the end for all, behind what they have not read.
// - After Close() or a move: ClosedResourceError.
#ifndef TRACTOR_RUNTIME_TASK_BROADCAST_H_
#define TRACTOR_RUNTIME_TASK_BROADCAST_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "runtime/task/checkpoint.h"
#include "runtime/task/closed_errors.h"
#include "runtime/task/event.h"
#include "runtime/task/task.h"

namespace tractor {

// The subscriber was too slow and has missed values.
class LaggedError : public std::runtime_error {
 public:
  explicit LaggedError(uint64_t missed)
      : std::runtime_error("broadcast: too slow, missed " +
                           std::to_string(missed) + " values"),
        missed_(missed) {}
  uint64_t missed() const { return missed_; }

 private:
  uint64_t missed_;
};

struct BroadcastStatistics {
  size_t subscribers = 0;
  size_t buffered = 0;
  uint64_t pulled = 0;  // since the start
};

template <class T>
class BroadcastReceiver {
 public:
  using Source = std::function<Task<std::optional<T>>()>;

  BroadcastReceiver(Source source, size_t max_buffer)
      : BroadcastReceiver(
            std::make_shared<Shared>(std::move(source), max_buffer)) {}
  BroadcastReceiver(BroadcastReceiver&& other) noexcept = default;
  BroadcastReceiver& operator=(BroadcastReceiver&& other) noexcept {
    std::swap(shared_, other.shared_);
    std::swap(next_, other.next_);
    std::swap(lagged_, other.lagged_);
    std::swap(throw_on_lag_, other.throw_on_lag_);
    return *this;
  }
  ~BroadcastReceiver() { Close(); }

  BroadcastReceiver Subscribe() const { return BroadcastReceiver(Open()); }

  BroadcastReceiver& set_throw_on_lag(bool throw_on_lag) {
    throw_on_lag_ = throw_on_lag;
    return *this;
  }

  // The next value, or nullopt at the end. A checkpoint.
  Task<std::optional<T>> Receive();

  // Idempotent. Not while a task waits in it.
  void Close() {
    if (shared_ != nullptr) --shared_->subscribers;
    shared_ = nullptr;
  }
  // Values that this subscriber has missed so far.
  uint64_t lagged() const { return lagged_; }
  BroadcastStatistics Statistics() const {
    const Shared& shared = *Open();
    return {shared.subscribers, shared.values.size(), shared.end()};
  }

 private:
  struct Shared {
    Shared(Source s, size_t max) : source(std::move(s)), max_buffer(max) {}
    // Numbers of values: those in the buffer are [begin, begin + size).
    uint64_t end() const { return begin + values.size(); }

    const Source source;
    const size_t max_buffer;
    std::deque<T> values;
    uint64_t begin = 0;
    size_t subscribers = 0;
    bool ended = false;
    std::shared_ptr<Event> pulling;  // set while somebody pulls
  };

  explicit BroadcastReceiver(std::shared_ptr<Shared> shared)
      : shared_(std::move(shared)), next_(shared_->end()) {
    ++shared_->subscribers;
  }
  const std::shared_ptr<Shared>& Open() const {
    if (shared_ == nullptr) {
      throw ClosedResourceError("broadcast: this subscriber is closed");
    }
    return shared_;
  }
  // Takes the value at next_, which is in the buffer or was dropped from it.
  T TakeBuffered(const Shared& shared);
  static Task<> Pull(std::shared_ptr<Shared> shared);

  std::shared_ptr<Shared> shared_;  // null: closed
  uint64_t next_;                   // number of the next value to read
  uint64_t lagged_ = 0;
  bool throw_on_lag_ = true;
};

template <class T>
Task<std::optional<T>> BroadcastReceiver<T>::Receive() {
  const std::shared_ptr<Shared> shared = Open();
  if (next_ < shared->end() || shared->ended) co_await Checkpoint();
  while (true) {
    if (next_ < shared->end()) co_return TakeBuffered(*shared);
    if (shared->ended) co_return std::nullopt;
    if (const std::shared_ptr<Event> pulling = shared->pulling) {
      co_await pulling->Wait();
    } else {
      co_await Pull(shared);
    }
  }
}

template <class T>
T BroadcastReceiver<T>::TakeBuffered(const Shared& shared) {
  if (next_ < shared.begin) {
    const uint64_t missed = shared.begin - next_;
    lagged_ += missed;
    next_ = shared.begin;
    if (throw_on_lag_) throw LaggedError(missed);
  }
  return shared.values[next_++ - shared.begin];
}

template <class T>
Task<> BroadcastReceiver<T>::Pull(std::shared_ptr<Shared> shared) {
  // Wakes the others whichever way this ends; one of them takes over.
  struct Pulling {
    Shared& shared;
    ~Pulling() { std::exchange(shared.pulling, nullptr)->Set(); }
  };
  shared->pulling = std::make_shared<Event>();
  const Pulling guard{*shared};
  std::optional<T> value = co_await shared->source();
  if (!value.has_value()) {
    shared->ended = true;
    co_return;
  }
  shared->values.push_back(std::move(*value));
  if (shared->values.size() <= shared->max_buffer) co_return;
  shared->values.pop_front();
  ++shared->begin;
}

}  // namespace tractor

#endif  // TRACTOR_RUNTIME_TASK_BROADCAST_H_
