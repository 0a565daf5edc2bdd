// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// A context with a stream: two tasks in two processes that talk both ways for
// as long as they like, and end together.
#include <cstdio>
#include <optional>
#include <string>

#include "runtime/tractor.h"

namespace {

// Started() gives a std::string, the stream carries strings both ways, and the
// result is a string as well. Messages of protobuf go in the same places.
using Game = tractor::Context<std::string, std::string, std::string>;

// Thinks of a number; says "higher", "lower" or "yes".
tractor::Task<std::string> Think(Game& game, std::string limit) {
  const int number = std::stoi(limit) * 7 / 11;
  int guesses = 0;
  co_await game.Started("a number from 1 to " + limit);
  co_await game.WithStream([&](auto& stream) -> tractor::Task<> {
    while (std::optional<std::string> guess = co_await stream.Receive()) {
      ++guesses;
      const int value = std::stoi(*guess);
      co_await stream.Send(value < number   ? "higher"
                           : value > number ? "lower"
                                            : "yes");
    }
  });
  co_return "found in " + std::to_string(guesses) + " guesses";
}
TRACTOR_ENDPOINT(Think);

// Halves what is left until it has found the number.
template <class Stream>
tractor::Task<> Guess(Stream& stream, int high) {
  int low = 1;
  while (true) {
    const int middle = (low + high) / 2;
    co_await stream.Send(std::to_string(middle));
    const std::optional<std::string> answer = co_await stream.Receive();
    std::printf("%d? %s\n", middle, answer->c_str());
    if (*answer == "yes") break;
    (*answer == "higher" ? low : high) = middle;
  }
}

tractor::Task<> RootTask() {
  co_await tractor::WithActorNursery(
      [](tractor::ActorNursery& an) -> tractor::Task<> {
        tractor::ActorOptions options("thinker");
        options.Expose(Think);
        tractor::Portal thinker = co_await an.StartActor(options);
        co_await thinker.WithContext(
            Think, "1000", [](auto& game) -> tractor::Task<> {
              std::printf("%s\n", game.first().c_str());
              // Leaving the stream's block is its end for the other side.
              co_await game.WithStream(
                  [](auto& stream) { return Guess(stream, 1000); });
              std::string result = co_await game.WaitResult();
              std::printf("%s\n", result.c_str());
            });
        co_await an.Cancel();
      });
}

}  // namespace

int main(int argc, char** argv) { return tractor::Main(argc, argv, RootTask); }
