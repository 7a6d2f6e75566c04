// Report: everything one check has to say, as data; a writer per format turns it into text.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "finding/search.h"
#include "finding/verdict.h"
#include "rerun/further_run.h"
#include "trace/trace.h"

namespace oldornew {

/// Version of the JSON report; docs/report-schema.json describes it.
inline constexpr int kReportSchemaVersion = 1;

/// One axis that was explored.
struct AxisReport {
  Axis axis = Axis::kPower;
  uint64_t cases = 0;  ///< states judged, or runs made
  bool exhaustive = true;
  std::string text;  ///< for people, without the axis's name; empty: said elsewhere (power)
};

struct Report {
  const Trace* trace = nullptr;
  /// --vary-old, --next-run; null: neither was asked for
  const std::vector<FurtherRun>* further = nullptr;
  const SearchResult* search = nullptr;  ///< null when the trace could not be searched
  std::vector<AxisReport> axes;          ///< that were explored, in their order
  Judgement judgement;
  VerdictRules rules;
  std::string profile_table;   ///< ProfileTable::Version() of the rows that were used
  double seconds = 0;          ///< wall time of the whole check
  double explore_seconds = 0;  ///< of the exploration alone
  /// path of the .crash bundle of each finding; empty string: not written
  std::vector<std::string> bundles;
  std::string report_path;  ///< where the JSON report lies; empty: nowhere
};

/// The trace that a finding is about.
const Trace& TraceOf(const Report& report, const Finding& finding);

enum class ReportFormat : uint8_t { kText, kJson, kJunit };

/// "text", "json", "junit". Errors (usage): an unknown name.
Result<ReportFormat> ParseReportFormat(const std::string& name);

/// For people: short, aligned. `colour` adds ANSI colours and nothing else.
std::string TextReport(const Report& report, bool colour);

/// For programs: one JSON document, schema in docs/report-schema.json.
std::string JsonReport(const Report& report);

/// For CI servers: one test suite, one case for each subject and for each failing (subject,
/// oracle).
std::string JunitReport(const Report& report);

std::string RenderReport(const Report& report, ReportFormat format);

/// A state's tree as one line of JSON: path -> kind, size, mode, digest.
std::string JsonState(const Trace& trace, const CrashState& state, const std::string& token,
                      const std::string& profile);

}  // namespace oldornew
