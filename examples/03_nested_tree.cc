// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// A tree of processes that destroys itself. Every actor has two children, three
// levels deep; when all 15 are up, one leaf fails. Its error ends every process
// on its way up and everybody beside it, and arrives at the root, typed, with
// the way that it took.
#include <cstdio>
#include <optional>
#include <stdexcept>
#include <string>

#include "runtime/tractor.h"

namespace {

constexpr int kDepth = 3;

// The stream carries "fuse" down the left edge of the tree.
using Node = tractor::Context<std::string, std::string, tractor::Nothing>;
tractor::Task<> Grow(Node& ctx, std::string depth);
TRACTOR_ENDPOINT(Grow);

// The two children of an actor.
class Children {
 public:
  Children(tractor::ActorNursery& an, int depth) : an_(an), depth_(depth) {}

  // Runs body(processes below, context of the left one) while both are up.
  template <class F>
  tractor::Task<> With(F body) {
    const tractor::Portal one = co_await Start(0);
    const tractor::Portal two = co_await Start(1);
    const std::string depth = std::to_string(depth_);
    auto both = [&](auto& left) -> tractor::Task<> {
      auto inner = [&](auto& right) -> tractor::Task<> {
        const int below = std::stoi(left.first()) + std::stoi(right.first());
        co_await body(below, left);
      };
      co_await two.WithContext(Grow, depth, inner);
    };
    co_await one.WithContext(Grow, depth, both);
  }

 private:
  tractor::Task<tractor::Portal> Start(int number) {
    tractor::ActorOptions options(tractor::CurrentActor().name() + "." +
                                  std::to_string(number));
    options.Expose(Grow);
    return an_.StartActor(options);
  }

  tractor::ActorNursery& an_;
  const int depth_;
};

// A leaf: waits for the fuse.
tractor::Task<> Leaf(Node& ctx) {
  co_await ctx.Started("1");
  co_await ctx.WithStream([](auto& from_above) -> tractor::Task<> {
    co_await from_above.Receive();
    throw std::runtime_error("self-destruct");
  });
}

tractor::Task<> Grow(Node& ctx, std::string depth) {
  if (depth == "0") {
    co_await Leaf(ctx);
    co_return;
  }
  co_await tractor::WithActorNursery(
      [&](tractor::ActorNursery& an) -> tractor::Task<> {
        Children children(an, std::stoi(depth) - 1);
        co_await children.With([&](int below, auto& left) -> tractor::Task<> {
          co_await ctx.Started(std::to_string(below + 1));
          co_await ctx.WithStream([&](auto& from_above) -> tractor::Task<> {
            std::optional<std::string> fuse = co_await from_above.Receive();
            co_await left.WithStream([&](auto& to_below) -> tractor::Task<> {
              co_await to_below.Send(*fuse);
              co_await tractor::SleepForever();  // until it goes off
            });
          });
        });
      });
}

tractor::Task<> LightIt() {
  co_await tractor::WithActorNursery(
      [](tractor::ActorNursery& an) -> tractor::Task<> {
        Children children(an, kDepth - 1);
        co_await children.With([&](int below, auto& left) -> tractor::Task<> {
          std::printf("%d actors are up, and the root\n", below);
          co_await left.WithStream([](auto& to_below) -> tractor::Task<> {
            co_await to_below.Send("fuse");
            co_await tractor::SleepForever();
          });
        });
      });
}

tractor::Task<> RootTask() {
  try {
    co_await LightIt();
  } catch (const tractor::RemoteActorError& error) {
    std::printf("%s: %s\n", error.boxed_type().c_str(),
                error.message().c_str());
    std::printf("it came from %s, by way of\n", error.source().name.c_str());
    for (const tractor::Aid& aid : error.relay_path()) {
      std::printf("  %s\n", aid.name.c_str());
    }
  }
  std::puts("nothing is left of them");
}

}  // namespace

int main(int argc, char** argv) { return tractor::Main(argc, argv, RootTask); }
