// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// What a spawn through the forkserver costs, against the least that the kernel
// asks for: a fork of a process of the same size and one 64 B round trip over a
// socketpair.
//
//   bazel run -c opt //forkserver:spawn_benchmark -- [ROUNDS]
//
// Both are measured in turns, pinned to one core and free; the table below has
// the time between the steps, as the stamps of the spawn tell it. The raw forks
// are made by a process that is a fork of this one at the zygote's place:
// before anything else, with the same memory.
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "forkserver/client.h"
#include "forkserver/embedded.h"
#include "forkserver/exec_child.h"
#include "os/clock.h"
#include "os/fork.h"
#include "os/random.h"
#include "os/unix_socket.h"

namespace tractor::forkserver {
namespace {

constexpr size_t kMessage = 64;

template <typename T>
T Need(absl::StatusOr<T> value, const char* what) {
  if (value.ok()) return *std::move(value);
  fprintf(stderr, "%s: %s\n", what, value.status().ToString().c_str());
  exit(1);
}

void Pin(bool one_core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  const int count = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  for (int i = 0; i < (one_core ? 1 : count); ++i) CPU_SET(i, &cores);
  sched_setaffinity(0, sizeof(cores), &cores);
}

bool ReadAll(int fd, void* to, size_t size) {
  char* at = static_cast<char*>(to);
  while (size > 0) {
    const ssize_t got = read(fd, at, size);
    if (got <= 0) return false;
    at += got;
    size -= static_cast<size_t>(got);
  }
  return true;
}

void WriteAll(int fd, const void* from, size_t size) {
  if (write(fd, from, size) != static_cast<ssize_t>(size)) _exit(2);
}

// The child of both: answers one message, hands out its stamps, and ends when
// its parent has seen enough.
int AnswerOnce(ChildStart start) {
  char message[kMessage];
  if (!ReadAll(start.channel.get(), message, kMessage)) return 1;
  WriteAll(start.channel.get(), message, kMessage);
  const std::string timing = start.timing.SerializeAsString();
  const uint32_t size = static_cast<uint32_t>(timing.size());
  WriteAll(start.channel.get(), &size, sizeof(size));
  WriteAll(start.channel.get(), timing.data(), timing.size());
  return ReadAll(start.channel.get(), message, 1);
}

// ---- raw: on request, forks a child that answers once

void ServeRawForks(os::Fd orders) {
  char order;
  while (read(orders.get(), &order, 1) == 1) {
    auto ends = Need(os::SocketPair(SOCK_STREAM), "socketpair");
    char message[kMessage] = {};
    const int64_t before = os::MonotonicNanos();
    const pid_t pid = fork();
    if (pid == 0) {
      ends.first.reset();  // or it would never see its parent's EOF
      if (!ReadAll(ends.second.get(), message, kMessage)) _exit(1);
      WriteAll(ends.second.get(), message, kMessage);
      // Stays until it is told, as the actor does.
      (void)!read(ends.second.get(), message, 1);
      _exit(0);
    }
    WriteAll(ends.first.get(), message, kMessage);
    if (!ReadAll(ends.first.get(), message, kMessage)) _exit(1);
    const int64_t took = os::MonotonicNanos() - before;
    ends.first.reset();
    ends.second.reset();
    siginfo_t info;
    waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED);
    WriteAll(orders.get(), &took, sizeof(took));
  }
  _exit(0);
}

int64_t RawFork(const os::Fd& orders) {
  WriteAll(orders.get(), "f", 1);
  int64_t took = 0;
  if (!ReadAll(orders.get(), &took, sizeof(took))) exit(1);
  return took;
}

// ---- through the forkserver

proto::SpawnSpec MakeSpec(proto::SpawnSpec::Method method) {
  proto::SpawnSpec spec;
  std::string uuid(16, '\0');
  if (!os::FillRandom(std::as_writable_bytes(std::span(uuid))).ok()) exit(1);
  spec.mutable_actor()->set_name("worker");
  spec.mutable_actor()->set_uuid(uuid);
  spec.set_method(method);
  spec.add_endpoints("bench::Answer");
  spec.add_path("root");
  spec.add_path("worker");
  return spec;
}

struct SpawnCost {
  int64_t total_ns = 0;
  std::map<int, int64_t> step_ns;  // since the step before
};

SpawnCost SpawnOnce(Client& client, proto::SpawnSpec::Method method) {
  const proto::SpawnSpec spec = MakeSpec(method);
  SpawnCost cost;
  const int64_t before = os::MonotonicNanos();
  auto ends = Need(os::SocketPair(SOCK_STREAM), "socketpair");
  const uint64_t id = Need(client.Spawn(spec, std::move(ends.second)), "Spawn");
  char message[kMessage] = {};
  WriteAll(ends.first.get(), message, kMessage);
  if (!ReadAll(ends.first.get(), message, kMessage)) exit(1);
  const int64_t after = os::MonotonicNanos();
  cost.total_ns = after - before;

  uint32_t size = 0;
  if (!ReadAll(ends.first.get(), &size, sizeof(size))) exit(1);
  std::string bytes(size, '\0');
  if (!ReadAll(ends.first.get(), bytes.data(), size)) exit(1);
  proto::SpawnTiming timing;
  timing.ParseFromString(bytes);
  int64_t last = before;
  for (const auto& stamp : timing.stamps()) {
    const int64_t at = static_cast<int64_t>(stamp.monotonic_ns());
    cost.step_ns[stamp.step()] = at - last;
    last = at;
  }
  cost.step_ns[1000] = after - last;
  ends.first.reset();
  // Forked, then Exited: one child at a time.
  Need(client.WaitFor(id, absl::Now() + absl::Seconds(10)), "Forked");
  Need(client.WaitFor(id, absl::Now() + absl::Seconds(10)), "Exited");
  return cost;
}

int64_t Percentile(std::vector<int64_t> values, int percent) {
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1,
                         values.size() * static_cast<size_t>(percent) / 100)];
}

