#include "finding/live_findings.h"

#include <algorithm>

#include "base/text.h"
#include "explore/case.h"
#include "finding/source.h"
#include "oracle/contained.h"
#include "oracle/privacy.h"

namespace oldornew {

namespace {

Finding Start(const Trace& trace, const SearchOptions& options, Oracle oracle, Outcome outcome,
              uint32_t point) {
  Finding finding;
  finding.oracle = oracle;
  finding.shown = outcome;
  for (const Profile* profile : options.profiles) finding.profiles.push_back(profile->name);
  finding.outcomes[outcome] = finding.profiles;
  finding.profile = kLiveProfile;
  finding.first_point = finding.last_point = point;
  finding.token = FormatToken(LiveCase{point, trace.Identity().Short()});
  return finding;
}

FindingSubject SubjectOf(const Trace& trace, const Finding& finding, const std::string& path,
                         const std::string& at) {
  return {path, at, finding.outcomes, finding.token, SubjectPattern(trace, path)};
}

Finding FromExposure(const Trace& trace, const SearchOptions& options, const Exposure& exposure) {
  Finding finding =
      Start(trace, options, Oracle::kPrivate, Outcome::kExposed, exposure.first_point);
  finding.path = exposure.subject;
  finding.at = exposure.path;
  finding.last_point = exposure.last_point;
  const bool temporary = exposure.path != exposure.subject;
  finding.message =
      temporary
          ? fmt::format("{} holds what is to be {} and can be READ by {} while the program runs",
                        exposure.path, exposure.subject, exposure.who)
          : fmt::format("{} can be READ by {} while the program runs", exposure.path, exposure.who);
  finding.evidence = fmt::format("mode {:04o}, while {} has {:04o}", exposure.mode,
                                 exposure.subject, exposure.allowed_mode);
  finding.explanation =
      "Whoever opens it in that time keeps the open file, whatever its mode becomes.";
  if (exposure.created_by >= 0) {
    const auto made = static_cast<uint32_t>(exposure.created_by);
    finding.marks[made] = fmt::format("made with mode {:04o}", trace.ops[made].mode);
    finding.cure =
        fmt::format("make it with mode 0600 in {} {}, give it its final mode when it is complete",
                    made + 1, DescribeShort(trace.ops[made]));
  } else {
    finding.cure =
        "write a new file with mode 0600, give it the final mode, rename it over this one";
  }
  finding.marks.emplace(exposure.opened_by, "from here on it can be read");
  if (exposure.last_point < trace.ops.size())
    finding.marks.emplace(exposure.last_point, "until here");
  const uint32_t guilty =
      exposure.created_by >= 0 ? static_cast<uint32_t>(exposure.created_by) : exposure.opened_by;
  finding.source = SourceOrProgram(trace, guilty);
  finding.stable_path = SubjectPattern(trace, finding.path);
  finding.subjects = {SubjectOf(trace, finding, finding.path, finding.at)};
  return finding;
}

// One finding for all of them: what the program does beside its task is one thing to look at.
Finding FromStrays(const Trace& trace, const SearchOptions& options,
                   const std::vector<Stray>& strays) {
  Finding finding = Start(trace, options, Oracle::kContained, Outcome::kChangedOutside,
                          static_cast<uint32_t>(trace.ops.size()));
  finding.path = finding.at = strays[0].path;
  finding.stable_path = SubjectPattern(trace, finding.path);
  std::vector<std::string> said;
  for (const Stray& stray : strays) {
    finding.subjects.push_back(SubjectOf(trace, finding, stray.path, stray.path));
    if (said.size() < 5) said.push_back(fmt::format("{}: {}", stray.path, stray.what));
  }
  if (strays.size() > said.size())
    said.push_back(fmt::format("{} more", strays.size() - said.size()));
  finding.evidence = Join(said, "; ");
  finding.message =
      strays.size() == 1
          ? fmt::format("{} is CHANGED by the run, though it is not watched", strays[0].path)
          : fmt::format("{} and {} are CHANGED by the run, though they are not watched",
                        strays[0].path, Count(strays.size() - 1, "other path"));
  finding.cure =
      "watch what belongs to the update (--watch), allow what may change beside it (--allow GLOB)";
  for (uint32_t i = 0; i < trace.ops.size(); ++i) {
    const Op& op = trace.ops[i];
    if (op.error == 0 && op.kind != OpKind::kClose &&
        (op.path == finding.path || op.path2 == finding.path))
      finding.marks.emplace(i, "");
  }
  if (!finding.marks.empty()) finding.source = SourceOrProgram(trace, finding.marks.begin()->first);
  return finding;
}

}  // namespace

std::vector<Finding> FindLiveFindings(const Trace& trace, const SearchOptions& options,
                                      const std::vector<Subject>& watched) {
  std::vector<Finding> out;
  if (Asked(options, Oracle::kPrivate)) {
    for (const Exposure& exposure : FindExposures(trace))
      out.push_back(FromExposure(trace, options, exposure));
  }
  if (Asked(options, Oracle::kContained)) {
    const auto strays = FindStrays(trace, watched, options.allowed);
    if (!strays.empty()) out.push_back(FromStrays(trace, options, strays));
  }
  return out;
}

}  // namespace oldornew
