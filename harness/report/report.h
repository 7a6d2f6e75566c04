// Report: everything one check has to say, as data; a writer per format turns it into text.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "check/check.h"

namespace oldornew {

/// Version of the JSON report; docs/report-schema.json describes it.
inline constexpr int kReportSchemaVersion = 1;

struct Report {
  const CheckResult* result = nullptr;  ///< must outlive this
  /// path of the .crash bundle of each finding; empty string: not written
  std::vector<std::string> bundles;
  std::string report_path;  ///< where the JSON report lies; empty: nowhere
};

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
