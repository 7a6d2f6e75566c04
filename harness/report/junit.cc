#include <set>

#include "base/text.h"
#include "report/report.h"
#include "report/xml.h"

namespace oldornew {

std::string JunitReport(const Report& report) {
  std::string cases;
  int tests = 0;
  int failures = 0;
  int errors = 0;
  const std::string suite = Xml(ShellQuote(report.trace->command));
  std::set<std::string> failed;
  if (report.judgement.exit_code != ExitCode::kCannotJudge && report.search != nullptr) {
    for (const Finding& finding : report.search->findings) {
      if (!Fails(finding, report.rules)) continue;
      ++tests;
      ++failures;
      failed.insert(finding.path);
      cases += fmt::format(
          "  <testcase classname=\"{}\" name=\"{} {}\"><failure message=\"{}\">{}</failure></testcase>\n",
          suite, OracleName(finding.oracle), Xml(finding.path), Xml(finding.message), Xml(finding.token));
    }
    for (const std::string& subject : report.search->subjects) {
      if (failed.contains(subject)) continue;
      ++tests;
      cases += fmt::format("  <testcase classname=\"{}\" name=\"{}\"/>\n", suite, Xml(subject));
    }
  }
  if (report.judgement.verdict != Verdict::kFindings && report.judgement.exit_code != ExitCode::kClean) {
    ++tests;
    ++errors;
    cases += fmt::format(
        "  <testcase classname=\"{}\" name=\"verdict\"><error message=\"{}\">{}</error></testcase>\n", suite,
        VerdictName(report.judgement.verdict), Xml(Join(report.judgement.reasons, "\n")));
  }
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<testsuite name=\"oldornew\" tests=\"{}\" failures=\"{}\" errors=\"{}\" "
      "time=\"{:.3f}\">\n{}</testsuite>\n",
      tests, failures, errors, report.seconds, cases);
}

}  // namespace oldornew
