// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "forkserver/actor_table.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace tractor::forkserver {
namespace {

Actor& AddActor(ActorTable& table, uint64_t parent) {
  auto actor = std::make_unique<Actor>();
  actor->id = table.NextId();
  actor->parent = parent;
  actor->uuid = "uuid" + std::to_string(actor->id);
  actor->pidfd = os::Pidfd(os::Fd(), static_cast<pid_t>(1000 + actor->id));
  return table.Add(std::move(actor));
}

TEST(ActorTable, KnowsWhoIsBelowWhom) {
  ActorTable table;
  const uint64_t a = AddActor(table, kRootId).id;
  const uint64_t b = AddActor(table, a).id;
  const uint64_t c = AddActor(table, b).id;
  const uint64_t other = AddActor(table, kRootId).id;
  EXPECT_TRUE(table.IsBelow(c, a));
  EXPECT_TRUE(table.IsBelow(c, kRootId));
  EXPECT_TRUE(table.IsBelow(other, kRootId));
  EXPECT_FALSE(table.IsBelow(a, c));
  EXPECT_FALSE(table.IsBelow(a, a));
  EXPECT_FALSE(table.IsBelow(other, a));
  EXPECT_FALSE(table.IsBelow(kRootId, kRootId));
  EXPECT_FALSE(table.IsBelow(99, kRootId));
}

TEST(ActorTable, ListsParentsBeforeChildren) {
  ActorTable table;
  const uint64_t a = AddActor(table, kRootId).id;
  const uint64_t b = AddActor(table, a).id;
  const uint64_t c = AddActor(table, kRootId).id;
  const uint64_t d = AddActor(table, b).id;
  std::vector<uint64_t> ids;
  for (const Actor* actor : table.Below(kRootId)) ids.push_back(actor->id);
  EXPECT_EQ(ids, (std::vector<uint64_t>{a, c, b, d}));
  EXPECT_TRUE(table.Below(d).empty());
  EXPECT_TRUE(table.Below(99).empty());
}

TEST(ActorTable, ForgetsTheNumberOfTheDeadAtOnce) {
  ActorTable table;
  Actor& a = AddActor(table, kRootId);
  EXPECT_EQ(table.FindPid(1001), &a);
  EXPECT_EQ(table.living(), 1u);
  table.MarkDead(a);
  EXPECT_EQ(table.FindPid(1001), nullptr);
  EXPECT_EQ(table.FindUuid("uuid1"), &a) << "its strays still name it";
  EXPECT_EQ(table.living(), 0u);
  EXPECT_EQ(table.size(), 1u);
  const std::unique_ptr<Actor> taken = table.Take(a);
  EXPECT_EQ(table.FindUuid("uuid1"), nullptr);
  EXPECT_EQ(table.Find(1), nullptr);
  EXPECT_TRUE(table.root().children.empty());
  EXPECT_EQ(table.size(), 0u);
}

}  // namespace
}  // namespace tractor::forkserver
