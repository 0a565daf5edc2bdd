// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

#include "runtime/wire/credits.h"

#include <algorithm>
#include <cassert>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace tractor::wire {

namespace {

// Of a payload that fits a frame: far from overflowing.
int64_t CostOf(size_t payload_bytes) {
  return static_cast<int64_t>(payload_bytes + kMessageCost);
}

}  // namespace

uint64_t WindowFromWire(uint64_t window) {
  return window == 0 ? kDefaultWindowBytes : std::min(window, kMaxWindowBytes);
}

SendCredit::SendCredit(uint64_t window)
    : window_(static_cast<int64_t>(WindowFromWire(window))), credit_(window_) {}

void SendCredit::OnSent(size_t payload_bytes) {
  assert(CanSend());
  credit_ -= CostOf(payload_bytes);
}

absl::Status SendCredit::OnCredit(uint64_t bytes) {
  const auto used = static_cast<uint64_t>(window_ - credit_);
  if (bytes > used) {
    return absl::FailedPreconditionError(
        absl::StrCat("peer returned ", bytes, " bytes of credit, but only ",
                     used, " were used"));
  }
  credit_ += static_cast<int64_t>(bytes);
  return absl::OkStatus();
}

ReceiveCredit::ReceiveCredit(uint64_t window)
    : window_(static_cast<int64_t>(WindowFromWire(window))),
      peer_credit_(window_) {}

absl::Status ReceiveCredit::OnReceived(size_t payload_bytes) {
  if (peer_credit_ <= 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        "peer sent a message of ", payload_bytes, " bytes without credit: ",
        queued_, " bytes wait in a window of ", window_));
  }
  peer_credit_ -= CostOf(payload_bytes);
  queued_ += static_cast<uint64_t>(CostOf(payload_bytes));
  return absl::OkStatus();
}

uint64_t ReceiveCredit::OnConsumed(size_t payload_bytes) {
  const auto cost = static_cast<uint64_t>(CostOf(payload_bytes));
  assert(cost <= queued_);
  queued_ -= cost;
  consumed_ += cost;
  if (consumed_ < static_cast<uint64_t>(window_ + 1) / 2) return 0;
  const uint64_t returned = consumed_;
  consumed_ = 0;
  peer_credit_ += static_cast<int64_t>(returned);
  return returned;
}

}  // namespace tractor::wire
