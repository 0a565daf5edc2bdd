// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// A parent that lies: an actor (on a thread) whose other end is played by the
// test, frame by frame.
//
// Long: one lie after the other.
#include <google/protobuf/wrappers.pb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <exception>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "forkserver/child_start.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "os/fd.h"
#include "os/unix_socket.h"
#include "proto/actor.pb.h"
#include "proto/error.pb.h"
#include "runtime/actor/internal/child_main.h"
#include "runtime/actor/internal/error_codec.h"
#include "runtime/tractor.h"
#include "runtime/wire/hello.h"
#include "runtime/wire/testing.h"
#include "tests/support/run_actors.h"

namespace tractor::testing {
namespace {

using ::google::protobuf::Int64Value;
using ::testing::HasSubstr;
using wire::FrameKind;
using wire::OwnedFrame;
using wire::SimpleHeader;

// ---- endpoints --------------------------------------------------------------

Task<Int64Value> Twice(Int64Value value) {
  value.set_value(2 * value.value());
  co_return value;
}
TRACTOR_ENDPOINT(Twice);

Task<> Numbers(Context<Nothing, Int64Value, Nothing>& ctx) {
  co_await ctx.Started();
  co_await ctx.WithStream([](auto& stream) -> Task<> {
    while (co_await stream.Receive()) {
    }
  });
}
TRACTOR_ENDPOINT(Numbers);

Task<> StartAndWait(Context<Nothing, std::string, Nothing>& ctx) {
  co_await ctx.Started();
  co_await SleepForever();
}
TRACTOR_ENDPOINT(StartAndWait);

template <auto F>
std::string NameOf() {
  return internal::EndpointName<F>();
}

// ---- the parent -------------------------------------------------------------

constexpr absl::Duration kLimit = absl::Seconds(30);

class LyingParent {
 public:
  LyingParent() {
    aid_ = MakeAid("liar");
    hello_.aid = ToProto(aid_);
    hello_.tree_id = std::string(16, 't');
    hello_.secret = std::string(32, 's');
    auto pair = os::SocketPair(SOCK_STREAM);
    socket_ = std::move(pair->first);
    forkserver::ChildStart start;
    start.spec = Spec();
    os::SetNonBlocking(pair->second.get()).IgnoreError();
    start.channel = std::move(pair->second);
    actor_ = std::thread([this, start = std::move(start)]() mutable {
      exit_code_ = internal::ChildMain(std::move(start));
    });
  }
  ~LyingParent() {
    socket_.reset();
    actor_.join();
  }

  const wire::HelloOptions& hello() const { return hello_; }

  void SayHello() { SayHello(hello_); }
  void SayHello(const wire::HelloOptions& hello) {
    Send(*wire::MakeHello(hello));
  }
  template <class Header>
  void Send(const Header& header, std::string_view payload = {}) {
    wire::SendQueue queue;
    ASSERT_TRUE(queue.Append(header, payload).ok());
    SendBytes(wire::TakeBytes(queue));
  }
  void SendBytes(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent =
          send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;  // it has hung up: that is seen by Next()
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }
  void SendEof() { shutdown(socket_.get(), SHUT_WR); }

  void Start(uint64_t cid, const std::string& endpoint, bool context,
             const std::string& type, std::string_view payload = {}) {
    proto::FrameHeader header;
    header.set_kind(proto::FRAME_START);
    header.set_cid(cid);
    header.set_type(type);
    header.mutable_start()->set_endpoint(endpoint);
    header.mutable_start()->set_kind(context ? proto::ENDPOINT_CONTEXT
                                             : proto::ENDPOINT_CALL);
    Send(header, payload);
  }

