// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/actor/internal/spawner.h"

#include <cerrno>
#include <csignal>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "runtime/io/status_error.h"
#include "runtime/log/log.h"
#include "runtime/task/timeouts.h"

namespace tractor::internal {

namespace {

// An answer takes microseconds. When it takes that long, its way may be cut,
// see OnRequest().
constexpr absl::Duration kLookAgain = absl::Seconds(1);

}  // namespace

class Spawner::ForkedProcess final : public Process {
 public:
  explicit ForkedProcess(Spawner& spawner) : spawner_(&spawner) {}

  bool Terminate() override { return Signal(SIGTERM, /*subtree=*/false); }
  bool KillSubtree() override { return Signal(SIGKILL, /*subtree=*/true); }

 private:
  friend class Spawner;

  bool Signal(int signal, bool subtree) {
    if (spawner_ == nullptr || exit_.has_value()) return true;
    if (child_id_ == 0) {
      // It is on its way, and gets this when it has come. That may have
      // happened, or the way may be cut.
      killed_early_ = killed_early_ || subtree;
      spawner_->TakeIn();
      return true;
    }
    const absl::Status sent =
        spawner_->client_.Kill(child_id_, signal, subtree).status();
    spawner_->OnRequest(sent);
    // Without a forkserver it is as good as ended.
    return sent.ok() || !spawner_->lost_.ok();
  }

