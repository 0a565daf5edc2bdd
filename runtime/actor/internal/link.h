// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The connection of two actors: frames in both directions, and the table of
// dialogs that they belong to. Symmetric; parent and child have one, and so may
// any two actors.
//
// Rules.
// - Nothing that arrives waits: the reading task decodes, changes state, wakes.
// - What is sent is collected and written when the loop is about to idle, or at
//   kFlushBytes; a socket that takes no more parks the writing task, not the
//   senders (these are bounded by the credit of their streams).
// - A peer that breaks the protocol loses the connection, with a text that says
//   how; never the process.
#ifndef TRACTOR_RUNTIME_ACTOR_INTERNAL_LINK_H_
#define TRACTOR_RUNTIME_ACTOR_INTERNAL_LINK_H_

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "os/fd.h"
#include "runtime/actor/aid.h"
#include "runtime/actor/internal/dialog.h"
#include "runtime/actor/internal/wait_list.h"
#include "runtime/io/fd_waiter.h"
#include "runtime/task/scheduler.h"
#include "runtime/task/task.h"
#include "runtime/wire/frame_decoder.h"
#include "runtime/wire/hello.h"
#include "runtime/wire/send_queue.h"

namespace tractor::internal {

// What a link tells its owner. Called from the reading task; must not wait.
class LinkOwner {
 public:
  // The peer wants a task; `link` has made the dialog for it.
  virtual void OnStart(std::shared_ptr<Link> link,
                       std::unique_ptr<Dialog> dialog,
                       const wire::FrameView& frame) = 0;
  virtual void OnCancelActor(Link& link, const proto::Cancel& cancel) = 0;

 protected:
  ~LinkOwner() = default;
};

// A reason travels in a frame's header, which has a limit; a frame that is
// refused would be a cancel that is lost.
inline constexpr size_t kMaxReason = 1024;
std::string ClipReason(std::string_view reason);

class Link final : public std::enable_shared_from_this<Link>, private IdleHook {
 public:
  // Beyond it the queue is written at once.
  static constexpr size_t kFlushBytes = 64 << 10;

  // `connector`: this side made the connection; it takes odd cids. Queues the
  // hello, so that it is the first thing that the peer reads.
  Link(LinkOwner& owner, os::Fd socket, bool connector,
       wire::HelloOptions hello);
  ~Link();

  // Reads and writes until the connection has ended, whichever way. Never
  // throws; see error(). Start it as a task.
  static Task<> Run(std::shared_ptr<Link> link);

  // The peer's hello has arrived.
  bool ready() const { return peer_.has_value(); }
  const Aid& peer() const { return *peer_; }
  const Aid& self() const { return self_; }
  bool closed() const { return closed_; }
  // Why it ended: null for a clean end after both goodbyes.
  const std::exception_ptr& error() const { return error_; }
  // The peer has said what nobody may say: error() tells what it was.
  bool refused() const { return refused_; }
  // The peer said goodbye: what ends now ends by its will.
  bool said_goodbye() const { return goodbye_; }
  // Changes of ready(), closed(), said_goodbye(), actor_cancel_acked().
  WaitList& changed() { return changed_; }
  // Every change is told to `observer`, too.
  void set_observer(std::shared_ptr<WaitList> observer) {
    observer_ = std::move(observer);
  }
  // This side has asked the peer's actor to end.
  bool actor_cancel_sent() const { return actor_cancel_sent_; }

  // ---- dialogs ----
  // A new one that this side opens. Throws why the connection has ended, once
  // FailDialogs() has told; between the end and that, it waits with the others.
  std::unique_ptr<Dialog> OpenDialog(uint64_t window);
  size_t dialogs() const { return dialogs_.size(); }
  void Forget(Dialog& dialog);

  // ---- the peer as a whole ----
  void SendCancelActor(std::string_view reason, const Aid& canceller,
                       std::optional<absl::Duration> budget);
  void SendCancelActorAck(absl::Duration done_within);
  // The peer's answer to SendCancelActor(): when it will be done.
  std::optional<absl::Time> actor_cancel_acked() const { return acked_until_; }
  // The last frame of this side; `error` may be null.
  void SendGoodbye(const std::exception_ptr& error);
  // Why the peer said goodbye; null for a clean end.
  const std::exception_ptr& goodbye_error() const { return goodbye_error_; }

  // Waits until everything is in the kernel's hands, or the link is closed.
  Task<> Drain();

  // Ends the connection. Every dialog gets `error`.
  void Close(std::exception_ptr error);
  // What becomes of the dialogs of a link that has ended, and of later ones:
  // the peer's process has ended like that.
  void FailDialogs(const std::exception_ptr& error);

  // ---- for dialogs ----
  wire::SendQueue& queue() { return queue_; }
  // Something was put into queue().
  void Appended() {
    if (queue_.pending_bytes() >= kFlushBytes) Flush();
  }
  Scheduler& scheduler() const { return scheduler_; }

 private:
  Task<> Read();
  Task<> Write();
  void BeforeIdle() override {
    if (!queue_.empty() && !write_blocked_) Flush();
  }
  void Flush();
  // False: the connection has ended.
  bool DecodeAll();
  absl::Status OnFrame(const wire::FrameView& frame);
  absl::Status OnHello(const wire::FrameView& frame);
  absl::Status OnStart(const wire::FrameView& frame);
  absl::Status OnDialogFrame(const wire::FrameView& frame);
  void LogLateError(const wire::FrameView& frame) const;
  void OnCancel(const wire::FrameView& frame);
  void OnGoodbye(const wire::FrameView& frame);
  void CloseWith(const absl::Status& status);
  void Changed() {
    changed_.NotifyAll();
    if (observer_ != nullptr) observer_->NotifyAll();
  }

  LinkOwner& owner_;
  Scheduler& scheduler_;
  os::Fd socket_;
  io::FdWaiter waiter_;
  const bool connector_;
  const Aid self_;
  const wire::HelloOptions hello_;
  wire::SendQueue queue_;
  wire::FrameDecoder decoder_;
  std::optional<Aid> peer_;
  absl::flat_hash_map<uint64_t, Dialog*> dialogs_;
  uint64_t next_cid_;
  uint64_t last_peer_cid_ = 0;
  bool closed_ = false;
  bool failed_ = false;  // FailDialogs() was called
  bool refused_ = false;
  bool goodbye_ = false;
  bool write_blocked_ = false;
  std::optional<absl::Time> acked_until_;
  std::exception_ptr error_;
  std::exception_ptr goodbye_error_;
  bool actor_cancel_sent_ = false;
  WaitList changed_;
  std::shared_ptr<WaitList> observer_;
  WaitList writable_;  // wakes the writing task
};

}  // namespace tractor::internal

#endif  // TRACTOR_RUNTIME_ACTOR_INTERNAL_LINK_H_
