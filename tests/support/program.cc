// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "tests/support/program.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

namespace tractor::testing {
namespace {

constexpr std::string_view kFlag = "--test_program=";

std::map<std::string, ProgramMain, std::less<>>& Programs() {
  static auto* const programs =
      new std::map<std::string, ProgramMain, std::less<>>;
  return *programs;
}

[[noreturn]] void Die(const char* what) {
  std::perror(what);
  abort();
}

std::vector<std::string> MergedEnvironment(
    const std::map<std::string, std::string>& changes) {
  std::vector<std::string> merged;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!changes.contains(text.substr(0, text.find('=')))) {
      merged.push_back(text);
    }
  }
  for (const auto& [name, value] : changes) {
    merged.push_back(name + "=" + value);
  }
  return merged;
}

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

int Code(const os::ExitStatus& end) {
  return end.signal != 0 ? 256 + end.signal : end.code;
}

}  // namespace

bool RegisterProgram(std::string_view name, ProgramMain main) {
  return Programs().emplace(name, main).second;
}

ProgramMain FindProgram(int argc, char** argv) {
  if (argc < 2) return nullptr;
  const std::string_view flag = argv[1];
  if (!flag.starts_with(kFlag)) return nullptr;
  const auto found = Programs().find(flag.substr(kFlag.size()));
  if (found != Programs().end()) return found->second;
  std::fprintf(stderr, "there is no test program %s\n", argv[1]);
  abort();
}

Program::Program(std::string_view name,
                 const std::map<std::string, std::string>& environment) {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) Die("pipe2");
  out_ = os::Fd(fds[0]);
  const os::Fd theirs(fds[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, theirs.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, theirs.get(), STDERR_FILENO);
  std::vector<std::string> arguments = {"test program",
                                        std::string(kFlag) + std::string(name)};
  std::vector<std::string> variables = MergedEnvironment(environment);
  pid_t pid = 0;
  if (posix_spawn(&pid, "/proc/self/exe", &actions, nullptr,
                  Pointers(arguments).data(),
                  Pointers(variables).data()) != 0) {
    Die("posix_spawn");
  }
  posix_spawn_file_actions_destroy(&actions);
  auto pidfd = os::Pidfd::Open(pid);  // our child: it cannot be another one
  if (!pidfd.ok()) Die("pidfd_open");
  pidfd_ = *std::move(pidfd);
}

Program::~Program() {
  if (end_.has_value()) return;
  Signal(SIGKILL);
  JoinOnly();
}

void Program::Signal(int signal) { pidfd_.Signal(signal).IgnoreError(); }

bool Program::ReadMore() {
  char buffer[4096];
  const ssize_t got =
      TEMP_FAILURE_RETRY(read(out_.get(), buffer, sizeof(buffer)));
  if (got <= 0) return false;
  output_.append(buffer, static_cast<size_t>(got));
  return true;
}

std::optional<std::string> Program::WaitForLine(std::string_view text) {
  while (true) {
    const size_t newline = output_.find('\n', searched_);
    if (newline == std::string::npos) {
      if (!ReadMore()) return std::nullopt;
      continue;
    }
    const std::string line = output_.substr(searched_, newline - searched_);
    searched_ = newline + 1;
    if (line.find(text) != std::string::npos) return line;
  }
}

int Program::Join() {
  while (ReadMore()) {
  }
  return JoinOnly();
}

int Program::JoinOnly() {
  if (end_.has_value()) return *end_;
  const auto end = pidfd_.Wait();
  end_ = end.ok() ? Code(*end) : -1;
  return *end_;
}

}  // namespace tractor::testing
