// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// What the handles of a memory channel share. Include memory_channel.h instead.
//
// Never both at once: values in the buffer and receivers that wait; room in the
// buffer and senders that wait.
#ifndef TRACTOR_RUNTIME_TASK_INTERNAL_CHANNEL_STATE_H_
#define TRACTOR_RUNTIME_TASK_INTERNAL_CHANNEL_STATE_H_

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>

#include "runtime/task/closed_errors.h"
#include "runtime/task/internal/intrusive_list.h"
#include "runtime/task/operation.h"

namespace tractor {

struct ChannelStatistics {
  size_t buffered = 0;
  size_t capacity = 0;
  size_t open_senders = 0;
  size_t open_receivers = 0;
  size_t waiting_senders = 0;
  size_t waiting_receivers = 0;
};

namespace internal {

[[noreturn]] inline void ThrowClosedHandle() {
  throw ClosedResourceError("channel: this handle is closed");
}
[[noreturn]] inline void ThrowNoReceivers() {
  throw BrokenResourceError("channel: every receiver has closed");
}

struct ChannelTag {};

template <class T>
class ChannelState;
template <class T>
class SenderSide;
template <class T>
class ReceiverSide;

enum class ChannelEnd : uint8_t { kDone, kClosed, kBroken };

// `co_await sender.Send(value)`.
template <class T>
class [[nodiscard]] SendOperation final : public Operation,
                                          private ListLink<ChannelTag> {
 public:
  SendOperation(SenderSide<T>* side, T&& value)
      : side_(side), value_(std::move(value)) {}

  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> frame) {
    if (Park(frame)) Begin();
  }
  void await_resume() const {
    if (end_ == ChannelEnd::kDone) return;
    if (end_ == ChannelEnd::kClosed) ThrowClosedHandle();
    ThrowNoReceivers();
  }

 private:
  friend class ChannelState<T>;
  template <class E, class U>
  friend class IntrusiveList;

  void Begin();
  void Finish(ChannelEnd end) {
    end_ = end;
    Complete();
  }
  bool Abort() noexcept override;
  const char* Describe() const noexcept override { return "channel send"; }

  SenderSide<T>* const side_;
  ChannelEnd end_ = ChannelEnd::kDone;
  T value_;
};

// `co_await receiver.Receive()`.
template <class T>
class [[nodiscard]] ReceiveOperation final : public Operation,
                                             private ListLink<ChannelTag> {
 public:
  explicit ReceiveOperation(ReceiverSide<T>* side) : side_(side) {}

  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> frame) {
    if (Park(frame)) Begin();
  }
  std::optional<T> await_resume() {
    if (end_ == ChannelEnd::kClosed) ThrowClosedHandle();
    return std::move(value_);
  }

 private:
  friend class ChannelState<T>;
  template <class E, class U>
  friend class IntrusiveList;

  void Begin();
  void Finish(ChannelEnd end) {
    end_ = end;
    Complete();
  }
  void Deliver(T&& value) {
    value_.emplace(std::move(value));
    Complete();
  }
  bool Abort() noexcept override;
  const char* Describe() const noexcept override { return "channel receive"; }

  ReceiverSide<T>* const side_;
  ChannelEnd end_ = ChannelEnd::kDone;
  std::optional<T> value_;
};

template <class T>
class ChannelState {
 public:
  explicit ChannelState(size_t capacity) : capacity_(capacity) {}

  // Takes `value` when it can be sent at once.
  bool TrySend(T& value) {
    if (receivers_ == 0) ThrowNoReceivers();
    if (ReceiveOperation<T>* waiting = waiting_receivers_.PopFront()) {
      --receivers_waiting_;
      waiting->Deliver(std::move(value));
      return true;
    }
    if (buffer_.size() >= capacity_) return false;
    buffer_.push_back(std::move(value));
    return true;
  }

  std::optional<T> TryReceive() {
    // The longest waiting sender moves up, behind what is in the buffer.
    if (SendOperation<T>* waiting = waiting_senders_.PopFront()) {
      --senders_waiting_;
      buffer_.push_back(std::move(waiting->value_));
      waiting->Finish(ChannelEnd::kDone);
    }
    if (buffer_.empty()) return std::nullopt;
    std::optional<T> value(std::move(buffer_.front()));
    buffer_.pop_front();
    return value;
  }

  void Begin(SendOperation<T>& send) {
    if (receivers_ == 0) return send.Finish(ChannelEnd::kBroken);
    if (TrySend(send.value_)) return send.Finish(ChannelEnd::kDone);
    waiting_senders_.PushBack(send);
    ++senders_waiting_;
  }

