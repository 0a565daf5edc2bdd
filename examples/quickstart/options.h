// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The command line.
#ifndef TRACTOR_EXAMPLES_QUICKSTART_OPTIONS_H_
#define TRACTOR_EXAMPLES_QUICKSTART_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "runtime/tractor.h"

namespace tractor::quickstart {

struct Options {
  std::vector<std::string> paths;
  int workers = 0;
  std::optional<SpawnMethod> spawn_method;
  uint32_t top = 10;
  bool kill_one = false;
  bool check = false;
  bool help = false;
  bool version = false;
};

// What the user has got wrong, in one line.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws UsageError.
Options ParseOptions(int argc, const char* const* argv);

std::string HelpText();

}  // namespace tractor::quickstart

#endif  // TRACTOR_EXAMPLES_QUICKSTART_OPTIONS_H_