double Micros(int64_t ns) { return static_cast<double>(ns) / 1000; }

void Measure(const char* title, Client& client, const os::Fd& raw,
             proto::SpawnSpec::Method method, int rounds) {
  std::vector<int64_t> raws;
  std::vector<int64_t> spawns;
  std::map<int, std::vector<int64_t>> steps;
  for (int i = 0; i < rounds; ++i) {
    raws.push_back(RawFork(raw));
    const SpawnCost cost = SpawnOnce(client, method);
    spawns.push_back(cost.total_ns);
    for (const auto& [step, ns] : cost.step_ns) steps[step].push_back(ns);
  }
  const double ratio = static_cast<double>(Percentile(spawns, 50)) /
                       static_cast<double>(Percentile(raws, 50));
  printf(
      "%-34s raw p50 %7.1f p99 %8.1f us | spawn p50 %7.1f p99 %8.1f us | "
      "ratio %.2f\n",
      title, Micros(Percentile(raws, 50)), Micros(Percentile(raws, 99)),
      Micros(Percentile(spawns, 50)), Micros(Percentile(spawns, 99)), ratio);
  for (const auto& [step, values] : steps) {
    const std::string name =
        step == 1000 ? "(answer)"
                     : proto::SpawnStep_Name(proto::SpawnStep(step)).substr(5);
    printf("    %-14s p50 %7.1f p99 %8.1f us\n", name.c_str(),
           Micros(Percentile(values, 50)), Micros(Percentile(values, 99)));
  }
}

void OpenTree(Client& client, bool cgroup) {
  proto::OpenTree request;
  request.mutable_tree()->set_value(*os::RandomHex(8));
  request.set_want_cgroup(cgroup);
  const uint64_t id = Need(client.OpenTree(request), "OpenTree");
  auto event = Need(client.WaitFor(id, absl::InfiniteFuture()), "TreeOpened");
  for (const auto& layer : std::get<TreeOpened>(event).body.layers()) {
    if (layer.name() != "cgroup") continue;
    printf("-- cgroup: %s\n",
           layer.active() ? "active" : layer.detail().c_str());
  }
}

void CloseTree(Client& client) {
  const uint64_t id = Need(client.CloseTree(absl::ZeroDuration()), "CloseTree");
  Need(client.WaitFor(id, absl::InfiniteFuture()), "TreeClosed");
}

int Main(int argc, char** argv) {
  const int rounds = argc > 1 ? atoi(argv[1]) : 500;
  for (const bool one_core : {true, false}) {
    // Forkserver and raw forker are told apart by nothing but what they do; the
    // program may start one forkserver only, so each placement has its process.
    const os::ForkResult part = Need(os::Fork(), "fork");
    if (!part.in_child()) {
      Need(part.pidfd.Wait(), "wait");
      continue;
    }
    Pin(one_core);
    auto orders = Need(os::SocketPair(SOCK_STREAM), "socketpair");
    const os::ForkResult raw = Need(os::Fork(), "fork");
    if (raw.in_child()) {
      orders.first.reset();
      ServeRawForks(std::move(orders.second));
    }
    Embedded embedded =
        Need(StartEmbedded({AnswerOnce, argc, argv}), "StartEmbedded");
    Client client(std::move(embedded.control));
    orders.second.reset();
    printf("== %s, %d rounds\n", one_core ? "one core" : "free", rounds);
    for (const bool cgroup : {false, true}) {
      OpenTree(client, cgroup);
      Measure("forkserver", client, orders.first, proto::SpawnSpec::FORKSERVER,
              rounds);
      Measure("exec", client, orders.first, proto::SpawnSpec::EXEC,
              rounds / 5 + 1);
      CloseTree(client);
    }
    client.Close();
    if (!embedded.WaitForEnd(absl::Seconds(5)).ok()) exit(1);
    orders.first.reset();
    Need(raw.pidfd.Wait(), "wait");
    fflush(stdout);
    _exit(0);
  }
  return 0;
}

}  // namespace
}  // namespace tractor::forkserver

int main(int argc, char** argv) {
  if (auto child = tractor::forkserver::TakeExecChild()) {
    return tractor::forkserver::AnswerOnce(*std::move(child));
  }
  return tractor::forkserver::Main(argc, argv);
}