  void Begin(ReceiveOperation<T>& receive) {
    receive.value_ = TryReceive();
    if (receive.value_.has_value() || senders_ == 0) {
      return receive.Finish(ChannelEnd::kDone);
    }
    waiting_receivers_.PushBack(receive);
    ++receivers_waiting_;
  }

  void Forget(SendOperation<T>& send) {
    send.Unlink();
    --senders_waiting_;
  }
  void Forget(ReceiveOperation<T>& receive) {
    receive.Unlink();
    --receivers_waiting_;
  }

  bool AtEnd() const {
    return senders_ == 0 && buffer_.empty() && waiting_senders_.empty();
  }

  void OnSenderOpened() { ++senders_; }
  void OnSenderClosed(const SenderSide<T>* side) {
    waiting_senders_.ForEach([&](SendOperation<T>& send) {
      if (send.side_ != side) return;
      Forget(send);
      send.Finish(ChannelEnd::kClosed);
    });
    if (--senders_ > 0) return;
    waiting_receivers_.ForEach([&](ReceiveOperation<T>& receive) {
      Forget(receive);
      receive.Finish(ChannelEnd::kDone);
    });
  }

  void OnReceiverOpened() { ++receivers_; }
  void OnReceiverClosed(const ReceiverSide<T>* side) {
    waiting_receivers_.ForEach([&](ReceiveOperation<T>& receive) {
      if (receive.side_ != side) return;
      Forget(receive);
      receive.Finish(ChannelEnd::kClosed);
    });
    if (--receivers_ > 0) return;
    waiting_senders_.ForEach([&](SendOperation<T>& send) {
      Forget(send);
      send.Finish(ChannelEnd::kBroken);
    });
    buffer_.clear();
  }

  ChannelStatistics Statistics() const {
    return {buffer_.size(), capacity_,        senders_,
            receivers_,     senders_waiting_, receivers_waiting_};
  }

 private:
  const size_t capacity_;
  size_t senders_ = 0;
  size_t receivers_ = 0;
  size_t senders_waiting_ = 0;
  size_t receivers_waiting_ = 0;
  std::deque<T> buffer_;
  IntrusiveList<SendOperation<T>, ChannelTag> waiting_senders_;
  IntrusiveList<ReceiveOperation<T>, ChannelTag> waiting_receivers_;
};

// What makes a handle one of its own: its address does not change when the
// handle is moved. One class for each side, so that nobody mixes them up.
template <class T>
class SenderSide {
 public:
  explicit SenderSide(std::shared_ptr<ChannelState<T>> state)
      : state_(std::move(state)) {
    state_->OnSenderOpened();
  }
  ~SenderSide() { state_->OnSenderClosed(this); }
  std::unique_ptr<SenderSide> Clone() const {
    return std::make_unique<SenderSide>(state_);
  }
  bool TrySend(T& value) { return state_->TrySend(value); }
  ChannelState<T>& state() const { return *state_; }

 private:
  const std::shared_ptr<ChannelState<T>> state_;
};

template <class T>
class ReceiverSide {
 public:
  explicit ReceiverSide(std::shared_ptr<ChannelState<T>> state)
      : state_(std::move(state)) {
    state_->OnReceiverOpened();
  }
  ~ReceiverSide() { state_->OnReceiverClosed(this); }
  std::unique_ptr<ReceiverSide> Clone() const {
    return std::make_unique<ReceiverSide>(state_);
  }
  ChannelState<T>& state() const { return *state_; }

 private:
  const std::shared_ptr<ChannelState<T>> state_;
};

// An operation that is parked is forgotten before its side dies (OnClosed), so
// it may go through its side for as long as it is.
template <class T>
void SendOperation<T>::Begin() {
  if (side_ == nullptr) return Finish(ChannelEnd::kClosed);
  side_->state().Begin(*this);
}
template <class T>
bool SendOperation<T>::Abort() noexcept {
  side_->state().Forget(*this);
  return true;
}
template <class T>
void ReceiveOperation<T>::Begin() {
  if (side_ == nullptr) return Finish(ChannelEnd::kClosed);
  side_->state().Begin(*this);
}
template <class T>
bool ReceiveOperation<T>::Abort() noexcept {
  side_->state().Forget(*this);
  return true;
}

}  // namespace internal
}  // namespace tractor

#endif  // TRACTOR_RUNTIME_TASK_INTERNAL_CHANNEL_STATE_H_
