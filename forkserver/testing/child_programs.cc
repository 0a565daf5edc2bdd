// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "forkserver/testing/child_programs.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <span>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "forkserver/client.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/proc_fs.h"
#include "os/random.h"
#include "os/unix_socket.h"

namespace tractor::forkserver::testing {
namespace {

constexpr unsigned kAlarmSeconds = 120;

[[noreturn]] void WaitForEver() {
  while (true) pause();
}

void Say(const os::Fd& channel, const std::string& text) {
  if (!os::WriteAll(channel.get(), text).ok()) _exit(98);
}

int Echo(const os::Fd& channel) {
  char buffer[4096];
  while (true) {
    const ssize_t got = read(channel.get(), buffer, sizeof(buffer));
    if (got == 0) return 0;
    if (got < 0) return 97;
    Say(channel, std::string(buffer, static_cast<size_t>(got)));
  }
}

void IgnoreSoftSignals() {
  for (int soft : {SIGTERM, SIGINT, SIGHUP}) signal(soft, SIG_IGN);
}

[[noreturn]] void BeStray(bool hidden) {
  IgnoreSoftSignals();
  alarm(kAlarmSeconds);
  if (!hidden) WaitForEver();
  char program[] = "/bin/sleep";
  char seconds[] = "120";
  char* const argv[] = {program, seconds, nullptr};
  char* const envp[] = {nullptr};
  execve(program, argv, envp);
  _exit(96);
}

// A process, whose child is a process, ... `depth` of them; waits for ever.
[[noreturn]] void BeChain(int depth) {
  IgnoreSoftSignals();
  alarm(kAlarmSeconds);
  if (depth > 1 && fork() == 0) BeChain(depth - 1);
  WaitForEver();
}

std::string FirstLine(const std::string& path, char until) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line, until);
  return line;
}

void ReportStatus(std::ostream& out) {
  auto status = os::ReadProcStatus(getpid());
  if (!status.ok()) return;
  out << "blocked " << status->blocked_signals << "\n";
  out << "ignored " << status->ignored_signals << "\n";
  out << "parent " << getppid() << "\n";
  out << "group " << (getpgrp() == getpid() ? "own" : "foreign") << "\n";
}

int Report(const ChildStart& start) {
  std::ostringstream out;
  out << "pid " << getpid() << "\n";
  auto key = os::GetProcessKey(getpid());
  out << "start_time " << (key.ok() ? key->start_time : 0) << "\n";
  out << "aid_pid " << start.spec.actor().pid() << "\n";
  out << "aid_start_time " << start.spec.actor().start_time() << "\n";
  out << "boot_id_bytes " << start.spec.actor().boot_id().size() << "\n";
  out << "comm " << FirstLine("/proc/self/comm", '\n') << "\n";
  out << "title " << FirstLine("/proc/self/cmdline", '\0') << "\n";
  out << "cwd " << std::filesystem::current_path().string() << "\n";
  for (const char* name : {kTreeVariable, kActorVariable, kPathVariable}) {
    auto shown = os::EnvironmentValue(getpid(), name);
    const char* own = getenv(name);
    out << "shown_" << name << " "
        << (shown.ok() && shown->has_value() ? **shown : "-") << "\n";
    out << "env_" << name << " " << (own != nullptr ? own : "-") << "\n";
  }
  for (const auto& entry : start.spec.environment()) {
    const char* own = getenv(entry.name().c_str());
    out << "env_" << entry.name() << " " << (own != nullptr ? own : "-")
        << "\n";
  }
  for (const char* name : {"PRELOADED", "PRELOADED_BY"}) {
    const char* own = getenv(name);
    out << "env_" << name << " " << (own != nullptr ? own : "-") << "\n";
  }
  ReportStatus(out);
  out << "nice " << getpriority(PRIO_PROCESS, 0) << "\n";
  out << "random " << rand() << " " << random() << "\n";
  rlimit files = {};
  getrlimit(RLIMIT_NOFILE, &files);
  out << "file_limit " << files.rlim_cur << "\n";
  out << "spec_bytes " << start.spec.ByteSizeLong() << "\n";
  out << "runtime_directory " << start.spec.runtime_directory() << "\n";
  auto fds = os::OpenFds();
  out << "fds";
  if (fds.ok()) {
    for (int fd : *fds) {
      if (fd <= STDERR_FILENO) {
        out << " std";
      } else if (fd == start.channel.get()) {
        out << " channel";
      } else if (fd == start.control.get()) {
        out << " control";
      } else {
        auto named = std::find_if(
            start.fds.begin(), start.fds.end(),
            [&](const auto& one) { return one.second.get() == fd; });
        out << " "
            << (named != start.fds.end() ? named->first
                                         : "stranger:" + std::to_string(fd));
      }
    }
  }
  out << "\nsteps";
  for (const auto& stamp : start.timing.stamps()) {
    out << " " << proto::SpawnStep_Name(stamp.step()) << ":"
        << stamp.monotonic_ns();
  }
  out << "\nend\n";
  Say(start.channel, out.str());
  return Echo(start.channel);
}

