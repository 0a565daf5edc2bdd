// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// 64-byte ping-pong between two processes over a socket pair: bare blocking
// system calls, FdWaiter, Stream; median and p99 of a round trip, and the ratio
// to the bare ones of the same run.
//
//   bazel run --config=opt //runtime/io:io_benchmark -- [--free] [--rounds=N]
//       [--only=raw|fd_waiter|stream]
//
// Both processes are pinned to one core (--free: not). Modes take turns in
// slices, so that a disturbance of the machine hits them alike.
#include <errno.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "os/fd.h"
#include "os/unix_socket.h"
#include "runtime/io/fd_waiter.h"
#include "runtime/io/run.h"
#include "runtime/io/status_error.h"
#include "runtime/io/stream.h"
#include "runtime/task/task.h"

namespace tractor::io {
namespace {

constexpr size_t kSize = 64;
constexpr int kSlices = 10;
constexpr int kWarmUp = 200;

using Samples = std::vector<int64_t>;

int64_t NowNanos() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void Check(bool ok, const char* what) {
  if (ok) return;
  std::perror(what);
  std::exit(1);
}

// ---- bare system calls ----

void RawEcho(int fd) {
  char message[kSize];
  while (recv(fd, message, kSize, 0) == kSize) {
    Check(send(fd, message, kSize, MSG_NOSIGNAL) == kSize, "send");
  }
}

void RawPing(int fd, int rounds, Samples& samples) {
  char message[kSize] = {};
  for (int i = -kWarmUp; i < rounds; ++i) {
    const int64_t start = NowNanos();
    Check(send(fd, message, kSize, MSG_NOSIGNAL) == kSize, "send");
    Check(recv(fd, message, kSize, 0) == kSize, "recv");
    if (i >= 0) samples.push_back(NowNanos() - start);
  }
}

// ---- FdWaiter: the message is waited for, then read ----

// False at the end.
Task<bool> Receive(FdWaiter& waiter, char* message) {
  for (;;) {
    co_await waiter.Readable();
    const ssize_t n = recv(waiter.fd(), message, kSize, MSG_DONTWAIT);
    if (n >= 0) co_return n > 0;
    Check(errno == EAGAIN, "recv");
  }
}

Task<> WaiterEcho(int fd) {
  FdWaiter waiter(fd);
  char message[kSize];
  while (co_await Receive(waiter, message)) {
    Check(send(fd, message, kSize, MSG_NOSIGNAL) == kSize, "send");
  }
}

Task<> WaiterPing(int fd, int rounds, Samples& samples) {
  FdWaiter waiter(fd);
  char message[kSize] = {};
  for (int i = -kWarmUp; i < rounds; ++i) {
    const int64_t start = NowNanos();
    Check(send(fd, message, kSize, MSG_NOSIGNAL) == kSize, "send");
    Check(co_await Receive(waiter, message), "the end");
    if (i >= 0) samples.push_back(NowNanos() - start);
  }
}

// ---- Stream ----

Task<> StreamEcho(os::Fd fd) {
  Stream stream(std::move(fd));
  char message[4 * kSize];
  while (size_t n = co_await stream.ReadSome(message)) {
    co_await stream.WriteAll(std::string_view(message, n));
  }
}

Task<> StreamPing(os::Fd fd, int rounds, Samples& samples) {
  Stream stream(std::move(fd));
  char message[4 * kSize] = {};
  for (int i = -kWarmUp; i < rounds; ++i) {
    const int64_t start = NowNanos();
    co_await stream.WriteAll(std::string_view(message, kSize));
    Check(co_await stream.ReadSome(message) == kSize, "the end");
    if (i >= 0) samples.push_back(NowNanos() - start);
  }
}

// ---- modes ----

struct Mode {
  const char* name;
  void (*echo)(os::Fd fd);
  void (*ping)(os::Fd fd, int rounds, Samples& samples);
  Samples samples;
};

template <class F>
void RunTask(F body) {
  Run(body).Unwrap();
}

const Mode kModes[] = {
    {"raw",
     [](os::Fd fd) { RawEcho(fd.get()); },
     [](os::Fd fd, int rounds, Samples& samples) {
       RawPing(fd.get(), rounds, samples);
     },
     {}},
    {"fd_waiter",
     [](os::Fd fd) {
       OrThrow(os::SetNonBlocking(fd.get()));
       RunTask([&]() -> Task<> { return WaiterEcho(fd.get()); });
     },
     [](os::Fd fd, int rounds, Samples& samples) {
       OrThrow(os::SetNonBlocking(fd.get()));
       RunTask(
           [&]() -> Task<> { return WaiterPing(fd.get(), rounds, samples); });
     },
     {}},
    {"stream",
     [](os::Fd fd) {
       RunTask([&]() -> Task<> { return StreamEcho(std::move(fd)); });
     },
     [](os::Fd fd, int rounds, Samples& samples) {
       RunTask([&]() -> Task<> {
         return StreamPing(std::move(fd), rounds, samples);
       });
     },
     {}},
};

void Slice(Mode& mode, int rounds) {
  auto [mine, theirs] = OrThrow(os::SocketPair(SOCK_STREAM));
  const pid_t child = fork();
  Check(child >= 0, "fork");
  if (child == 0) {
    mine.reset();
    mode.echo(std::move(theirs));
    _exit(0);
  }
  theirs.reset();
  mode.ping(std::move(mine), rounds, mode.samples);
  int status = 0;
  Check(waitpid(child, &status, 0) == child && status == 0, "the echo");
}

void PinToThisCore() {
  cpu_set_t core;
  CPU_ZERO(&core);
  CPU_SET(sched_getcpu(), &core);
  Check(sched_setaffinity(0, sizeof(core), &core) == 0, "sched_setaffinity");
}

double Percentile(const Samples& sorted, double part) {
  return sorted[static_cast<size_t>((sorted.size() - 1) * part)] / 1000.0;
}

int Main(int argc, char** argv) {
  bool pinned = true;
  int rounds = 20000;
  std::string_view only;
  for (int i = 1; i < argc; ++i) {
    const std::string_view arg = argv[i];
    if (arg == "--free") {
      pinned = false;
    } else if (arg.starts_with("--rounds=")) {
      rounds = std::atoi(argv[i] + std::strlen("--rounds="));
    } else if (arg.starts_with("--only=")) {
      only = arg.substr(std::strlen("--only="));
    } else {
      std::fprintf(stderr, "unknown argument: %s\n", argv[i]);
      return 2;
    }
  }
  if (pinned) PinToThisCore();
  std::vector<Mode> modes(std::begin(kModes), std::end(kModes));
  std::erase_if(modes, [&](const Mode& mode) {
    return !only.empty() && mode.name != only;
  });
  for (int slice = 0; slice < kSlices; ++slice) {
    for (Mode& mode : modes) Slice(mode, rounds / kSlices);
  }
  std::printf("%d B round trip, 2 processes, %s\n", static_cast<int>(kSize),
              pinned ? "one core" : "free");
  double base = 0;
  for (Mode& mode : modes) {
    std::sort(mode.samples.begin(), mode.samples.end());
    const double p50 = Percentile(mode.samples, 0.5);
    if (base == 0) base = p50;
    std::printf("%-10s p50 %6.1f us  p99 %6.1f us  %.2f x %s\n", mode.name, p50,
                Percentile(mode.samples, 0.99), p50 / base, modes[0].name);
  }
  return 0;
}

}  // namespace
}  // namespace tractor::io

int main(int argc, char** argv) { return tractor::io::Main(argc, argv); }
