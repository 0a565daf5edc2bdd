// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The functions that were running when an exception was thrown.
//
// `throw` calls __cxa_throw of the C++ runtime. This library defines that
// function, notes the return addresses, and calls the original. Nothing is
// looked up by name until NativeStack() is asked for one error.
#ifndef TRACTOR_RUNTIME_ACTOR_INTERNAL_NATIVE_STACK_H_
#define TRACTOR_RUNTIME_ACTOR_INTERNAL_NATIVE_STACK_H_

#include <cstddef>
#include <exception>
#include <string>
#include <vector>

namespace tractor::internal {

inline constexpr size_t kMaxNativeFrames = 32;

// False under sanitizers, which have a __cxa_throw of their own.
bool NativeStacksSupported();

// Off at first. A throw takes 4 us with it, 2 us without.
void SetNativeStacks(bool enabled);

// Places in this program's file, innermost first, for SymbolizeStack(): to look
// up names takes milliseconds, so it is left to who reads the error, maybe in
// another process of the same program. Empty when `error` was not thrown on
// this thread, or was among others too long ago: a thread keeps its last 16.
std::vector<std::string> RawNativeStack(const std::exception_ptr& error);

// Raw frames as "Divide (examples/divide.cc:17)", without the frames of the C++
// library and of this runtime's resumption. Frames of another program, and what
// is text already, stay as they are.
std::vector<std::string> SymbolizeStack(const std::vector<std::string>& frames);

// Both.
std::vector<std::string> NativeStack(const std::exception_ptr& error);

}  // namespace tractor::internal

#endif  // TRACTOR_RUNTIME_ACTOR_INTERNAL_NATIVE_STACK_H_
