// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Connections that break, and strangers who speak: semantics.md 6.2, part E.
//
// Long: one fault after the other, and the actors that they need.
#include <google/protobuf/wrappers.pb.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "os/fd.h"
#include "runtime/tractor.h"
#include "tests/support/backend.h"
#include "tests/support/doorbell.h"
#include "tests/support/run_actors.h"
#include "tests/support/test_files.h"
#include "tests/system/fake_peer.h"

namespace tractor::testing {
namespace {

using ::google::protobuf::Int64Value;
using wire::FrameKind;
using wire::OwnedFrame;
using wire::SimpleHeader;

// Budgets are of a quiet machine.
constexpr int kHeadroom = 10;

// ---- how a connection is cut ------------------------------------------------

// The descriptors of this process that are ends of connections of actors.
std::vector<int> Connections() {
  std::vector<int> found;
  const std::vector<int> all = io::OrThrow(os::OpenFds());
  for (const int fd : all) {
    int domain = 0, type = 0;
    socklen_t size = sizeof(int);
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0) continue;
    size = sizeof(int);
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0) continue;
    if (domain == AF_UNIX && type == SOCK_STREAM) found.push_back(fd);
  }
  return found;
}

void Cut(const std::vector<int>& fds) {
  for (const int fd : fds) shutdown(fd, SHUT_RDWR);
}

// The ends of the connections that were made in a block of the root, and how
// an actor at their other end finds its own.
class NewConnections {
 public:
  std::vector<int> fds() const {
    std::vector<int> now;
    for (const int fd : Connections()) {
      if (!std::binary_search(before_.begin(), before_.end(), fd)) {
        now.push_back(fd);
      }
    }
    return now;
  }
  std::string ToText() const { return absl::StrJoin(fds(), ","); }

  // In the actor: a process has only the one to its parent; a thread has to be
  // told.
  static std::vector<int> OfThisActor(const std::string& text) {
    if (CurrentBackend() != SpawnMethod::kThread) return Connections();
    std::vector<int> fds;
    for (const auto word : absl::StrSplit(text, ',', absl::SkipEmpty())) {
      int fd = -1;
      if (absl::SimpleAtoi(word, &fd)) fds.push_back(fd);
    }
    return fds;
  }

 private:
  static std::vector<int> Sorted(std::vector<int> fds) {
    std::sort(fds.begin(), fds.end());
    return fds;
  }
  const std::vector<int> before_ = Sorted(Connections());
};

struct Mark {
  std::string path, text;
  ~Mark() { TestFiles::Append(path, text); }
};

// ---- endpoints --------------------------------------------------------------

constexpr int kMessages = 1000;

Int64Value Int(int64_t value) {
  Int64Value message;
  message.set_value(value);
  return message;
}

// "CUT_AFTER CLOSES_FIRST CONNECTIONS": sends kMessages numbers, and cuts the
// connection behind that many.
Task<> Pour(Context<Nothing, Nothing, Int64Value>& ctx, std::string spec) {
  const std::vector<std::string> words = absl::StrSplit(spec, ' ');
  int cut_after = 0;
  if (!absl::SimpleAtoi(words[0], &cut_after)) throw std::invalid_argument("");
  const bool closes = words[1] == "1";
  auto cut = [&] { Cut(NewConnections::OfThisActor(words[2])); };
  co_await ctx.Started();
  bool closed = false;
  co_await ctx.WithStream([&](auto& stream) -> Task<> {
    for (int i = 0; i < kMessages; ++i) {
      if (cut_after != 0 && i == cut_after) {
        closed = closes;
        if (closes) co_return;
        cut();
      }
      const Int64Value number = Int(i);
      co_await stream.Send(number);
    }
  });
  if (closed) cut();
  co_await SleepForever();
}
TRACTOR_ENDPOINT(Pour);

// Cuts its connection when it is told so; "shields CONNECTIONS" does not mind.
Task<> CutWhenTold(Context<Nothing, std::string>& ctx, std::string spec) {
  const std::vector<std::string> words = absl::StrSplit(spec, ' ');
  const Mark mark{words[2], "left"};
  CancelScope shield(absl::InfiniteFuture(), words[0] == "shields");
  co_await ctx.Started();
  co_await ctx.WithStream(
      [](auto& stream) -> Task<> { co_await stream.Receive(); });
  auto cut = [&]() -> Task<> {
    Cut(NewConnections::OfThisActor(words[1]));
    co_await SleepForever();
  };
  co_await shield.Run(cut);
}
TRACTOR_ENDPOINT(CutWhenTold);

