// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Plan: one tree, what its actors do, and what is done to them. It is made of a
// seed alone, so that every process of the tree, and who judges it, makes the
// same one.
//
//   const Plan plan = MakePlan(17, World::kProcesses);
//   std::puts(Describe(plan).c_str());
//
// Rules.
// - Node 0 is the root; a node's parent has a smaller number.
// - A fault strikes when its trigger, a node, has made a number of steps. A
//   step is one thing that was done: a message taken or sent, a call served or
//   answered, a child that was born or has ended (StepsOf()).
#ifndef TRACTOR_TESTS_CHAOS_PLAN_H_
#define TRACTOR_TESTS_CHAOS_PLAN_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tractor::chaos {

inline constexpr int kMaxActors = 256;
inline constexpr int kMaxDepth = 6;  // of levels below the root

// What actors are. Who shares a process with all others is not killed alone.
enum class World { kProcesses, kThreads };

enum class Kind {
  kKill,          // SIGKILL
  kStop,          // SIGSTOP, and SIGCONT `millis` later
  kTerm,          // SIGTERM
  kCloseLink,     // a channel to another actor is closed under the runtime
  kCloseControl,  // the socket to the forkserver is
  kFlood,         // prints `amount` KiB without a pause
  kStorm,         // `amount` signals, each of which interrupts what it can
  kMemoryLimit,   // a memory cgroup kills it; where there is none: kBadAlloc
  kBadAlloc,      // RLIMIT_AS: an allocation fails
  kThrow,         // the program's own error
  kCancel,        // the actor cancels itself
  kWedge,         // its loop does not run for `amount` ms
};
std::string_view KindName(Kind kind);

enum class Victim { kNode, kRoot, kForkserver, kUnborn };

struct Fault {
  Kind kind = Kind::kKill;
  Victim victim = Victim::kNode;
  int node = 0;     // the victim, when it is a node
  int trigger = 0;  // the node whose step it is
  int step = 1;
  // By the victim itself, exactly there; or by the monkey, who is told and
  // strikes while everybody goes on.
  bool by_itself = false;
  // Not at a step: by the monkey, `delay` ms after that fault has struck.
  int after = -1;
  int delay = 0;
  int millis = 0;
  int amount = 0;
  int variant = 0;
};

// What a node and its parent do with each other.
struct Node {
  int parent = -1;
  int depth = 0;
  std::vector<int> children;
  bool one_shot = false;           // a call in an actor of its own (RunInActor)
  int calls = 0;                   // of the parent, side by side
  int hung_calls = 0;              // calls that the parent cancels
  int down = 0;                    // messages of the stream, to the node
  int up = 0;                      // and from it
  int bytes = 0;                   // of each message
  bool context_cancelled = false;  // by the parent, in the middle of the stream
  bool actor_cancelled = false;    // by the parent, when it has its result
  bool serial = false;             // its children live one after the other
  bool forgives = false;           // catches what its children's tasks throw
  int visited = -1;  // some other actor of the tree, wherever it is; -1: nobody
  int visits = 0;    // messages that go there, and come back
  int tidies = 0;    // how many ms its clean-up takes when it is cut short
  bool piped = false;  // its stdout is read by the parent
};

struct Plan {
  uint64_t seed = 0;
  World world = World::kProcesses;
  std::vector<Node> nodes;
  std::vector<Fault> faults;
};

Plan MakePlan(uint64_t seed, World world);

// How many steps a node makes when nothing befalls it.
int StepsOf(const Plan& plan, int node);

// What the root counts when nothing befalls anybody.
struct Tally {
  int64_t actors = 0;
  int64_t calls = 0;
  int64_t messages = 0;

  Tally& operator+=(const Tally& other);
  bool operator==(const Tally&) const = default;
};
Tally ExpectedTally(const Plan& plan);
std::string ToString(const Tally& tally);
Tally ParseTally(const std::string& text);

std::string NameOf(int node);  // "n17"
std::string Describe(const Fault& fault);
// One line for the tree, one for each fault, and one for each node from those
// that have to do with faults up to the root.
std::string Describe(const Plan& plan);

}  // namespace tractor::chaos

#endif  // TRACTOR_TESTS_CHAOS_PLAN_H_
