// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/actor/errors.h"

#include <string.h>

#include <mutex>
#include <utility>

#include "absl/time/time.h"
#include "proto/error.pb.h"
#include "proto/ids.pb.h"
#include "runtime/actor/internal/error_text.h"
#include "runtime/actor/internal/native_stack.h"
#include "runtime/actor/internal/unbox.h"
#include "runtime/wire/utf8.h"

namespace tractor {

// What is quick is worked out at once; the text and the names of the native
// stack when somebody asks for them, which most levels of a tree never do.
struct RemoteActorError::State {
  explicit State(proto::ErrorProto error);

  proto::ErrorProto error;
  std::string boxed_type;
  Aid source;
  std::vector<Aid> relay_path;
  std::vector<TaskPlace> task_places;

  const std::vector<std::string>& native_stack() const;
  const std::string& text() const;

 private:
  mutable std::once_flag stack_once_;
  mutable std::vector<std::string> native_stack_;
  mutable std::once_flag text_once_;
  mutable std::string text_;
};

RemoteActorError::State::State(proto::ErrorProto received)
    : error(std::move(received)),
      boxed_type(internal::BoxedTypeName(error)),
      source(FromProto(error.source())) {
  for (const proto::Aid& aid : error.relay_path()) {
    relay_path.push_back(FromProto(aid));
  }
  for (const proto::TaskPlace& place : error.task_places()) {
    task_places.push_back(
        {place.file(), place.line(), place.function(), place.task()});
  }
}

const std::vector<std::string>& RemoteActorError::State::native_stack() const {
  std::call_once(stack_once_, [this] {
    native_stack_ = internal::SymbolizeStack(
        {error.native_stack().begin(), error.native_stack().end()});
  });
  return native_stack_;
}

const std::string& RemoteActorError::State::text() const {
  std::call_once(text_once_, [this] { text_ = internal::ErrorText(error); });
  return text_;
}

namespace {

proto::ErrorProto WithKind(proto::ErrorProto error, proto::ErrorKind kind) {
  error.set_kind(kind);
  return error;
}

proto::ErrorProto Make(proto::ErrorKind kind, std::string message) {
  proto::ErrorProto error;
  error.set_kind(kind);
  error.set_message(std::move(message));
  return error;
}

std::string OrNothing(std::string_view name) {
  return name.empty() ? "nothing" : std::string(name);
}

proto::ErrorProto MakeCancelled(const Aid& canceller, std::string_view reason) {
  std::string message = "cancelled by actor '" + ToString(canceller) + "'";
  if (!reason.empty()) message += ": " + std::string(reason);
  proto::ErrorProto error =
      Make(proto::ERROR_CONTEXT_CANCELLED, std::move(message));
  *error.mutable_cancelled()->mutable_canceller() = ToProto(canceller);
  error.mutable_cancelled()->set_reason(std::string(reason));
  return error;
}

proto::ErrorProto MakeMsgType(std::string_view place, std::string_view expected,
                              std::string_view got) {
  proto::ErrorProto error =
      Make(proto::ERROR_MSG_TYPE, std::string(place) + ": expected " +
                                      OrNothing(expected) + ", got " +
                                      OrNothing(got));
  error.mutable_msg_type()->set_place(std::string(place));
  error.mutable_msg_type()->set_expected(wire::ToUtf8(expected));
  error.mutable_msg_type()->set_got(wire::ToUtf8(got));
  return error;
}

// "signal 9 (Killed), core dumped".
std::string SignalText(const ActorExit& exit) {
  std::string text = "signal " + std::to_string(exit.signal);
  if (const char* name = sigdescr_np(exit.signal)) {
    text += " (" + std::string(name) + ")";
  }
  if (exit.oom) text += ", by the kernel's OOM killer";
  if (exit.core) text += ", core dumped";
  return text;
}

std::string DeathText(const Aid& actor, const ActorExit& exit) {
  std::string text = "actor '" + ToString(actor) + "' ";
  text += exit.unknown       ? "has ended; how, its parent knows"
          : exit.signal != 0 ? "died of " + SignalText(exit)
                             : "exited with code " + std::to_string(exit.code);
  if (exit.booting) text += " before its hello";
  if (!exit.detail.empty()) text += ": " + exit.detail;
  return text;
}

proto::ErrorProto MakeDied(const Aid& actor, const ActorExit& exit) {
  proto::ErrorProto error =
      Make(proto::ERROR_ACTOR_DIED, DeathText(actor, exit));
  *error.mutable_source() = ToProto(actor);
  *error.add_relay_path() = error.source();
  proto::ActorDiedDetail& died = *error.mutable_died();
  *died.mutable_actor() = error.source();
  died.set_signal(exit.signal);
  died.set_core(exit.core);
  died.set_oom(exit.oom);
  died.set_exit_code(exit.code);
  died.set_booting(exit.booting);
  return error;
}

proto::ErrorProto MakeNotExposed(std::string_view endpoint,
                                 std::string_view hint) {
  std::string message =
      "endpoint '" + std::string(endpoint) + "' is not exposed; ";
  message += hint.empty() ? "add Expose(" + std::string(endpoint) +
                                ") to the actor's options, and "
                                "TRACTOR_ENDPOINT(...) where it is defined"
                          : std::string(hint);
  proto::ErrorProto error =
      Make(proto::ERROR_ENDPOINT_NOT_EXPOSED, std::move(message));
  error.set_endpoint(std::string(endpoint));
  return error;
}

}  // namespace

ActorTooSlowError::ActorTooSlowError(const Aid& actor,
                                     std::string_view waited_for,
                                     absl::Duration budget)
    : RuntimeFailure("actor '" + ToString(actor) + "' is too slow: no " +
                     std::string(waited_for) + " within " +
                     absl::FormatDuration(budget)),
      state_(std::make_shared<const State>(
          State{actor, std::string(waited_for), budget})) {}

RemoteActorError::RemoteActorError(proto::ErrorProto error)
    : state_(std::make_shared<const State>(std::move(error))) {}

const std::string& RemoteActorError::boxed_type() const {
  return state_->boxed_type;
}

const std::string& RemoteActorError::message() const {
  return state_->error.message();
}

const Aid& RemoteActorError::source() const { return state_->source; }

const std::vector<Aid>& RemoteActorError::relay_path() const {
  return state_->relay_path;
}

const std::vector<TaskPlace>& RemoteActorError::task_places() const {
  return state_->task_places;
}

const std::vector<std::string>& RemoteActorError::native_stack() const {
  return state_->native_stack();
}

void RemoteActorError::Unbox() const {
  if (const std::exception_ptr error = boxed()) std::rethrow_exception(error);
  throw RuntimeFailure("cannot unbox " + boxed_type() +
                       ": its type is not registered here, or what was boxed "
                       "cannot be read; TRACTOR_EXCEPTION(" +
                       boxed_type() +
                       ") in a file that both actors have "
                       "registers it. It said: " +
                       message());
}

std::exception_ptr RemoteActorError::boxed() const {
  return internal::Unbox(state_->error);
}

std::vector<std::exception_ptr> RemoteActorError::nested() const {
  std::vector<std::exception_ptr> members;
  for (const proto::ErrorProto& member : state_->error.nested()) {
    members.push_back(internal::UnpackError(member));
  }
  return members;
}

std::exception_ptr RemoteActorError::cause() const {
  if (!state_->error.has_cause()) return nullptr;
  return internal::UnpackError(state_->error.cause());
}

const proto::ErrorProto& RemoteActorError::proto() const {
  return state_->error;
}

std::string RemoteActorError::Brief() const {
  return internal::ErrorHeadline(state_->error);
}

const char* RemoteActorError::what() const noexcept {
  return state_->text().c_str();
}

bool RemoteActorError::HasNativeType(const std::type_info& type) const {
  const std::string name = internal::Demangle(type);
  return name == state_->error.native_type() || name == boxed_type();
}

ContextCancelled::ContextCancelled(proto::ErrorProto error)
    : RemoteActorError(
          WithKind(std::move(error), proto::ERROR_CONTEXT_CANCELLED)) {}

ContextCancelled::ContextCancelled(const Aid& canceller,
                                   std::string_view reason)
    : RemoteActorError(MakeCancelled(canceller, reason)) {}

Aid ContextCancelled::canceller() const {
  return FromProto(proto().cancelled().canceller());
}

std::string ContextCancelled::reason() const {
  return proto().cancelled().reason();
}

MsgTypeError::MsgTypeError(proto::ErrorProto error)
    : RemoteActorError(WithKind(std::move(error), proto::ERROR_MSG_TYPE)) {}

MsgTypeError::MsgTypeError(std::string_view place, std::string_view expected,
                           std::string_view got)
    : RemoteActorError(MakeMsgType(place, expected, got)) {}

std::string MsgTypeError::place() const { return proto().msg_type().place(); }

std::string MsgTypeError::expected() const {
  return proto().msg_type().expected();
}

std::string MsgTypeError::got() const { return proto().msg_type().got(); }

StreamOverrun::StreamOverrun(proto::ErrorProto error)
    : RemoteActorError(
          WithKind(std::move(error), proto::ERROR_STREAM_OVERRUN)) {}

StreamOverrun::StreamOverrun(std::string_view message)
    : RemoteActorError(
          Make(proto::ERROR_STREAM_OVERRUN, std::string(message))) {}

ActorDied::ActorDied(proto::ErrorProto error)
    : RemoteActorError(WithKind(std::move(error), proto::ERROR_ACTOR_DIED)) {}

ActorDied::ActorDied(const Aid& actor, const ActorExit& exit)
    : RemoteActorError(MakeDied(actor, exit)) {}

Aid ActorDied::actor() const { return FromProto(proto().died().actor()); }

int ActorDied::signal() const { return proto().died().signal(); }

bool ActorDied::core() const { return proto().died().core(); }

bool ActorDied::oom() const { return proto().died().oom(); }

int ActorDied::exit_code() const { return proto().died().exit_code(); }

bool ActorDied::booting() const { return proto().died().booting(); }

EndpointNotExposed::EndpointNotExposed(proto::ErrorProto error)
    : RemoteActorError(
          WithKind(std::move(error), proto::ERROR_ENDPOINT_NOT_EXPOSED)) {}

EndpointNotExposed::EndpointNotExposed(std::string_view endpoint,
                                       std::string_view hint)
    : RemoteActorError(MakeNotExposed(endpoint, hint)) {}

std::string EndpointNotExposed::endpoint() const { return proto().endpoint(); }

}  // namespace tractor
