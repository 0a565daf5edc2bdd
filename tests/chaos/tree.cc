// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "tests/chaos/tree.h"

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "runtime/task/task_tree.h"
#include "runtime/tractor.h"
#include "tests/chaos/progress.h"
#include "tests/chaos/root.h"

namespace tractor::chaos {
namespace {

using Talk = Context<Nothing, std::string, std::string>;

NurseryOptions OneErrorAlone() { return NurseryOptions().set_collapse(true); }

// ---- messages ----

std::string MakeMessage(int index, int bytes) {
  return std::to_string(index) + ":" +
         std::string(static_cast<size_t>(bytes),
                     static_cast<char>('a' + index % 26));
}

void CheckMessage(const std::string& message, int index, int bytes) {
  if (message == MakeMessage(index, bytes)) return;
  throw std::logic_error("instead of message " + std::to_string(index) +
                         " came '" + message.substr(0, 40) + "', " +
                         std::to_string(message.size()) + " bytes");
}

template <class S>
Task<> SendAll(S& stream, int count, int bytes) {
  for (int i = 0; i < count; ++i) {
    co_await stream.Send(MakeMessage(i, bytes));
    Step();
  }
}

template <class S>
Task<> TakeAll(S& stream, int count, int bytes) {
  for (int i = 0; i < count; ++i) {
    const std::optional<std::string> message = co_await stream.Receive();
    // The other side has failed: the news of that is on its way.
    if (!message.has_value()) co_await SleepForever();
    CheckMessage(*message, i, bytes);
    Step();
  }
}

// Both directions side by side.
template <class S>
Task<> Exchange(S& stream, int send, int take, int bytes) {
  auto both = [&](Nursery& n) -> Task<> {
    n.StartSoon([&]() -> Task<> { co_await SendAll(stream, send, bytes); });
    n.StartSoon([&]() -> Task<> { co_await TakeAll(stream, take, bytes); });
    co_return;
  };
  co_await WithNursery(OneErrorAlone(), both);
}

// ---- any two actors of a tree ----

Task<> Chat(Talk& ctx) {
  co_await ctx.Started();
  co_await ctx.WithStream([&](auto& stream) -> Task<> {
    while (std::optional<std::string> message = co_await stream.Receive()) {
      co_await stream.Send(*message);
    }
  });
}
TRACTOR_ENDPOINT(Chat);

template <class S>
Task<> ChatAway(S& stream, int count, int bytes) {
  for (int i = 0; i < count; ++i) {
    co_await stream.Send(MakeMessage(i, bytes));
    const std::optional<std::string> message = co_await stream.Receive();
    if (!message.has_value()) co_await SleepForever();  // as in TakeAll()
    CheckMessage(*message, i, bytes);
  }
}

// That the other one has ended meanwhile, whichever way, is its parent's
// business.
Task<> Visit(const Node& me) {
  if (me.visited < 0) co_return;
  auto chat = [&](auto& stream) -> Task<> {
    co_await ChatAway(stream, me.visits, me.bytes);
  };
  auto block = [&](auto& ctx) -> Task<> { co_await ctx.WithStream(chat); };
  try {
    const std::optional<Portal> other = co_await FindActor(NameOf(me.visited));
    if (other.has_value()) co_await other->WithContext(Chat, block);
  } catch (const RemoteActorError&) {
  } catch (const TransportClosed&) {
  } catch (const ActorTooSlowError&) {
  }
}

// ---- what a parent asks of its children ----

Task<std::string> Echo(std::string text) {
  Step();
  co_return text;
}
TRACTOR_ENDPOINT(Echo);

Task<> Hang() { co_await SleepForever(); }
TRACTOR_ENDPOINT(Hang);

Task<std::string> Errand(std::string number) {
  Progress::Begin(PlanOfThisTree(), std::stoi(number));
  Step();
  Tally tally;
  tally.actors = 1;
  co_return ToString(tally);
}
TRACTOR_ENDPOINT(Errand);

Task<> LiveWithChildren(Tally& tally);

Task<std::string> Live(Talk& ctx, std::string number) {
  Progress::Begin(PlanOfThisTree(), std::stoi(number));
  const Node& me = Progress::Current().node();
  Tally tally;
  tally.actors = 1;
  co_await ctx.Started();
  Step();
  auto talk = [&](auto& stream) -> Task<> {
    co_await Exchange(stream, me.up, me.down, me.bytes);
    tally.messages += me.down;
  };
  auto all = [&](Nursery& n) -> Task<> {
    n.StartSoon([&]() -> Task<> { co_await ctx.WithStream(talk); });
    n.StartSoon([&]() -> Task<> { co_await LiveWithChildren(tally); });
    n.StartSoon([&]() -> Task<> { co_await Visit(me); });
    co_return;
  };
  co_await WithNursery(OneErrorAlone(), all);
  co_return ToString(tally);
}
TRACTOR_ENDPOINT(Live);

// ---- a child, as its parent sees it ----

Task<> CallSome(const Portal& child, const Node& node, Tally& tally) {
  const std::string request(static_cast<size_t>(node.bytes), 'c');
  auto call = [&]() -> Task<> {
    const std::string reply = co_await child.Call(Echo, request);
    if (reply != request) throw std::logic_error("an echo is not the call");
    tally.calls += 1;
    Step();
  };
  auto all = [&](Nursery& n) -> Task<> {
    for (int i = 0; i < node.calls; ++i) n.StartSoon(call);
    co_return;
  };
  co_await WithNursery(OneErrorAlone(), all);
  for (int i = 0; i < node.hung_calls; ++i) {
    auto hang = [&]() -> Task<> { co_await child.Call(Hang); };
    co_await MoveOnAfter(absl::Milliseconds(i), hang);
  }
}

template <class C>
Task<> TalkTo(C& ctx, const Portal& child, const Node& node, Tally& tally) {
  const int part = node.context_cancelled ? 2 : 1;
  auto talk = [&](auto& stream) -> Task<> {
    co_await Exchange(stream, node.down / part, node.up / part, node.bytes);
    tally.messages += node.up;
    if (node.context_cancelled) co_await ctx.Cancel("chaos");
  };
  auto both = [&](Nursery& n) -> Task<> {
    n.StartSoon([&]() -> Task<> { co_await ctx.WithStream(talk); });
    if (!node.context_cancelled) {
      n.StartSoon([&]() -> Task<> { co_await CallSome(child, node, tally); });
    }
    co_return;
  };
  co_await WithNursery(OneErrorAlone(), both);
}

Task<> TendContext(const Portal& child, int number, Tally& tally) {
  const Node& node = Progress::Current().NodeAt(number);
  Tally theirs;
  auto block = [&](auto& ctx) -> Task<> {
    co_await TalkTo(ctx, child, node, theirs);
    if (!node.context_cancelled) {
      theirs += ParseTally(co_await ctx.WaitResult());
    }
  };
  co_await child.WithContext(Live, std::to_string(number), block);
  if (!node.context_cancelled) tally += theirs;
  if (node.actor_cancelled) co_await child.CancelActor();
}

ActorOptions OptionsOf(int number) {
  ActorOptions options(NameOf(number));
  options.Expose(Live, Echo, Hang, Errand, Chat);
  if (Progress::Current().NodeAt(number).piped) {
    options.WithStdout(Stdio::Pipe());
  }
  return options;
}

Task<> RaiseChild(ActorNursery& an, int number, Tally& tally) {
  if (Progress::Current().NodeAt(number).one_shot) {
    const std::string request = std::to_string(number);
    tally +=
        ParseTally(co_await an.RunInActor(OptionsOf(number), Errand, request));
    Step();
  } else {
    const Portal child = co_await an.StartActor(OptionsOf(number));
    Step();
    co_await TendContext(child, number, tally);
  }
  Step();
}

Task<> Raise(ActorNursery& an, int number, Tally& tally) {
  try {
    co_await RaiseChild(an, number, tally);
  } catch (const RemoteActorError&) {
    if (!Progress::Current().node().forgives) throw;
  }
}

Task<> LiveWithChildren(Tally& tally) {
  const Node& me = Progress::Current().node();
  auto live = [&](ActorNursery& an) -> Task<> {
    auto side_by_side = [&](Nursery& n) -> Task<> {
      for (const int child : me.children) {
        n.StartSoon([&an, child, &tally]() -> Task<> {
          co_await Raise(an, child, tally);
        });
      }
      co_return;
    };
    if (me.serial) {
      for (const int child : me.children) co_await Raise(an, child, tally);
    } else {
      co_await WithNursery(OneErrorAlone(), side_by_side);
    }
    co_await an.Cancel("the work is done");
  };
  auto in_nursery = [&]() -> Task<> {
    if (!me.children.empty()) co_await WithActorNursery(live);
  };
  auto tidy = [&]() -> Task<> {
    if (me.tidies > 0) co_await Sleep(absl::Milliseconds(me.tidies));
  };
  co_await Finally(in_nursery, absl::Milliseconds(100), tidy);
}

}  // namespace

Task<> LiveAsRoot(Tally& tally) {
  Progress::Begin(PlanOfThisTree(), 0);
  tally.actors = 1;
  Step();
  co_await LiveWithChildren(tally);
}

}  // namespace tractor::chaos

TRACTOR_EXCEPTION(tractor::chaos::ChaosError);
