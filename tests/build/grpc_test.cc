// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
// A gRPC service of tractor_cc_grpc_library answers over a unix socket, and
// the program needs no shared library but the C and C++ runtimes.

#include <grpcpp/grpcpp.h>

#include <fstream>
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "tests/build/echo.grpc.pb.h"

namespace tractor {
namespace {

class EchoService : public test_build::Echo::Service {
 public:
  grpc::Status Say(grpc::ServerContext*, const test_build::EchoRequest* request,
                   test_build::EchoReply* reply) override {
    *reply->mutable_note() = request->note();
    return grpc::Status::OK;
  }
};

TEST(GrpcTest, EchoAnswersOverAUnixSocket) {
  // An abstract name: no file to leave behind, no path that is too long.
  const std::string address =
      "unix-abstract:tractor-grpc-test-" + std::to_string(getpid());
  EchoService service;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials());
  builder.RegisterService(&service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  ASSERT_NE(server, nullptr);
  auto stub = test_build::Echo::NewStub(
      grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));

  test_build::EchoRequest request;
  request.mutable_note()->set_text("hello");
  grpc::ClientContext context;
  test_build::EchoReply reply;
  grpc::Status status = stub->Say(&context, request, &reply);

  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(reply.note().text(), "hello");
  server->Shutdown();
}

TEST(GrpcTest, ThirdPartyLibrariesAreStatic) {
  std::ifstream maps("/proc/self/maps");
  int libraries = 0;
  for (std::string line; std::getline(maps, line);) {
    if (line.find(".so") == std::string::npos) continue;
    ++libraries;
    for (const char* name : {"grpc", "protobuf", "absl", "ssl", "crypto"}) {
      EXPECT_EQ(line.find(std::string("/lib") + name), std::string::npos)
          << line;
    }
  }
  EXPECT_GT(libraries, 0) << "the C library itself should be shared";
}

}  // namespace
}  // namespace tractor