  // The next frame; nothing when the actor has hung up.
  std::optional<OwnedFrame> Next() {
    const absl::Time end = absl::Now() + kLimit;
    while (true) {
      auto frame = decoder_.Next();
      if (!frame.ok()) ADD_FAILURE() << frame.status();
      if (frame.ok() && frame->has_value()) return OwnedFrame(**frame);
      pollfd waiting = {socket_.get(), POLLIN, 0};
      const auto left = absl::ToInt64Milliseconds(end - absl::Now());
      if (left <= 0 || poll(&waiting, 1, static_cast<int>(left)) <= 0) {
        ADD_FAILURE() << "the actor neither answers nor hangs up";
        return std::nullopt;
      }
      const std::span<char> space = decoder_.WritableSpace();
      const ssize_t got = read(socket_.get(), space.data(), space.size());
      if (got <= 0) return std::nullopt;
      decoder_.Commit(static_cast<size_t>(got));
    }
  }
  // The next frame of that kind.
  std::optional<OwnedFrame> Next(FrameKind kind) {
    while (std::optional<OwnedFrame> frame = Next()) {
      if (frame->kind == kind) return frame;
    }
    return std::nullopt;
  }
  // The error that the next ERROR frame carries.
  std::exception_ptr NextError() {
    const std::optional<OwnedFrame> frame = Next(FrameKind::kError);
    proto::ErrorProto error;
    if (!frame.has_value() || !error.ParseFromString(frame->payload)) {
      ADD_FAILURE() << "no ERROR frame";
      return nullptr;
    }
    return internal::UnpackError(error);
  }
  // Reads until the actor hangs up, and waits for its end.
  int WaitForEnd() {
    while (Next().has_value()) {
    }
    actor_.join();
    actor_ = std::thread([] {});
    return exit_code_;
  }
  void ExpectItServes(uint64_t cid) {
    Int64Value value;
    value.set_value(21);
    Start(cid, NameOf<&Twice>(), false, "google.protobuf.Int64Value",
          value.SerializeAsString());
    const std::optional<OwnedFrame> reply = Next(FrameKind::kReturn);
    ASSERT_TRUE(reply.has_value());
    EXPECT_EQ(reply->cid, cid);
    ASSERT_TRUE(value.ParseFromString(reply->payload));
    EXPECT_EQ(value.value(), 42);
  }

 private:
  proto::SpawnSpec Spec() const {
    proto::SpawnSpec spec;
    *spec.mutable_actor() = ToProto(MakeAid("victim"));
    *spec.mutable_parent() = hello_.aid;
    spec.mutable_tree()->set_value(hello_.tree_id);
    spec.set_secret(hello_.secret);
    spec.set_method(proto::SpawnSpec::THREAD);
    for (const std::string& name :
         {NameOf<&Twice>(), NameOf<&Numbers>(), NameOf<&StartAndWait>(),
          std::string("nowhere::Registered")}) {
      spec.add_endpoints(name);
    }
    spec.set_runtime_variables(internal::SerializeVars(RuntimeVars()));
    spec.add_path("liar");
    spec.add_path("victim");
    return spec;
  }

