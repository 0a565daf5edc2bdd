// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "tests/chaos/strike.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "os/fd.h"
#include "os/unix_socket.h"
#include "runtime/actor/actor.h"
#include "tests/chaos/progress.h"

namespace tractor::chaos {
namespace {

constexpr size_t kMiB = 1 << 20;

// ---- channels ----

// Sockets of ours of that type, in the order in which they were made.
std::vector<int> SocketsOf(int type) {
  std::vector<int> found;
  const auto fds = os::OpenFds();
  if (!fds.ok()) return found;
  for (const int fd : *fds) {
    int is = 0;
    socklen_t size = sizeof(is);
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &is, &size) == 0 && is == type) {
      found.push_back(fd);
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

// Not close(): the number would be given to a stranger, whom the runtime would
// then write to. What stands there afterwards is a socket that has ended.
void Replace(int fd) {
  auto pair = os::SocketPair(SOCK_STREAM | SOCK_NONBLOCK);
  if (pair.ok()) dup3(pair->first.get(), fd, O_CLOEXEC);
}

void CloseOne(int type, int variant) {
  const std::vector<int> sockets = SocketsOf(type);
  if (sockets.empty()) return;
  const int fd = sockets[static_cast<size_t>(variant / 4) % sockets.size()];
  switch (variant % 4) {
    case 0:
      shutdown(fd, SHUT_RDWR);
      break;
    case 1:
      shutdown(fd, SHUT_WR);
      break;
    case 2:
      shutdown(fd, SHUT_RD);
      break;
    default:
      Replace(fd);
  }
}

// ---- output ----

void Flood(int kib) {
  const std::string line(1023, 'x');
  const std::string text = line + "\n";
  for (int i = 0; i < kib; ++i) {
    size_t done = 0;
    while (done < text.size()) {
      const ssize_t put =
          write(STDOUT_FILENO, text.data() + done, text.size() - done);
      if (put < 0 && errno != EINTR) return;  // the reader has gone
      if (put > 0) done += static_cast<size_t>(put);
    }
  }
}

// ---- signals ----

std::atomic<int> storm_left = 0;

void OnStorm(int) {
  if (--storm_left > 0) return;
  const itimerval none = {};
  setitimer(ITIMER_REAL, &none, nullptr);
}

// Without SA_RESTART: whatever waits in the kernel comes back with EINTR.
void Storm(int signals) {
  storm_left = signals;
  struct sigaction action = {};
  action.sa_handler = OnStorm;
  sigaction(SIGALRM, &action, nullptr);
  itimerval often = {};
  often.it_interval.tv_usec = often.it_value.tv_usec = 300;
  setitimer(ITIMER_REAL, &often, nullptr);
}

// ---- a loop that does not run ----

void Wedge(absl::Duration span) {
  const absl::Time until = absl::Now() + span;
  while (absl::Now() < until) {
    (void)poll(
        nullptr, 0,
        static_cast<int>(absl::ToInt64Milliseconds(until - absl::Now()) + 1));
  }
}

// ---- memory ----

void BadAlloc(bool at_once) {
  size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  rlimit limit = {};
  getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur =
      pages * static_cast<size_t>(sysconf(_SC_PAGESIZE)) + 16 * kMiB;
  setrlimit(RLIMIT_AS, &limit);
  // Otherwise something else will fail, or nothing.
  if (at_once) const std::string too_much(256 * kMiB, 'x');
}

void MemoryLimit(const Fault& fault) {
  const char* group = getenv(kMemoryVariable);
  if (group == nullptr || *group == '\0') return BadAlloc(fault.variant % 2);
  std::ofstream(std::string(group) + "/cgroup.procs") << getpid() << std::flush;
  std::vector<std::string> eaten;
  while (eaten.size() < 512) eaten.emplace_back(kMiB, 'x');
  throw std::logic_error("the memory limit has not struck");
}

}  // namespace

void StrikeHere(const Fault& fault) {
  switch (fault.kind) {
    case Kind::kKill:
      raise(SIGKILL);
      break;
    case Kind::kTerm:
      raise(SIGTERM);
      break;
    case Kind::kStop:
      break;  // somebody has to wake it: the monkey's
    case Kind::kCloseLink:
      CloseOne(SOCK_STREAM, fault.variant);
      break;
    case Kind::kCloseControl:
      CloseOne(SOCK_SEQPACKET, fault.variant);
      break;
    case Kind::kFlood:
      Flood(fault.amount);
      break;
    case Kind::kStorm:
      Storm(fault.amount);
      break;
    case Kind::kMemoryLimit:
      MemoryLimit(fault);
      break;
    case Kind::kBadAlloc:
      BadAlloc(fault.variant % 2 == 0);
      break;
    case Kind::kThrow:
      throw ChaosError("thrown by " + NameOf(Progress::Current().number()));
    case Kind::kCancel:
      CurrentActor().CancelSoon("chaos");
      break;
    case Kind::kWedge:
      Wedge(absl::Milliseconds(fault.amount));
      break;
  }
}

}  // namespace tractor::chaos
