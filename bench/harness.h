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
// rounds), --filter=TEXT (only figures whose name contains it).
#ifndef TRACTOR_BENCH_HARNESS_H_
#define TRACTOR_BENCH_HARNESS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tractor::bench {

// Of the monotonic clock.
int64_t NowNanos();

// Binds the process to one core; to all of them for a negative number.
void PinTo(int core);

class Samples {
 public:
  void Add(double value) { values_.push_back(value); }
  size_t size() const { return values_.size(); }
  // `q` from 0 to 1; 0 when there are no samples.
  double Quantile(double q) const;

 private:
  friend class Report;
  std::vector<double> values_;
};

// What the median must reach; whatever is set is checked.
struct Target {
  std::optional<double> max_ratio = std::nullopt;  // of ours to the limit
  std::optional<double> min_ratio = std::nullopt;
  std::optional<double> max = std::nullopt;  // in the figure's unit
  std::optional<double> min = std::nullopt;
};

class Report {
 public:
  // Ends the program with a usage error for an unknown flag.
  Report(std::string_view title, int argc, char** argv);

  bool Wants(std::string_view name) const;
  bool quick() const { return quick_; }
  // How many rounds to make when `rounds` are wanted.
  int Rounds(int rounds) const { return quick_ ? (rounds + 9) / 10 : rounds; }

  void Add(std::string_view name, std::string_view unit, const Samples& ours,
           const std::optional<Samples>& limit = std::nullopt,
           Target target = {});

  // Prints it all. Gives the exit code.
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
  bool json_ = false;
  bool quick_ = false;
  std::string filter_;
  std::vector<Row> rows_;
};

}  // namespace tractor::bench

#endif  // TRACTOR_BENCH_HARNESS_H_
