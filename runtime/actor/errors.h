// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// What goes wrong between actors, as exceptions.
//
//   try {
//     co_await worker.Call(Divide, request);
//   } catch (const tractor::RemoteActorError& error) {
//     if (error.Is<std::domain_error>()) co_return Infinity();
//     TRACTOR_LOG(error) << error.what();  // who, what, through whom, where
//     throw;
//   }
//
// What to catch:
//   RemoteActorError      anything that failed in another actor. boxed_type()
//     |                   says what it was there, Unbox() throws that
//     +-ContextCancelled    its task was cancelled, by canceller()
//     +-MsgTypeError        a payload was not of the type that was agreed on
//     +-StreamOverrun       it could not take what was sent to it
//     +-ActorDied           its process ended: signal(), exit_code(), oom()
//     +-EndpointNotExposed  it does not serve what was called
//   RuntimeFailure        this actor's runtime cannot do what was asked
//     +-NoRuntime           there is none: called outside of an actor
//     +-ActorTooSlowError   an actor did not answer within its budget
//   TransportClosed       the connection has gone
//
// Rules.
// - An error that is passed on by several actors keeps its type and its
//   source(); relay_path() has everyone it came through, the source first.
// - A group of errors comes as one RemoteActorError: nested() has the members
//   and boxed() is an ExceptionGroup of them.
// - Copies share one state; they are cheap and do not throw.
#ifndef TRACTOR_RUNTIME_ACTOR_ERRORS_H_
#define TRACTOR_RUNTIME_ACTOR_ERRORS_H_

#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <typeinfo>
#include <vector>

#include "absl/time/time.h"
#include "runtime/actor/aid.h"
#include "runtime/task/exception_group.h"

namespace tractor {

namespace proto {
class ErrorProto;
}  // namespace proto

// The runtime cannot do what was asked: a second root, a failed boot, misuse.
class RuntimeFailure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Something that needs an actor was called outside of one.
class NoRuntime : public RuntimeFailure {
 public:
  using RuntimeFailure::RuntimeFailure;
};

// An actor did not answer within its budget. Deliberately not the error of a
// timeout of the caller's own, so that handlers of those do not hide it.
class ActorTooSlowError : public RuntimeFailure {
 public:
  // `waited_for`: what should have come, "the ack of a cancel".
  ActorTooSlowError(const Aid& actor, std::string_view waited_for,
                    absl::Duration budget);

  const Aid& actor() const { return state_->actor; }
  const std::string& waited_for() const { return state_->waited_for; }
  absl::Duration budget() const { return state_->budget; }

 private:
  struct State {
    Aid actor;
    std::string waited_for;
    absl::Duration budget;
  };
  std::shared_ptr<const State> state_;
};

// The connection to the other actor has gone.
class TransportClosed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Where a task was when an error passed through it.
struct TaskPlace {
  std::string file;
  uint32_t line = 0;
  std::string function;
  std::string task;  // name of the task, where it is known
};

// Something failed in another actor.
class RemoteActorError : public std::exception, public BriefError {
 public:
  // As it was received.
  explicit RemoteActorError(proto::ErrorProto error);

  // The type of what was thrown there: its registered name
  // (TRACTOR_EXCEPTION), or the name that the compiler gave it.
  const std::string& boxed_type() const;
  // Its what(), whole.
  const std::string& message() const;
  // The actor in which it happened.
  const Aid& source() const;
  // The actors that it came through, the source first.
  const std::vector<Aid>& relay_path() const;
  // The tasks that it left, innermost first.
  const std::vector<TaskPlace>& task_places() const;
  // The functions that were running when it was thrown, innermost first.
  // Empty when that was not recorded.
  const std::vector<std::string>& native_stack() const;

  // True when what was thrown there is an E, or, for registered types, of a
  // class derived from E. What groups hold does not count.
  template <class E>
  bool Is() const;

  // Throws what was thrown there. A type that is not registered here becomes a
  // RuntimeFailure that says so.
  [[noreturn]] void Unbox() const;
  // The same as a value; null when the type is not registered here.
  std::exception_ptr boxed() const;
  // The members of a group, each a RemoteActorError; empty otherwise.
  std::vector<std::exception_ptr> nested() const;
  // What std::throw_with_nested kept inside of it; null when there is nothing.
  std::exception_ptr cause() const;

  const proto::ErrorProto& proto() const;

  // The root cause in the first line, "actor 'name@pid': type: message" (of a
  // group: that of its first member), then the way it took. At most 40 lines.
  const char* what() const noexcept override;
  // One line: the root cause, or how many errors a group holds.
  std::string Brief() const override;

 private:
  struct State;

  bool HasNativeType(const std::type_info& type) const;

  std::shared_ptr<const State> state_;
};

// The task on the other side was cancelled.
class ContextCancelled : public RemoteActorError {
 public:
  explicit ContextCancelled(proto::ErrorProto error);
  ContextCancelled(const Aid& canceller, std::string_view reason);

  Aid canceller() const;  // who asked for it
  std::string reason() const;
};

// A payload was not of the type that the two sides agreed on.
class MsgTypeError : public RemoteActorError {
 public:
  explicit MsgTypeError(proto::ErrorProto error);
  // Full names of protobuf messages; "" is "nothing".
  MsgTypeError(std::string_view place, std::string_view expected,
               std::string_view got);

  std::string place() const;  // what carried it: "request", "stream", ...
  std::string expected() const;
  std::string got() const;
};

// The other side could not take what was sent to it.
class StreamOverrun : public RemoteActorError {
 public:
  explicit StreamOverrun(proto::ErrorProto error);
  explicit StreamOverrun(std::string_view message);
};

// How a process ended.
struct ActorExit {
  int signal = 0;           // 0 when it exited by itself
  bool core = false;        // a core was dumped
  bool oom = false;         // the kernel's OOM killer did it
  int code = 0;             // its exit code when signal is 0
  bool booting = false;     // it ended before its hello
  bool unknown = false;     // how, only its parent knows
  std::string detail = {};  // what else is known; part of the text only
};

// An actor's process ended that should not have. source() is that actor.
class ActorDied : public RemoteActorError {
 public:
  explicit ActorDied(proto::ErrorProto error);
  ActorDied(const Aid& actor, const ActorExit& exit);

  Aid actor() const;
  int signal() const;  // 0 when it exited by itself
  bool core() const;
  bool oom() const;
  int exit_code() const;
  bool booting() const;
};

// The actor does not serve what was called.
class EndpointNotExposed : public RemoteActorError {
 public:
  explicit EndpointNotExposed(proto::ErrorProto error);
  // `hint`: what to do about it; by default, to expose it.
  explicit EndpointNotExposed(std::string_view endpoint,
                              std::string_view hint = {});

  std::string endpoint() const;
};

template <class E>
bool RemoteActorError::Is() const {
  return HasNativeType(typeid(E)) || IsA<E>(boxed());
}

}  // namespace tractor

#endif  // TRACTOR_RUNTIME_ACTOR_ERRORS_H_
