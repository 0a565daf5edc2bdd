// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Whether the judge sees what it is there for: each rule broken once.
#include "tests/chaos/judge.h"

#include <signal.h>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tractor::chaos {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Plan PlanWith(std::vector<Fault> faults) {
  Plan plan;
  plan.nodes.resize(2);
  plan.nodes[0].children = {1};
  plan.nodes[1].parent = 0;
  plan.nodes[1].calls = 3;
  plan.faults = std::move(faults);
  return plan;
}

Fault Of(Kind kind, Victim victim = Victim::kNode) {
  Fault fault;
  fault.kind = kind;
  fault.victim = victim;
  fault.node = victim == Victim::kNode ? 1 : 0;
  return fault;
}

Outcome Good(const Plan& plan) {
  Outcome outcome;
  outcome.ended = true;
  outcome.verdict.end = "ok";
  outcome.verdict.tally = ExpectedTally(plan);
  outcome.struck.assign(plan.faults.size(), true);
  return outcome;
}

Outcome Failed(const Plan& plan, const Leaf& leaf) {
  Outcome outcome = Good(plan);
  outcome.code = 1;
  outcome.verdict.end = "error";
  outcome.verdict.leaves = {leaf};
  outcome.verdict.text = leaf.brief;
  return outcome;
}

const Leaf kDeath = {"tractor::ActorDied", "", "actor 'n1@7' died of signal 9"};

TEST(Judge, AcceptsAGoodEndAndAnExplainedOne) {
  const Plan quiet = PlanWith({});
  EXPECT_THAT(Judge(quiet, Good(quiet)), IsEmpty());
  const Plan plan = PlanWith({Of(Kind::kKill)});
  EXPECT_THAT(Judge(plan, Failed(plan, kDeath)), IsEmpty());
}

TEST(Judge, SeesARootThatDoesNotEnd) {
  const Plan plan = PlanWith({});
  Outcome outcome = Good(plan);
  outcome.ended = false;
  EXPECT_THAT(Judge(plan, outcome), ElementsAre(HasSubstr("has not ended")));
}

TEST(Judge, SeesARootThatDiesOfNothing) {
  const Plan plan = PlanWith({Of(Kind::kKill)});
  Outcome outcome = Good(plan);
  outcome.code = 256 + SIGKILL;
  outcome.verdict = Verdict();
  EXPECT_THAT(Judge(plan, outcome), ElementsAre(HasSubstr("without a word")));
  const Plan killed = PlanWith({Of(Kind::kKill, Victim::kRoot)});
  EXPECT_THAT(Judge(killed, outcome), IsEmpty());
}

TEST(Judge, SeesAnErrorThatNoFaultExplains) {
  const Plan plan = PlanWith({Of(Kind::kThrow)});
  EXPECT_THAT(Judge(plan, Failed(plan, kDeath)),
              ElementsAre(HasSubstr("no fault explains")));
  const Plan missed = PlanWith({Of(Kind::kKill)});
  Outcome outcome = Failed(missed, kDeath);
  outcome.struck = {false};
  EXPECT_THAT(Judge(missed, outcome),
              ElementsAre(HasSubstr("no fault explains")));
}

TEST(Judge, SeesAnErrorOfAForeignType) {
  const Plan plan = PlanWith({Of(Kind::kKill)});
  const Leaf leaf = {"tractor::RemoteActorError", "std::logic_error",
                     "actor 'n1@7': std::logic_error: instead of message 3"};
  EXPECT_THAT(Judge(plan, Failed(plan, leaf)),
              ElementsAre(HasSubstr("no fault explains")));
}

TEST(Judge, SeesACauseThatDoesNotComeFirst) {
  const Plan plan = PlanWith({Of(Kind::kKill)});
  const Leaf other = {"tractor::ActorDied", "", "actor 'n2@8' died"};
  Outcome outcome = Failed(plan, other);
  outcome.verdict.leaves.push_back(kDeath);
  outcome.verdict.text = "errors (2 errors)\n|- actor 'n2@8' died\n|- actor";
  EXPECT_THAT(Judge(plan, outcome),
              ElementsAre(HasSubstr("first error"), HasSubstr("text")));
}

TEST(Judge, SeesAForkserverThatIsNotNamedFirst) {
  const Plan plan = PlanWith({Of(Kind::kKill, Victim::kForkserver)});
  EXPECT_THAT(Judge(plan, Failed(plan, kDeath)),
              ElementsAre(HasSubstr("first error"), HasSubstr("text")));
  const Leaf loss = {"tractor::RuntimeFailure", "",
                     "tractor::RuntimeFailure: the forkserver is gone"};
  EXPECT_THAT(Judge(plan, Failed(plan, loss)), IsEmpty());
}

TEST(Judge, SeesWorkThatIsLost) {
  const Plan plan = PlanWith({});
  Outcome outcome = Good(plan);
  outcome.verdict.tally.calls -= 1;
  EXPECT_THAT(Judge(plan, outcome), ElementsAre(HasSubstr("counted 2 2 0")));
}

TEST(Judge, SeesATreeThatIsLateOrCancelledByNobody) {
  const Plan plan = PlanWith({});
  Outcome outcome = Good(plan);
  outcome.verdict.end = "late";
  EXPECT_THAT(Judge(plan, outcome), ElementsAre(HasSubstr("its life")));
  outcome.verdict.end = "cancelled";
  EXPECT_THAT(Judge(plan, outcome), ElementsAre(HasSubstr("nobody")));
}

TEST(Judge, SeesWhatIsLeft) {
  const Plan plan = PlanWith({});
  Outcome outcome = Good(plan);
  outcome.left = {"zombie 17"};
  EXPECT_THAT(Judge(plan, outcome), ElementsAre("left behind: zombie 17"));
}

}  // namespace
}  // namespace tractor::chaos
