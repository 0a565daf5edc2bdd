// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
// Each system library of @system compiles, links and works with this compiler.

#include <dlfcn.h>

#include <boost/asio.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/build/note.pb.h"

namespace tractor {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(LibrariesTest, ProtobufRoundTripsAMessageWithAWellKnownType) {
  test_build::Note note;
  note.set_text("hello");
  note.mutable_written()->set_seconds(42);

  test_build::Note parsed;
  ASSERT_TRUE(parsed.ParseFromString(note.SerializeAsString()));

  EXPECT_EQ(parsed.text(), "hello");
  EXPECT_EQ(parsed.written().seconds(), 42);
}

TEST(LibrariesTest, AbseilStatusCarriesItsMessage) {
  absl::Status status = absl::NotFoundError(absl::StrCat("no ", 7));
  EXPECT_THAT(status.ToString(), HasSubstr("no 7"));
}

TEST(LibrariesTest, AsioRunsAPostedFunction) {
  boost::asio::io_context context;
  bool ran = false;
  boost::asio::post(context, [&] { ran = true; });
  context.run();
  EXPECT_TRUE(ran);
}

TEST(LibrariesTest, GlogSendsALineToASink) {
  class Sink : public google::LogSink {
   public:
    void send(google::LogSeverity, const char*, const char*, int,
              const google::LogMessageTime&, const char* message,
              size_t length) override {
      line.assign(message, length);
    }
    std::string line;
  };
  Sink sink;
  LOG_TO_SINK_BUT_NOT_TO_LOGFILE(&sink, INFO) << "answer " << 42;
  EXPECT_EQ(sink.line, "answer 42");
}

// libunwind.so, which glog needs, defines it as well: slower, and unaware of
// what the sanitizers and the compiler's runtime expect.
TEST(LibrariesTest, ExceptionsAreRaisedByTheCompilersRuntime) {
  Dl_info info;
  ASSERT_NE(dladdr(dlsym(RTLD_DEFAULT, "_Unwind_RaiseException"), &info), 0);
  EXPECT_THAT(info.dli_fname, Not(HasSubstr("libunwind")));
}

}  // namespace
}  // namespace tractor