int Print(const std::string& text) {
  // Buffered, no newline: only the flush at the end brings it out.
  setvbuf(stdout, nullptr, _IOFBF, 4096);
  printf("out:%s", text.c_str());
  fprintf(stderr, "err:%s", text.c_str());
  return 0;
}

int Dump() {
  rlimit limit = {};
  getrlimit(RLIMIT_CORE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_CORE, &limit);
  signal(SIGABRT, SIG_DFL);
  abort();
}

struct SpawnedActor {
  os::Fd channel;
  pid_t pid = 0;
  uint64_t request_id = 0;
};

SpawnedActor SpawnOne(Client& client, const std::string& name,
                      const std::string& program) {
  auto ends = os::SocketPair(SOCK_STREAM);
  if (!ends.ok()) _exit(95);
  auto id = client.Spawn(MakeSpec(name, program), std::move(ends->second));
  if (!id.ok()) _exit(94);
  auto event = client.WaitFor(*id, absl::Now() + absl::Seconds(30));
  if (!event.ok() || !std::holds_alternative<Forked>(*event)) _exit(93);
  return {std::move(ends->first), std::get<Forked>(*event).pid, *id};
}

std::string ReadWord(const os::Fd& channel) {
  std::string word;
  char c;
  while (read(channel.get(), &c, 1) == 1 && c != '\n') word += c;
  return word;
}

int RunTree(ChildStart& start, int depth, int breadth, int strays) {
  Client client(std::move(start.control));
  std::vector<os::Fd> channels;
  if (depth > 1) {
    std::ostringstream program;
    program << "tree " << depth - 1 << " " << breadth << " " << strays;
    for (int i = 0; i < breadth; ++i) {
      channels.push_back(
          SpawnOne(client, "n" + std::to_string(i), program.str()).channel);
    }
    for (const os::Fd& channel : channels) {
      if (ReadWord(channel) != "ready") return 92;
    }
  } else {
    MakeStrays(strays, false);
  }
  Say(start.channel, "ready\n");
  return Echo(start.channel);
}

int BeParent(ChildStart& start, const std::string& line, bool hang_up) {
  Client client(std::move(start.control));
  SpawnedActor child = SpawnOne(client, "child", line);
  if (line == "hang") ReadWord(child.channel);
  Say(start.channel, "child " + std::to_string(child.pid) + "\n");
  if (hang_up) client.Close();
  return Echo(start.channel);
}

int BeOwner(ChildStart& start, int count) {
  Client client(std::move(start.control));
  for (int i = 0; i < count; ++i) {
    const SpawnedActor child = SpawnOne(client, "quick", "exit 0");
    auto exited =
        client.WaitFor(child.request_id, absl::Now() + absl::Seconds(30));
    if (!exited.ok()) return 92;
  }
  Say(start.channel, "ready\n");
  return Echo(start.channel);
}

int BeWedgedOwner(ChildStart& start, int count) {
  Client client(std::move(start.control));
  std::vector<SpawnedActor> children;
  for (int i = 0; i < count; ++i) {
    children.push_back(SpawnOne(client, "child", "echo"));
  }
  Say(start.channel, "ready\n");
  ReadWord(start.channel);
  children.clear();
  return Echo(start.channel);
}

int BeDeafOwner(ChildStart& start, int count) {
  Client client(std::move(start.control));
  for (int i = 0; i < count; ++i) {
    auto ends = os::SocketPair(SOCK_STREAM);
    if (!ends.ok()) return 91;
    // Refused at some point: what waits in the client has a limit as well.
    if (!client.Spawn(MakeSpec("quick", "exit 0"), std::move(ends->second))
             .ok()) {
      break;
    }
  }
  Say(start.channel, "asked\n");
  return Echo(start.channel);
}

