// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Endpoints: the coroutines that other actors may call.
//
//   // One-shot: request in, reply out.
//   tractor::Task<SquareReply> Square(SquareRequest request);
//   TRACTOR_ENDPOINT(Square);
//
//   // A context: Started(Ready), then a stream of Order in and Quote out.
//   tractor::Task<Summary> Quotes(tractor::Context<Ready, Order, Quote>& ctx,
//                                 Subscription request);
//   TRACTOR_ENDPOINT(Quotes);
//
// Rules.
// - An endpoint is known by its qualified name, so both sides must have it: the
//   same binary, or a module that both have loaded. TRACTOR_ENDPOINT stands at
//   namespace scope in a .cc file, after the declaration.
// - It takes one payload by value, or none, and gives one, or void.
// - An actor serves only what ActorOptions::Expose() named; anything else is
//   answered with EndpointNotExposed.
#ifndef TRACTOR_RUNTIME_ACTOR_ENDPOINT_H_
#define TRACTOR_RUNTIME_ACTOR_ENDPOINT_H_

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "runtime/actor/context.h"
#include "runtime/actor/internal/dialog.h"
#include "runtime/actor/payload.h"
#include "runtime/task/task.h"

namespace tractor {

namespace internal {

using AnyFunction = void (*)();
using ServeFunction = Task<> (*)(Dialog& dialog, std::string request);

struct EndpointInfo {
  std::string name;  // qualified
  bool is_context = false;
  std::string_view request_type;
  std::string_view result_type;
  AnyFunction function = nullptr;
  ServeFunction serve = nullptr;
};

// Called before main, by TRACTOR_ENDPOINT.
bool RegisterEndpoint(EndpointInfo info);
// Null when there is none.
const EndpointInfo* FindEndpoint(std::string_view name);
const EndpointInfo* FindEndpoint(AnyFunction function);
// Throws RuntimeFailure that says what is missing.
const EndpointInfo& GetEndpoint(AnyFunction function);

// "ns::Square" out of what the compiler calls a function template's argument.
std::string EndpointNameFrom(std::string_view pretty_function);

template <auto F>
std::string EndpointName() {
  return EndpointNameFrom(__PRETTY_FUNCTION__);
}

template <class F>
struct EndpointTraits;

template <class R>
struct EndpointTraits<Task<R> (*)()> {
  static constexpr bool kContext = false;
  using Request = Nothing;
  using Result = PayloadOf<R>;
};

template <class R, class A>
struct EndpointTraits<Task<R> (*)(A)> {
  static constexpr bool kContext = false;
  using Request = std::remove_cvref_t<A>;
  using Result = PayloadOf<R>;
};

template <class R, class S, class I, class O>
struct EndpointTraits<Task<R> (*)(Context<S, I, O>&)> {
  static constexpr bool kContext = true;
  using Request = Nothing;
  using Result = PayloadOf<R>;
  using Started = S;
  using ToCallee = I;
  using ToCaller = O;
};

template <class R, class S, class I, class O, class A>
struct EndpointTraits<Task<R> (*)(Context<S, I, O>&, A)> {
  static constexpr bool kContext = true;
  using Request = std::remove_cvref_t<A>;
  using Result = PayloadOf<R>;
  using Started = S;
  using ToCallee = I;
  using ToCaller = O;
};

// Throws MsgTypeError when the bytes are no T.
template <class T>
T ParseRequest(Dialog& dialog, const std::string& bytes) {
  T value;
  if (!PayloadTraits<T>::Parse(bytes, value)) {
    dialog.ThrowUnparsable("request", PayloadTraits<T>::Name());
  }
  return value;
}

template <auto F>
Task<> Serve(Dialog& dialog, std::string request) {
  using Function = std::decay_t<decltype(F)>;
  using Traits = EndpointTraits<Function>;
  using Request = typename Traits::Request;
  using Result = typename Traits::Result;
  auto call = [&](auto&&... head) {
    if constexpr (std::is_invocable_v<Function, decltype(head)..., Request>) {
      return F(std::forward<decltype(head)>(head)...,
               ParseRequest<Request>(dialog, request));
    } else {
      ParseRequest<Request>(dialog, request);
      return F(std::forward<decltype(head)>(head)...);
    }
  };
  auto finish = [&](auto task) -> Task<> {
    if constexpr (std::is_same_v<Result, Nothing>) {
      co_await std::move(task);
      dialog.SendReturn(Nothing());
    } else {
      Result result = co_await std::move(task);
      dialog.SendReturn(std::move(result));
    }
  };
  if constexpr (Traits::kContext) {
    Context<typename Traits::Started, typename Traits::ToCallee,
            typename Traits::ToCaller>
        context(dialog);
    auto task = finish(call(context));
    co_await std::move(task);
  } else {
    auto task = finish(call());
    co_await std::move(task);
  }
}

template <auto F>
bool Register() {
  using Traits = EndpointTraits<std::decay_t<decltype(F)>>;
  static_assert(Payload<typename Traits::Request>,
                "an endpoint takes a protobuf message, std::string or nothing");
  static_assert(Payload<typename Traits::Result>,
                "an endpoint gives a protobuf message, std::string or void");
  EndpointInfo info;
  info.name = EndpointName<F>();
  info.is_context = Traits::kContext;
  info.request_type = PayloadTraits<typename Traits::Request>::Name();
  info.result_type = PayloadTraits<typename Traits::Result>::Name();
  info.function = reinterpret_cast<AnyFunction>(F);
  info.serve = &Serve<F>;
  return RegisterEndpoint(std::move(info));
}

}  // namespace internal

// Names of all endpoints of this program, sorted; for error texts and tools.
std::vector<std::string> RegisteredEndpoints();

#define TRACTOR_ENDPOINT_JOIN_(a, b) a##b
#define TRACTOR_ENDPOINT_JOIN(a, b) TRACTOR_ENDPOINT_JOIN_(a, b)

// Registers a function as an endpoint, before main.
#define TRACTOR_ENDPOINT(function)                                            \
  [[maybe_unused]] static const bool TRACTOR_ENDPOINT_JOIN(tractor_endpoint_, \
                                                           __COUNTER__) =     \
      ::tractor::internal::Register<&function>()

}  // namespace tractor

#endif  // TRACTOR_RUNTIME_ACTOR_ENDPOINT_H_
