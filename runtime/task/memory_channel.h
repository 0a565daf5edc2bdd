// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Memory channels: values from tasks to tasks of the same loop, in order, with
// back-pressure.
//
//   auto [sender, receiver] = tractor::OpenChannel<int>(16);
//   n.StartSoon(Produce, std::move(sender));
//   while (std::optional<int> value = co_await receiver.Receive()) Use(*value);
//
// Rules (trio's).
// - Capacity is how many values may wait in the channel. 0: a rendezvous,
// Send()
//   ends when the value has been taken. kUnbounded: Send() never waits for
//   room.
// - Each value goes to one receiver. Receivers and senders are served in order.
// - Handles can be cloned, and close when they die. Behind the last sender the
//   receivers get what is left, then nullopt. Behind the last receiver a sender
//   gets BrokenResourceError, and what is left is dropped. Using a handle that
//   was closed, also while a task waits in it: ClosedResourceError.
// - Send() and Receive() are always checkpoints. A Send() that was cancelled
//   has sent nothing; a Receive() that was cancelled has taken nothing.
#ifndef TRACTOR_RUNTIME_TASK_MEMORY_CHANNEL_H_
#define TRACTOR_RUNTIME_TASK_MEMORY_CHANNEL_H_

#include <coroutine>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "runtime/task/internal/channel_state.h"
#include "runtime/task/operation.h"

namespace tractor {

inline constexpr size_t kUnbounded = static_cast<size_t>(-1);

template <class T>
class SenderHandle {
 public:
  SenderHandle() = default;  // closed
  SenderHandle(SenderHandle&&) noexcept = default;
  SenderHandle& operator=(SenderHandle&& other) noexcept {
    std::swap(side_, other.side_);
    return *this;
  }

  // Another handle of the same channel, to be closed by itself.
  SenderHandle Clone() const { return SenderHandle(Open().Clone()); }

  // Waits for room. `co_await sender.Send(7)`.
  [[nodiscard]] internal::SendOperation<T> Send(T value) {
    return internal::SendOperation<T>(side_.get(), std::move(value));
  }
  // False, and `value` is untouched, when there is no room. Not a checkpoint.
  [[nodiscard]] bool TrySend(T&& value) { return Open().TrySend(value); }
  [[nodiscard]] bool TrySend(const T& value) {
    T copy = value;
    return Open().TrySend(copy);
  }

  // Idempotent. Wakes those that wait in this handle.
  void Close() { side_.reset(); }
  bool closed() const { return side_ == nullptr; }
  ChannelStatistics Statistics() const { return Open().state().Statistics(); }

 private:
  template <class U>
  friend auto OpenChannel(size_t capacity);
  explicit SenderHandle(std::unique_ptr<internal::SenderSide<T>> side)
      : side_(std::move(side)) {}
  internal::SenderSide<T>& Open() const {
    if (closed()) internal::ThrowClosedHandle();
    return *side_;
  }

  std::unique_ptr<internal::SenderSide<T>> side_;  // null: closed
};

template <class T>
class ReceiverHandle {
 public:
  ReceiverHandle() = default;  // closed
  ReceiverHandle(ReceiverHandle&&) noexcept = default;
  ReceiverHandle& operator=(ReceiverHandle&& other) noexcept {
    std::swap(side_, other.side_);
    return *this;
  }

  ReceiverHandle Clone() const { return ReceiverHandle(Open().Clone()); }

  // Waits for a value; nullopt at the end, when every sender has closed.
  [[nodiscard]] internal::ReceiveOperation<T> Receive() {
    return internal::ReceiveOperation<T>(side_.get());
  }
  // Nullopt when there is none now; AtEnd() tells whether there may be one
  // later. Not a checkpoint.
  std::optional<T> TryReceive() { return Open().state().TryReceive(); }
  // Nothing is left and every sender has closed.
  bool AtEnd() const { return Open().state().AtEnd(); }

  void Close() { side_.reset(); }
  bool closed() const { return side_ == nullptr; }
  ChannelStatistics Statistics() const { return Open().state().Statistics(); }

 private:
  template <class U>
  friend auto OpenChannel(size_t capacity);
  explicit ReceiverHandle(std::unique_ptr<internal::ReceiverSide<T>> side)
      : side_(std::move(side)) {}
  internal::ReceiverSide<T>& Open() const {
    if (closed()) internal::ThrowClosedHandle();
    return *side_;
  }

  std::unique_ptr<internal::ReceiverSide<T>> side_;  // null: closed
};

// The two ends of a new channel, as a pair.
template <class T>
[[nodiscard]] auto OpenChannel(size_t capacity) {
  auto state = std::make_shared<internal::ChannelState<T>>(capacity);
  return std::pair(
      SenderHandle<T>(std::make_unique<internal::SenderSide<T>>(state)),
      ReceiverHandle<T>(std::make_unique<internal::ReceiverSide<T>>(state)));
}

}  // namespace tractor

#endif  // TRACTOR_RUNTIME_TASK_MEMORY_CHANNEL_H_
