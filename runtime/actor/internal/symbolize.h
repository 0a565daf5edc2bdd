// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Addresses of code to names, files and lines.
//
// Only this program's own file is read, once for a whole stack, and nothing
// stays open: what libraries of the system do is of no use to who reads an
// error, and reading their debug information would take a quarter of a second.
#ifndef TRACTOR_RUNTIME_ACTOR_INTERNAL_SYMBOLIZE_H_
#define TRACTOR_RUNTIME_ACTOR_INTERNAL_SYMBOLIZE_H_

#include <cstdint>
#include <string>
#include <vector>

namespace tractor::internal {

struct Symbol {
  std::string function;  // demangled; empty when it is not known
  std::string file;      // as the compiler was given it; empty without -g1
  int line = 0;
};

// One Symbol for each of `addresses`. An address outside of the program's own
// file, or in one that cannot be read, gets an empty one.
std::vector<Symbol> Symbolize(const std::vector<uintptr_t>& addresses);

}  // namespace tractor::internal

#endif  // TRACTOR_RUNTIME_ACTOR_INTERNAL_SYMBOLIZE_H_