Task<std::string> Hello() { co_return CurrentActor().name() + " is well"; }
TRACTOR_ENDPOINT(Hello);

// The first of the two words is what it does beside leaving a mark.
Task<> LeaveAMark(std::string spec) {
  const std::vector<std::string> words = absl::StrSplit(spec, ' ');
  TestFiles::Append(words[1], "x");
  if (words.size() > 2) {
    Doorbell::Ring(words[2]);
    auto sleep = []() -> Task<> { co_await SleepForever(); };
    (void)co_await Observe(sleep);
  }
  if (words[0] == "fail") throw std::domain_error("nobody hears of it");
}
TRACTOR_ENDPOINT(LeaveAMark);

// ---- C-080 ------------------------------------------------------------------

struct CutPoints {
  const char* name;
  int parent, child;  // after so many messages; 0: never
};

class Break : public ::testing::TestWithParam<std::tuple<CutPoints, bool>> {};

TEST_P(Break, C080_InMidStream) {
  const auto& [cuts, closes] = GetParam();
  int received = 0;
  const std::exception_ptr error = ErrorOf([&, cuts = cuts,
                                            closes = closes]() -> Task<> {
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      const NewConnections connections;
      ActorOptions options("child");
      options.Expose(Pour);
      const Portal portal = co_await an.StartActor(options);
      const std::string spec = absl::StrCat(cuts.child, " ", closes ? 1 : 0,
                                            " ", connections.ToText());
      co_await portal.WithContext(Pour, spec, [&](auto& ctx) -> Task<> {
        bool closed = false;
        co_await ctx.WithStream([&](auto& stream) -> Task<> {
          while (std::optional<Int64Value> number = co_await stream.Receive()) {
            EXPECT_EQ(number->value(), received) << "in order, none left out";
            ++received;
            if (cuts.parent != 0 && received == cuts.parent) {
              closed = closes;
              if (closes) co_return;
              Cut(connections.fds());
            }
          }
        });
        if (closed) Cut(connections.fds());
        if (cuts.parent != 0 || cuts.child != 0) co_await ctx.WaitResult();
        throw std::domain_error("the user has had enough");
      });
    });
  });
  if (cuts.parent == 0 && cuts.child == 0) {
    EXPECT_EQ(received, kMessages);
    ExpectError<std::domain_error>(error);
  } else {
    // A child that has lost its parent ends: that is what the parent sees.
    EXPECT_LE(received, kMessages);
    ExpectError<ActorDied>(
        error, [](const ActorDied& e) { EXPECT_EQ(e.actor().name, "child"); });
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, Break,
    ::testing::Combine(::testing::Values(CutPoints{"Nobody", 0, 0},
                                         CutPoints{"Parent", 500, 0},
                                         CutPoints{"Child", 0, 500},
                                         CutPoints{"ParentFirst", 500, 800},
                                         CutPoints{"ChildFirst", 800, 500}),
                       ::testing::Bool()),
    [](const auto& info) {
      return std::string(std::get<0>(info.param).name) +
             (std::get<1>(info.param) ? "Closes" : "DoesNotClose");
    });

// ---- C-081, C-082 -----------------------------------------------------------

// What comes out of a root whose child cuts its connection when the body of its
// context runs; `in_body` runs there.
template <class F>
std::exception_ptr ErrorOfACut(const std::string& how, const TestFiles& files,
                               F in_body) {
  return ErrorOf([&]() -> Task<> {
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      const NewConnections connections;
      ActorOptions options("child");
      options.Expose(CutWhenTold);
      const Portal portal = co_await an.StartActor(options);
      const std::string spec =
          absl::StrCat(how, " ", connections.ToText(), " ", files.Path("mark"));
      co_await portal.WithContext(CutWhenTold, spec, [&](auto& ctx) -> Task<> {
        co_await ctx.WithStream(
            [](auto& stream) -> Task<> { co_await stream.Send("now"); });
        co_await in_body(ctx);
      });
    });
  });
}

