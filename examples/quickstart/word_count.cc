// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "examples/quickstart/word_count.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace tractor::quickstart {
namespace {

// What a byte is in a word; 0: it is in none.
constexpr std::array<char, 256> MakeLetters() {
  std::array<char, 256> letters = {};
  for (int c = 'a'; c <= 'z'; ++c) {
    letters[c] = letters[c - 'a' + 'A'] = static_cast<char>(c);
  }
  for (int c = 128; c < 256; ++c) letters[c] = static_cast<char>(c);
  return letters;
}

constexpr std::array<char, 256> kLetters = MakeLetters();

char Letter(char c) { return kLetters[static_cast<unsigned char>(c)]; }

void AddWord(std::string_view word, WordTable& table) {
  // Most words are there already: no string is made for those.
  const absl::string_view key(word.data(), word.size());
  const auto found = table.find(key);
  if (found != table.end()) {
    ++found->second;
  } else {
    table.emplace(word, 1);
  }
}

}  // namespace

void CountWords(std::string_view text, WordTable& table) {
  std::array<char, kMaxWordBytes> word;
  size_t size = 0;
  for (const char c : text) {
    const char letter = Letter(c);
    if (letter != 0) word[size++] = letter;
    const bool ended = letter == 0 ? size > 0 : size == word.size();
    if (!ended) continue;
    AddWord({word.data(), size}, table);
    size = 0;
  }
  if (size > 0) AddWord({word.data(), size}, table);
}

size_t CutPoint(std::string_view text) {
  for (size_t i = text.size(); i > 0; --i) {
    if (Letter(text[i - 1]) == 0) return i;
  }
  return text.size() / kMaxWordBytes * kMaxWordBytes;
}

PartialCounts TakeCounts(WordTable& table) {
  PartialCounts counts;
  counts.mutable_word()->Reserve(static_cast<int>(table.size()));
  counts.mutable_count()->Reserve(static_cast<int>(table.size()));
  for (const auto& [word, count] : table) {
    counts.add_word(word);
    counts.add_count(count);
  }
  table.clear();
  return counts;
}

void MergeCounts(const PartialCounts& counts, WordTable& table) {
  const int size = std::min(counts.word_size(), counts.count_size());
  for (int i = 0; i < size; ++i) table[counts.word(i)] += counts.count(i);
}

Summary Summarise(const WordTable& table, uint32_t top) {
  std::vector<std::pair<uint64_t, const std::string*>> words;
  words.reserve(table.size());
  Summary summary;
  for (const auto& [word, count] : table) {
    words.emplace_back(count, &word);
    summary.set_words(summary.words() + count);
  }
  summary.set_different_words(table.size());
  const size_t wanted =
      top == 0 ? words.size() : std::min<size_t>(top, words.size());
  std::partial_sort(words.begin(), words.begin() + wanted, words.end(),
                    [](const auto& a, const auto& b) {
                      if (a.first != b.first) return a.first > b.first;
                      return *a.second < *b.second;
                    });
  for (size_t i = 0; i < wanted; ++i) {
    Summary::Word& word = *summary.add_top();
    word.set_word(*words[i].second);
    word.set_count(words[i].first);
  }
  return summary;
}

std::string Difference(const Summary& seen, const Summary& wanted) {
  const Summary::Word none;
  for (int i = 0; i < std::max(seen.top_size(), wanted.top_size()); ++i) {
    const Summary::Word& a = i < seen.top_size() ? seen.top(i) : none;
    const Summary::Word& b = i < wanted.top_size() ? wanted.top(i) : none;
    if (a.word() == b.word() && a.count() == b.count()) continue;
    return std::to_string(a.count()) + " of '" + a.word() + "', not " +
           std::to_string(b.count()) + " of '" + b.word() + "'";
  }
  return "";
}

}  // namespace tractor::quickstart
