// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Counting words: what there is without any actors.
//
//   WordTable table;
//   CountWords("To be, or not to be", table);
//   Summary summary = Summarise(table, /*top=*/3);   // be 2, to 2, not 1
//
// Rules.
// - A word is a run of ASCII letters, which are lower-cased, and of bytes above
//   127, so that words of UTF-8 stay whole. After kMaxWordBytes begins a new
//   one.
// - CountWords() of a text gives the same as of its pieces, when each piece
//   ends at a CutPoint().
#ifndef TRACTOR_EXAMPLES_QUICKSTART_WORD_COUNT_H_
#define TRACTOR_EXAMPLES_QUICKSTART_WORD_COUNT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "examples/quickstart/wordcount.pb.h"

namespace tractor::quickstart {

inline constexpr size_t kMaxWordBytes = 256;

using WordTable = absl::flat_hash_map<std::string, uint64_t>;

void CountWords(std::string_view text, WordTable& table);

// Where to end a piece of `text`, which begins a word or between words: behind
// the last byte that is in no word, or behind whole pieces of a word that is
// too long. 0: it is all one word of less than kMaxWordBytes.
size_t CutPoint(std::string_view text);

// Empties the table into a message.
PartialCounts TakeCounts(WordTable& table);
// Adds a message to a table.
void MergeCounts(const PartialCounts& counts, WordTable& table);

// `top` words, 0: all; the most frequent first, then by the alphabet.
Summary Summarise(const WordTable& table, uint32_t top);

// The first difference between what two summaries hold; empty: none.
std::string Difference(const Summary& seen, const Summary& wanted);

}  // namespace tractor::quickstart

#endif  // TRACTOR_EXAMPLES_QUICKSTART_WORD_COUNT_H_
