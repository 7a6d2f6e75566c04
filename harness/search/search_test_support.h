// Helpers of the search's tests: a whole search from a trace and what is asked.
#pragma once

#include <string>
#include <vector>

#include "search/search.h"

namespace oldornew::testing {

/// What a test asks, and under which profiles.
struct Asked {
  Question question;
  SearchSpace space;
  CheckerPool pool;  ///< in place of --view and --check
  int jobs = 0;
};

inline Asked AskedUnder(const std::vector<std::string>& profiles) {
  Asked out;
  out.space.profiles = SelectProfiles(profiles).value();
  return out;
}

/// What was found, and what was judged.
struct Answer : SearchResult {
  std::vector<std::string> subjects;
  std::vector<std::string> unsupported;
};

inline Result<Answer> Search(const Trace& trace, Asked asked) {
  if (!asked.pool.empty() && asked.pool[0].view) asked.question.view = "view";
  if (!asked.pool.empty() && asked.pool[0].check) asked.question.check = "check";
  Answer out;
  ASSIGN_OR_RETURN(const JudgedTrace judged, PrepareToJudge(trace, asked.question, asked.pool));
  for (const Subject& subject : judged.subjects) out.subjects.push_back(subject.name);
  out.unsupported = judged.unsupported;
  if (!out.unsupported.empty()) return out;
  ASSIGN_OR_RETURN(SearchResult found,
                   SearchPowerCuts(judged, asked.question, asked.space, asked.jobs));
  static_cast<SearchResult&>(out) = std::move(found);
  return out;
}

/// The state that a token stands for.
inline Result<CrashState> RealiseToken(const Trace& trace, const std::string& token) {
  ASSIGN_OR_RETURN(const Case which, ParseToken(token));
  return Realise(trace, which);
}

/// The texts of the added syncs.
inline std::vector<std::string> RepairTexts(const Finding& finding) {
  std::vector<std::string> out;
  for (const RepairStep& step : finding.repair.steps) out.push_back(step.text);
  return out;
}

}  // namespace oldornew::testing