  Aid aid_;
  wire::HelloOptions hello_;
  os::Fd socket_;
  wire::FrameDecoder decoder_;
  std::atomic<int> exit_code_ = -1;
  std::thread actor_;
};

// ---- hellos -----------------------------------------------------------------

TEST(Hello, TheRightOne) {
  LyingParent parent;
  parent.SayHello();
  const std::optional<OwnedFrame> hello = parent.Next();
  ASSERT_TRUE(hello.has_value());
  EXPECT_EQ(hello->kind, FrameKind::kHello);
  EXPECT_EQ(hello->header.hello().aid().name(), "victim");
  parent.ExpectItServes(1);
}

TEST(Hello, OfAnotherVersionEndsTheActor) {
  LyingParent parent;
  wire::HelloOptions hello = parent.hello();
  hello.min_version = hello.max_version = wire::kMaxProtocolVersion + 1;
  parent.SayHello(hello);
  parent.WaitForEnd();
}

TEST(Hello, WithAWrongSecretEndsTheActor) {
  LyingParent parent;
  wire::HelloOptions hello = parent.hello();
  hello.secret = std::string(32, 'x');
  parent.SayHello(hello);
  parent.Start(1, NameOf<&Twice>(), false, "google.protobuf.Int64Value");
  while (std::optional<OwnedFrame> frame = parent.Next()) {
    EXPECT_NE(frame->kind, FrameKind::kReturn) << "it has served a stranger";
  }
  parent.WaitForEnd();
}

TEST(Hello, OfAnotherTreeEndsTheActor) {
  LyingParent parent;
  wire::HelloOptions hello = parent.hello();
  hello.tree_id = std::string(16, 'x');
  parent.SayHello(hello);
  parent.WaitForEnd();
}

TEST(Hello, MissingOrTwiceEndsTheActor) {
  {
    LyingParent parent;
    parent.Start(1, NameOf<&Twice>(), false, "google.protobuf.Int64Value");
    parent.WaitForEnd();
  }
  LyingParent parent;
  parent.SayHello();
  parent.SayHello();
  parent.WaitForEnd();
}

// ---- frames -----------------------------------------------------------------

// What a peer must not say behind its hello.
void ExpectHangUp(const std::function<void(LyingParent&)>& lie) {
  LyingParent parent;
  parent.SayHello();
  ASSERT_TRUE(parent.Next(FrameKind::kHello).has_value());
  lie(parent);
  parent.WaitForEnd();
}

TEST(Frames, GarbageEndsTheConnection) {
  ExpectHangUp(
      [](LyingParent& parent) { parent.SendBytes(std::string(1000, '\xa5')); });
}

TEST(Frames, C085_AnEnormousLengthEndsTheConnection) {
  ExpectHangUp([](LyingParent& parent) {
    wire::SendQueue queue;
    ASSERT_TRUE(queue.Append(SimpleHeader(FrameKind::kData, 1), "x").ok());
    std::string bytes = wire::TakeBytes(queue);
    bytes.replace(4, 4, "\xff\xff\xff\xff");
    parent.SendBytes(bytes);
  });
}

TEST(Frames, HalfAFrameAndTheEnd) {
  ExpectHangUp([](LyingParent& parent) {
    wire::SendQueue queue;
    ASSERT_TRUE(queue.Append(SimpleHeader(FrameKind::kData, 1), "xyz").ok());
    const std::string bytes = wire::TakeBytes(queue);
    parent.SendBytes(bytes.substr(0, bytes.size() - 2));
    parent.SendEof();
  });
}

TEST(Frames, ACidOfTheOtherSideOrOneTwice) {
  for (const auto& [first, second] : {std::pair(1, 2), std::pair(3, 3)}) {
    ExpectHangUp([first, second](LyingParent& parent) {
      parent.ExpectItServes(first);
      parent.Start(second, NameOf<&Twice>(), false,
                   "google.protobuf.Int64Value");
    });
  }
}

TEST(Frames, MoreThanTheCreditEndsTheConnection) {
  ExpectHangUp([](LyingParent& parent) {
    parent.Start(1, NameOf<&StartAndWait>(), true, "nothing");
    ASSERT_TRUE(parent.Next(FrameKind::kStarted).has_value());
    const std::string chunk(64 << 10, 'x');
    for (int i = 0; i < 20; ++i) {
      parent.Send(SimpleHeader(FrameKind::kData, 1, "bytes"), chunk);
    }
  });
}

TEST(Frames, ForACidThatIsUnknownAreIgnored) {
  LyingParent parent;
  parent.SayHello();
  for (FrameKind kind : {FrameKind::kData, FrameKind::kStop, FrameKind::kReturn,
                         FrameKind::kStarted}) {
    parent.Send(SimpleHeader(kind, 77, "bytes"), "x");
  }
  parent.Send(SimpleHeader::Credit(77, 5));
  proto::FrameHeader cancel;
  cancel.set_kind(proto::FRAME_CANCEL);
  cancel.set_cid(77);
  cancel.mutable_cancel();
  parent.Send(cancel);
  parent.ExpectItServes(1);
}

// ---- calls ------------------------------------------------------------------

std::exception_ptr ErrorOfStart(const std::string& endpoint, bool context,
                                const std::string& type,
                                std::string_view payload) {
  LyingParent parent;
  parent.SayHello();
  parent.Start(1, endpoint, context, type, payload);
  const std::exception_ptr error = parent.NextError();
  parent.ExpectItServes(3);  // and nothing else has happened
  return error;
}

TEST(Start, OfWhatIsNotExposed) {
  ExpectError<EndpointNotExposed>(
      ErrorOfStart("not::Exposed", false, "nothing", ""),
      [](const EndpointNotExposed& e) {
        EXPECT_EQ(e.endpoint(), "not::Exposed");
        EXPECT_EQ(e.source().name, "victim");
      });
}

TEST(Start, OfWhatIsExposedAndNotRegistered) {
  ExpectError<EndpointNotExposed>(
      ErrorOfStart("nowhere::Registered", false, "nothing", ""),
      [](const EndpointNotExposed& e) {
        EXPECT_THAT(e.what(), HasSubstr("not registered"));
      });
}

TEST(Start, WithAPayloadOfAnotherType) {
  ExpectError<MsgTypeError>(ErrorOfStart(NameOf<&Twice>(), false, "bytes", "x"),
                            [](const MsgTypeError& e) {
                              EXPECT_EQ(e.place(), "request");
                              EXPECT_EQ(e.expected(),
                                        "google.protobuf.Int64Value");
                              EXPECT_EQ(e.got(), "bytes");
                            });
}

TEST(Start, WithBytesThatAreNoSuchMessage) {
  ExpectError<MsgTypeError>(ErrorOfStart(
      NameOf<&Twice>(), false, "google.protobuf.Int64Value", "\xff\xff\xff"));
}

TEST(Start, AContextAsACallAndTheOtherWayRound) {
  ExpectError<MsgTypeError>(
      ErrorOfStart(NameOf<&Numbers>(), false, "nothing", ""));
  ExpectError<MsgTypeError>(
      ErrorOfStart(NameOf<&Twice>(), true, "google.protobuf.Int64Value", ""));
}

TEST(Start, AStreamMessageOfAnotherType) {
  LyingParent parent;
  parent.SayHello();
  parent.Start(1, NameOf<&Numbers>(), true, "nothing");
  parent.Send(SimpleHeader(FrameKind::kData, 1, "bytes"), "x");
  ExpectError<MsgTypeError>(parent.NextError(), [](const MsgTypeError& e) {
    EXPECT_EQ(e.place(), "stream");
    EXPECT_EQ(e.expected(), "google.protobuf.Int64Value");
  });
  parent.ExpectItServes(3);
}

TEST(Start, BehindACancelOfTheActorIsRefused) {
  LyingParent parent;
  parent.SayHello();
  proto::FrameHeader cancel;
  cancel.set_kind(proto::FRAME_CANCEL_ACTOR);
  cancel.mutable_cancel()->set_reason("the end");
  cancel.mutable_cancel()->set_budget_ns(1'000'000'000);
  *cancel.mutable_cancel()->mutable_canceller() = parent.hello().aid;
  parent.Send(cancel);
  parent.Start(1, NameOf<&Twice>(), false, "google.protobuf.Int64Value");
  EXPECT_TRUE(parent.Next(FrameKind::kCancelActorAck).has_value());
  EXPECT_TRUE(parent.Next(FrameKind::kGoodbye).has_value());
  EXPECT_EQ(parent.WaitForEnd(), 0);
}

TEST(Parent, ItsEndIsTheEndOfTheActor) {
  LyingParent parent;
  parent.SayHello();
  parent.ExpectItServes(1);
  parent.Start(3, NameOf<&StartAndWait>(), true, "nothing");
  ASSERT_TRUE(parent.Next(FrameKind::kStarted).has_value());
  const absl::Time begin = absl::Now();
  parent.SendEof();
  parent.WaitForEnd();
  EXPECT_LT(absl::Now() - begin, absl::Seconds(5));
}

}  // namespace
}  // namespace tractor::testing
