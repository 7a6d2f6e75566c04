#include "report/report.h"

#include "base/text.h"

namespace oldornew {

Result<ReportFormat> ParseReportFormat(const std::string& name) {
  if (name == "text") return ReportFormat::kText;
  if (name == "json") return ReportFormat::kJson;
  if (name == "junit") return ReportFormat::kJunit;
  return FailWith(ExitCode::kUsage, "--report: unknown format {} (known: text, json, junit)",
                  Quote(name));
}

std::string RenderReport(const Report& report, ReportFormat format) {
  switch (format) {
    case ReportFormat::kText:
      return TextReport(report, /*colour=*/false);
    case ReportFormat::kJson:
      return JsonReport(report);
    case ReportFormat::kJunit:
      return JunitReport(report);
  }
  return {};
}

}  // namespace oldornew
