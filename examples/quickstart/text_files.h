// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// The input: which files there are to read, and their text in pieces.
//
//   TextFiles files({"/usr/share/doc"});
//   while (std::optional<std::string> piece = files.Next()) ...
//
// Rules.
// - Directories are walked; links in them are not followed, so that no file
//   comes twice. Compressed files (.gz, .bz2, .xz, .zst) and files that are no
//   text (a NUL byte in the first 4 KiB) are skipped and counted.
// - What cannot be read is skipped and named.
// - Pieces end where a word does; they hold many small files, or a part of a
//   big one. The order is that of the names.
#ifndef TRACTOR_EXAMPLES_QUICKSTART_TEXT_FILES_H_
#define TRACTOR_EXAMPLES_QUICKSTART_TEXT_FILES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "examples/quickstart/word_count.h"

namespace tractor::quickstart {

// What has not been counted, and why.
struct Skipped {
  uint64_t compressed = 0;
  uint64_t not_text = 0;
  uint64_t special = 0;                 // links, sockets, pipes, devices
  std::vector<std::string> unreadable;  // "path: reason"
};

class TextFiles {
 public:
  static constexpr size_t kPieceBytes = 64 << 10;

  // Looks for the files in `roots`. A piece is no smaller than kMaxWordBytes.
  explicit TextFiles(const std::vector<std::string>& roots,
                     size_t piece_bytes = kPieceBytes);
  TextFiles(const TextFiles&) = delete;
  TextFiles& operator=(const TextFiles&) = delete;
  ~TextFiles();

  // Nullopt at the end. Reads from disk, so it blocks, for as long as 64 KiB
  // take.
  std::optional<std::string> Next();

  // What there is to read, sorted, each file once.
  const std::vector<std::string>& paths() const { return paths_; }
  const Skipped& skipped() const { return skipped_; }
  uint64_t files() const { return files_; }  // begun so far
  uint64_t bytes() const { return bytes_; }  // of text read so far

 private:
  // Opens the next file that can be opened; false: there is none.
  bool Open();
  // Reads on in the open file, into buffer_.
  void Read();
  void Close();

  Skipped skipped_;
  const std::vector<std::string> paths_;
  const size_t piece_bytes_;
  size_t next_ = 0;    // of paths_
  int fd_ = -1;        // the file that is being read
  bool fresh_ = true;  // nothing of it has been read
  std::string buffer_;
  uint64_t files_ = 0;
  uint64_t bytes_ = 0;
};

// The same words counted the plain way, one file after the other, for --check.
WordTable CountFiles(const std::vector<std::string>& paths);

}  // namespace tractor::quickstart

#endif  // TRACTOR_EXAMPLES_QUICKSTART_TEXT_FILES_H_
