#include "oracle/question.h"

#include <algorithm>

#include "base/text.h"

namespace oldornew {

bool Question::Asks(Oracle oracle) const {
  return std::find(expect.begin(), expect.end(), oracle) != expect.end();
}

bool Question::Succeeded(const Trace& trace) const {
  return std::find(ack.ok_exit.begin(), ack.ok_exit.end(), trace.exit_status) != ack.ok_exit.end();
}

namespace {

bool Volatile(const Subject& subject, const std::vector<std::string>& globs) {
  return std::all_of(subject.places.begin(), subject.places.end(), [&](const Place& place) {
    return std::any_of(globs.begin(), globs.end(),
                       [&](const std::string& glob) { return GlobMatches(glob, place.path); });
  });
}

}  // namespace

Result<std::vector<Subject>> SubjectsToJudge(const Trace& trace, const Question& question) {
  ASSIGN_OR_RETURN(std::vector<Subject> subjects, ChooseSubjects(trace, question.watch));
  std::erase_if(subjects,
                [&](const Subject& subject) { return Volatile(subject, question.volatile_globs); });
  return subjects;
}

}  // namespace oldornew