TEST(BreakBehindStarted, C081_TheChildIsReaped) {
  TestFiles files;
  const std::exception_ptr error = ErrorOfACut(
      "obeys", files, [](auto&) -> Task<> { co_await SleepForever(); });
  ExpectError<ActorDied>(error);
  EXPECT_EQ(files.Read("mark"), "left") << "it has cleaned up";
}

TEST(BreakBehindStarted, C081_OneThatDoesNotEndIsKilled) {
  SKIP_ON_BACKEND(thread, "a thread cannot be killed");
  TestFiles files;
  absl::Time begin;
  const std::exception_ptr error =
      ErrorOfACut("shields", files, [&](auto&) -> Task<> {
        begin = Now();
        co_await SleepForever();
      });
  EXPECT_LT(Now() - begin, absl::Seconds(3) * kHeadroom);
  ExpectError<ActorDied>(
      error, [](const ActorDied& e) { EXPECT_EQ(e.signal(), SIGKILL); });
  EXPECT_EQ(files.Read("mark"), "");
}

// Two tasks of one nursery: what has nothing to do with the connection stays
// what it is, beside the loss.
TEST(BreakBehindStarted, C082_AnUnrelatedErrorStaysWhatItIs) {
  TestFiles files;
  const std::exception_ptr error =
      ErrorOfACut("obeys", files, [](auto& ctx) -> Task<> {
        co_await WithNursery([&](Nursery& n) -> Task<> {
          n.StartSoon([&]() -> Task<> { co_await ctx.WaitResult(); });
          n.StartSoon([]() -> Task<> {
            auto sleep = []() -> Task<> { co_await SleepForever(); };
            (void)co_await Observe(sleep);
            throw std::domain_error("nothing to do with it");
          });
          co_return;
        });
      });
  ExpectError<ExceptionGroup>(error, [](const ExceptionGroup& group) {
    EXPECT_EQ(group.Leaves().size(), 2u) << group.what();
    EXPECT_TRUE(group.Contains<std::domain_error>());
    EXPECT_TRUE(group.Contains<ActorDied>());
    EXPECT_FALSE(group.Contains<TransportClosed>());
  });
}

// ---- strangers --------------------------------------------------------------

// Runs body(), and looks whether the actor "server" is well behind it.
template <class F>
void RunBesideAServer(F body) {
  const std::exception_ptr error = ErrorOf([&]() -> Task<> {
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      ActorOptions options("server");
      options.Expose(Hello, LeaveAMark);
      const Portal server = co_await an.StartActor(options);
      co_await body();
      const std::string said = co_await server.Call(Hello);
      EXPECT_EQ(said, "server is well");
      co_await an.Cancel();
    });
  });
  EXPECT_EQ(error, nullptr) << DescribeException(error);
}

// A stranger that speaks like `speak(stranger)` is hung up on.
template <class F>
void ExpectHangUp(F speak) {
  RunBesideAServer([&]() -> Task<> {
    FakePeer stranger;
    co_await stranger.ConnectTo("server");
    speak(stranger);
    co_await stranger.WaitForHangUp();
  });
}

std::string BytesOfAStart() {
  wire::SendQueue queue;
  io::OrThrow(queue.Append(SimpleHeader(FrameKind::kData, 1), "xyz"));
  return wire::TakeBytes(queue);
}

TEST(Stranger, C083_Garbage) {
  ExpectHangUp([](FakePeer& stranger) {
    stranger.SendBytes(std::string(1000, '\xa5'));
  });
  ExpectHangUp([](FakePeer& stranger) {
    stranger.SayHello();
    stranger.SendBytes(std::string(1000, '\xa5'));
  });
}

TEST(Stranger, C083_NothingAndHalfAFrame) {
  for (const size_t half : {size_t{0}, BytesOfAStart().size() / 2}) {
    RunBesideAServer([&]() -> Task<> {
      FakePeer stays, goes;
      co_await stays.ConnectTo("server");
      co_await goes.ConnectTo("server");
      stays.SendBytes(BytesOfAStart().substr(0, half));
      goes.SendBytes(BytesOfAStart().substr(0, half));
      goes.HangUp();
      // Its hello was sent at once.
      const std::optional<OwnedFrame> hello =
          co_await stays.Next(FrameKind::kHello);
      EXPECT_TRUE(hello.has_value());
      FakePeer friendly;
      co_await friendly.ConnectTo("server");
      friendly.SayHello();
      friendly.Start(1, NameOf<&Hello>(), "nothing");
      const std::optional<OwnedFrame> reply =
          co_await friendly.Next(FrameKind::kReturn);
      EXPECT_TRUE(reply.has_value());
    });
  }
}