  Spawner* spawner_;  // null once it is gone
  uint64_t child_id_ = 0;
  bool killed_early_ = false;  // before there was a process
};

// An answer of the forkserver that a task waits for.
struct Spawner::Asked {
  std::optional<forkserver::Event> answer;
  std::string lost;  // there will be none: why
  WaitList changed;
};

Spawner::Spawner(forkserver::Client client) : client_(std::move(client)) {}

Spawner::~Spawner() {
  for (auto& [request, process] : by_request_) process->spawner_ = nullptr;
}

std::shared_ptr<Process> Spawner::Spawn(const proto::SpawnSpec& spec,
                                        os::Fd channel) {
  auto process = std::make_shared<ForkedProcess>(*this);
  const absl::StatusOr<uint64_t> request =
      client_.Spawn(spec, std::move(channel));
  OnRequest(request.status());
  if (!request.ok()) {
    process->failure_ = std::string(request.status().message());
    return process;
  }
  by_request_[*request] = process;
  return process;
}

Task<bool> Spawner::Connect(const proto::Connect& target, os::Fd channel,
                            proto::Connected* who) {
  const absl::StatusOr<uint64_t> request =
      client_.Connect(target, std::move(channel));
  OnRequest(request.status());
  if (!request.ok()) {
    throw RuntimeFailure("cannot ask the forkserver for an actor: " +
                         std::string(request.status().message()));
  }
  Asked asked;
  asked_[*request] = &asked;
  struct Guard {
    std::map<uint64_t, Asked*>& asked;
    uint64_t request;
    ~Guard() { asked.erase(request); }
  } guard{asked_, *request};
  auto wait = [&]() -> Task<> {
    co_await asked.changed.Wait("answer of the forkserver");
  };
  while (!asked.answer.has_value() && asked.lost.empty()) {
    if (!co_await MoveOnAfter(kLookAgain, wait)) TakeIn();
  }
  if (!asked.lost.empty()) throw RuntimeFailure(asked.lost);
  if (auto* connected = std::get_if<forkserver::Connected>(&*asked.answer)) {
    *who = std::move(connected->body);
    co_return true;
  }
  const auto* failed = std::get_if<forkserver::Failed>(&*asked.answer);
  if (failed != nullptr && failed->body.errno_value() == ENOENT) {
    co_return false;
  }
  throw RuntimeFailure(
      "the forkserver does not connect this actor: " +
      (failed == nullptr
           ? std::string("a foreign answer")
           : std::string(forkserver::ToStatus(failed->body).message())));
}

Task<> Spawner::Run() {
  io::FdWaiter waiter(client_.fd());
  struct Guard {
    io::FdWaiter*& watching;
    ~Guard() { watching = nullptr; }
  } guard{waiter_};
  waiter_ = &waiter;
  while (true) {
    TakeIn();
    if (!lost_.ok()) break;
    try {
      co_await waiter.Readable();
    } catch (const io::ResourceClosed&) {
      // It is lost. What has come before that is still to be taken in.
    }
  }
  GiveUpAll();
  throw RuntimeFailure("the forkserver of this tree is gone: " +
                       std::string(lost_.message()));
}

void Spawner::TakeIn() {
  absl::StatusOr<std::vector<forkserver::Event>> events = client_.Drain();
  if (!events.ok()) return OnLost(events.status());
  for (forkserver::Event& event : *events) OnEvent(event);
}

// A request may be the first to find out. Nobody else would when the socket was
// closed under us (EBADF: a failed precondition): epoll forgets it without a
// word.
void Spawner::OnRequest(const absl::Status& status) {
  if (absl::IsUnavailable(status) || absl::IsFailedPrecondition(status)) {
    OnLost(status);
  }
}

void Spawner::OnLost(const absl::Status& status) {
  if (lost_.ok()) lost_ = status;
  if (waiter_ != nullptr) waiter_->Close();
}

void Spawner::OnEvent(forkserver::Event& event) {
  if (auto* incoming = std::get_if<forkserver::Incoming>(&event)) {
    if (on_incoming_ && incoming->channel.valid()) {
      on_incoming_(std::move(incoming->channel), incoming->body.uuid());
    }
    return;
  }
  if (const auto asked = asked_.find(forkserver::RequestId(event));
      asked != asked_.end()) {
    asked->second->answer = std::move(event);
    asked->second->changed.NotifyAll();
    return;
  }
  const auto found = by_request_.find(forkserver::RequestId(event));
  if (found == by_request_.end()) return;
  const std::shared_ptr<ForkedProcess> process = found->second;
  if (auto* forked = std::get_if<forkserver::Forked>(&event)) {
    OnForked(*process, *forked);
  } else if (auto* failed = std::get_if<forkserver::Failed>(&event)) {
    OnFailed(*process, *failed);
    if (failed->body.child_id() == 0) by_request_.erase(found);
  } else if (auto* exited = std::get_if<forkserver::Exited>(&event)) {
    ActorExit exit;
    exit.signal = exited->body.signal();
    exit.core = exited->body.core();
    exit.oom = exited->body.oom();
    exit.code = exited->body.code();
    exit.detail = process->failure_;
    if (exited->body.swept()) by_request_.erase(found);
    process->SetExit(exit, exited->body.swept());
  } else if (std::holds_alternative<forkserver::Swept>(event)) {
    by_request_.erase(found);
    process->swept_ = true;
    process->Changed();
  }
}

void Spawner::OnForked(ForkedProcess& process, forkserver::Forked& forked) {
  process.child_id_ = forked.child_id;
  process.pid_ = forked.pid;
  process.timing_ = std::move(forked.timing);
  process.stdout_pipe_ = std::move(forked.stdout_pipe);
  process.stderr_pipe_ = std::move(forked.stderr_pipe);
  if (process.killed_early_) process.KillSubtree();
  process.Changed();
}

void Spawner::OnFailed(ForkedProcess& process,
                       const forkserver::Failed& failed) {
  process.failure_ = std::string(forkserver::ToStatus(failed.body).message());
  process.Changed();
}

void Spawner::GiveUpAll() {
  const std::string why =
      "the forkserver is gone: " + std::string(lost_.message());
  for (auto& [request, asked] : asked_) {
    asked->lost = why;
    asked->changed.NotifyAll();
  }
  auto processes = std::move(by_request_);
  by_request_.clear();
  for (auto& [request, process] : processes) {
    process->spawner_ = nullptr;
    ActorExit exit;
    exit.signal = SIGKILL;
    exit.detail = why;
    process->SetExit(exit, true);
  }
}

}  // namespace tractor::internal
