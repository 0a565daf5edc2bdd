// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/task/internal/exceptions.h"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>

namespace tractor::internal {

std::string Demangle(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), &std::free);
  return status == 0 ? name.get() : type.name();
}

std::string TypeName(const std::exception_ptr& error) {
  if (!error) return "no exception";
  const std::type_info* type = error.__cxa_exception_type();
  return type != nullptr ? Demangle(*type) : "unknown exception";
}

}  // namespace tractor::internal
