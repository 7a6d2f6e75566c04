// explain: a finding in words.
#include "report/explain.h"

#include <cstdio>

#include "base/text.h"
#include "cli/bundle_input.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "explore/case.h"
#include "finding/needed.h"

namespace oldornew {

namespace {

// A bare token says nothing of what is judged: the finding is looked for again, under the profiles
// of a check and that of the token.
Result<Finding> FindByToken(const Options& options, const Bundle& bundle) {
  const std::string& token = bundle.header.token;
  SearchOptions search;
  ASSIGN_OR_RETURN(search.table, LoadProfiles(options));
  ASSIGN_OR_RETURN(search.profiles, search.table.Select({"mainstream"}));
  search.kill = IsKillToken(token);
  if (!IsLiveToken(token) && !search.kill) {
    ASSIGN_OR_RETURN(const PowerCase power_case, ParseToken(token));
    const Profile* own = search.table.Find(power_case.profile);
    if (own != nullptr && !own->mainstream) search.profiles.push_back(own);
  }
  ASSIGN_OR_RETURN(const SearchResult result, Search(bundle.trace, search));
  for (const Finding& finding : result.findings) {
    for (const FindingSubject& subject : SubjectsOf(finding)) {
      if (subject.token == token) return finding;
    }
  }
  return FailWith(ExitCode::kUsage,
                  "a check of this trace does not find {} again: give the .crash file, which knows "
                  "what was asked",
                  token);
}

}  // namespace

Result<ExitCode> RunExplain(const Options& options) {
  ASSIGN_OR_RETURN(const Bundle bundle, LoadBundle(options));
  const bool bare = bundle.header.oracle.empty();
  if (ParseEndToken(bundle.header.token)) {
    return FailWith(
        ExitCode::kUsage,
        "this is how a further run ended, not a state of files: oldornew replay shows it");
  }
  ASSIGN_OR_RETURN(const std::optional<Profile> row, RowOf(options, bundle));
  ASSIGN_OR_RETURN(Finding finding,
                   bare ? FindByToken(options, bundle) : FindingOf(bundle, row ? &*row : nullptr));
  Subject subject{finding.path, {}, true};
  if (!bare) {
    ASSIGN_OR_RETURN(const std::optional<Subject> named, SubjectOf(bundle));
    if (named) subject = *named;
    SearchOptions search;
    ASSIGN_OR_RETURN(search.ack, AckOf(bundle.header));
    if (named) MarkNeeded(bundle.trace, subject, search, &finding);
    DescribeCause(bundle.trace, &finding);
  }
  if (subject.places.empty()) {
    if (const auto place = FindPlace(bundle.trace, finding.path)) subject.places = {*place};
  }
  ExplainInput input;
  input.trace = &bundle.trace;
  input.finding = &finding;
  input.subject = &subject;
  input.row = row ? &*row : nullptr;
  input.replay = bare ? fmt::format("oldornew replay {} --trace {}", ShellQuote(finding.token),
                                    ShellQuote(TracePathOf(options)))
                      : fmt::format("oldornew replay {}", ShellQuote(options.input));
  ASSIGN_OR_RETURN(const std::string text, ExplainFinding(input, options.markdown));
  std::fputs(text.c_str(), stdout);
  return ExitCode::kClean;
}

}  // namespace oldornew
