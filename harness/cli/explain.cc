// explain: a finding in words.
#include "report/explain.h"

#include <cstdio>

#include "base/text.h"
#include "cases/case.h"
#include "check/check.h"
#include "cli/bundle_input.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "finding/words.h"
#include "search/needed.h"

namespace oldornew {

namespace {

// A bare token says nothing of what is judged: the finding is looked for again, under the profiles
// of a check and that of the token.
Result<Finding> FindByToken(const Options& options, const Bundle& bundle, const Case& which) {
  CheckPlan plan;
  plan.source = SavedTrace{TracePathOf(options)};
  ASSIGN_OR_RETURN(plan.space.table, LoadProfiles(options));
  ASSIGN_OR_RETURN(plan.space.profiles, plan.space.table.Select({"mainstream"}));
  plan.states_given = true;
  plan.axes = {which.As<Kill>() != nullptr ? "kill" : Finding::kPowerAxis};
  if (const PowerCut* cut = which.As<PowerCut>()) {
    const Profile* own = plan.space.table.Find(cut->profile);
    if (own != nullptr && !own->mainstream) plan.space.profiles.push_back(own);
  }

  ASSIGN_OR_RETURN(const std::unique_ptr<CheckResult> result, Check(std::move(plan)));
  for (const Finding& finding : result->findings) {
    for (const FindingSubject& subject : finding.subjects) {
      if (subject.token == bundle.header.token) return finding;
    }
  }
  return FailWith(ExitCode::kUsage,
                  "a check of this trace does not find {} again: give the .crash file, which knows "
                  "what was asked",
                  bundle.header.token);
}

}  // namespace

Result<ExitCode> RunExplain(const Options& options) {
  ASSIGN_OR_RETURN(const Bundle bundle, LoadBundle(options));
  const bool bare = bundle.header.oracle.empty();
  ASSIGN_OR_RETURN(const Case which, ParseToken(bundle.header.token));
  if (which.As<EndOfRun>() != nullptr) {
    return FailWith(
        ExitCode::kUsage,
        "this is how a further run ended, not a state of files: oldornew replay shows it");
  }
  ASSIGN_OR_RETURN(const std::optional<Profile> row, RowOf(options, bundle));
  ASSIGN_OR_RETURN(Finding finding, bare ? FindByToken(options, bundle, which)
                                         : FindingOf(bundle, row ? &*row : nullptr));
  Subject subject{finding.path(), {}, true};
  if (!bare) {
    ASSIGN_OR_RETURN(const std::optional<Subject> named, SubjectOf(bundle));
    if (named) subject = *named;
    Question question;
    ASSIGN_OR_RETURN(question.ack, AckOf(bundle.header));
    if (named) MarkNeeded(bundle.trace, BytesJudge(bundle.trace, subject, question), &finding);
    DescribeCause(bundle.trace, &finding);
  }
  if (subject.places.empty()) {
    if (const auto place = FindPlace(bundle.trace, finding.path())) subject.places = {*place};
  }
  ExplainInput input;
  input.trace = &bundle.trace;
  input.finding = &finding;
  input.subject = &subject;
  input.row = row ? &*row : nullptr;
  input.replay = bare ? fmt::format("oldornew replay {} --trace {}", ShellQuote(finding.token()),
                                    ShellQuote(TracePathOf(options)))
                      : fmt::format("oldornew replay {}", ShellQuote(options.input));
  ASSIGN_OR_RETURN(const std::string text, ExplainFinding(input, options.markdown));
  std::fputs(text.c_str(), stdout);
  return ExitCode::kClean;
}

}  // namespace oldornew
