// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/actor/endpoint.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "runtime/actor/errors.h"

namespace tractor {
namespace internal {
namespace {

struct Registry {
  // Entries never move: both maps and callers point to them.
  std::map<std::string, std::unique_ptr<EndpointInfo>, std::less<>> by_name;
  absl::flat_hash_map<AnyFunction, const EndpointInfo*> by_function;
};

// Filled before main and by modules that are loaded before the first actor;
// read only afterwards, so it needs no lock.
Registry& TheRegistry() {
  static Registry* const registry = new Registry;
  return *registry;
}

}  // namespace

bool RegisterEndpoint(EndpointInfo info) {
  Registry& registry = TheRegistry();
  if (registry.by_function.contains(info.function)) return true;
  if (registry.by_name.contains(info.name)) {
    std::fprintf(stderr,
                 "tractor: two endpoints are called %s; give one of them "
                 "another name or namespace\n",
                 info.name.c_str());
    std::exit(EXIT_FAILURE);
  }
  const AnyFunction function = info.function;
  auto entry = std::make_unique<EndpointInfo>(std::move(info));
  registry.by_function[function] = entry.get();
  std::string name = entry->name;
  registry.by_name.emplace(std::move(name), std::move(entry));
  return true;
}

const EndpointInfo* FindEndpoint(std::string_view name) {
  const auto& by_name = TheRegistry().by_name;
  const auto found = by_name.find(name);
  return found == by_name.end() ? nullptr : found->second.get();
}

const EndpointInfo* FindEndpoint(AnyFunction function) {
  const auto& by_function = TheRegistry().by_function;
  const auto found = by_function.find(function);
  return found == by_function.end() ? nullptr : found->second;
}

const EndpointInfo& GetEndpoint(AnyFunction function) {
  const EndpointInfo* info = FindEndpoint(function);
  if (info != nullptr) return *info;
  throw RuntimeFailure(
      "the function that was given is no endpoint: put "
      "TRACTOR_ENDPOINT(function); behind it, in a .cc file that is linked "
      "into "
      "the program");
}

// clang: "... [F = &ns::Square]", g++: "... [with auto F = ns::Square; ...]".
std::string EndpointNameFrom(std::string_view pretty_function) {
  const size_t begin = pretty_function.find("F = ");
  std::string_view name = pretty_function.substr(begin + 4);
  name = name.substr(0, name.find_first_of(";]"));
  if (name.starts_with('&')) name.remove_prefix(1);
  return std::string(name);
}

}  // namespace internal

std::vector<std::string> RegisteredEndpoints() {
  std::vector<std::string> names;
  for (const auto& [name, info] : internal::TheRegistry().by_name) {
    names.push_back(name);
  }
  return names;
}

}  // namespace tractor
