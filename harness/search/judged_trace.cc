#include "search/judged_trace.h"

#include "search/in_place.h"

namespace oldornew {

std::vector<StateJudge*> JudgedTrace::Judges() const {
  std::vector<StateJudge*> out;
  if (by_command != nullptr) out.push_back(by_command.get());
  for (const auto& judge : by_bytes) out.push_back(judge.get());
  return out;
}

namespace {

// Links that lead where nothing is judged.
std::vector<std::string> FindLinksAway(const Trace& trace, const std::vector<Subject>& subjects) {
  std::vector<std::string> out;
  for (const Subject& subject : subjects) {
    for (const Place& place : subject.places) {
      const std::string target = LeadsToTemporary(trace, place);
      if (target.empty()) continue;
      out.push_back(fmt::format(
          "{} now leads to {}, a temporary directory: what is there is not judged, and where "
          "/tmp is a tmpfs it is gone after a reboot",
          ShowPlace(trace, place), target));
    }
  }
  return out;
}

}  // namespace

Result<JudgedTrace> PrepareToJudge(const Trace& trace, const Question& question,
                                   const CheckerPool& pool) {
  JudgedTrace out;
  out.trace = &trace;
  ASSIGN_OR_RETURN(out.subjects, SubjectsToJudge(trace, question));

  out.unsupported = FindLinksAway(trace, out.subjects);
  if (out.unsupported.empty() && !question.ByCommand())
    out.unsupported = FindInPlaceDatabases(trace, out.subjects);
  if (!out.unsupported.empty()) return out;

  if (question.ByCommand() && !pool.empty()) {
    out.by_command = std::make_unique<CommandJudge>(trace, question, pool);
    RETURN_IF_ERROR(out.by_command->Learn());
  }
  if (question.ByBytes()) {
    for (const Subject& subject : out.subjects)
      out.by_bytes.push_back(std::make_unique<BytesJudge>(trace, subject, question));
  }
  return out;
}

}  // namespace oldornew
