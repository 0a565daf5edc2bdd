// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "bench/harness.h"

#include <sched.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace tractor::bench {
namespace {

std::string Number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), value >= 100 ? "%.0f" : "%.3g", value);
  return text;
}

std::string JsonText(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + "\"";
}

std::string JsonNumber(const std::optional<double>& value) {
  return value.has_value() ? std::to_string(*value) : "null";
}

std::string TargetText(const Target& target) {
  std::string text;
  auto add = [&text](const char* relation, double value, const char* unit) {
    if (!text.empty()) text += ", ";
    text += relation + Number(value) + unit;
  };
  if (target.max_ratio) add("<= ", *target.max_ratio, "x");
  if (target.min_ratio) add(">= ", *target.min_ratio, "x");
  if (target.max) add("<= ", *target.max, "");
  if (target.min) add(">= ", *target.min, "");
  if (target.max_p99) add("p99 <= ", *target.max_p99, "");
  return text;
}

// Set once the program has its place: one that it executes inherits both.
constexpr char kPlaced[] = "TRACTOR_BENCHMARK_PLACED";

// Binds the process to the first of the cores that it may use.
void BindToOneCore() {
  cpu_set_t cores;
  int first = 0;
  if (sched_getaffinity(0, sizeof(cores), &cores) == 0) {
    while (first < CPU_SETSIZE - 1 && !CPU_ISSET(first, &cores)) ++first;
    CPU_ZERO(&cores);
    CPU_SET(first, &cores);
    if (sched_setaffinity(0, sizeof(cores), &cores) == 0) return;
  }
  std::perror("cannot bind the program to one core; try --free");
  std::exit(1);
}

void Place(bool free) {
  if (std::getenv(kPlaced) != nullptr) return;
  setenv(kPlaced, "yes", 1);
  if (!free) BindToOneCore();
}

[[noreturn]] void FailUsage(const char* program, std::string_view flag,
                            std::initializer_list<Switch> switches) {
  std::fprintf(stderr, "%s: unknown flag '%.*s'\n", program,
               static_cast<int>(flag.size()), flag.data());
  std::fprintf(stderr, "usage: %s [--json] [--quick] [--filter=TEXT] [--free]",
               program);
  for (const Switch& own : switches) {
    std::fprintf(stderr, " [%.*s]", static_cast<int>(own.flag.size()),
                 own.flag.data());
  }
  std::fprintf(stderr, "\n");
  std::exit(2);
}

}  // namespace

int64_t NowNanos() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

double Samples::Quantile(double q) const {
  if (values_.empty()) return 0;
  std::vector<double> sorted = values_;
  std::sort(sorted.begin(), sorted.end());
  const double last = static_cast<double>(sorted.size() - 1);
  return sorted[static_cast<size_t>(q * last + 0.5)];
}

Report::Report(std::string_view title, int argc, char** argv,
               std::initializer_list<Switch> switches)
    : title_(title) {
  bool free = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    const Switch* own =
        std::find_if(switches.begin(), switches.end(),
                     [&](const Switch& each) { return each.flag == flag; });
    if (own != switches.end()) {
      *own->on = true;
      how_ += ", " + std::string(flag.substr(flag.find_first_not_of('-')));
    } else if (flag == "--json") {
      json_ = true;
    } else if (flag == "--quick") {
      quick_ = true;
    } else if (flag == "--free") {
      free = true;
    } else if (flag.starts_with("--filter=")) {
      filter_ = flag.substr(9);
    } else {
      FailUsage(argv[0], flag, switches);
    }
  }
  how_ = (free ? "all cores" : "one core") + how_;
  Place(free);
}

bool Report::Wants(std::string_view name) const {
  return name.find(filter_) != std::string_view::npos;
}

std::optional<double> Report::Row::ratio() const {
  if (!limit_median.has_value() || *limit_median == 0) return std::nullopt;
  return median / *limit_median;
}

void Report::Add(std::string_view name, std::string_view unit,
                 const Samples& ours, const std::optional<Samples>& limit,
                 Target target) {
  Row row;
  row.name = name;
  row.unit = unit;
  row.median = ours.Quantile(0.5);
  row.p99 = ours.Quantile(0.99);
  row.samples = ours.size();
  if (limit.has_value()) {
    row.limit_median = limit->Quantile(0.5);
    row.limit_p99 = limit->Quantile(0.99);
  }
  row.target = TargetText(target);
  if (!row.target.empty()) {
    const double ratio = row.ratio().value_or(0);
    row.met = (!target.max_ratio || ratio <= *target.max_ratio) &&
              (!target.min_ratio || ratio >= *target.min_ratio) &&
              (!target.max || row.median <= *target.max) &&
              (!target.min || row.median >= *target.min) &&
              (!target.max_p99 || row.p99 <= *target.max_p99);
  }
  rows_.push_back(std::move(row));
}

int Report::Finish() {
  if (rows_.empty()) {
    std::fprintf(stderr, "no figure has '%s' in its name\n", filter_.c_str());
    return 2;
  }
  if (json_) {
    PrintJson();
  } else {
    PrintText();
  }
  return 0;
}

void Report::PrintText() const {
  std::printf("%-52s %6s %10s %10s %10s %7s  %s\n",
              (title_ + ", " + how_).c_str(), "unit", "median", "p99", "limit",
              "ratio", "target");
  for (const Row& row : rows_) {
    const std::string limit =
        row.limit_median.has_value() ? Number(*row.limit_median) : "-";
    const std::string ratio =
        row.ratio().has_value() ? Number(*row.ratio()) : "-";
    const char* met = "";
    if (row.met.has_value()) met = *row.met ? "  met" : "  MISSED";
    std::printf("%-52s %6s %10s %10s %10s %7s  %s%s\n", row.name.c_str(),
                row.unit.c_str(), Number(row.median).c_str(),
                Number(row.p99).c_str(), limit.c_str(), ratio.c_str(),
                row.target.c_str(), met);
  }
}

void Report::PrintJson() const {
  utsname system;
  uname(&system);
  std::printf(
      "{\"schema_version\": 1, \"benchmark\": %s, \"how\": %s, "
      "\"quick\": %s, \"kernel\": %s, \"cores\": %ld, \"figures\": [\n",
      JsonText(title_).c_str(), JsonText(how_).c_str(),
      quick_ ? "true" : "false", JsonText(system.release).c_str(),
      sysconf(_SC_NPROCESSORS_ONLN));
  for (const Row& row : rows_) {
    const char* met = "null";
    if (row.met.has_value()) met = *row.met ? "true" : "false";
    std::printf(
        "  {\"name\": %s, \"unit\": %s, \"samples\": %zu, \"median\": %s, "
        "\"p99\": %s, \"limit_median\": %s, \"limit_p99\": %s, "
        "\"ratio\": %s, \"target\": %s, \"met\": %s}%s\n",
        JsonText(row.name).c_str(), JsonText(row.unit).c_str(), row.samples,
        JsonNumber(row.median).c_str(), JsonNumber(row.p99).c_str(),
        JsonNumber(row.limit_median).c_str(), JsonNumber(row.limit_p99).c_str(),
        JsonNumber(row.ratio()).c_str(), JsonText(row.target).c_str(), met,
        &row == &rows_.back() ? "" : ",");
  }
  std::printf("]}\n");
}

}  // namespace tractor::bench
