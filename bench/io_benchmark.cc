// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// A 64 B round trip between two processes over a socket pair: FdWaiter and
// Stream against bare blocking system calls.
//
//   bazel run --config=opt //bench:io_benchmark -- [--json] [--quick]
//       [--filter=TEXT] [--free]
//
// All take turns, so that a disturbance of the machine hits them alike.
#include <errno.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/harness.h"
#include "bench/raw.h"
#include "os/fd.h"
#include "os/unix_socket.h"
#include "runtime/io/fd_waiter.h"
#include "runtime/io/run.h"
#include "runtime/io/status_error.h"
#include "runtime/io/stream.h"
#include "runtime/task/task.h"

namespace tractor::bench {
namespace {

using io::FdWaiter;

constexpr int kRounds = 20'000;
constexpr int kWarmUp = 200;  // of each turn

double MicrosSince(int64_t start) {
  return static_cast<double>(NowNanos() - start) / 1e3;
}

// ---- FdWaiter: the message is waited for, then read ----

int NonBlocking(const os::Fd& fd) {
  io::OrThrow(os::SetNonBlocking(fd.get()));
  return fd.get();
}

void SendMessage(int fd, const char* message) {
  Check(send(fd, message, kSmall, MSG_NOSIGNAL) == kSmall, "send");
}

// False at the end.
Task<bool> Receive(FdWaiter& waiter, char* message) {
  for (;;) {
    co_await waiter.Readable();
    const ssize_t n = recv(waiter.fd(), message, kSmall, MSG_DONTWAIT);
    if (n >= 0) co_return n > 0;
    Check(errno == EAGAIN, "recv");
  }
}

Task<> WaiterEcho(os::Fd fd) {
  FdWaiter waiter(NonBlocking(fd));
  char message[kSmall];
  while (co_await Receive(waiter, message)) {
    SendMessage(fd.get(), message);
  }
}

Task<> WaiterPing(os::Fd fd, int rounds, Samples& samples) {
  FdWaiter waiter(NonBlocking(fd));
  char message[kSmall] = {};
  for (int i = -kWarmUp; i < rounds; ++i) {
    const int64_t start = NowNanos();
    SendMessage(fd.get(), message);
    Check(co_await Receive(waiter, message), "the end");
    if (i >= 0) samples.Add(MicrosSince(start));
  }
}

// ---- Stream ----

Task<> StreamEcho(os::Fd fd) {
  io::Stream stream(std::move(fd));
  char message[4 * kSmall];
  while (size_t n = co_await stream.ReadSome(message)) {
    co_await stream.WriteAll(std::string_view(message, n));
  }
}

Task<> StreamPing(os::Fd fd, int rounds, Samples& samples) {
  io::Stream stream(std::move(fd));
  char message[4 * kSmall] = {};
  for (int i = -kWarmUp; i < rounds; ++i) {
    const int64_t start = NowNanos();
    co_await stream.WriteAll(std::string_view(message, kSmall));
    Check(co_await stream.ReadSome(message) == kSmall, "the end");
    if (i >= 0) samples.Add(MicrosSince(start));
  }
}

// ---- figures ----

void RawTurn(int rounds, Samples& samples) {
  RawEcho echo;
  for (int i = -kWarmUp; i < rounds; ++i) {
    const double took = echo.RoundTripMicros();
    if (i >= 0) samples.Add(took);
  }
}

template <class F>
void RunTask(F body) {
  io::Run(body).Unwrap();
}

// A figure's two ends, each in a process of its own.
struct Figure {
  const char* name;
  Task<> (*echo)(os::Fd fd);
  Task<> (*ping)(os::Fd fd, int rounds, Samples& samples);
  Samples samples;
};

void Turn(Figure& figure, int rounds) {
  RawChild child([&](int fd) {
    RunTask([&]() -> Task<> { return figure.echo(os::Fd(fd)); });
  });
  RunTask([&]() -> Task<> {
    return figure.ping(os::Fd(child.Release()), rounds, figure.samples);
  });
}

int Main(int argc, char** argv) {
  Report report("io", argc, argv);
  std::vector<Figure> figures = {
      {"FdWaiter round trip, 64 B", WaiterEcho, WaiterPing, {}},
      {"Stream round trip, 64 B", StreamEcho, StreamPing, {}},
  };
  std::erase_if(figures,
                [&](const Figure& each) { return !report.Wants(each.name); });
  Samples raw;
  for (int turn = 0; turn < Report::kTurns && !figures.empty(); ++turn) {
    const int rounds = report.RoundsInTurn(kRounds);
    RawTurn(rounds, raw);
    for (Figure& figure : figures) Turn(figure, rounds);
  }
  for (const Figure& figure : figures) {
    report.Add(figure.name, "us", figure.samples, raw);
  }
  return report.Finish();
}

}  // namespace
}  // namespace tractor::bench

int main(int argc, char** argv) { return tractor::bench::Main(argc, argv); }
