// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

// Flow control of one direction of a stream, in bytes.
//
// The receiver grants a window; every message costs its payload and
// kMessageCost. The sender may send while it has any credit, so that a message
// larger than the window passes too, and then waits until the receiver has
// consumed enough. Credit is returned in batches of half a window.
//
//   sender                                  receiver
//   if (!credit.CanSend()) wait;
//   credit.OnSent(n);              DATA ->  credit.OnReceived(n)  (or: a liar)
//                                           ... the task takes the message
//   credit.OnCredit(c)        <- CREDIT c   if (c = credit.OnConsumed(n))
//
// At most a window and one message are ever on their way, so the receiver's
// memory is bounded by window + max frame. Pure: no sockets, no tasks.

#ifndef TRACTOR_RUNTIME_WIRE_CREDITS_H_
#define TRACTOR_RUNTIME_WIRE_CREDITS_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"

namespace tractor::wire {

inline constexpr uint64_t kDefaultWindowBytes = 256 << 10;
// Larger windows are taken for this one.
inline constexpr uint64_t kMaxWindowBytes = uint64_t{1} << 30;
// What a message costs beside its payload: an empty one is not free.
inline constexpr uint64_t kMessageCost = 32;

// The window that a peer's number stands for; 0 is the default.
uint64_t WindowFromWire(uint64_t window);

// The sender's side.
class SendCredit {
 public:
  // `window` as the peer granted it (START, START_ACK).
  explicit SendCredit(uint64_t window = kDefaultWindowBytes);

  bool CanSend() const { return credit_ > 0; }

  // A message of `payload_bytes` was sent. Only when CanSend().
  void OnSent(size_t payload_bytes);

  // The peer returned credit. kFailedPrecondition when it is more than was
  // used: the peer's accounting is broken.
  absl::Status OnCredit(uint64_t bytes);

  int64_t credit() const { return credit_; }

 private:
  int64_t window_;
  int64_t credit_;
};

// The receiver's side.
class ReceiveCredit {
 public:
  explicit ReceiveCredit(uint64_t window = kDefaultWindowBytes);

  // A message arrived. kFailedPrecondition when the peer had no credit for it.
  absl::Status OnReceived(size_t payload_bytes);

  // A message that had arrived was taken. Returns the credit to send to the
  // peer now, 0 for none yet.
  uint64_t OnConsumed(size_t payload_bytes);

  // What has arrived and was not taken, in bytes with costs.
  uint64_t queued() const { return queued_; }
  uint64_t window() const { return static_cast<uint64_t>(window_); }

 private:
  int64_t window_;
  int64_t peer_credit_;  // what the peer may believe to have, at most
  uint64_t queued_ = 0;
  uint64_t consumed_ = 0;  // and not yet returned
};

}  // namespace tractor::wire

#endif  // TRACTOR_RUNTIME_WIRE_CREDITS_H_
