// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Marks that outlive a process: files in a directory of the test's own.
//
//   TestFiles files;
//   ... in an actor: TestFiles::Touch(path) ...
//   EXPECT_TRUE(files.Exists("cleaned"));
#ifndef TRACTOR_TESTS_SUPPORT_TEST_FILES_H_
#define TRACTOR_TESTS_SUPPORT_TEST_FILES_H_

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace tractor::testing {

class TestFiles {
 public:
  TestFiles() {
    char path[] = "/tmp/tractor-files-XXXXXX";
    path_ = mkdtemp(path);
  }
  ~TestFiles() { std::filesystem::remove_all(path_); }
  TestFiles(const TestFiles&) = delete;
  TestFiles& operator=(const TestFiles&) = delete;

  std::string Path(const std::string& name) const { return path_ + "/" + name; }
  bool Exists(const std::string& name) const {
    return std::filesystem::exists(Path(name));
  }
  std::string Read(const std::string& name) const {
    std::ifstream file(Path(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }

  // By whole path, from any process.
  static void Append(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::app) << text << std::flush;
  }
  static void Touch(const std::string& path) { Append(path, ""); }

 private:
  std::string path_;
};

}  // namespace tractor::testing

#endif  // TRACTOR_TESTS_SUPPORT_TEST_FILES_H_
