// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "tests/support/backend.h"

#include <cstdlib>

namespace tractor::testing {

SpawnMethod CurrentBackend() {
  const char* name = std::getenv("TRACTOR_SPAWN_METHOD");
  if (name == nullptr || *name == '\0') return SpawnMethod::kForkserver;
  return ParseSpawnMethod(name);
}

}  // namespace tractor::testing
