// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/task/exception_group.h"

#include <new>
#include <stdexcept>
#include <string>

#include "gtest/gtest.h"

namespace tractor {
namespace {

template <class E>
std::exception_ptr Make(const char* text) {
  return std::make_exception_ptr(E(text));
}

// a: range, b: runtime, [c: range, [d: runtime]]
ExceptionGroup Tree() {
  const ExceptionGroup deep("deep", {Make<std::runtime_error>("d")});
  const ExceptionGroup inner(
      "inner", {Make<std::out_of_range>("c"), std::make_exception_ptr(deep)});
  return ExceptionGroup(
      "outer", {Make<std::out_of_range>("a"), Make<std::runtime_error>("b"),
                std::make_exception_ptr(inner)});
}

TEST(ExceptionGroup, TextIsATree) {
  EXPECT_STREQ(Tree().what(),
               "outer (3 errors)\n"
               "|- std::out_of_range: a\n"
               "|- std::runtime_error: b\n"
               "|- inner (2 errors)\n"
               "   |- std::out_of_range: c\n"
               "   |- deep (1 error)\n"
               "      |- std::runtime_error: d");
}

TEST(ExceptionGroup, TextIndentsLinesOfAnError) {
  const ExceptionGroup group("g", {Make<std::runtime_error>("two\nlines"),
                                   Make<std::runtime_error>("last\none")});
  EXPECT_STREQ(group.what(),
               "g (2 errors)\n"
               "|- std::runtime_error: two\n"
               "|  lines\n"
               "|- std::runtime_error: last\n"
               "   one");
}

TEST(ExceptionGroup, LeavesAreInOrderFromAllLevels) {
  std::string text;
  for (const std::exception_ptr& leaf : Tree().Leaves()) {
    text += DescribeException(leaf).back();
  }
  EXPECT_EQ(text, "abcd");
}

TEST(ExceptionGroup, SplitKeepsTheNesting) {
  const auto [ranges, others] = Tree().Split(IsA<std::out_of_range>);
  ASSERT_TRUE(ranges.has_value());
  ASSERT_TRUE(others.has_value());
  EXPECT_STREQ(ranges->what(),
               "outer (2 errors)\n"
               "|- std::out_of_range: a\n"
               "|- inner (1 error)\n"
               "   |- std::out_of_range: c");
  EXPECT_STREQ(others->what(),
               "outer (2 errors)\n"
               "|- std::runtime_error: b\n"
               "|- inner (1 error)\n"
               "   |- deep (1 error)\n"
               "      |- std::runtime_error: d");
}

TEST(ExceptionGroup, SplitGivesNothingWhereThereIsNothing) {
  const auto [all, none] = Tree().Split(IsA<std::exception>);
  EXPECT_TRUE(all.has_value());
  EXPECT_FALSE(none.has_value());
  const auto [bad, rest] = Tree().Split(IsA<std::bad_alloc>);
  EXPECT_FALSE(bad.has_value());
  EXPECT_STREQ(rest->what(), Tree().what());
}

TEST(ExceptionGroup, TakeKeepsTheOthers) {
  ExceptionGroup group = Tree();
  EXPECT_TRUE(group.Contains<std::runtime_error>());
  const auto taken = group.Take<std::runtime_error>();
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(taken->Leaves().size(), 2u);
  EXPECT_EQ(group.Leaves().size(), 2u);
  EXPECT_FALSE(group.Contains<std::runtime_error>());
  EXPECT_FALSE(group.Take<std::runtime_error>().has_value());
  EXPECT_TRUE(group.Take<std::out_of_range>().has_value());
  EXPECT_TRUE(group.errors().empty());
}

// By base class as a catch clause does it.
TEST(ExceptionGroup, MatchesByBaseClass) {
  EXPECT_TRUE(IsA<std::logic_error>(Make<std::out_of_range>("x")));
  EXPECT_FALSE(IsA<std::runtime_error>(Make<std::out_of_range>("x")));
  EXPECT_FALSE(IsA<std::exception>(std::make_exception_ptr(7)));
  EXPECT_FALSE(IsA<std::exception>(nullptr));
}

TEST(ExceptionGroup, CollapseUnwrapsGroupsOfOne) {
  const ExceptionGroup one("one", {Make<std::out_of_range>("x")});
  const ExceptionGroup two("two", {std::make_exception_ptr(one)});
  EXPECT_EQ(DescribeException(Collapse(std::make_exception_ptr(two))),
            "std::out_of_range: x");
  const std::exception_ptr tree = std::make_exception_ptr(Tree());
  EXPECT_EQ(Collapse(tree), tree);
}

TEST(ExceptionGroup, ThrowCollapsedThrowsAsFewAsThereAre) {
  ThrowCollapsed("none", {});
  EXPECT_THROW(ThrowCollapsed("one", {Make<std::out_of_range>("x")}),
               std::out_of_range);
  EXPECT_THROW(ThrowCollapsed("two", {Make<std::out_of_range>("x"),
                                      Make<std::out_of_range>("y")}),
               ExceptionGroup);
}

TEST(DescribeException, KnowsWhatIsNoStdException) {
  EXPECT_EQ(DescribeException(std::make_exception_ptr(7)), "int");
  EXPECT_EQ(DescribeException(nullptr), "no error");
  EXPECT_EQ(ExceptionTypeName(Make<std::out_of_range>("x")),
            "std::out_of_range");
}

}  // namespace
}  // namespace tractor
