#include "explorers/next_run/kills_during.h"

#include <memory>

#include "oracle/bytes_judge.h"

namespace oldornew {

// By bytes alone. Files that the first kill left, and that the next run works on, are nobody's
// business: only what the recorded run is judged by is.
Result<KillFindings> KillsDuring::SearchAll(const Trace& trace) const {
  Question question = given_.question;
  std::erase(question.expect, Oracle::kAttrs);  // no kill leaves what is asked there
  JudgedTrace judged;
  judged.trace = &trace;
  for (const Subject& subject : given_.judged.subjects)
    judged.by_bytes.push_back(std::make_unique<BytesJudge>(trace, subject, question));
  return SearchKills(judged, question, axis_, given_.space.limits.max_states);
}

Status KillsDuring::LearnKnown() {
  ASSIGN_OR_RETURN(const KillFindings known, SearchAll(given_.plain));
  for (const Finding& finding : known.findings) {
    for (const FindingSubject& subject : finding.subjects) known_.insert(subject.path);
  }
  return {};
}

Result<std::vector<Finding>> KillsDuring::Search(const Trace& next) const {
  std::vector<Finding> out;
  if (!given_.question.ByBytes()) return out;
  ASSIGN_OR_RETURN(KillFindings found, SearchAll(next));
  for (Finding& finding : found.findings) {
    if (!known_.contains(finding.path())) out.push_back(std::move(finding));
  }
  return out;
}

}  // namespace oldornew
