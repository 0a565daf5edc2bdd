// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "tests/chaos/judge.h"

#include <signal.h>

#include <algorithm>
#include <set>
#include <string_view>

namespace tractor::chaos {
namespace {

using Complaints = std::vector<std::string>;
using Kinds = std::set<Kind>;

constexpr std::string_view kRemote = "tractor::RemoteActorError";

// What faults of a kind can make of some actor, as the types of errors. Not
// ActorTooSlowError: see MayBeTooSlow().
std::set<std::string_view> ErrorsOf(Kind kind) {
  constexpr std::string_view kDied = "tractor::ActorDied";
  constexpr std::string_view kCancelled = "tractor::ContextCancelled";
  constexpr std::string_view kFailure = "tractor::RuntimeFailure";
  constexpr std::string_view kClosed = "tractor::TransportClosed";
  constexpr std::string_view kNoMemory = "std::bad_alloc";
  switch (kind) {
    case Kind::kKill:
      return {kDied, kFailure};  // the latter of a forkserver
    case Kind::kMemoryLimit:
      return {kDied, kNoMemory, kFailure};
    case Kind::kTerm:
    case Kind::kCancel:
      return {kCancelled, kClosed, "tractor::Interrupted"};
    case Kind::kCloseLink:  // a failure: before the child's hello
    case Kind::kCloseControl:
      return {kDied, kClosed, kCancelled, kFailure};
    case Kind::kBadAlloc:
      return {kDied, kNoMemory, kFailure, kClosed};
    case Kind::kThrow:
      return {"tractor::chaos::ChaosError"};
    case Kind::kStop:
    case Kind::kFlood:
    case Kind::kStorm:
    case Kind::kWedge:
      return {};
  }
  return {};
}

// Who cannot answer is killed, once somebody wants it to end.
bool MayBeTooSlow(Kind kind) {
  return kind == Kind::kStop || kind == Kind::kFlood || kind == Kind::kStorm ||
         kind == Kind::kWedge || kind == Kind::kBadAlloc ||
         kind == Kind::kCloseLink || kind == Kind::kCloseControl;
}

std::vector<Fault> Struck(const Plan& plan, const Outcome& outcome) {
  std::vector<Fault> struck;
  for (size_t i = 0; i < plan.faults.size(); ++i) {
    if (outcome.struck[i]) struck.push_back(plan.faults[i]);
  }
  return struck;
}

bool HitTheRoot(const std::vector<Fault>& struck, std::set<Kind> kinds) {
  return std::any_of(struck.begin(), struck.end(), [&](const Fault& fault) {
    return fault.victim == Victim::kRoot && kinds.contains(fault.kind);
  });
}

bool KillsForkserver(const Fault& fault) {
  return fault.victim == Victim::kForkserver && fault.kind == Kind::kKill;
}

// ---- the rules ----

void JudgeEnd(const Outcome& outcome, const std::vector<Fault>& struck,
              Complaints& complaints) {
  if (!outcome.ended) {
    complaints.push_back("the root has not ended within " +
                         absl::FormatDuration(outcome.allowed));
    return;
  }
  const bool killed = outcome.code == 256 + SIGKILL &&
                      HitTheRoot(struck, {Kind::kKill, Kind::kMemoryLimit});
  // The second of two SIGTERMs ends the process at once.
  const bool forced =
      outcome.code == 128 + SIGTERM && HitTheRoot(struck, {Kind::kTerm});
  if (killed || forced) return;
  if (outcome.code > 1 || outcome.verdict.end.empty()) {
    complaints.push_back(
        "the root has ended with code " + std::to_string(outcome.code) +
        (outcome.verdict.end.empty() ? ", without a word" : ""));
  }
}

std::string TypeOf(const Leaf& leaf) {
  return leaf.type == kRemote ? leaf.boxed : leaf.type;
}

void JudgeErrors(const Outcome& outcome, const std::vector<Fault>& struck,
                 Complaints& complaints) {
  std::set<std::string_view> possible;
  for (const Fault& fault : struck) {
    possible.merge(ErrorsOf(fault.kind));
    // Who sees it before the kernel kills him gives up what he serves.
    if (KillsForkserver(fault)) possible.insert("tractor::ContextCancelled");
    if (MayBeTooSlow(fault.kind)) possible.insert("tractor::ActorTooSlowError");
  }
  for (const Leaf& leaf : outcome.verdict.leaves) {
    if (possible.contains(TypeOf(leaf))) continue;
    complaints.push_back("no fault explains this error: " + TypeOf(leaf) +
                         ": " + leaf.brief);
  }
  if (outcome.verdict.end == "error" && outcome.verdict.leaves.empty()) {
    complaints.push_back("an error without any leaf");
  }
}

void JudgeWork(const Plan& plan, const Outcome& outcome,
               const std::vector<Fault>& struck, Complaints& complaints) {
  const std::string& end = outcome.verdict.end;
  if (end == "late") {
    complaints.push_back("the tree was not done within its life of " +
                         absl::FormatDuration(kLife));
  }
  if (end == "cancelled" && !HitTheRoot(struck, {Kind::kCancel, Kind::kTerm})) {
    complaints.push_back("nobody has cancelled the root");
  }
  const Tally expected = ExpectedTally(plan);
  if (struck.empty() && end == "ok" && outcome.verdict.tally != expected) {
    complaints.push_back("counted " + ToString(outcome.verdict.tally) +
                         " instead of " + ToString(expected));
  }
}

// Faults that end their victim, and are told by its name.
bool Deadly(const Fault& fault) {
  return fault.victim == Victim::kNode &&
         (fault.kind == Kind::kKill || fault.kind == Kind::kThrow ||
          fault.kind == Kind::kMemoryLimit);
}

// The first line that is about an error, not about a group of them.
std::string FirstLine(const std::string& text) {
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    if (!line.ends_with(" errors)") && !line.ends_with(" error)")) return line;
    begin = end + 1;
  }
  return {};
}

// What the first error has to name after that fault; empty: anything.
std::string CauseOf(const Fault& fault) {
  if (KillsForkserver(fault)) return "forkserver";
  return Deadly(fault) ? "'" + NameOf(fault.node) + "@" : "";
}

void JudgeCause(const Outcome& outcome, const std::vector<Fault>& struck,
                Complaints& complaints) {
  if (struck.size() != 1 || outcome.verdict.leaves.empty()) return;
  const std::string cause = CauseOf(struck.front());
  const std::string& brief = outcome.verdict.leaves.front().brief;
  if (brief.find(cause) == std::string::npos) {
    complaints.push_back("the first error does not name " + cause + ": " +
                         brief);
  }
  const std::string line = FirstLine(outcome.verdict.text);
  if (line.find(cause) == std::string::npos) {
    complaints.push_back("the text does not begin with " + cause + ": " + line);
  }
}

}  // namespace

std::vector<std::string> Judge(const Plan& plan, const Outcome& outcome) {
  const std::vector<Fault> struck = Struck(plan, outcome);
  Complaints complaints;
  JudgeEnd(outcome, struck, complaints);
  JudgeErrors(outcome, struck, complaints);
  JudgeWork(plan, outcome, struck, complaints);
  JudgeCause(outcome, struck, complaints);
  for (const std::string& thing : outcome.left) {
    complaints.push_back("left behind: " + thing);
  }
  return complaints;
}

}  // namespace tractor::chaos
