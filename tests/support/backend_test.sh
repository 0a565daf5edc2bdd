#!/bin/bash
# Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#
# SKIP_ON_BACKEND compiles with the name of a backend and a reason only.
set -euo pipefail
cd "$(dirname "$(readlink -f WORKSPACE)")"

# compile ARGUMENTS...: one skip for each; prints what the compiler says.
compile() {
  {
    echo '#include "tests/support/backend.h"'
    echo 'TEST(A, B) {'
    printf 'SKIP_ON_BACKEND(%s);\n' "$@"
    echo '}'
  } | clang++-19 -std=c++20 -fsyntax-only -I. -x c++ - 2>&1
}

compile 'forkserver, "why"' 'exec, "why"' 'thread, "why"' || exit 1

# refused ARGUMENTS WORDS: the compiler refuses them with these words.
refused() {
  local said
  if said="$(compile "$1")" || [[ $said != *"$2"* ]]; then
    printf 'FAILED: SKIP_ON_BACKEND(%s): %s\n' "$1" "$said"
    exit 1
  fi
}
refused 'pigeon, "why"' "no member named 'pigeon'"
refused thread "too few arguments"
