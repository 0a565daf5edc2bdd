// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "forkserver/link.h"

#include "os/errno_status.h"

namespace tractor::forkserver {

bool Link::TrySend(const proto::ForkserverEvent& event, const NamedFds& fds) {
  absl::StatusOr<bool> sent = SendPacket(socket_.get(), event, fds);
  if (sent.ok()) return *sent;
  // ENOBUFS, ENOMEM, ETOOMANYREFS: the kernel may take it later. Everything
  // else is for ever.
  const int err = os::StatusErrno(sent.status());
  if (err == ENOBUFS || err == ENOMEM || err == ETOOMANYREFS) return false;
  broken_ = true;
  return true;
}

void Link::Send(proto::ForkserverEvent event, NamedFds fds) {
  if (broken_) return;
  event.set_version(kProtocolVersion);
  SetFdNames(fds, &event);
  if (queue_.empty() && TrySend(event, fds)) return;
  queue_.emplace_back(std::move(event), std::move(fds));
}

void Link::Flush() {
  while (!queue_.empty() &&
         TrySend(queue_.front().first, queue_.front().second)) {
    queue_.pop_front();
  }
  if (broken_) queue_.clear();
}

}  // namespace tractor::forkserver
