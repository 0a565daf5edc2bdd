// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "tests/chaos/plan.h"

#include <algorithm>
#include <array>
#include <set>
#include <sstream>

#include "tests/chaos/dice.h"

namespace tractor::chaos {
namespace {

constexpr int kMaxChildren = 40;

int PickSize(Dice& dice) {
  const int size = dice.Between(1, 100);
  if (size <= 30) return dice.Between(2, 8);
  if (size <= 70) return dice.Between(9, 40);
  if (size <= 92) return dice.Between(41, 100);
  return dice.Between(101, kMaxActors);
}

int PickBytes(Dice& dice) {
  const int size = dice.Between(1, 100);
  if (size <= 70) return dice.Between(0, 200);
  if (size <= 95) return dice.Between(1 << 10, 64 << 10);
  return dice.Between(300 << 10, 1 << 20);  // more than a window
}

// One of the last ones, so that trees become deep as well as wide.
int PickParent(Dice& dice, const Plan& plan) {
  const int count = static_cast<int>(plan.nodes.size());
  while (true) {
    const int low = dice.Chance(50) ? std::max(0, count - 6) : 0;
    const int parent = dice.Between(low, count - 1);
    const Node& node = plan.nodes[static_cast<size_t>(parent)];
    if (!node.one_shot && node.depth < kMaxDepth &&
        std::ssize(node.children) < kMaxChildren) {
      return parent;
    }
    // The root has always room for another one, or somebody of its has.
  }
}

void AddWork(Dice& dice, Node& node) {
  node.one_shot = dice.Chance(15);
  if (node.one_shot) return;
  node.calls = dice.Chance(60) ? dice.Between(1, 8) : 0;
  node.hung_calls = dice.Chance(25) ? dice.Between(1, 3) : 0;
  node.bytes = PickBytes(dice);
  const int most = node.bytes > (64 << 10) ? 3 : 30;
  node.down = dice.Chance(60) ? dice.Between(1, most) : 0;
  node.up = dice.Chance(60) ? dice.Between(1, most) : 0;
  node.context_cancelled = dice.Chance(12);
  node.actor_cancelled = dice.Chance(12);
  node.serial = dice.Chance(20);
  node.forgives = dice.Chance(20);
  node.tidies = dice.Chance(15) ? dice.Between(1, 80) : 0;
  node.piped = dice.Chance(15);
}

// Once all are there. Whoever is visited may not be born yet, or gone.
void AddVisits(Dice& dice, Plan& plan) {
  const int count = static_cast<int>(plan.nodes.size());
  for (Node& node : plan.nodes) {
    if (node.parent < 0 || node.one_shot || !dice.Chance(25)) continue;
    node.visits = dice.Between(1, 20);
    const int visited = dice.Between(1, count - 1);
    // A context to oneself is refused.
    if (&plan.nodes[static_cast<size_t>(visited)] == &node) continue;
    node.visited = visited;
  }
}

Kind PickKind(Dice& dice, World world) {
  constexpr std::array kOfProcesses = {
      Kind::kKill,      Kind::kKill,   Kind::kKill,         Kind::kStop,
      Kind::kStop,      Kind::kTerm,   Kind::kTerm,         Kind::kCloseLink,
      Kind::kCloseLink, Kind::kFlood,  Kind::kCloseControl, Kind::kStorm,
      Kind::kStorm,     Kind::kThrow,  Kind::kMemoryLimit,  Kind::kBadAlloc,
      Kind::kThrow,     Kind::kCancel, Kind::kWedge};
  constexpr std::array kOfThreads = {Kind::kCloseLink, Kind::kStorm,
                                     Kind::kThrow, Kind::kCancel, Kind::kWedge};
  if (world == World::kThreads) {
    return kOfThreads[static_cast<size_t>(
        dice.Between(0, static_cast<int>(kOfThreads.size()) - 1))];
  }
  return kOfProcesses[static_cast<size_t>(
      dice.Between(0, static_cast<int>(kOfProcesses.size()) - 1))];
}

bool IsSignal(Kind kind) {
  return kind == Kind::kKill || kind == Kind::kStop || kind == Kind::kTerm;
}

// A forkserver has all signals blocked: SIGTERM does nothing to it.
void PickVictim(Dice& dice, const Plan& plan, Fault& fault) {
  const int count = static_cast<int>(plan.nodes.size());
  fault.node = dice.Between(1, count - 1);
  if (dice.Chance(12)) {
    fault.victim = Victim::kRoot;
    fault.node = 0;
  } else if (IsSignal(fault.kind) && dice.Chance(15)) {
    fault.victim = Victim::kForkserver;
    if (fault.kind == Kind::kTerm) fault.kind = Kind::kKill;
  } else if (fault.kind == Kind::kKill && dice.Chance(10)) {
    fault.victim = Victim::kUnborn;
  }
}

void PickTrigger(Dice& dice, const Plan& plan, Fault& fault) {
  const int earlier = static_cast<int>(plan.faults.size());
  if (IsSignal(fault.kind) && earlier > 0 && dice.Chance(60)) {
    fault.after = dice.Between(0, earlier - 1);
    fault.delay = dice.Chance(50) ? 0 : dice.Between(1, 100);
    return;
  }
  const bool outside =
      fault.victim == Victim::kForkserver || fault.victim == Victim::kUnborn;
  fault.by_itself = !IsSignal(fault.kind) ||
                    (!outside && fault.kind != Kind::kStop && dice.Chance(40));
  const int count = static_cast<int>(plan.nodes.size());
  fault.trigger = fault.by_itself || (!outside && dice.Chance(50))
                      ? fault.node
                      : dice.Between(0, count - 1);
  fault.step = dice.Between(1, StepsOf(plan, fault.trigger));
}

Fault PickFault(Dice& dice, const Plan& plan) {
  Fault fault;
  fault.kind = PickKind(dice, plan.world);
  PickVictim(dice, plan, fault);
  PickTrigger(dice, plan, fault);
  fault.millis = dice.Between(20, 1500);
  fault.amount = fault.kind == Kind::kFlood ? dice.Between(64, 2048)
                                            : dice.Between(200, 3000);
  fault.variant = dice.Between(0, 1000);
  // On threads, what is replaced is as often as not the other side's.
  if (plan.world == World::kThreads && fault.variant % 4 == 3) --fault.variant;
  return fault;
}

// When both are gone, there is nobody who could clean up.
bool EndsTheRoot(const Fault& fault) {
  return fault.victim == Victim::kRoot && fault.kind != Kind::kStop;
}
bool EndsTheForkserver(const Fault& fault) {
  return (fault.victim == Victim::kForkserver && fault.kind == Kind::kKill) ||
         (fault.victim == Victim::kRoot && fault.kind == Kind::kCloseControl);
}

void AddFaults(Dice& dice, Plan& plan) {
  const int luck = dice.Between(1, 100);
  const int count = luck <= 10 ? 0 : luck <= 60 ? 1 : dice.Between(2, 5);
  while (std::ssize(plan.faults) < count) {
    const Fault fault = PickFault(dice, plan);
    auto any = [&](auto test) {
      return std::any_of(plan.faults.begin(), plan.faults.end(), test);
    };
    if (EndsTheForkserver(fault) && any(EndsTheRoot)) continue;
    if (EndsTheRoot(fault) && any(EndsTheForkserver)) continue;
    plan.faults.push_back(fault);
    if (fault.kind == Kind::kFlood && fault.victim == Victim::kNode) {
      plan.nodes[static_cast<size_t>(fault.node)].piped = true;
    }
  }
}

const Node& At(const Plan& plan, int node) {
  return plan.nodes[static_cast<size_t>(node)];
}

Tally TallyOf(const Plan& plan, int number) {
  const Node& node = At(plan, number);
  Tally tally{
      .actors = 1, .calls = node.calls, .messages = node.down + node.up};
  for (const int child : node.children) {
    if (!At(plan, child).context_cancelled) tally += TallyOf(plan, child);
  }
  return tally;
}

}  // namespace

std::string_view KindName(Kind kind) {
  constexpr std::array<std::string_view, 12> kNames = {
      "kill",          "stop",  "term",   "close-link",
      "close-control", "flood", "storm",  "memory-limit",
      "bad-alloc",     "throw", "cancel", "wedge"};
  return kNames[static_cast<size_t>(kind)];
}

Plan MakePlan(uint64_t seed, World world) {
  Plan plan{.seed = seed, .world = world, .nodes = {}, .faults = {}};
  Dice dice(seed);
  plan.nodes.emplace_back();
  plan.nodes[0].serial = dice.Chance(20);
  for (int size = PickSize(dice); std::ssize(plan.nodes) < size;) {
    Node node;
    node.parent = PickParent(dice, plan);
    Node& parent = plan.nodes[static_cast<size_t>(node.parent)];
    node.depth = parent.depth + 1;
    parent.children.push_back(static_cast<int>(plan.nodes.size()));
    AddWork(dice, node);
    plan.nodes.push_back(std::move(node));
  }
  AddVisits(dice, plan);
  AddFaults(dice, plan);
  return plan;
}

int StepsOf(const Plan& plan, int number) {
  const Node& node = At(plan, number);
  int steps = 1 + node.calls + node.down + node.up;
  for (const int child : node.children) {
    const Node& other = At(plan, child);
    steps += 2 + other.calls + other.down + other.up;
  }
  return steps;
}

Tally& Tally::operator+=(const Tally& other) {
  actors += other.actors;
  calls += other.calls;
  messages += other.messages;
  return *this;
}

Tally ExpectedTally(const Plan& plan) { return TallyOf(plan, 0); }

std::string ToString(const Tally& tally) {
  return std::to_string(tally.actors) + " " + std::to_string(tally.calls) +
         " " + std::to_string(tally.messages);
}

Tally ParseTally(const std::string& text) {
  Tally tally;
  std::istringstream(text) >> tally.actors >> tally.calls >> tally.messages;
  return tally;
}

std::string NameOf(int node) { return "n" + std::to_string(node); }

namespace {

std::string ForHowLong(const Fault& fault) {
  if (fault.kind != Kind::kStop) return {};
  return " for " + std::to_string(fault.millis) + " ms";
}

}  // namespace

std::string Describe(const Fault& fault) {
  std::string text(KindName(fault.kind));
  switch (fault.victim) {
    case Victim::kNode:
      text += " of " + NameOf(fault.node);
      break;
    case Victim::kRoot:
      text += " of the root";
      break;
    case Victim::kForkserver:
      text += " of the forkserver";
      break;
    case Victim::kUnborn:
      text += " of somebody unborn";
      break;
  }
  if (fault.after >= 0) {
    text += " " + std::to_string(fault.delay) + " ms after fault " +
            std::to_string(fault.after);
    return text + ForHowLong(fault);
  }
  text += fault.by_itself ? " by itself" : " by the monkey";
  text +=
      " at step " + std::to_string(fault.step) + " of " + NameOf(fault.trigger);
  if (fault.kind == Kind::kCloseLink || fault.kind == Kind::kCloseControl) {
    constexpr std::array kHow = {"shut both ways", "shut for writing",
                                 "shut for reading", "replaced"};
    text += std::string(", ") + kHow[static_cast<size_t>(fault.variant % 4)];
  }
  return text + ForHowLong(fault);
}

std::string DescribeNode(const Plan& plan, int number) {
  const Node& node = At(plan, number);
  std::string text = NameOf(number);
  if (number != 0) text += " of " + NameOf(node.parent);
  text += ": " + std::to_string(node.children.size()) + " children";
  if (node.serial) text += " (one by one)";
  if (node.one_shot) return text + ", one shot";
  text += ", " + std::to_string(node.calls) + "+" +
          std::to_string(node.hung_calls) + " calls, " +
          std::to_string(node.down) + " down " + std::to_string(node.up) +
          " up of " + std::to_string(node.bytes) + " bytes";
  if (node.context_cancelled) text += ", context cancelled";
  if (node.actor_cancelled) text += ", actor cancelled";
  if (node.forgives) text += ", forgives";
  if (node.visited >= 0) text += ", visits " + NameOf(node.visited);
  if (node.tidies > 0) {
    text += ", tidies for " + std::to_string(node.tidies) + " ms";
  }
  if (node.piped) text += ", piped";
  return text;
}

std::string Describe(const Plan& plan) {
  int depth = 0;
  for (const Node& node : plan.nodes) depth = std::max(depth, node.depth);
  std::string text = "seed " + std::to_string(plan.seed) + ": " +
                     std::to_string(plan.nodes.size()) + " actors, depth " +
                     std::to_string(depth);
  std::set<int> concerned;
  for (const Fault& fault : plan.faults) {
    text += "\n  " + Describe(fault);
    for (int one : {fault.node, fault.trigger}) {
      for (; one >= 0; one = At(plan, one).parent) concerned.insert(one);
    }
  }
  for (const int one : concerned) text += "\n  " + DescribeNode(plan, one);
  return text;
}

}  // namespace tractor::chaos
