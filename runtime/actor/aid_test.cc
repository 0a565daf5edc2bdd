// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/actor/aid.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <string>

#include "proto/ids.pb.h"

namespace tractor {
namespace {

using ::testing::MatchesRegex;

TEST(AidTest, NewOneNamesThisProcess) {
  const Aid aid = MakeAid("worker");
  EXPECT_EQ(aid.name, "worker");
  EXPECT_EQ(aid.pid, getpid());
  EXPECT_EQ(aid.uuid.size(), 16u);
  EXPECT_EQ(aid.boot_id.size(), 16u);
  EXPECT_GT(aid.start_time, 0u);
  utsname name = {};
  ASSERT_EQ(uname(&name), 0);
  EXPECT_EQ(aid.host, name.nodename);
  EXPECT_EQ(ToString(aid), "worker@" + std::to_string(getpid()));
}

TEST(AidTest, EveryOneIsAnother) {
  std::set<std::string> uuids;
  for (int i = 0; i < 100; ++i) uuids.insert(MakeAid("same").uuid);
  EXPECT_EQ(uuids.size(), 100u);
  EXPECT_FALSE(MakeAid("same") == MakeAid("same"));
}

TEST(AidTest, ChildOfAForkDrawsAnotherUuid) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  const Aid aid = MakeAid("twin");
  if (child == 0) {
    const bool sent = write(ends[1], aid.uuid.data(), 16) == 16;
    _exit(sent ? 0 : 1);
  }
  std::string theirs(16, '\0');
  EXPECT_EQ(read(ends[0], theirs.data(), 16), 16);
  int status = -1;
  waitpid(child, &status, 0);
  close(ends[0]);
  close(ends[1]);
  EXPECT_EQ(status, 0);
  EXPECT_NE(theirs, aid.uuid);
}

TEST(AidTest, EqualityIsThatOfTheUuid) {
  Aid a = MakeAid("a");
  Aid b = a;
  b.name = "renamed";
  b.pid = 1;
  EXPECT_TRUE(a == b);
  b.uuid[0] = static_cast<char>(b.uuid[0] ^ 1);
  EXPECT_FALSE(a == b);
}

TEST(AidTest, UuidTextIsAVersion4Uuid) {
  EXPECT_THAT(UuidText(MakeAid("a")),
              MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-"
                           "[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
  Aid aid;
  aid.uuid = std::string(
      "\x00\x11\x22\x33\x44\x55\x66\x77"
      "\x88\x99\xaa\xbb\xcc\xdd\xee\xff",
      16);
  EXPECT_EQ(UuidText(aid), "00112233-4455-6677-8899-aabbccddeeff");
  aid.uuid = "short";
  EXPECT_EQ(UuidText(aid), "");
}

TEST(AidTest, CrossesTheWireWhole) {
  const Aid aid = MakeAid("worker");
  proto::Aid parsed;
  ASSERT_TRUE(parsed.ParseFromString(ToProto(aid).SerializeAsString()));
  const Aid back = FromProto(parsed);
  EXPECT_EQ(back.name, aid.name);
  EXPECT_EQ(back.uuid, aid.uuid);
  EXPECT_EQ(back.pid, aid.pid);
  EXPECT_EQ(back.start_time, aid.start_time);
  EXPECT_EQ(back.host, aid.host);
  EXPECT_EQ(back.boot_id, aid.boot_id);
}

// protobuf would refuse to parse it.
TEST(AidTest, NameThatIsNotUtf8StillCrosses) {
  Aid aid = MakeAid("bad\xff");
  proto::Aid parsed;
  ASSERT_TRUE(parsed.ParseFromString(ToProto(aid).SerializeAsString()));
  EXPECT_EQ(FromProto(parsed).name, "bad?");
}

}  // namespace
}  // namespace tractor
