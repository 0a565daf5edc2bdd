// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "tests/chaos/monkey.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

#include "absl/time/clock.h"
#include "os/fd.h"
#include "os/pidfd.h"
#include "os/proc_fs.h"
#include "tests/chaos/memory_group.h"
#include "tests/chaos/progress.h"
#include "tests/support/leak_check.h"
#include "tests/support/program.h"
#include "tests/support/test_files.h"

namespace tractor::chaos {
namespace {

using ::tractor::testing::LeakCheck;
using ::tractor::testing::Program;
using ::tractor::testing::TestFiles;

constexpr size_t kMaxOutput = 6000;

std::string MakeFifo(const TestFiles& files) {
  const std::string path = files.Path("news");
  (void)mkfifo(path.c_str(), 0600);
  return path;
}

class Monkey {
 public:
  Monkey(const Plan& plan, std::string_view backend)
      : plan_(plan),
        // For both, so that it never is at its end.
        fifo_(open(MakeFifo(files_).c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC)),
        struck_(plan.faults.size(), false),
        begin_(absl::Now()),
        allowed_(kDeadline),
        program_(kTreeProgram,
                 {{kSeedVariable, std::to_string(plan.seed)},
                  {kWorldVariable,
                   plan.world == World::kThreads ? "threads" : "processes"},
                  {kNewsVariable, files_.Path("news")},
                  {kMemoryVariable, memory_.path()},
                  {kVerdictVariable, files_.Path("verdict")},
                  {kOutputVariable, files_.Path("output")},
                  {"TRACTOR_SPAWN_METHOD", std::string(backend)}}) {}

  Outcome Run();

 private:
  struct Stopped {
    os::Pidfd who;
    absl::Time until;
  };

  bool RootEnded() const;
  void WaitForNews();
  void ReadNews();
  void OnLine(const std::string& line);
  void Strike(size_t index);
  void OnStruck(size_t index);
  void StrikeDue(absl::Time now);
  void Stop(os::Pidfd who, const Fault& fault);
  std::optional<os::Pidfd> Find(const Fault& fault) const;
  std::optional<os::ProcessKey> KeyOf(const Fault& fault) const;
  std::optional<os::ProcessKey> Unborn() const;
  void WakeStopped(absl::Time now);
  void GiveUp();
  std::vector<std::string> Remains() const;
  void WaitForSweep(Outcome& outcome);

