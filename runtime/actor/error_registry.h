// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Exception types that keep their type when they cross to another actor.
//
//   namespace bank {
//   struct Overdrawn : std::runtime_error {
//     using std::runtime_error::runtime_error;
//   };
//   }  // namespace bank
//   TRACTOR_EXCEPTION(bank::Overdrawn);
//
//   catch (const tractor::RemoteActorError& error) {
//     if (error.Is<bank::Overdrawn>()) error.Unbox();  // throws Overdrawn
//   }
//
// A type that has more to say than its what() brings its own writing:
//
//   struct Overdrawn : std::exception {
//     static std::string Box(const Overdrawn& e);
//     static Overdrawn Unbox(const std::string& boxed);
//   };
//
// or, when it is not ours to change, a specialisation of ExceptionTraits.
//
// Rules.
// - TRACTOR_EXCEPTION stands at namespace scope in a .cc file that both sides
//   have, with the qualified name of the type.
// - Of an exception of an unregistered type only text arrives: its name, its
//   message, where it was. Derived types are types of their own.
// - Known without registration: the exceptions of <stdexcept>, bad_alloc,
//   bad_cast and their like, system_error, and the errors of this library.
// - Unbox may be given anything: it throws for what it cannot read, and the
//   error then stays text.
#ifndef TRACTOR_RUNTIME_ACTOR_ERROR_REGISTRY_H_
#define TRACTOR_RUNTIME_ACTOR_ERROR_REGISTRY_H_

#include <concepts>
#include <exception>
#include <string>
#include <string_view>
#include <typeinfo>

#include "runtime/task/exception_group.h"

namespace tractor {

// True when E says itself how it is written.
template <class E>
concept BoxesItself = requires(const E& error, const std::string& boxed) {
  { E::Box(error) } -> std::convertible_to<std::string>;
  { E::Unbox(boxed) } -> std::convertible_to<E>;
};

// How an exception of type E is written, and made again.
template <class E>
struct ExceptionTraits {
  // what() is all there is to write.
  static constexpr bool kByText = !BoxesItself<E>;

  static std::string Box(const E& error) {
    if constexpr (BoxesItself<E>) {
      return E::Box(error);
    } else {
      return error.what();
    }
  }
  static E Unbox(const std::string& boxed) {
    if constexpr (BoxesItself<E>) {
      return E::Unbox(boxed);
    } else {
      static_assert(std::constructible_from<E, const std::string&>,
                    "give the exception a constructor from std::string, or "
                    "static functions Box and Unbox");
      return E(boxed);
    }
  }
};

namespace internal {

struct ExceptionType {
  std::string name;
  const std::type_info* type = nullptr;
  // Its message is all that it has; it is not written twice.
  bool by_text = false;
  // Both throw what the traits throw.
  std::string (*box)(const std::exception_ptr& error) = nullptr;
  std::exception_ptr (*unbox)(const std::string& boxed) = nullptr;
};

// Before main, by the macro; a name that is known already is left as it is.
bool RegisterExceptionType(ExceptionType type);
// Null when there is none. The pointer stays good.
const ExceptionType* FindExceptionType(std::string_view name);
const ExceptionType* FindExceptionType(const std::type_info& type);

template <class E>
ExceptionType MakeExceptionType() {
  ExceptionType type;
  type.name = Demangle(typeid(E));
  type.type = &typeid(E);
  if constexpr (requires { ExceptionTraits<E>::kByText; }) {
    type.by_text = ExceptionTraits<E>::kByText;
  }
  type.box = [](const std::exception_ptr& error) {
    std::string boxed;
    VisitAs<E>(error,
               [&boxed](const E& e) { boxed = ExceptionTraits<E>::Box(e); });
    return boxed;
  };
  type.unbox = [](const std::string& boxed) {
    return std::make_exception_ptr(ExceptionTraits<E>::Unbox(boxed));
  };
  return type;
}

}  // namespace internal
}  // namespace tractor

#define TRACTOR_EXCEPTION_JOIN_(a, b) a##b
#define TRACTOR_EXCEPTION_NAME_(number) \
  TRACTOR_EXCEPTION_JOIN_(tractor_exception_registered_, number)

#define TRACTOR_EXCEPTION(...)                                              \
  [[maybe_unused]] static const bool TRACTOR_EXCEPTION_NAME_(__COUNTER__) = \
      ::tractor::internal::RegisterExceptionType(                           \
          ::tractor::internal::MakeExceptionType<__VA_ARGS__>())

#endif  // TRACTOR_RUNTIME_ACTOR_ERROR_REGISTRY_H_
