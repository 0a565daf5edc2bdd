// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// What a spawn through the forkserver costs, without tasks and frames, against
// the least that the kernel asks for: a fork of a process of the same size and
// one 64 B round trip over a socketpair.
//
//   bazel run --config=opt //bench:forkserver_benchmark -- [--json] [--quick]
//       [--filter=TEXT] [--free] [--steps]
//
// Both take turns. --steps adds the time between the steps of a spawn, as its
// stamps tell it. The raw forks are made by a process that is a fork of this
// one at the zygote's place: before anything else, with the same memory.
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <variant>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "bench/harness.h"
#include "bench/raw.h"
#include "forkserver/client.h"
#include "forkserver/embedded.h"
#include "forkserver/exec_child.h"
#include "os/random.h"
#include "os/unix_socket.h"

namespace tractor::bench {
namespace {

using forkserver::ChildStart;
using forkserver::Client;
using forkserver::Embedded;

constexpr absl::Duration kTimeout = absl::Seconds(10);
// Stands behind all steps of proto::SpawnStep: the answer is there.
constexpr int kAnswered = 1000;

template <class T>
T Need(absl::StatusOr<T> value, const char* what) {
  if (value.ok()) return *std::move(value);
  std::fprintf(stderr, "%s: %s\n", what, value.status().ToString().c_str());
  std::exit(1);
}

double Micros(int64_t nanos) { return static_cast<double>(nanos) / 1e3; }

// The child: answers one message, hands out its stamps, and ends when its
// parent has seen enough.
int AnswerOnce(ChildStart start) {
  const int fd = start.channel.get();
  char message[kSmall];
  if (!ReadAll(fd, message, kSmall)) return 1;
  WriteAll(fd, message, kSmall);
  const std::string timing = start.timing.SerializeAsString();
  const uint32_t size = static_cast<uint32_t>(timing.size());
  WriteAll(fd, &size, sizeof(size));
  WriteAll(fd, timing.data(), timing.size());
  return ReadAll(fd, message, 1);
}

// ---- raw: on request, forks a child that answers once ----

void ServeRawSpawns(int orders) {
  char order;
  while (read(orders, &order, 1) == 1) {
    const double millis = RawSpawnMillis();
    WriteAll(orders, &millis, sizeof(millis));
  }
}

double RawSpawnMicros(const RawChild& forker) {
  WriteAll(forker.fd(), "f", 1);
  double millis = 0;
  Check(ReadAll(forker.fd(), &millis, sizeof(millis)), "the raw forks");
  return millis * 1e3;
}

// ---- through the forkserver ----

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
  double micros = 0;
  std::map<int, double> steps;  // microseconds since the step before
};

// Reads the stamps that the child sends behind its answer.
SpawnCost ReadCost(int fd, int64_t before, int64_t after) {
  SpawnCost cost;
  cost.micros = Micros(after - before);
  uint32_t size = 0;
  Check(ReadAll(fd, &size, sizeof(size)), "stamps");
  std::string bytes(size, '\0');
  Check(ReadAll(fd, bytes.data(), size), "stamps");
  proto::SpawnTiming timing;
  Check(timing.ParseFromString(bytes), "stamps");
  int64_t last = before;
  for (const auto& stamp : timing.stamps()) {
    const int64_t at = static_cast<int64_t>(stamp.monotonic_ns());
    cost.steps[stamp.step()] = Micros(at - last);
    last = at;
  }
  cost.steps[kAnswered] = Micros(after - last);
  return cost;
}

SpawnCost SpawnOnce(Client& client, proto::SpawnSpec::Method method) {
  const proto::SpawnSpec spec = MakeSpec(method);
  const int64_t before = NowNanos();
  auto ends = Need(os::SocketPair(SOCK_STREAM), "socketpair");
  const uint64_t id = Need(client.Spawn(spec, std::move(ends.second)), "Spawn");
  char message[kSmall] = {};
  WriteAll(ends.first.get(), message, kSmall);
  Check(ReadAll(ends.first.get(), message, kSmall), "answer");
  const int64_t after = NowNanos();
  SpawnCost cost = ReadCost(ends.first.get(), before, after);
  ends.first.reset();
  // Forked, then Exited: one child at a time.
  Need(client.WaitFor(id, absl::Now() + kTimeout), "Forked");
  Need(client.WaitFor(id, absl::Now() + kTimeout), "Exited");
  return cost;
}

// ---- figures ----

struct Bench {
  Report& report;
  Client& client;
  const RawChild& raw_forker;
  bool steps;
};

std::string StepName(int step) {
  if (step == kAnswered) return "the answer";
  return proto::SpawnStep_Name(static_cast<proto::SpawnStep>(step))
      .substr(std::string("STEP_").size());
}

void Measure(const Bench& bench, const std::string& how,
             proto::SpawnSpec::Method method, int rounds) {
  const std::string name = "spawn to first answer, " + how;
  if (!bench.report.Wants(name)) return;
  Samples raw;
  Samples ours;
  std::map<int, Samples> steps;
  for (int i = 0; i < bench.report.Rounds(rounds); ++i) {
    raw.Add(RawSpawnMicros(bench.raw_forker));
    const SpawnCost cost = SpawnOnce(bench.client, method);
    ours.Add(cost.micros);
    for (const auto& [step, micros] : cost.steps) steps[step].Add(micros);
  }
  bench.report.Add(name, "us", ours, raw);
  if (!bench.steps) return;
  for (const auto& [step, samples] : steps) {
    bench.report.Add(how + ", to " + StepName(step), "us", samples);
  }
}

// False: there is no cgroup, and that was said on stderr.
bool OpenTree(Client& client, bool cgroup) {
  proto::OpenTree request;
  request.mutable_tree()->set_value(Need(os::RandomHex(8), "RandomHex"));
  request.set_want_cgroup(cgroup);
  const uint64_t id = Need(client.OpenTree(request), "OpenTree");
  const forkserver::Event event =
      Need(client.WaitFor(id, absl::Now() + kTimeout), "TreeOpened");
  const auto* opened = std::get_if<forkserver::TreeOpened>(&event);
  Check(opened != nullptr, "OpenTree was refused");
  for (const auto& layer : opened->body.layers()) {
    if (!cgroup || layer.name() != "cgroup" || layer.active()) continue;
    std::fprintf(stderr, "not measured with a cgroup: %s\n",
                 layer.detail().c_str());
    return false;
  }
  return true;
}

void CloseTree(Client& client) {
  const uint64_t id = Need(client.CloseTree(absl::ZeroDuration()), "CloseTree");
  Need(client.WaitFor(id, absl::Now() + kTimeout), "TreeClosed");
}

int Main(int argc, char** argv) {
  bool steps = false;
  Report report("forkserver", argc, argv, {{"--steps", &steps}});
  const RawChild raw_forker(ServeRawSpawns);
  Embedded embedded = Need(forkserver::StartEmbedded({AnswerOnce, argc, argv}),
                           "StartEmbedded");
  Client client(std::move(embedded.control));
  const Bench bench{report, client, raw_forker, steps};
  for (const bool cgroup : {true, false}) {
    if (OpenTree(client, cgroup)) {
      const std::string rest = cgroup ? "" : ", no cgroup";
      Measure(bench, "forkserver" + rest, proto::SpawnSpec::FORKSERVER, 500);
      Measure(bench, "exec" + rest, proto::SpawnSpec::EXEC, 100);
    }
    CloseTree(client);
  }
  client.Close();
  // Before the raw forker's end: the zygote has our end of its socket, too.
  Check(embedded.WaitForEnd(kTimeout).ok(), "the forkserver's end");
  return report.Finish();
}

}  // namespace
}  // namespace tractor::bench

int main(int argc, char** argv) {
  if (auto child = tractor::forkserver::TakeExecChild()) {
    return tractor::bench::AnswerOnce(*std::move(child));
  }
  return tractor::bench::Main(argc, argv);
}
