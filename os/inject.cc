// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "os/inject.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <utility>

#include "absl/status/status.h"
#include "os/file.h"

namespace tractor::os {
namespace {

absl::Status Wrong(std::string_view text, const std::string& what) {
  return absl::InvalidArgumentError("TRACTOR_INJECT=" + std::string(text) +
                                    ": " + what);
}

bool ParseNumber(std::string_view text, int* number) {
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size() &&
         *number >= 0;
}

// "kill", "delay:50".
bool ParseAction(std::string_view text, Injection* injection) {
  using Action = Injection::Action;
  const size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  const bool has_argument = colon != std::string_view::npos;
  if (has_argument &&
      !ParseNumber(text.substr(colon + 1), &injection->argument)) {
    return false;
  }
  const std::pair<std::string_view, Action> actions[] = {
      {"kill", Action::kKill},
      {"stop", Action::kStop},
      {"delay", Action::kDelay},
      {"exit", Action::kExit}};
  for (const auto& [known, action] : actions) {
    if (name != known) continue;
    injection->action = action;
    const bool takes = action == Action::kDelay || action == Action::kExit;
    return takes == has_argument;
  }
  return false;
}

struct State {
  std::optional<Injection> injection;
  std::string name = "root";
  std::atomic<int> passes = 0;
};

// Never destroyed: processes end in many ways.
State& TheState() {
  static State& state = *[] {
    auto* fresh = new State;
    const char* text = getenv("TRACTOR_INJECT");
    if (text == nullptr || *text == '\0') return fresh;
    absl::StatusOr<Injection> parsed = ParseInjection(text);
    if (parsed.ok()) {
      fresh->injection = *std::move(parsed);
    } else {
      WriteAll(STDERR_FILENO, std::string(parsed.status().message()) + "\n")
          .IgnoreError();
    }
    return fresh;
  }();
  return state;
}

void Act(const Injection& injection) {
  switch (injection.action) {
    case Injection::Action::kKill:
      raise(SIGKILL);
      return;
    case Injection::Action::kStop:
      raise(SIGSTOP);
      return;
    case Injection::Action::kDelay:
      poll(nullptr, 0, injection.argument);
      return;
    case Injection::Action::kExit:
      _exit(injection.argument);
  }
}

}  // namespace

absl::StatusOr<Injection> ParseInjection(std::string_view text) {
  Injection injection;
  const size_t at = text.find('@');
  if (at == std::string_view::npos ||
      !ParseAction(text.substr(0, at), &injection)) {
    return Wrong(text,
                 "it begins with kill@, stop@, delay:MILLISECONDS@ or "
                 "exit:CODE@");
  }
  std::string_view rest = text.substr(at + 1);
  if (const size_t slash = rest.find('/'); slash != std::string_view::npos) {
    injection.who = std::string(rest.substr(slash + 1));
    rest = rest.substr(0, slash);
    if (injection.who.empty()) return Wrong(text, "no name after the /");
  }
  if (const size_t hash = rest.find('#'); hash != std::string_view::npos) {
    if (!ParseNumber(rest.substr(hash + 1), &injection.pass) ||
        injection.pass == 0) {
      return Wrong(text, "after # comes a number, from 1");
    }
    rest = rest.substr(0, hash);
  }
  if (rest.empty()) return Wrong(text, "no point after the @");
  injection.point = std::string(rest);
  return injection;
}

void SetInjectionName(std::string_view name) {
  State& state = TheState();
  state.name = std::string(name);
  state.passes = 0;
}

void PassInjectionPoint(const char* point) {
  State& state = TheState();
  if (!state.injection.has_value()) return;
  const Injection& injection = *state.injection;
  if (injection.point != point) return;
  if (!injection.who.empty() && injection.who != state.name) return;
  if (++state.passes != injection.pass) return;
  WriteAll(STDERR_FILENO,
           "injected at " + injection.point + " in " + state.name + "\n")
      .IgnoreError();
  Act(injection);
}

}  // namespace tractor::os
