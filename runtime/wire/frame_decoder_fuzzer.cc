// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

// libFuzzer target: bytes of a peer that may be anything.
//
//   bazel run --config=fuzz //runtime/wire:frame_decoder_fuzzer --
//       -max_total_time=60 $PWD/runtime/wire/corpus
//
// Without --config=fuzz it is a test that replays the corpus.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "runtime/wire/fuzz_checks.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tractor::wire::CheckAnyInput({reinterpret_cast<const char*>(data), size});
  return 0;
}
