// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// What every benchmark shares: samples, median and p99, and next to them the
// limit that the same machine had in the same run (what it costs without us).
//
//   int main(int argc, char** argv) {
//     tractor::bench::Report report("tasks", argc, argv);
//     if (report.Wants("checkpoint")) {
//       Samples raw = ..., ours = ...;
//       report.Add("checkpoint", "ns", ours, raw, {.max = 100});
//     }
//     return report.Finish();
//   }
//
// Flags: --json (one document instead of a table), --quick (a tenth of the
// rounds), --filter=TEXT (only figures whose name contains it), --free (on all
// cores; else the program and all that it starts are bound to one).
#ifndef TRACTOR_BENCH_HARNESS_H_
#define TRACTOR_BENCH_HARNESS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tractor::bench {

// Of the monotonic clock.
int64_t NowNanos();

// Keeps the compiler from dropping what computes `value`.
template <class T>
void Use(const T& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

class Samples {
 public:
  void Add(double value) { values_.push_back(value); }
  size_t size() const { return values_.size(); }
  // `q` from 0 to 1; 0 when there are no samples.
  double Quantile(double q) const;
  const std::vector<double>& values() const { return values_; }

 private:
  std::vector<double> values_;
};

// What the median (max_p99: the p99) must reach; whatever is set is checked.
struct Target {
  std::optional<double> max_ratio = std::nullopt;  // of ours to the limit
  std::optional<double> min_ratio = std::nullopt;
  std::optional<double> max = std::nullopt;  // in the figure's unit
  std::optional<double> min = std::nullopt;
  std::optional<double> max_p99 = std::nullopt;
};

// A flag of one program only: `*on` becomes true, and the title names it.
struct Switch {
  std::string_view flag;
  bool* on;
};

class Report {
 public:
  // Reads the flags, and binds the process to a core unless one of them is
  // --free; a program that this one executes is not bound again. Ends the
  // program with code 2 for a flag that it does not know. Call it before
  // anything is started.
  Report(std::string_view title, int argc, char** argv,
         std::initializer_list<Switch> switches = {});

  // Ask with the name that the figure has in Add().
  bool Wants(std::string_view name) const;
  bool quick() const { return quick_; }
  // How many rounds to make when `rounds` are wanted.
  int Rounds(int rounds) const { return quick_ ? (rounds + 9) / 10 : rounds; }
  // The same, for rounds that are made in kTurns turns with those of the limit:
  // how many to make in one turn. A machine that is disturbed for a while then
  // is so for both.
  static constexpr int kTurns = 8;
  int RoundsInTurn(int rounds) const {
    return std::max(1, Rounds(rounds) / kTurns);
  }

  void Add(std::string_view name, std::string_view unit, const Samples& ours,
           const std::optional<Samples>& limit = std::nullopt,
           Target target = {});

  // Prints it all. Gives the exit code: 2 when the filter has left nothing.
  int Finish();

 private:
  struct Row {
    std::string name;
    std::string unit;
    double median = 0;
    double p99 = 0;
    size_t samples = 0;
    std::optional<double> limit_median;
    std::optional<double> limit_p99;
    std::string target;
    std::optional<bool> met;

    std::optional<double> ratio() const;
  };

  void PrintText() const;
  void PrintJson() const;

  const std::string title_;
  std::string how_;  // "one core, no-cgroup"
  bool json_ = false;
  bool quick_ = false;
  std::string filter_;
  std::vector<Row> rows_;
};

// Nanoseconds for one of the `operations` that one call of batch() does.
template <class Batch>
Samples MeasureBatches(const Report& report, int rounds, size_t operations,
                       Batch batch) {
  Samples samples;
  batch();
  for (int i = 0; i < report.Rounds(rounds); ++i) {
    const int64_t start = NowNanos();
    batch();
    samples.Add(static_cast<double>(NowNanos() - start) /
                static_cast<double>(operations));
  }
  return samples;
}

}  // namespace tractor::bench

#endif  // TRACTOR_BENCH_HARNESS_H_
