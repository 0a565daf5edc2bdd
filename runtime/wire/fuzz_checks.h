// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

// What must hold for any bytes that a peer may send. Shared by the fuzzer and
// by the test that replays its corpus with mutations.

#ifndef TRACTOR_RUNTIME_WIRE_FUZZ_CHECKS_H_
#define TRACTOR_RUNTIME_WIRE_FUZZ_CHECKS_H_

#include <string>
#include <string_view>
#include <vector>

namespace tractor::wire {

// Decodes `input` in several ways and aborts with a text when
//  * the frames or the final status depend on how the bytes were chunked;
//  * a header is read differently than by the generated class;
//  * a decoded frame cannot be sent again, or comes back as another one;
//  * more memory is taken than the bytes that have come can explain.
// The first byte chooses the chunking, the rest is the stream.
void CheckAnyInput(std::string_view input);

// Inputs with one good stream of every kind of frame, and a few bad ones.
std::vector<std::string> SeedInputs();

}  // namespace tractor::wire

#endif  // TRACTOR_RUNTIME_WIRE_FUZZ_CHECKS_H_
