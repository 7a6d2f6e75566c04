#include <set>

#include "base/text.h"
#include "report/report.h"
#include "report/xml.h"

namespace oldornew {

std::string JunitReport(const Report& report) {
  const CheckResult& result = *report.result;
  std::string cases;
  int tests = 0;
  int failures = 0;
  int errors = 0;
  const std::string suite = Xml(ShellQuote(result.trace().command));
  std::set<std::string> failed;
  if (result.judgement.exit_code != ExitCode::kCannotJudge) {
    for (const Finding& finding : result.findings) {
      if (!Fails(finding, result.rules)) continue;
      ++tests;
      ++failures;
      // One cause is one failed case, however many paths it has; its text lists each with the token
      // that replays it.
      std::vector<std::string> tokens;
      for (const FindingSubject& subject : finding.subjects) {
        failed.insert(subject.path);
        tokens.push_back(finding.subjects.size() == 1 ? subject.token
                                                      : subject.path + "  " + subject.token);
      }
      const std::string more =
          tokens.size() > 1 ? fmt::format(" (and {})", Count(tokens.size() - 1, "other path")) : "";
      cases += fmt::format(
          "  <testcase classname=\"{}\" name=\"{} {}{}\"><failure message=\"{}\" "
          "type=\"{}\">{}</failure></testcase>\n",
          suite, OracleName(finding.oracle), Xml(finding.path()), more, Xml(finding.message),
          FindingId(finding), Xml(Join(tokens, "\n")));
    }
    for (const Subject& subject : result.subjects) {
      if (failed.contains(subject.name)) continue;
      ++tests;
      cases +=
          fmt::format("  <testcase classname=\"{}\" name=\"{}\"/>\n", suite, Xml(subject.name));
    }
  }
  if (result.judgement.verdict != Verdict::kFindings &&
      result.judgement.exit_code != ExitCode::kClean) {
    ++tests;
    ++errors;
    cases += fmt::format(
        "  <testcase classname=\"{}\" name=\"verdict\"><error "
        "message=\"{}\">{}</error></testcase>\n",
        suite, VerdictName(result.judgement.verdict), Xml(Join(result.judgement.reasons, "\n")));
  }
  std::vector<std::string> axes;
  for (const AxisResult& axis : result.axes) axes.push_back(axis.axis);
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<testsuite name=\"oldornew\" tests=\"{}\" failures=\"{}\" errors=\"{}\" "
      "time=\"{:.3f}\">\n"
      "  <properties><property name=\"axes\" value=\"{}\"/></properties>\n{}</testsuite>\n",
      tests, failures, errors, result.seconds, Join(axes, " "), cases);
}

}  // namespace oldornew
