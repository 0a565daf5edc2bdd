// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "examples/quickstart/text_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>
#include <utility>

namespace tractor::quickstart {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLookForNulBytes = 4096;

bool IsCompressed(const fs::path& path) {
  const std::string extension = path.extension().string();
  return extension == ".gz" || extension == ".bz2" || extension == ".xz" ||
         extension == ".zst";
}

bool IsText(std::string_view begin) {
  return begin.substr(0, kLookForNulBytes).find('\0') == begin.npos;
}

// Adds what `path` is or holds.
void Find(const fs::path& path, fs::file_type type,
          std::vector<std::string>& files, Skipped& skipped) {
  if (type == fs::file_type::directory) {
    std::error_code error;
    fs::directory_iterator entries(path, error);
    for (; !error && entries != fs::directory_iterator();
         entries.increment(error)) {
      std::error_code unknown;
      Find(entries->path(), entries->symlink_status(unknown).type(), files,
           skipped);
    }
    if (error) {
      skipped.unreadable.push_back(path.string() + ": " + error.message());
    }
  } else if (type != fs::file_type::regular) {
    ++skipped.special;
  } else if (IsCompressed(path)) {
    ++skipped.compressed;
  } else {
    files.push_back(path.string());
  }
}

std::vector<std::string> FindFiles(const std::vector<std::string>& paths,
                                   Skipped& skipped) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    // A link that was named is followed.
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (error) {
      skipped.unreadable.push_back(path + ": " + error.message());
    } else {
      Find(path, status.type(), files, skipped);
    }
  }
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());
  return files;
}

}  // namespace

TextFiles::TextFiles(const std::vector<std::string>& roots, size_t piece_bytes)
    : paths_(FindFiles(roots, skipped_)),
      piece_bytes_(std::max(piece_bytes, kMaxWordBytes)) {}

TextFiles::~TextFiles() { Close(); }

std::optional<std::string> TextFiles::Next() {
  while (buffer_.size() < piece_bytes_ && (fd_ >= 0 || Open())) Read();
  if (buffer_.empty()) return std::nullopt;
  // A full buffer has a CutPoint(): it is longer than a word can be.
  const bool full = buffer_.size() >= piece_bytes_;
  const size_t cut = full ? CutPoint(buffer_) : buffer_.size();
  std::string rest = buffer_.substr(cut);
  buffer_.resize(cut);
  return std::exchange(buffer_, std::move(rest));
}

bool TextFiles::Open() {
  while (next_ < paths_.size()) {
    const std::string& path = paths_[next_++];
    fd_ = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd_ >= 0) {
      fresh_ = true;
      return true;
    }
    skipped_.unreadable.push_back(path + ": " + std::strerror(errno));
  }
  return false;
}

void TextFiles::Read() {
  const size_t old = buffer_.size();
  buffer_.resize(std::max(old + kLookForNulBytes, piece_bytes_));
  ssize_t count;
  do {
    count = read(fd_, buffer_.data() + old, buffer_.size() - old);
  } while (count < 0 && errno == EINTR);
  const int error = errno;
  buffer_.resize(old + std::max<ssize_t>(count, 0));
  if (fresh_ && count >= 0) {
    fresh_ = false;
    if (!IsText(std::string_view(buffer_).substr(old))) {
      ++skipped_.not_text;
      buffer_.resize(old);
      return Close();
    }
    ++files_;
  }
  if (count > 0) {
    bytes_ += count;
    return;
  }
  if (count < 0) {
    skipped_.unreadable.push_back(paths_[next_ - 1] + ": " +
                                  std::strerror(error));
  }
  buffer_ += '\n';  // the last word of a file is not the first of the next
  Close();
}

void TextFiles::Close() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

WordTable CountFiles(const std::vector<std::string>& paths) {
  WordTable table;
  for (const std::string& path : paths) {
    std::ifstream file(path, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(file)),
                           std::istreambuf_iterator<char>());
    if (IsText(text)) CountWords(text, table);
  }
  return table;
}

}  // namespace tractor::quickstart
