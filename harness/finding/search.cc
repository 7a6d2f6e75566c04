#include "finding/search.h"

#include <algorithm>
#include <list>
#include <unordered_set>

#include "base/text.h"
#include "finding/collector.h"
#include "finding/in_place.h"
#include "finding/probe_search.h"

namespace oldornew {

namespace {

bool Volatile(const Subject& subject, const std::vector<std::string>& globs) {
  return std::all_of(subject.places.begin(), subject.places.end(), [&](const Place& place) {
    return std::any_of(globs.begin(), globs.end(),
                       [&](const std::string& glob) { return GlobMatches(glob, place.path); });
  });
}

void SearchSubject(const Trace& trace, const SearchOptions& options, const Subject& subject,
                   const VersionHistory& history, Collector* collector, SearchResult* result) {
  const Projection projection = ProjectionOf(trace, subject);
  collector->StartSubject(subject, &history, projection);
  std::unordered_set<Digest> pictures;
  for (const auto* list : {&options.profiles, &options.pedantic}) {
    for (const Profile* profile : *list) {
      const Coverage coverage =
          ForEachCrashState(trace, *profile, projection, options.limits, [&](const CrashState& state) {
            pictures.insert(state.digest);
            const auto violation = JudgeState(trace, subject, history, state.tree, state.last_point);
            const bool asked = violation && std::find(options.expect.begin(), options.expect.end(),
                                                      violation->oracle) != options.expect.end();
            if (asked) collector->Add(*violation, state, *profile, list == &options.pedantic);
            return true;
          });
      AddCoverage(coverage, &result->coverage);
    }
  }
  result->coverage.states_distinct += pictures.size();
}

}  // namespace

Result<SearchResult> Search(const Trace& trace, const SearchOptions& options) {
  SearchResult result;
  result.coverage.grain = options.limits.grain;
  result.coverage.crash_points = trace.ops.size() + 1;
  for (const auto* list : {&options.profiles, &options.pedantic}) {
    for (const Profile* profile : *list) result.profiles.push_back(profile->name);
  }
  ASSIGN_OR_RETURN(std::vector<Subject> subjects, ChooseSubjects(trace, options.watch));
  std::erase_if(subjects, [&](const Subject& subject) { return Volatile(subject, options.volatile_globs); });
  for (const Subject& subject : subjects) result.subjects.push_back(subject.name);
  Collector collector(trace, options);
  std::list<VersionHistory> histories;  // Stable addresses: the collector describes findings at the end.
  if (options.view || options.check) {
    RETURN_IF_ERROR(SearchWithProbes(trace, options, &collector, &result));
  } else {
    result.unsupported = FindInPlaceDatabases(trace, subjects);
  }
  if (!options.view && result.unsupported.empty()) {
    // With --check alone the ordinary questions are asked too only where paths were named.
    const bool ask = !options.check || !options.watch.watch.empty() || !options.watch.together.empty();
    for (const Subject& subject : subjects) {
      if (!ask) break;
      histories.push_back(TraceVersions(trace, subject, options.ack));
      SearchSubject(trace, options, subject, histories.back(), &collector, &result);
    }
  }
  result.findings = collector.Take();
  return result;
}

}  // namespace oldornew
