#include "explorers/moments/moments.h"

#include <algorithm>

#include "base/text.h"
#include "finding/builder.h"
#include "finding/source.h"
#include "oracle/contained.h"
#include "oracle/path_patterns.h"
#include "oracle/privacy.h"

namespace oldornew {

namespace {

std::vector<std::string> NamesOf(const std::vector<const Profile*>& profiles) {
  std::vector<std::string> out;
  for (const Profile* profile : profiles) out.push_back(profile->name);
  return out;
}

std::string ExposureMessage(const Exposure& exposure) {
  if (exposure.path == exposure.subject) {
    return fmt::format("{} can be READ by {} while the program runs", exposure.path, exposure.who);
  }
  return fmt::format(
      "{} holds the future content of {} and can be READ by {} while the program runs",
      exposure.path, exposure.subject, exposure.who);
}

Finding FromExposure(const Given& given, const Exposure& exposure) {
  const Trace& trace = given.plain;
  FindingBuilder builder(trace, Finding::kRunAxis, Oracle::kPrivate, Outcome::kExposed);
  builder.At(exposure.subject, exposure.path)
      .Profiles(NamesOf(given.space.profiles))
      .Case(CaseOf(trace, Moment{exposure.first_point}))
      .Points(exposure.first_point, exposure.last_point)
      .Message(ExposureMessage(exposure))
      .Evidence(fmt::format("mode {:04o}, while {} has {:04o}", exposure.mode, exposure.subject,
                            exposure.allowed_mode))
      .Explanation("Whoever opens it in that time keeps the open file, whatever its mode becomes.");

  uint32_t to_look_at = exposure.opened_by;
  if (exposure.created_by >= 0) {
    to_look_at = static_cast<uint32_t>(exposure.created_by);
    builder.Mark(to_look_at, fmt::format("made with mode {:04o}", trace.ops[to_look_at].mode))
        .Advice(fmt::format(
            "make it with mode 0600 in {} {}, and give it its final mode when it is complete",
            to_look_at + 1, DescribeShort(trace.ops[to_look_at])));
  } else {
    builder.Advice(
        "write a new file with mode 0600, give it the final mode, rename it over this one");
  }
  builder.Mark(exposure.opened_by, "from here on it can be read");
  if (exposure.last_point < trace.ops.size()) builder.Mark(exposure.last_point, "until here");
  return builder.Source(SourceOrProgram(trace, to_look_at)).Build();
}

std::string StraysMessage(const std::vector<Stray>& strays) {
  if (strays.size() == 1)
    return fmt::format("{} is CHANGED by the run, though it is not watched", strays[0].path);
  return fmt::format("{} and {} are CHANGED by the run, though they are not watched",
                     strays[0].path, Count(strays.size() - 1, "other path"));
}

std::string StraysEvidence(const std::vector<Stray>& strays) {
  constexpr size_t kMost = 5;
  std::vector<std::string> said;
  for (const Stray& stray : strays) {
    if (said.size() < kMost) said.push_back(fmt::format("{}: {}", stray.path, stray.what));
  }
  if (strays.size() > kMost) said.push_back(fmt::format("{} more", strays.size() - kMost));
  return Join(said, "; ");
}

// One finding for all of them: what else the program does is one thing to look at.
Finding FromStrays(const Given& given, const std::vector<Stray>& strays) {
  const Trace& trace = given.plain;
  const auto end = static_cast<uint32_t>(trace.ops.size());
  FindingBuilder builder(trace, Finding::kRunAxis, Oracle::kContained, Outcome::kChangedOutside);
  builder.At(strays[0].path)
      .Profiles(NamesOf(given.space.profiles))
      .Case(CaseOf(trace, Moment{end}))
      .Points(end, end)
      .Message(StraysMessage(strays))
      .Evidence(StraysEvidence(strays))
      .Advice(
          "watch what belongs to the update (--watch), allow what else may change (--allow GLOB)");

  bool first = true;
  for (uint32_t i = 0; i < end; ++i) {
    const Op& op = trace.ops[i];
    const bool its = op.path == strays[0].path || op.path2 == strays[0].path;
    if (op.error != 0 || op.kind == OpKind::kClose || !its) continue;
    builder.Mark(i, "");
    if (std::exchange(first, false)) builder.Source(SourceOrProgram(trace, i));
  }

  Finding finding = builder.Build();
  for (size_t i = 1; i < strays.size(); ++i) {
    FindingSubject subject = finding.subjects.front();
    subject.path = subject.at = strays[i].path;
    subject.stable_path = SubjectPattern(trace, strays[i].path);
    finding.subjects.push_back(std::move(subject));
  }
  return finding;
}

class MomentsExplorer final : public Explorer {
 public:
  Result<Exploration> Explore(const Given& given) override {
    Exploration out;
    if (given.question.Asks(Oracle::kPrivate)) {
      for (const Exposure& exposure : FindExposures(given.plain))
        out.findings.push_back(FromExposure(given, exposure));
    }
    if (given.question.Asks(Oracle::kContained)) {
      const auto strays = FindStrays(given.plain, given.judged.subjects, given.question.allowed);
      if (!strays.empty()) out.findings.push_back(FromStrays(given, strays));
    }
    out.cases = given.plain.ops.size() + 1;
    return out;
  }
};

}  // namespace

std::unique_ptr<Explorer> MakeMomentsExplorer() { return std::make_unique<MomentsExplorer>(); }

}  // namespace oldornew
