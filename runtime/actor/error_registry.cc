// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/actor/error_registry.h"

#include <any>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <typeindex>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "runtime/task/scheduler.h"
#include "runtime/task/timeouts.h"

namespace tractor {
namespace {

const std::error_category& CategoryNamed(std::string_view name) {
  for (const std::error_category* category :
       {&std::generic_category(), &std::system_category()}) {
    if (name == category->name()) return *category;
  }
  throw std::invalid_argument("error category " + std::string(name));
}

// what() of a system_error is "<what it was given>: <text of the code>".
std::string GivenText(const std::system_error& error) {
  std::string text = error.what();
  const std::string end = error.code().message();
  if (!text.ends_with(end)) return text;
  text.resize(text.size() - end.size());
  if (text.ends_with(": ")) text.resize(text.size() - 2);
  return text;
}

}  // namespace

// The code as well as the text: it is what handlers ask for.
template <>
struct ExceptionTraits<std::system_error> {
  static std::string Box(const std::system_error& error) {
    return absl::StrCat(error.code().category().name(), "\n",
                        error.code().value(), "\n", GivenText(error));
  }
  static std::system_error Unbox(const std::string& boxed) {
    const std::vector<std::string> parts =
        absl::StrSplit(boxed, absl::MaxSplits('\n', 2));
    int value = 0;
    if (parts.size() != 3 || !absl::SimpleAtoi(parts[1], &value)) {
      throw std::invalid_argument("a boxed std::system_error");
    }
    const std::error_code code(value, CategoryNamed(parts[0]));
    return parts[2].empty() ? std::system_error(code)
                            : std::system_error(code, parts[2]);
  }
};

namespace internal {
namespace {

class Registry {
 public:
  bool Add(ExceptionType type) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (by_name_.contains(type.name)) return true;
    const ExceptionType& kept = types_.emplace_back(std::move(type));
    by_name_[kept.name] = &kept;
    by_type_[std::type_index(*kept.type)] = &kept;
    return true;
  }

  const ExceptionType* Find(std::string_view name) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second;
  }

  const ExceptionType* Find(const std::type_info& type) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = by_type_.find(std::type_index(type));
    return found == by_type_.end() ? nullptr : found->second;
  }

 private:
  // Modules that are loaded late register while others look up.
  std::mutex mutex_;
  std::deque<ExceptionType> types_;
  std::map<std::string_view, const ExceptionType*> by_name_;
  std::map<std::type_index, const ExceptionType*> by_type_;
};

template <class... E>
void AddTyped(Registry& registry) {
  (registry.Add(MakeExceptionType<E>()), ...);
}

// Types that have nothing to say but their name.
template <class... E>
void AddBare(Registry& registry) {
  const auto add = [&registry]<class T>(std::type_identity<T>) {
    ExceptionType type;
    type.name = Demangle(typeid(T));
    type.type = &typeid(T);
    type.by_text = true;
    type.unbox = [](const std::string&) {
      return std::make_exception_ptr(T());
    };
    registry.Add(std::move(type));
  };
  (add(std::type_identity<E>()), ...);
}

Registry* MakeRegistry() {
  auto* registry = new Registry;
  AddTyped<std::runtime_error, std::range_error, std::overflow_error,
           std::underflow_error, std::logic_error, std::domain_error,
           std::invalid_argument, std::length_error, std::out_of_range,
           std::system_error, TooSlowError, DeadlockError>(*registry);
  AddBare<std::bad_alloc, std::bad_array_new_length, std::bad_cast,
          std::bad_typeid, std::bad_exception, std::bad_function_call,
          std::bad_optional_access, std::bad_variant_access, std::bad_any_cast,
          std::bad_weak_ptr>(*registry);
  return registry;
}

// Never destroyed: errors are unpacked until the very end.
Registry& TheRegistry() {
  static Registry* const registry = MakeRegistry();
  return *registry;
}

}  // namespace

bool RegisterExceptionType(ExceptionType type) {
  return TheRegistry().Add(std::move(type));
}

const ExceptionType* FindExceptionType(std::string_view name) {
  return TheRegistry().Find(name);
}

const ExceptionType* FindExceptionType(const std::type_info& type) {
  return TheRegistry().Find(type);
}

}  // namespace internal
}  // namespace tractor
