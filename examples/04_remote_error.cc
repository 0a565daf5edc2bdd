// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Errors cross the border between processes with their type: what was thrown
// there can be asked for, and thrown again, here.
#include <cstdio>
#include <stdexcept>
#include <string>

#include "runtime/tractor.h"

namespace bank {

struct Overdrawn : std::runtime_error {
  using std::runtime_error::runtime_error;
};

tractor::Task<std::string> Withdraw(std::string amount) {
  const int wanted = std::stoi(amount);  // throws std::invalid_argument
  if (wanted > 100) {
    throw Overdrawn("only 100 are there, " + amount + " are wanted");
  }
  co_return "take your " + amount;
}
TRACTOR_ENDPOINT(Withdraw);

tractor::Task<std::string> Rob(std::string) { co_return "rich!"; }
TRACTOR_ENDPOINT(Rob);

}  // namespace bank

// Makes a type known to both sides. Those of <stdexcept> are.
TRACTOR_EXCEPTION(bank::Overdrawn);

namespace {

using bank::Rob;
using bank::Withdraw;

tractor::Task<> Try(const tractor::Portal& teller, std::string amount) {
  try {
    std::string text = co_await teller.Call(Withdraw, amount);
    std::puts(text.c_str());
  } catch (const tractor::RemoteActorError& error) {
    std::printf("%s in actor '%s': %s\n", error.boxed_type().c_str(),
                error.source().name.c_str(), error.message().c_str());
    if (error.Is<bank::Overdrawn>()) std::puts("  no more money for you");
    if (error.Is<std::logic_error>()) std::puts("  learn to write numbers");
  }
}

tractor::Task<> RootTask() {
  co_await tractor::WithActorNursery(
      [](tractor::ActorNursery& an) -> tractor::Task<> {
        tractor::ActorOptions options("teller");
        options.Expose(Withdraw);
        tractor::Portal teller = co_await an.StartActor(options);
        co_await Try(teller, "50");
        co_await Try(teller, "500");
        co_await Try(teller, "a lot");
        try {
          co_await teller.Call(Rob, "");
        } catch (const tractor::EndpointNotExposed& error) {
          std::printf("'%s' is not for sale\n", error.endpoint().c_str());
        }
        // What nobody catches ends the nursery, and what is in it.
        co_await teller.Call(Withdraw, "1000");
      });
}

tractor::Task<int> Catching() {
  try {
    co_await RootTask();
  } catch (const tractor::RemoteActorError& error) {
    try {
      error.Unbox();
    } catch (const bank::Overdrawn& overdrawn) {
      std::printf("out of the nursery came: %s\n", overdrawn.what());
    }
    co_return 3;  // the exit code
  }
  co_return 0;
}

}  // namespace

int main(int argc, char** argv) { return tractor::Main(argc, argv, Catching); }