// The only test that waits for a long bound of ours, because it is its subject.
TEST(Stranger, C083_OneThatNeverSaysHelloIsHungUpOn) {
  absl::Time begin;
  RunBesideAServer([&]() -> Task<> {
    FakePeer mute;
    begin = Now();
    co_await mute.ConnectTo("server");
    co_await mute.WaitForHangUp();
    EXPECT_GE(Now() - begin, kHelloTimeout - absl::Milliseconds(10));
  });
}

// ---- under another name -----------------------------------------------------

// Who a stranger, that is connected as the root, says it is.
enum class Lie { kAnotherActor, kNobody, kAnotherOneLater, kWrongSecret };

class Impostor : public ::testing::TestWithParam<Lie> {};

TEST_P(Impostor, C086_LosesTheConnectionAndStartsNothing) {
  const Lie lie = GetParam();
  TestFiles files;
  const std::string spec = "return " + files.Path("marks");
  RunBesideAServer([&]() -> Task<> {
    co_await WithActorNursery([&](ActorNursery& an) -> Task<> {
      ActorOptions options("bystander");
      options.Expose(Hello);
      const Portal bystander = co_await an.StartActor(options);
      FakePeer impostor;
      co_await impostor.ConnectTo("server");
      if (lie == Lie::kAnotherOneLater) impostor.SayHello();
      if (lie == Lie::kWrongSecret) {
        impostor.hello().secret[0] ^= 1;
      } else {
        impostor.hello().aid =
            ToProto(lie == Lie::kNobody ? MakeAid("nobody") : bystander.aid());
      }
      impostor.SayHello();
      impostor.Start(1, NameOf<&LeaveAMark>(), "bytes", spec);
      co_await impostor.WaitForHangUp();
      const std::string said = co_await bystander.Call(Hello);
      EXPECT_EQ(said, "bystander is well");
      co_await an.Cancel();
    });
  });
  EXPECT_EQ(files.Read("marks"), "") << "it has been served";
}

std::string NameOfLie(const ::testing::TestParamInfo<Lie>& info) {
  switch (info.param) {
    case Lie::kAnotherActor:
      return "AnotherActor";
    case Lie::kNobody:
      return "Nobody";
    case Lie::kAnotherOneLater:
      return "AnotherOneLater";
    case Lie::kWrongSecret:
      return "WrongSecret";
  }
  return "";
}

INSTANTIATE_TEST_SUITE_P(All, Impostor,
                         ::testing::Values(Lie::kAnotherActor, Lie::kNobody,
                                           Lie::kAnotherOneLater,
                                           Lie::kWrongSecret),
                         NameOfLie);

// ---- callers that vanish ----------------------------------------------------

TEST(VanishedCaller, C084_BeforeTheAnswer) {
  TestFiles files;
  const std::string spec = "return " + files.Path("marks");
  RunBesideAServer([&]() -> Task<> {
    FakePeer caller;
    co_await caller.ConnectTo("server");
    caller.SayHello();
    caller.Start(1, NameOf<&LeaveAMark>(), "bytes", spec);
    caller.HangUp();
    // Another call comes behind it.
    FakePeer other;
    co_await other.ConnectTo("server");
    other.SayHello();
    other.Start(1, NameOf<&Hello>(), "nothing");
    co_await other.Next(FrameKind::kReturn);
  });
  EXPECT_EQ(files.Read("marks"), "x") << "once";
}

TEST(VanishedCaller, C084_BeforeTheError) {
  TestFiles files;
  const std::string spec =
      absl::StrCat("fail ", files.Path("marks"), " ", files.Path("bell"));
  RunBesideAServer([&]() -> Task<> {
    Doorbell bell(files, "bell");
    FakePeer caller;
    co_await caller.ConnectTo("server");
    caller.SayHello();
    caller.Start(1, NameOf<&LeaveAMark>(), "bytes", spec);
    co_await bell.Wait();
    caller.HangUp();
  });
  EXPECT_EQ(files.Read("marks"), "x");
}

}  // namespace
}  // namespace tractor::testing