  const LeakCheck before_;
  const Plan& plan_;
  const TestFiles files_;
  const MemoryGroup memory_;
  const os::Fd fifo_;
  std::vector<bool> struck_;
  const absl::Time begin_;
  absl::Duration allowed_;
  Program program_;
  std::string unread_;
  std::map<int, os::ProcessKey> born_;
  std::vector<Stopped> stopped_;
  std::vector<std::pair<absl::Time, size_t>> due_;  // faults after others
};

bool Monkey::RootEnded() const {
  siginfo_t info = {};
  return waitid(P_PID, static_cast<id_t>(program_.pid()), &info,
                WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid != 0;
}

// ---- news ----

// Until there are some, somebody is to be woken, or the root has ended.
void Monkey::WaitForNews() {
  const auto root = os::Pidfd::Open(program_.pid());  // unreaped: it is it
  absl::Time until = begin_ + allowed_;
  for (const Stopped& one : stopped_) until = std::min(until, one.until);
  for (const auto& [when, fault] : due_) until = std::min(until, when);
  const int64_t wait =
      std::max<int64_t>(0, absl::ToInt64Milliseconds(until - absl::Now()) + 1);
  pollfd fds[] = {
      {.fd = fifo_.get(), .events = POLLIN, .revents = 0},
      {.fd = root.ok() ? root->fd() : -1, .events = POLLIN, .revents = 0}};
  (void)poll(fds, 2, static_cast<int>(wait));
}

void Monkey::ReadNews() {
  char bytes[4096];
  ssize_t got = 0;
  while ((got = read(fifo_.get(), bytes, sizeof(bytes))) > 0) {
    unread_.append(bytes, static_cast<size_t>(got));
    size_t newline = 0;
    while ((newline = unread_.find('\n')) != std::string::npos) {
      const std::string line = unread_.substr(0, newline);
      unread_.erase(0, newline + 1);
      OnLine(line);
    }
  }
}

void Monkey::OnLine(const std::string& line) {
  std::istringstream in(line);
  std::string what;
  int number = 0;
  in >> what >> number;
  if (what == "born") {
    os::ProcessKey key;
    in >> key.pid >> key.start_time;
    born_[number] = key;
  } else if (what == "strike") {
    OnStruck(static_cast<size_t>(number));
  } else if (what == "point") {
    Strike(static_cast<size_t>(number));
  }
}

// ---- faults ----

std::optional<os::ProcessKey> Monkey::Unborn() const {
  const auto servers = os::ChildrenOf(program_.pid());
  if (!servers.ok() || servers->empty()) return std::nullopt;
  const auto children = os::ChildrenOf(servers->front());
  if (!children.ok()) return std::nullopt;
  for (const pid_t pid : *children) {
    const auto key = os::GetProcessKey(pid);
    const bool known =
        std::any_of(born_.begin(), born_.end(),
                    [&](const auto& one) { return one.second.pid == pid; });
    if (key.ok() && !known) return *key;
  }
  return std::nullopt;
}

std::optional<os::ProcessKey> Monkey::KeyOf(const Fault& fault) const {
  pid_t pid = program_.pid();
  switch (fault.victim) {
    case Victim::kNode: {
      const auto found = born_.find(fault.node);
      if (found == born_.end()) return std::nullopt;
      return found->second;
    }
    case Victim::kUnborn:
      return Unborn();
    case Victim::kForkserver: {
      const auto children = os::ChildrenOf(pid);
      if (!children.ok() || children->empty()) return std::nullopt;
      pid = children->front();
      break;
    }
    case Victim::kRoot:
      break;
  }
  const auto key = os::GetProcessKey(pid);
  if (!key.ok()) return std::nullopt;
  return *key;
}

// Nobody, when it has gone: the number may be somebody else's.
std::optional<os::Pidfd> Monkey::Find(const Fault& fault) const {
  const auto key = KeyOf(fault);
  if (!key.has_value()) return std::nullopt;
  auto who = os::Pidfd::Open(key->pid);
  const auto now = os::GetProcessKey(key->pid);
  if (!who.ok() || !now.ok() || *now != *key) return std::nullopt;
  return *std::move(who);
}

void Monkey::Strike(size_t index) {
  const Fault& fault = plan_.faults[index];
  std::optional<os::Pidfd> who = Find(fault);
  if (!who.has_value()) return;
  const int signal = fault.kind == Kind::kKill   ? SIGKILL
                     : fault.kind == Kind::kStop ? SIGSTOP
                                                 : SIGTERM;
  if (!who->Signal(signal).ok()) return;
  if (signal == SIGSTOP) Stop(*std::move(who), fault);
  OnStruck(index);
}

void Monkey::OnStruck(size_t index) {
  struck_[index] = true;
  for (size_t i = 0; i < plan_.faults.size(); ++i) {
    const Fault& fault = plan_.faults[i];
    if (fault.after != static_cast<int>(index)) continue;
    due_.emplace_back(absl::Now() + absl::Milliseconds(fault.delay), i);
  }
}

void Monkey::StrikeDue(absl::Time now) {
  std::vector<size_t> ripe;
  std::erase_if(due_, [&](const auto& one) {
    if (one.first > now) return false;
    ripe.push_back(one.second);
    return true;
  });
  for (const size_t index : ripe) Strike(index);
}

void Monkey::Stop(os::Pidfd who, const Fault& fault) {
  const absl::Duration span = absl::Milliseconds(fault.millis);
  stopped_.push_back({std::move(who), absl::Now() + span});
  // Nobody else can keep the root from being in time.
  if (fault.victim == Victim::kRoot || fault.victim == Victim::kForkserver) {
    allowed_ += span;
  }
}

void Monkey::WakeStopped(absl::Time now) {
  std::erase_if(stopped_, [now](const Stopped& one) {
    if (one.until > now) return false;
    one.who.Signal(SIGCONT).IgnoreError();
    return true;
  });
}

// ---- the end ----

// It says what it hangs in, and is killed.
void Monkey::GiveUp() {
  WakeStopped(absl::InfiniteFuture());
  program_.Signal(SIGUSR1);
  const auto root = os::Pidfd::Open(program_.pid());
  if (root.ok()) (void)root->WaitForEnd(1000);
  program_.Signal(SIGKILL);
}

// Not what is ours.
std::vector<std::string> Monkey::Remains() const {
  std::vector<std::string> left = before_.NewSince();
  std::erase_if(left, [](const std::string& thing) {
    return thing.starts_with("descriptor ");
  });
  return left;
}

// Orphans come to this process, where init would get them.
void ReapOrphans() {
  siginfo_t info = {};
  while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) == 0 && info.si_pid != 0) {
    info = {};
  }
}

// A root that has said how it ended has waited for everything. Behind one that
// has not, its forkserver cleans up.
void Monkey::WaitForSweep(Outcome& outcome) {
  const absl::Time end = absl::Now();
  const absl::Duration limit =
      outcome.verdict.end.empty() ? kSweepLimit : absl::ZeroDuration();
  while (true) {
    ReapOrphans();
    outcome.left = Remains();
    const absl::Time now = absl::Now();
    outcome.swept_after = now - end;
    if (outcome.left.empty() || outcome.swept_after > limit) break;
    // A stopped forkserver sweeps when it is woken.
    WakeStopped(now);
  }
}

std::string Tail(const std::string& text) {
  if (text.size() <= kMaxOutput) return text;
  return "...\n" + text.substr(text.size() - kMaxOutput);
}

Outcome Monkey::Run() {
  Outcome outcome;
  while (!RootEnded() && absl::Now() < begin_ + allowed_) {
    WaitForNews();
    ReadNews();
    StrikeDue(absl::Now());
    WakeStopped(absl::Now());
  }
  outcome.took = absl::Now() - begin_;
  outcome.ended = RootEnded();
  if (!outcome.ended) GiveUp();
  outcome.code = program_.JoinOnly();
  outcome.verdict = ReadVerdict(files_.Path("verdict"));
  WaitForSweep(outcome);
  ReadNews();
  outcome.allowed = allowed_;
  outcome.struck = struck_;
  outcome.born = static_cast<int>(born_.size());
  outcome.output = Tail(files_.Read("output"));
  return outcome;
}

}  // namespace

Outcome Torment(const Plan& plan, std::string_view backend) {
  return Monkey(plan, backend).Run();
}

}  // namespace tractor::chaos