int Accept(ChildStart& start, int count) {
  Client client(std::move(start.control));
  Say(start.channel, "ready\n");
  while (count > 0) {
    auto events = client.Drain();
    if (!events.ok()) return 85;
    for (Event& event : *events) {
      auto* incoming = std::get_if<Incoming>(&event);
      if (incoming == nullptr || !incoming->channel.valid()) return 84;
      Say(incoming->channel, "hello " + incoming->body.name() + "\n");
      --count;
    }
    pollfd waiting = {client.fd(), POLLIN, 0};
    if (count > 0) poll(&waiting, 1, -1);
  }
  return Echo(start.channel);
}

int Reach(ChildStart& start, const std::string& name) {
  Client client(std::move(start.control));
  auto ends = os::SocketPair(SOCK_STREAM);
  if (!ends.ok()) return 91;
  proto::Connect target;
  target.set_name(name);
  auto id = client.Connect(target, std::move(ends->second));
  if (!id.ok()) return 88;
  auto event = client.WaitFor(*id, absl::Now() + absl::Seconds(30));
  if (!event.ok()) return 87;
  if (const auto* failed = std::get_if<Failed>(&*event)) {
    Say(start.channel,
        "failed " + std::to_string(failed->body.errno_value()) + "\n");
  } else {
    Say(start.channel, ReadWord(ends->first) + "\n");
  }
  return Echo(start.channel);
}

// Says how a request was answered.
int SayAnswer(ChildStart& start, Client& client, absl::StatusOr<uint64_t> id) {
  if (!id.ok()) return 88;
  auto event = client.WaitFor(*id, absl::Now() + absl::Seconds(30));
  if (!event.ok()) return 87;
  const auto* failed = std::get_if<Failed>(&*event);
  Say(start.channel,
      failed != nullptr
          ? "failed " + std::to_string(failed->body.errno_value()) + "\n"
          : "done\n");
  return Echo(start.channel);
}

}  // namespace

void MakeStrays(int count, bool hidden) {
  for (int i = 0; i < count; ++i) {
    const pid_t middle = fork();
    if (middle == 0) {
      setsid();
      if (fork() == 0) BeStray(hidden);
      _exit(0);
    }
    waitpid(middle, nullptr, 0);
  }
}

proto::SpawnSpec MakeSpec(const std::string& name, const std::string& program) {
  proto::SpawnSpec spec;
  std::string uuid(16, '\0');
  if (!os::FillRandom(std::as_writable_bytes(std::span(uuid))).ok()) _exit(90);
  spec.mutable_actor()->set_name(name);
  spec.mutable_actor()->set_uuid(uuid);
  spec.set_method(proto::SpawnSpec::FORKSERVER);
  spec.set_runtime_variables(program);
  spec.add_path("root");
  spec.add_path(name);
  return spec;
}

int RunProgram(ChildStart start) {
  alarm(kAlarmSeconds);
  const std::string line = start.spec.runtime_variables();
  std::istringstream words(line);
  std::string name;
  words >> name;
  std::string rest;
  std::getline(words >> std::ws, rest);
  std::istringstream numbers(rest);
  int a = 0, b = 0, c = 0;
  numbers >> a >> b >> c;

  if (name == "exit") return a;
  if (name == "raise") {
    signal(a, SIG_DFL);
    return raise(a);
  }
  if (name == "dump") return Dump();
  if (name == "print") return Print(rest);
  if (name == "echo") return Echo(start.channel);
  if (name == "report") return Report(start);
  if (name == "hang") {
    IgnoreSoftSignals();
    Say(start.channel, "ready\n");
    WaitForEver();
  }
  if (name == "strays" || name == "strays-hidden" || name == "strays-leave") {
    MakeStrays(a, name == "strays-hidden");
    Say(start.channel, "ready\n");
    return name == "strays-leave" ? 0 : Echo(start.channel);
  }
  if (name == "chain") {
    if (fork() == 0) BeChain(a);
    Say(start.channel, "ready\n");
    return Echo(start.channel);
  }
  if (name == "tree") return RunTree(start, a, b, c);
  if (name == "parent") return BeParent(start, rest, false);
  if (name == "hang-up") return BeParent(start, rest, true);
  if (name == "accept") return Accept(start, a);
  if (name == "reach") return Reach(start, rest);
  if (name == "owner") return BeOwner(start, a);
  if (name == "wedged-owner") return BeWedgedOwner(start, a);
  if (name == "deaf-owner") return BeDeafOwner(start, a);
  if (name == "kill-request" || name == "close-request") {
    Client client(std::move(start.control));
    return SayAnswer(start, client,
                     name == "kill-request"
                         ? client.Kill(static_cast<uint64_t>(a), SIGKILL)
                         : client.CloseTree(absl::ZeroDuration()));
  }
  return 89;
}

}  // namespace tractor::forkserver::testing
