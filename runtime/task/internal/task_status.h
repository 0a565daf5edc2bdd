// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Nursery::Start() and its handshake. Include nursery.h instead.
//
// The child begins its life in a nursery of Start()'s own, so that everything
// before Started() belongs to the caller: its errors, its cancels, its end.
// Started() moves the child, with all that it has opened meanwhile, over to the
// nursery that it was meant for (trio's algorithm).
#ifndef TRACTOR_RUNTIME_TASK_INTERNAL_TASK_STATUS_H_
#define TRACTOR_RUNTIME_TASK_INTERNAL_TASK_STATUS_H_

#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <variant>

#include "runtime/task/nursery.h"

namespace tractor {

namespace internal {

template <class T>
struct StartState {
  using Value = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

  explicit StartState(Nursery& nursery) : target(nursery) {
    ++target.pending_starts_;
  }
  ~StartState() { Release(); }

  // The target may close again.
  void Release() {
    if (std::exchange(released, true)) return;
    --target.pending_starts_;
    target.CheckClosed();
  }

  void Started(Value result) {
    if (called) {
      throw std::logic_error("TaskStatus: Started() was called twice");
    }
    called = true;
    if (waiting_in == nullptr) return;  // Start() was cancelled meanwhile
    value.emplace(std::move(result));
    if (waiting_in->cancel_scope().status().effective()) return;
    waiting_in->MoveChildrenTo(target);
  }

  Nursery& target;
  Nursery* waiting_in = nullptr;  // Start()'s own, while it waits
  std::optional<Value> value;
  bool called = false;
  bool released = false;
};

}  // namespace internal

// What a child that was started with Start() tells its starter with. May be
// copied; calling Started() a second time throws std::logic_error.
template <class T>
class TaskStatus {
 public:
  explicit TaskStatus(std::shared_ptr<internal::StartState<T>> state)
      : state_(std::move(state)) {}
  void Started(T value) const { state_->Started(std::move(value)); }

 private:
  std::shared_ptr<internal::StartState<T>> state_;
};

template <>
class TaskStatus<void> {
 public:
  explicit TaskStatus(std::shared_ptr<internal::StartState<void>> state)
      : state_(std::move(state)) {}
  void Started() const { state_->Started({}); }

 private:
  std::shared_ptr<internal::StartState<void>> state_;
};

template <class T, class F, class... A>
Task<T> Nursery::StartNamed(TaskName name, F f, A... args) {
  if (closed_) {
    throw std::logic_error("Nursery::Start: the nursery has closed");
  }
  auto state = std::make_shared<internal::StartState<T>>(*this);
  // The child may keep a TaskStatus for as long as it likes; what holds the
  // target open must end with this frame.
  struct Guard {
    internal::StartState<T>& state;
    ~Guard() {
      state.waiting_in = nullptr;
      state.Release();
    }
  } guard{*state};
  auto body = [&](Nursery& own) -> Task<> {
    state->waiting_in = &own;
    own.StartSoon(std::move(name), std::move(f), std::move(args)...,
                  TaskStatus<T>(state));
    co_return;
  };
  NurseryOptions options;
  options.set_collapse(true).set_name("Start");
  co_await WithNursery(options, body);
  if (!state->value.has_value()) {
    throw std::runtime_error(
        "Nursery::Start: the child ended without calling Started()");
  }
  if constexpr (!std::is_void_v<T>) co_return std::move(*state->value);
}

}  // namespace tractor

#endif  // TRACTOR_RUNTIME_TASK_INTERNAL_TASK_STATUS_H_
