// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "examples/quickstart/word_count.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tractor::quickstart {
namespace {

using ::testing::Pair;
using ::testing::UnorderedElementsAre;

WordTable Count(std::string_view text) {
  WordTable table;
  CountWords(text, table);
  return table;
}

// Cuts as a reader with a buffer of `piece` bytes does.
WordTable CountInPieces(std::string text, size_t piece) {
  WordTable table;
  while (!text.empty()) {
    const bool last = text.size() <= piece;
    const size_t cut =
        last ? text.size() : CutPoint(std::string_view(text).substr(0, piece));
    EXPECT_GT(cut, 0u);
    CountWords(std::string_view(text).substr(0, cut), table);
    text.erase(0, cut);
  }
  return table;
}

TEST(CountWords, LowersLettersAndKeepsNonAscii) {
  EXPECT_THAT(
      Count("To be,\nor NOT to-be! 42 \xc3\x9c\x62\x65r"),
      UnorderedElementsAre(Pair("to", 2), Pair("be", 2), Pair("or", 1),
                           Pair("not", 1), Pair("\xc3\x9c\x62\x65r", 1)));
  EXPECT_TRUE(Count("").empty());
  EXPECT_TRUE(Count(" 12 .,;\n").empty());
}

TEST(CountWords, CutsWordsThatAreTooLong) {
  const std::string piece(kMaxWordBytes, 'a');
  EXPECT_THAT(
      Count(piece + piece + "aa b"),
      UnorderedElementsAre(Pair(piece, 2), Pair("aa", 1), Pair("b", 1)));
  EXPECT_THAT(Count(piece + " b"),
              UnorderedElementsAre(Pair(piece, 1), Pair("b", 1)));
}

TEST(CutPoint, IsBehindTheLastByteThatIsInNoWord) {
  EXPECT_EQ(CutPoint("to be"), 3u);
  EXPECT_EQ(CutPoint("to be "), 6u);
  EXPECT_EQ(CutPoint(""), 0u);
  EXPECT_EQ(CutPoint("word"), 0u);
  EXPECT_EQ(CutPoint(std::string(3 * kMaxWordBytes + 5, 'x')),
            3 * kMaxWordBytes);
}

TEST(CutPoint, PiecesCountLikeTheWhole) {
  std::string text;
  for (int i = 0; i < 200; ++i) {
    text += std::string(i * 7 % 300 + 1, static_cast<char>('a' + i % 26));
    text += i % 3 == 0 ? "\n" : " ,";
  }
  text += std::string(2000, 'z');
  const WordTable whole = Count(text);
  for (const size_t piece : {256u, 257u, 300u, 511u, 512u, 1000u, 4096u}) {
    EXPECT_EQ(CountInPieces(text, piece), whole) << piece;
  }
}

TEST(Counts, SurviveTheMessage) {
  WordTable table = Count("a b a c");
  const WordTable copy = table;
  const PartialCounts counts = TakeCounts(table);
  EXPECT_TRUE(table.empty());
  MergeCounts(counts, table);
  EXPECT_EQ(table, copy);
  MergeCounts(counts, table);
  EXPECT_EQ(table["a"], 4u);
}

TEST(Counts, OfDifferentLengthsAreNoTrap) {
  PartialCounts counts;
  counts.add_word("a");
  counts.add_word("b");
  counts.add_count(3);
  WordTable table;
  MergeCounts(counts, table);
  EXPECT_THAT(table, UnorderedElementsAre(Pair("a", 3)));
}

TEST(Summarise, OrdersByCountThenByTheAlphabet) {
  const WordTable table = Count("b a c c a d d d");
  const Summary summary = Summarise(table, 3);
  EXPECT_EQ(summary.words(), 8u);
  EXPECT_EQ(summary.different_words(), 4u);
  ASSERT_EQ(summary.top_size(), 3);
  EXPECT_EQ(summary.top(0).word(), "d");
  EXPECT_EQ(summary.top(0).count(), 3u);
  EXPECT_EQ(summary.top(1).word(), "a");
  EXPECT_EQ(summary.top(2).word(), "c");
  EXPECT_EQ(Summarise(table, 0).top_size(), 4);
  EXPECT_EQ(Summarise(table, 99).top_size(), 4);
  EXPECT_EQ(Summarise(WordTable(), 5).top_size(), 0);
}

TEST(Difference, IsFoundInWordsCountsAndLength) {
  const Summary one = Summarise(Count("a a b"), 0);
  EXPECT_EQ(Difference(one, one), "");
  EXPECT_EQ(Difference(Summarise(Count("a b"), 0), one),
            "1 of 'a', not 2 of 'a'");
  EXPECT_EQ(Difference(one, Summarise(Count("a a c"), 0)),
            "1 of 'b', not 1 of 'c'");
  EXPECT_EQ(Difference(one, Summarise(Count("a a"), 0)),
            "1 of 'b', not 0 of ''");
  EXPECT_EQ(Difference(Summary(), one), "0 of '', not 2 of 'a'");
}

}  // namespace
}  // namespace tractor::quickstart
