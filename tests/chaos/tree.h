// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The program that a tree of chaos is: every actor does what its plan says, and
// the root writes down how it ended.
//
// Rules. What arrives is checked: every message once, in order, whole; a fault
// of that kind is a std::logic_error, which no judge accepts. The root gives
// itself kLife; a tree that is not done by then is cancelled, and says so.
#ifndef TRACTOR_TESTS_CHAOS_TREE_H_
#define TRACTOR_TESTS_CHAOS_TREE_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/chaos/plan.h"

namespace tractor::chaos {

inline constexpr char kTreeProgram[] = "ChaosTree";
inline constexpr char kVerdictVariable[] = "TRACTOR_CHAOS_VERDICT";
inline constexpr char kOutputVariable[] = "TRACTOR_CHAOS_OUTPUT";

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr int kSlowness = 4;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr int kSlowness = 4;
#else
inline constexpr int kSlowness = 1;
#endif
#else
inline constexpr int kSlowness = 1;
#endif
inline constexpr absl::Duration kLife = absl::Seconds(10 * kSlowness);

// An error of the root that is no group.
struct Leaf {
  std::string type;   // of the exception: tractor::ActorDied
  std::string boxed;  // of what was thrown where it happened
  std::string brief;  // one line
};

// What the root has to say.
struct Verdict {
  std::string
      end;  // "ok", "cancelled", "late", "error"; empty: it said nothing
  Tally tally;
  std::vector<Leaf> leaves;  // in the order in which they happened
  std::string text;          // of the error
};
Verdict ReadVerdict(const std::string& path);

}  // namespace tractor::chaos

#endif  // TRACTOR_TESTS_CHAOS_TREE_H_
