// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "forkserver/testing/test_root.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/escaping.h"
#include "forkserver/exec_child.h"
#include "gtest/gtest.h"
#include "os/cgroup.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/fork.h"
#include "os/prctl.h"
#include "os/proc_fs.h"
#include "os/random.h"
#include "os/unix_socket.h"

namespace tractor::forkserver::testing {
namespace {

// The first four bytes of all tree ids of this test program, in hex: tests that
// run at the same time share a parent cgroup.
const std::string& TreePrefix() {
  static const std::string prefix = *os::RandomHex(4);
  return prefix;
}

void (*test_rehearsal)() = nullptr;
int test_argc = 0;
char** test_argv = nullptr;

[[noreturn]] void GiveUp(const std::string& what) {
  fprintf(stderr, "test root gives up: %s\n", what.c_str());
  fflush(nullptr);
  _exit(99);
}

template <typename T>
T Need(absl::StatusOr<T> value, const char* what) {
  if (!value.ok()) GiveUp(std::string(what) + ": " + value.status().ToString());
  return *std::move(value);
}

[[noreturn]] void RunInRoot(const std::function<void(TestRoot&)>& body,
                            const std::string& directory, os::Fd said) {
  alarm(120);
  auto embedded =
      StartEmbedded({RunProgram, test_argc, test_argv, test_rehearsal});
  TestRoot root(Need(std::move(embedded), "StartEmbedded"), directory);
  root.said = std::move(said);
  body(root);
  root.client.Close();
  Embedded end{os::Fd(), std::move(root.zygote)};
  if (end.zygote.valid()) {
    const absl::Status status = end.WaitForEnd(absl::Seconds(20));
    EXPECT_TRUE(status.ok()) << status;
  }
  fflush(nullptr);
  _exit(::testing::Test::HasFailure() ? 1 : 0);
}

// Reaps everything until there is no child left. What is left after the
// deadline is named and killed.
void ExpectNoProcessLeft(absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  while (true) {
    const pid_t reaped = waitpid(-1, nullptr, WNOHANG);
    if (reaped > 0) continue;
    if (reaped < 0 && errno == ECHILD) return;
    if (absl::Now() > deadline) break;
    poll(nullptr, 0, 1);
  }
  auto left = os::ChildrenOf(getpid());
  if (!left.ok()) return;
  for (pid_t pid : *left) {
    auto comm = os::Comm(pid);
    ADD_FAILURE() << "left behind: " << pid << " " << comm.value_or("?");
    // Allowed: ours and unreaped, so the number is still its own.
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }
}

void ExpectNoCgroupLeft() {
  auto own = os::Cgroup::Own();
  if (!own.ok()) return;
  auto children = own->Children();
  if (!children.ok()) return;
  for (const std::string& name : *children) {
    if (!name.starts_with("tractor-")) continue;
    EXPECT_NE(name.substr(8, 8), TreePrefix()) << "cgroup left: " << name;
  }
}

// Runtime directories of trees; the user's own one above them may stay.
void ExpectNoFileLeft(const std::string& directory) {
  std::error_code none;
  for (const auto& entry :
       std::filesystem::directory_iterator(directory + "/tractor", none)) {
    ADD_FAILURE() << "left behind: " << entry.path();
  }
}

std::string ReadToEnd(int fd) {
  std::string all;
  char buffer[4096];
  ssize_t got;
  while ((got = read(fd, buffer, sizeof(buffer))) > 0) {
    all.append(buffer, static_cast<size_t>(got));
  }
  return all;
}

}  // namespace

void SetRehearsal(void (*rehearse)()) { test_rehearsal = rehearse; }

void RememberArguments(int argc, char** argv) {
  // Forces the prefix as well: roots are forked and must agree on it.
  (void)TreePrefix();
  test_argc = argc;
  test_argv = argv;
}

Event TestRoot::WaitUntil(const std::function<bool(const Event&)>& wanted) {
  const int64_t deadline = os::MonotonicNanos() + 30'000'000'000;
  size_t looked_at = 0;
  while (true) {
    for (; looked_at < events_.size(); ++looked_at) {
      if (!wanted(events_[looked_at])) continue;
      Event event = std::move(events_[looked_at]);
      events_.erase(events_.begin() + static_cast<ptrdiff_t>(looked_at));
      return event;
    }
    for (Event& event : Need(client.Drain(), "Drain")) {
      events_.push_back(std::move(event));
    }
    if (looked_at < events_.size()) continue;
    if (os::MonotonicNanos() > deadline) GiveUp("no such event in 30 s");
    pollfd waiting = {client.fd(), POLLIN, 0};
    poll(&waiting, 1, 1000);
  }
}

proto::TreeOpened TestRoot::Open(const TreeWishes& wishes) {
  proto::OpenTree request;
  const std::string id =
      absl::HexStringToBytes(TreePrefix() + *os::RandomHex(12));
  request.mutable_tree()->set_value(id);
  request.set_want_cgroup(wishes.cgroup);
  request.set_want_runtime_directory(wishes.runtime_directory);
  request.set_runtime_base(directory);
  request.set_max_processes(wishes.max_processes);
  request.set_orphan_grace_ns(
      static_cast<uint64_t>(absl::ToInt64Nanoseconds(wishes.orphan_grace)));
  const uint64_t request_id = Need(client.OpenTree(request), "OpenTree");
  return Wait<TreeOpened>(request_id).body;
}

proto::TreeClosed TestRoot::Close(absl::Duration grace) {
  return Wait<TreeClosed>(Need(client.CloseTree(grace), "CloseTree")).body;
}

TestChild TestRoot::Spawn(const std::string& name, const std::string& program) {
  return Spawn(MakeSpec(name, program));
}

absl::StatusOr<TestChild> TestRoot::TrySpawn(
    const proto::SpawnSpec& spec, std::map<std::string, os::Fd> fds) {
  auto ends = Need(os::SocketPair(SOCK_STREAM), "socketpair");
  TestChild child;
  child.channel = std::move(ends.first);
  child.request_id =
      Need(client.Spawn(spec, std::move(ends.second), std::move(fds)), "Spawn");
  Event event = WaitUntil(
      [&](const Event& e) { return RequestId(e) == child.request_id; });
  if (auto* failed = std::get_if<Failed>(&event)) {
    return ToStatus(failed->body);
  }
  child.forked = std::get<Forked>(std::move(event));
  return child;
}

TestChild TestRoot::Spawn(proto::SpawnSpec spec,
                          std::map<std::string, os::Fd> fds) {
  return Need(TrySpawn(spec, std::move(fds)), "spawn");
}

pid_t TestRoot::FindSpare() const {
  for (pid_t pid : Need(os::ChildrenOf(zygote.pid()), "ChildrenOf")) {
    if (os::Comm(pid).value_or("") == "tractor-spare") return pid;
  }
  return 0;
}

pid_t TestRoot::MakeSpare() {
  for (int i = 0; i < 2; ++i) WaitSwept(Spawn("before", "exit 0"));
  const int64_t deadline = os::MonotonicNanos() + 30'000'000'000;
  while (true) {
    if (const pid_t spare = FindSpare(); spare != 0) return spare;
    if (os::MonotonicNanos() > deadline) GiveUp("no spare in 30 s");
    poll(nullptr, 0, 1);
  }
}

proto::Failed TestRoot::SpawnFails(proto::SpawnSpec spec,
                                   std::map<std::string, os::Fd> fds) {
  auto ends = Need(os::SocketPair(SOCK_STREAM), "socketpair");
  const uint64_t id =
      Need(client.Spawn(spec, std::move(ends.second), std::move(fds)), "Spawn");
  Event event = WaitUntil([&](const Event& e) { return RequestId(e) == id; });
  if (!std::holds_alternative<Failed>(event)) GiveUp("the spawn did not fail");
  return std::get<Failed>(std::move(event)).body;
}

proto::Swept TestRoot::WaitSwept(const TestChild& child) {
  if (WaitExited(child).swept()) return {};
  return Wait<Swept>(child.request_id).body;
}

void TestRoot::Say(const std::string& text) {
  if (!os::WriteAll(said.get(), text + "\n").ok()) GiveUp("Say");
}

std::string ReadLine(int fd) {
  std::string line;
  char c;
  while (read(fd, &c, 1) == 1 && c != '\n') line += c;
  return line;
}

std::map<std::string, std::string> ReadReport(const TestChild& child) {
  std::map<std::string, std::string> report;
  while (true) {
    const std::string line = ReadLine(child.channel.get());
    if (line == "end" || line.empty()) return report;
    const size_t space = std::min(line.find(' '), line.size());
    report[line.substr(0, space)] =
        space < line.size() ? line.substr(space + 1) : "";
  }
}

std::string MakeTemporaryDirectory() {
  const char* base = getenv("TEST_TMPDIR");
  // A socket's path has 107 bytes, and Bazel's directory takes most of it.
  std::string path =
      std::string(base != nullptr && strlen(base) < 40 ? base : "/tmp") +
      "/tractor-fs-XXXXXX";
  if (mkdtemp(path.data()) == nullptr) GiveUp("mkdtemp");
  return path;
}

RootEnd RunDoomedRoot(const std::function<void(TestRoot&)>& body,
                      const std::function<void(os::Pidfd&)>& while_running) {
  const std::string directory = MakeTemporaryDirectory();
  auto ends = Need(os::SocketPair(SOCK_STREAM), "socketpair");
  fflush(nullptr);
  os::ForkResult fork = Need(os::Fork(), "fork");
  if (fork.in_child()) {
    ends.first.reset();
    RunInRoot(body, directory, std::move(ends.second));
  }
  ends.second.reset();
  RootEnd end;
  if (while_running) {
    end.said = ReadLine(ends.first.get());
    while_running(fork.pidfd);
  }
  end.status = Need(fork.pidfd.Wait(), "wait");
  const absl::Time ended = absl::Now();
  ExpectNoProcessLeft(absl::Seconds(10));
  end.until_nothing_left = absl::Now() - ended;
  // Only now: strays may hold the socket's other end.
  end.said += ReadToEnd(ends.first.get());
  ExpectNoCgroupLeft();
  ExpectNoFileLeft(directory);
  std::filesystem::remove_all(directory);
  return end;
}

RootEnd RunRoot(const std::function<void(TestRoot&)>& body) {
  RootEnd end = RunDoomedRoot(body, nullptr);
  EXPECT_TRUE(end.status.ok()) << "the root: " << end.status.ToString();
  return end;
}

}  // namespace tractor::forkserver::testing

// A root must be forked before any thread exists, and an exec'ed actor is a
// run of this same program.
int main(int argc, char** argv) {
  using namespace tractor::forkserver;
  if (auto child = TakeExecChild()) {
    return ::tractor::forkserver::testing::RunProgram(*std::move(child));
  }
  ::tractor::forkserver::testing::RememberArguments(argc, argv);
  ::testing::InitGoogleTest(&argc, argv);
  if (!tractor::os::SetSubreaper().ok()) return 1;
  return RUN_ALL_TESTS();
}
