#include "base/text.h"

#include <algorithm>
#include <set>

#include "report/report.h"

namespace oldornew {

namespace {

constexpr const char* kIndent = "             ";  // Under the message, past "✗ atomic   ".

constexpr const char* kFieldIndent = "                      ";  // Past "repair   ".
constexpr const char* kMessageIndent = "           ";
constexpr size_t kWidth = 110;

struct Palette {
  const char* error = "";
  const char* warning = "";
  const char* good = "";
  const char* dim = "";
  const char* off = "";
};

Palette ColoursOf(bool colour) {
  return colour ? Palette{"\033[31m", "\033[33m", "\033[32m", "\033[2m", "\033[0m"} : Palette{};
}

std::string Milliseconds(double seconds) {
  return seconds < 1 ? fmt::format("{:.1f} ms", seconds * 1000) : fmt::format("{:.2f} s", seconds);
}

uint64_t FileCalls(const Trace& trace) {
  return static_cast<uint64_t>(std::count_if(trace.ops.begin(), trace.ops.end(), [](const Op& op) {
    return op.kind != OpKind::kOutput && op.kind != OpKind::kExit;
  }));
}

std::string SubjectsLine(const std::vector<std::string>& names) {
  constexpr size_t kMost = 4;
  if (names.empty()) return "judged     nothing: the run changed no file in the judged directory\n";
  const size_t shown = std::min(names.size(), kMost);
  std::string out =
      "judged     " + Join({names.begin(), names.begin() + static_cast<ptrdiff_t>(shown)}, ", ");
  if (shown < names.size()) out += fmt::format(" and {} more", names.size() - shown);
  if (names.size() > 1) out += "; each for itself (--together A B judges a set)";
  return out + "\n";
}

std::string Head(const CheckResult& result) {
  const Trace& trace = result.trace();
  std::string out =
      fmt::format("recorded   {} of {} in {} ({}, {})\n", Count(FileCalls(trace), "file call"),
                  trace.processes.size() == 1 ? "1 process"
                                              : fmt::format("{} processes", trace.processes.size()),
                  Milliseconds(static_cast<double>(trace.duration_ns) / 1e9), trace.backend,
                  trace.obstacles.empty() ? "complete"
                  : trace.CanBeJudged()   ? "not proved complete"
                                          : "cannot be judged");
  if (!result.searched || !result.unsupported.empty()) return out;

  const Coverage& c = result.coverage;
  if (result.Explored(Finding::kPowerAxis)) {
    out +=
        fmt::format("explored   {} under {}, {} distinct, {} (grain: {}), {}\n",
                    Count(c.states_visited, "crash state"),
                    Count(result.profiles.size(), "profile"), c.states_distinct,
                    c.exhaustive ? "exhaustive" : fmt::format("BOUNDED, {} in all", c.states_total),
                    GrainName(c.grain), Milliseconds(result.explore_seconds));
  }
  for (const AxisResult& axis : result.axes) {
    if (!axis.words.empty()) out += fmt::format("{:<10} {}\n", axis.axis, axis.words);
  }
  std::vector<std::string> names;
  for (const Subject& subject : result.subjects) names.push_back(subject.name);
  return out + SubjectsLine(names);
}

std::string ExtentWords(const Effect& effect) {
  const char* word = effect.extent == Effect::Extent::kWhole  ? "lost"
                     : effect.extent == Effect::Extent::kPart ? "partly lost"
                                                              : "torn";
  return effect.detail.empty() ? word : fmt::format("{} ({})", word, effect.detail);
}

// When the power must go for this case.
std::string When(const Trace& trace, const Finding& finding) {
  const auto ops = static_cast<uint32_t>(trace.ops.size());
  const auto call = [&](uint32_t number) {
    return fmt::format("{} {}", number, DescribeShort(trace.ops[number - 1]));
  };
  const std::string after =
      finding.shown.first_point == 0 ? "" : " after " + call(finding.shown.first_point);
  if (finding.shown.last_point >= ops) return "power lost at any time" + after;
  if (finding.shown.first_point == finding.shown.last_point && finding.shown.last_point > 0)
    return "power lost right" + after;
  return fmt::format("power lost{}{} before {} has returned", after, after.empty() ? "" : " and",
                     call(finding.shown.last_point + 1));
}

// The calls that matter, in trace order: what was lost, and what is on disk and names it.
std::string Calls(const Trace& trace, const Finding& finding) {
  constexpr size_t kMost = 12;
  constexpr size_t kWidest = 60;
  std::map<uint32_t, std::string> marks;
  for (const auto& [op, remark] : finding.shown.marks) marks[op] = remark;
  for (const uint32_t op : finding.shown.on_disk) marks[op] = "on disk";
  for (size_t i = 0; i < finding.shown.lost.size(); ++i) {
    const Effect& effect = finding.shown.lost[i];
    const bool goes_along = i < finding.shown.needed.size() && !finding.shown.needed[i];
    marks[effect.op] = ExtentWords(effect) + (goes_along ? " with it, no matter" : "");
  }
  std::erase_if(marks, [&](const auto& mark) { return mark.first >= trace.ops.size(); });
  size_t width = 0;
  for (const auto& [op, mark] : marks)
    width = std::max(width, std::min(DescribeShort(trace.ops[op]).size(), kWidest));
  const size_t skipped = marks.size() > kMost ? marks.size() - kMost : 0;
  std::string out;
  size_t row = 0;
  for (const auto& [op, mark] : marks) {
    const size_t at = row++;
    if (skipped > 0 && at == kMost / 2)
      out += fmt::format("{}     … {} more\n", kIndent, Count(skipped, "call"));
    if (skipped > 0 && at >= kMost / 2 && at < kMost / 2 + skipped) continue;
    out += fmt::format("{}{:>4}  {:<{}}  {}\n", kIndent, op + 1, DescribeShort(trace.ops[op]),
                       width, mark);
  }
  return finding.IsLive() ? out : out + fmt::format("{}{}\n", kIndent, When(trace, finding));
}

// The other paths with the same cause, each as far as it differs: "also     b, c (EMPTY: xfs), d".
std::string AlsoLine(const Finding& finding) {
  constexpr size_t kMost = 6;
  if (finding.subjects.size() < 2) return {};
  std::vector<std::string> names;
  for (size_t i = 1; i < finding.subjects.size() && i <= kMost; ++i)
    names.push_back(finding.subjects[i].path);
  if (finding.subjects.size() > kMost + 1)
    names.push_back(fmt::format("{} more", finding.subjects.size() - kMost - 1));
  return fmt::format(
      "{}also     {}\n", kIndent,
      Wrap(Join(names, ", ") +
               (finding.axis == Finding::kRunAxis ? "" : ": the same line of the program"),
           kWidth - 22, kFieldIndent));
}

std::string RepairWords(const Repair& repair) {
  if (repair.steps.empty()) return repair.advice;
  std::vector<std::string> texts;
  for (const RepairStep& step : repair.steps) texts.push_back(step.text);
  return Join(texts, ", and ");
}

std::string One(const Report& report, size_t index, const Palette& p) {
  const Finding& finding = report.result->findings[index];
  const bool error = finding.severity == Severity::kError;
  const bool quiet = finding.pedantic || !finding.accepted.empty();
  const char* colour = quiet ? p.dim : error ? p.error : p.warning;
  std::string out = fmt::format("\n{}{} {:<8}{} {}\n", colour,
                                quiet   ? "·"
                                : error ? "✗"
                                        : "!",
                                OracleName(finding.oracle), p.off,
                                Wrap(finding.message, kWidth - 11, kMessageIndent));
  if (!finding.accepted.empty())
    return out + fmt::format("{}accepted  {}\n", kIndent, finding.accepted);
  if (finding.shown.which.As<EndOfRun>() == nullptr)
    out += Calls(report.result->TraceOf(finding), finding);
  if (!finding.explanation.empty()) out += fmt::format("{}{}\n", kIndent, finding.explanation);
  const auto field = [&](const char* name, const std::string& text) {
    if (text.empty()) return;
    out += fmt::format("{}{:<8} {}\n", kIndent, name, Wrap(text, kWidth - 22, kFieldIndent));
  };
  const bool command = finding.oracle == Oracle::kCheck || finding.path() == ".";
  if (command && !finding.shown.evidence.empty())
    field("printed", Quote(finding.shown.evidence, 160));
  if (finding.oracle == Oracle::kContained) field("changed", finding.shown.evidence);
  if (finding.oracle == Oracle::kAttrs || finding.oracle == Oracle::kPrivate)
    field("attrs", finding.shown.evidence);
  out += AlsoLine(finding);
  field("window", finding.window);
  field("repair", RepairWords(finding.repair));
  if (!finding.source.empty()) out += fmt::format("{}source   {}\n", kIndent, finding.source);
  if (!finding.again.empty())
    out += fmt::format("{}again    {}\n", kIndent, finding.again);  // to be pasted
  const bool bundled = index < report.bundles.size() && !report.bundles[index].empty();
  out += fmt::format("{}replay   oldornew replay {}\n", kIndent,
                     ShellQuote(bundled ? report.bundles[index] : finding.token()));
  return out;
}

std::string Reasons(const Report& report, const Palette& p) {
  const Judgement& judgement = report.result->judgement;
  const char* title = judgement.verdict == Verdict::kBaselineFailed ? "baseline failed"
                      : judgement.verdict == Verdict::kBounded      ? "bounded"
                                                                    : "cannot judge";
  std::string out = fmt::format("{}{}{}", p.warning, title, p.off);
  for (const std::string& reason : judgement.reasons) out += fmt::format("\n  {}", reason);
  return out + fmt::format("\n{} (exit {}).", VerdictName(judgement.verdict),
                           static_cast<int>(judgement.exit_code));
}

std::string Tail(const Report& report, const Palette& p) {
  const CheckResult& result = *report.result;
  const Verdict verdict = result.judgement.verdict;
  const std::string where =
      report.report_path.empty() ? "\n" : fmt::format(" Report: {}\n", report.report_path);
  if (verdict != Verdict::kFindings && verdict != Verdict::kClean)
    return "\n" + Reasons(report, p) + where;
  uint64_t errors = 0;
  uint64_t warnings = 0;
  uint64_t pedantic = 0;
  uint64_t accepted = 0;
  for (const Finding& finding : result.findings) {
    ++(!finding.accepted.empty()              ? accepted
       : finding.pedantic                     ? pedantic
       : finding.severity == Severity::kError ? errors
                                              : warnings);
  }
  if (errors + warnings + pedantic + accepted == 0) {
    const bool nothing = result.subjects.empty();
    return fmt::format(
        "\n{}clean{}: {} ({}).{}", p.good, p.off,
        nothing ? "nothing was changed, so nothing was judged" : "old or new in every state",
        Milliseconds(result.seconds), where);
  }
  return fmt::format("\n{}, {}{}{} in {}.{}", Count(errors, "error"), Count(warnings, "warning"),
                     pedantic > 0 ? fmt::format(", {} pedantic", pedantic) : "",
                     accepted > 0 ? fmt::format(", {} accepted", accepted) : "",
                     Milliseconds(result.seconds), where);
}

std::string FurtherLines(const std::vector<FurtherRun>& runs) {
  std::string out = fmt::format("again      {}:", Count(runs.size(), "further run"));
  constexpr const char* kWords[] = {"as the plain one", "refused", "with findings", "not judged"};
  std::vector<std::string> parts;
  for (size_t end = 0; end < std::size(kWords); ++end) {
    const auto count = std::count_if(runs.begin(), runs.end(), [&](const FurtherRun& run) {
      return static_cast<size_t>(run.end) == end;
    });
    if (count > 0) parts.push_back(fmt::format("{} {}", count, kWords[end]));
  }
  out += " " + Join(parts, ", ") + "\n";
  for (const FurtherRun& run : runs) {
    if (run.end == FurtherRun::End::kFails)
      out += fmt::format("             refused {}: {}\n", run.title, run.said);
    if (run.end == FurtherRun::End::kNotJudged)
      out += fmt::format("             not judged {}: {}\n", run.title, run.said);
  }
  return out;
}

}  // namespace

std::string TextReport(const Report& report, bool colour) {
  const Palette p = ColoursOf(colour);
  const CheckResult& result = *report.result;
  std::string out = Head(result);
  if (!result.further.empty()) out += FurtherLines(result.further);
  for (const std::string& note : result.trace().notes) out += fmt::format("note       {}\n", note);
  // Elsewhere these are the reasons of the verdict.
  for (const Obstacle& obstacle : result.trace().obstacles) {
    if (result.judgement.verdict == Verdict::kFindings)
      out += fmt::format("note       {}\n", obstacle.reason);
  }
  for (const std::string& note : result.notes) out += fmt::format("note       {}\n", note);

  const bool judged = result.judgement.exit_code != ExitCode::kCannotJudge;
  bool pedantic_title = false;
  for (size_t i = 0; judged && i < result.findings.size(); ++i) {
    if (result.findings[i].pedantic && !std::exchange(pedantic_title, true))
      out += "\npedantic   only where a file system keeps no more than POSIX asks:\n";
    out += One(report, i, p);
  }
  return out + Tail(report, p);
}

}  // namespace oldornew
