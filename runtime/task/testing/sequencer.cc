// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/task/testing/sequencer.h"

#include <stdexcept>

namespace tractor::testing {

Sequencer::Turn::~Turn() {
  if (sequencer_ != nullptr) sequencer_->begins_[number_ + 1].Set();
}

void Sequencer::Break() {
  broken_ = true;
  for (auto& [number, begins] : begins_) begins.Set();
}

Task<Sequencer::Turn> Sequencer::operator()(int number) {
  if (!used_.insert(number).second) {
    throw std::logic_error("Sequencer: a number was used twice");
  }
  if (broken_) throw std::runtime_error("Sequencer: the order is broken");
  // Runs on a cancellation too, which is why it is no code behind the wait.
  struct BreakUnlessReached {
    Sequencer* sequencer;
    ~BreakUnlessReached() {
      if (sequencer != nullptr) sequencer->Break();
    }
  } guard{this};
  Event& begins = begins_[number];
  if (number == 0) begins.Set();
  co_await begins.Wait();
  guard.sequencer = nullptr;
  if (broken_) throw std::runtime_error("Sequencer: the order is broken");
  co_return Turn(this, number);
}

}  // namespace tractor::testing
