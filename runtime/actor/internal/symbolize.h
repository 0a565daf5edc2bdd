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

struct SourcePlace {
  std::string file;  // as the compiler was given it
  int line = 0;
};

struct Symbol {
  std::string function;  // demangled; empty when it is not known
  // Innermost first: more than one where functions were inlined, the last one
  // being in `function` itself. Empty without -g1.
  std::vector<SourcePlace> places;
};

// The program's own file, as it lies in memory.
struct ProgramImage {
  uintptr_t bias = 0;  // address in memory minus address in the file
  uintptr_t begin = UINTPTR_MAX;
  uintptr_t end = 0;
  // Tells the file from every other one of this machine.
  uint64_t identity = 0;

  bool Contains(uintptr_t address) const {
    return address >= begin && address < end;
  }
};
ProgramImage FindProgramImage();

// One Symbol for each of `addresses`. An address outside of the program's own
// file, or in one that cannot be read, gets an empty one.
std::vector<Symbol> Symbolize(const std::vector<uintptr_t>& addresses);

}  // namespace tractor::internal

#endif  // TRACTOR_RUNTIME_ACTOR_INTERNAL_SYMBOLIZE_H_
