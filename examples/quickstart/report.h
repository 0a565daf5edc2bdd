// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// What quickstart prints at its end.
#ifndef TRACTOR_EXAMPLES_QUICKSTART_REPORT_H_
#define TRACTOR_EXAMPLES_QUICKSTART_REPORT_H_

#include <cstdint>
#include <string>

#include "examples/quickstart/count_job.h"
#include "examples/quickstart/leftovers.h"
#include "examples/quickstart/text_files.h"
#include "examples/quickstart/wordcount.pb.h"

namespace tractor::quickstart {

// The words, one a line, under a heading.
std::string WordsText(const Summary& summary, uint32_t top);
// Files, bytes, words and what was skipped.
std::string InputText(const TextFiles& input, const Summary& summary);
// Processes, speed and times.
std::string RunText(const RunReport& report, const TextFiles& input,
                    Clock::duration teardown);
// Who was at work, and who was killed; for a run that has failed.
std::string FailedRunText(const RunReport& report);
std::string LeftoversText(const Leftovers& left);

}  // namespace tractor::quickstart

#endif  // TRACTOR_EXAMPLES_QUICKSTART_REPORT_H_
