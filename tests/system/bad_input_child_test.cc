// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// A child that lies: what it says first is written by the test, byte for byte.
// Its parent must say what was wrong with it, and go on.
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>

#include "absl/strings/escaping.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "forkserver/preload.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/actor/internal/runtime.h"
#include "runtime/tractor.h"
#include "runtime/wire/hello.h"
#include "runtime/wire/testing.h"
#include "tests/support/backend.h"
#include "tests/support/run_actors.h"

namespace tractor::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

Task<std::string> Echo(std::string text) { co_return text; }
TRACTOR_ENDPOINT(Echo);

// ---- the child --------------------------------------------------------------

constexpr char kSayVariable[] = "TRACTOR_TEST_SAY";    // in hex
constexpr char kThenVariable[] = "TRACTOR_TEST_THEN";  // "exit" or "stay"

// The channel is the only stream socket that a fresh child has.
int Channel() {
  for (int fd = 3; fd < 1024; ++fd) {
    int type = 0;
    socklen_t size = sizeof(type);
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
        type == SOCK_STREAM) {
      return fd;
    }
  }
  return -1;
}

// Behind the fork, or at the start of the new image, before any of our code.
void Lie() {
  const char* say = std::getenv(kSayVariable);
  if (say == nullptr) return;
  const int channel = Channel();
  const std::string bytes = absl::HexStringToBytes(say);
  if (send(channel, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) _exit(3);
  // Until the parent hangs up.
  char byte;
  while (recv(channel, &byte, 1, 0) > 0) {
  }
  const char* then = std::getenv(kThenVariable);
  if (then != nullptr && std::string_view(then) == "exit") _exit(0);
  while (true) pause();
}

const bool lies_behind_fork = forkserver::RegisterAfterFork("lie", &Lie);
const bool lies_in_image = (Lie(), true);

// ---- what it says -----------------------------------------------------------

wire::HelloOptions RightHello() {
  wire::HelloOptions hello;
  hello.aid = ToProto(MakeAid("liar"));
  hello.tree_id = std::string(CurrentActor().tree_id());
  hello.secret = "not the one of this tree";
  return hello;
}

std::string Hello(const wire::HelloOptions& options) {
  wire::SendQueue queue;
  EXPECT_TRUE(queue.Append(*wire::MakeHello(options)).ok());
  return wire::TakeBytes(queue);
}

std::string OtherVersion() {
  wire::HelloOptions hello = RightHello();
  hello.min_version = hello.max_version = wire::kMaxProtocolVersion + 1;
  return Hello(hello);
}

std::string OtherTree() {
  wire::HelloOptions hello = RightHello();
  hello.tree_id = std::string(wire::kIdBytes, 'x');
  return Hello(hello);
}

std::string WrongSecret() { return Hello(RightHello()); }

std::string OfAnotherActor() {
  wire::HelloOptions hello = RightHello();
  hello.secret = internal::Runtime::Current().config().secret;
  return Hello(hello);
}

std::string NoHelloButAFrame() {
  wire::SendQueue queue;
  EXPECT_TRUE(
      queue.Append(wire::SimpleHeader(wire::FrameKind::kData, 1), "x").ok());
  return wire::TakeBytes(queue);
}

std::string Enormous() {
  std::string bytes = WrongSecret();
  bytes.replace(4, 4, "\xff\xff\xff\xff");
  return bytes;
}

std::string Garbage() { return std::string(1000, '\xa5'); }

std::string Malformed() {
  std::string bytes = WrongSecret();
  for (size_t i = 12; i < bytes.size(); ++i) bytes[i] = '\xff';
  return bytes;
}

// ---- what comes of it -------------------------------------------------------

// Starts a child that says what `lie` makes, and wants an error with `text`.
void ExpectRefused(std::string (*lie)(), std::string_view text) {
  for (const char* then : {"stay", "exit"}) {
    SCOPED_TRACE(then);
    RunActors([&]() -> Task<> {
      co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
        const absl::Time begin = absl::Now();
        const std::string say = absl::BytesToHexString(lie());
        auto start = [&]() -> Task<> {
          ActorOptions options("liar");
          options.WithEnvironment(kSayVariable, say);
          options.WithEnvironment(kThenVariable, then);
          co_await an.StartActor(options);
        };
        auto end = co_await Observe(start);
        EXPECT_TRUE(IsA<ActorDied>(end.error()) ||
                    IsA<TransportClosed>(end.error()))
            << DescribeException(end.error());
        EXPECT_THAT(DescribeException(end.error()),
                    HasSubstr(std::string(text)));
        EXPECT_LT(absl::Now() - begin, absl::Seconds(5));
        EXPECT_EQ(co_await an.RunInActor(Echo, "goes on"), "goes on");
      });
    });
  }
}

#define SKIP_ON_THREADS() \
  SKIP_ON_BACKEND(thread, "it has no code of its own before its hello")

TEST(LyingChild, OfAnotherVersion) {
  SKIP_ON_THREADS();
  ExpectRefused(&OtherVersion, "no protocol version in common");
}

TEST(LyingChild, OfAnotherTree) {
  SKIP_ON_THREADS();
  ExpectRefused(&OtherTree, "is of another tree");
}

TEST(LyingChild, WithAWrongSecret) {
  SKIP_ON_THREADS();
  ExpectRefused(&WrongSecret, "has a wrong secret");
}

TEST(LyingChild, UnderAnotherActorsName) {
  SKIP_ON_THREADS();
  ExpectRefused(&OfAnotherActor, "is not the one that this connection is with");
}

TEST(LyingChild, ThatSaysSomethingElseFirst) {
  SKIP_ON_THREADS();
  ExpectRefused(&NoHelloButAFrame, "before the hello");
}

TEST(LyingChild, ThatClaimsAnEnormousFrame) {
  SKIP_ON_THREADS();
  ExpectRefused(&Enormous, "4294967295");
}

TEST(LyingChild, ThatSpeaksSomethingElse) {
  SKIP_ON_THREADS();
  ExpectRefused(&Garbage, "does not speak tractor's protocol");
}

TEST(LyingChild, WithAMalformedFrame) {
  SKIP_ON_THREADS();
  ExpectRefused(&Malformed, "undecodable frame header");
}

}  // namespace
}  // namespace tractor::testing
