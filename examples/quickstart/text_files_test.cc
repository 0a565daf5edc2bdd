// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "examples/quickstart/text_files.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tractor::quickstart {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class TextFilesTest : public ::testing::Test {
 protected:
  TextFilesTest() {
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  ~TextFilesTest() override { fs::remove_all(root_); }

  std::string Write(const std::string& name, const std::string& text) {
    const fs::path path = root_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  std::string Path(const std::string& name) const { return root_ / name; }

  static std::vector<std::string> Pieces(TextFiles& files) {
    std::vector<std::string> pieces;
    while (std::optional<std::string> piece = files.Next()) {
      pieces.push_back(*piece);
    }
    return pieces;
  }

  const fs::path root_ =
      fs::path(::testing::TempDir()) /
      ::testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(TextFilesTest, JoinsSmallFilesInTheOrderOfTheirNames) {
  Write("b", "two");
  Write("a/c", "one");
  TextFiles files({root_});
  EXPECT_THAT(files.paths(), ElementsAre(Path("a/c"), Path("b")));
  EXPECT_THAT(Pieces(files), ElementsAre("one\ntwo\n"));
  EXPECT_EQ(files.files(), 2u);
  EXPECT_EQ(files.bytes(), 6u);
  EXPECT_EQ(files.Next(), std::nullopt);
}

TEST_F(TextFilesTest, CutsBigFilesWhereAWordEnds) {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += "word" + std::string(i % 9, 'x') + " ";
  Write("big", text);
  TextFiles files({root_}, /*piece_bytes=*/1000);
  const std::vector<std::string> pieces = Pieces(files);
  EXPECT_GT(pieces.size(), 4u);
  std::string joined;
  for (const std::string& piece : pieces) {
    EXPECT_EQ(joined.empty() ? ' ' : joined.back(), ' ');
    joined += piece;
  }
  EXPECT_EQ(joined, text + "\n");
}

TEST_F(TextFilesTest, CountsWhatItSkips) {
  Write("a.gz", "x");
  Write("b.xz", "x");
  Write("binary", std::string("x\0y", 3));
  Write("empty", "");
  Write("text", "word");
  fs::create_symlink(Path("text"), root_ / "link");
  TextFiles files({root_});
  EXPECT_THAT(Pieces(files), ElementsAre("\nword\n"));
  EXPECT_EQ(files.skipped().compressed, 2u);
  EXPECT_EQ(files.skipped().not_text, 1u);
  EXPECT_EQ(files.skipped().special, 1u);
  EXPECT_THAT(files.skipped().unreadable, IsEmpty());
  EXPECT_EQ(files.files(), 2u);
}

TEST_F(TextFilesTest, NamesWhatItCannotRead) {
  const std::string gone = Write("gone", "x");
  Write("text", "word");
  TextFiles files({Path("missing"), root_});
  fs::remove(gone);
  EXPECT_THAT(Pieces(files), ElementsAre("word\n"));
  EXPECT_THAT(files.skipped().unreadable,
              ElementsAre(HasSubstr("missing: No such file"),
                          HasSubstr("gone: No such file or directory")));
}

TEST_F(TextFilesTest, FollowsALinkThatIsNamedAndReadsEachFileOnce) {
  const std::string text = Write("text", "word");
  fs::create_symlink(text, root_ / "link");
  TextFiles linked({Path("link")});
  EXPECT_THAT(Pieces(linked), ElementsAre("word\n"));
  TextFiles twice({text, text, root_});
  EXPECT_THAT(Pieces(twice), ElementsAre("word\n"));
}

TEST_F(TextFilesTest, PlainCountIsTheSame) {
  for (int i = 0; i < 50; ++i) {
    Write("f" + std::to_string(i), std::string(i * 37, 'a' + i % 5) + " end");
  }
  Write("binary", std::string("x\0y", 3));
  TextFiles files({root_}, 700);
  WordTable table;
  for (const std::string& piece : Pieces(files)) CountWords(piece, table);
  EXPECT_EQ(table, CountFiles(files.paths()));
  EXPECT_EQ(table["end"], 50u);
}

}  // namespace
}  // namespace tractor::quickstart
