// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "examples/quickstart/options.h"

#include <algorithm>
#include <boost/program_options.hpp>
#include <sstream>
#include <thread>

namespace tractor::quickstart {
namespace {

namespace po = boost::program_options;

constexpr int kMaxWorkers = 256;

int DefaultWorkers() {
  return std::clamp<int>(std::thread::hardware_concurrency(), 2, 16);
}

po::options_description Described() {
  po::options_description flags("Flags");
  auto add = flags.add_options();
  add("workers", po::value<int>()->default_value(DefaultWorkers()),
      "mapper actors, 1 to 256");
  add("spawn-method", po::value<std::string>(),
      "forkserver (the default), exec or thread; $TRACTOR_SPAWN_METHOD beats "
      "it");
  add("top", po::value<int>()->default_value(10), "words to print");
  add("kill-one",
      "SIGKILL a mapper in the middle of its work, and show what "
      "becomes of it");
  add("check", "count again in this process alone, and compare");
  add("help", "print this");
  add("version", "print the version");
  return flags;
}

int InRange(const po::variables_map& values, const char* flag, int low,
            int high) {
  const int value = values[flag].as<int>();
  if (value < low || value > high) {
    throw UsageError("--" + std::string(flag) + " takes " +
                     std::to_string(low) + " to " + std::to_string(high));
  }
  return value;
}

Options FromValues(const po::variables_map& values) {
  Options options;
  options.help = values.count("help") > 0;
  options.version = values.count("version") > 0;
  options.kill_one = values.count("kill-one") > 0;
  options.check = values.count("check") > 0;
  options.workers = InRange(values, "workers", 1, kMaxWorkers);
  options.top = InRange(values, "top", 1, 1000000);
  if (values.count("spawn-method") > 0) {
    options.spawn_method =
        ParseSpawnMethod(values["spawn-method"].as<std::string>());
  }
  if (values.count("paths") > 0) {
    options.paths = values["paths"].as<std::vector<std::string>>();
  } else {
    options.paths = {"/usr/share/common-licenses", "/usr/share/doc"};
  }
  return options;
}

}  // namespace

Options ParseOptions(int argc, const char* const* argv) {
  po::options_description all = Described();
  all.add_options()("paths", po::value<std::vector<std::string>>());
  po::positional_options_description positional;
  positional.add("paths", -1);
  try {
    po::variables_map values;
    po::store(po::command_line_parser(argc, argv)
                  .options(all)
                  .positional(positional)
                  // No guessing: "--work" is not --workers.
                  .style(po::command_line_style::default_style &
                         ~po::command_line_style::allow_guessing)
                  .run(),
              values);
    return FromValues(values);
  } catch (const po::error& error) {
    throw UsageError(error.what());
  } catch (const RuntimeFailure& error) {
    throw UsageError(error.what());
  }
}

std::string HelpText() {
  std::ostringstream text;
  text << "Usage: quickstart [FLAG]... [FILE or DIRECTORY]...\n\n"
          "Counts the words of text files with a tree of processes: a root,\n"
          "mappers that it streams the text to, and a reducer. Without "
          "arguments,\n"
          "/usr/share/common-licenses and /usr/share/doc are read.\n\n"
       << Described()
       << "\nExit code: 0; 1 when something failed; 2 for a wrong command "
          "line;\n128 + n after signal n.\n";
  return text.str();
}

}  // namespace tractor::quickstart
