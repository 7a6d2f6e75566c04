#include "oracle/plain_ends.h"

#include <algorithm>
#include <iterator>

#include "base/text.h"

namespace oldornew {

bool IsCache(const std::string& path) {
  static constexpr const char* kCaches[] = {"*.pyc", "__pycache__"};
  return std::any_of(std::begin(kCaches), std::end(kCaches),
                     [&](const char* glob) { return GlobMatches(glob, path); });
}

bool IsStablePath(const Trace& one, const Trace& other, const std::string& path) {
  return ViewOf(one, one.new_tree, path) == ViewOf(other, other.new_tree, path);
}

bool IsStableSubject(const PlainRunList& runs, const Subject& subject) {
  const EndValue first = EndValueOf(*runs[0], runs[0]->new_tree, subject);
  return std::all_of(runs.begin() + 1, runs.end(), [&](const Trace* run) {
    return Same(first, EndValueOf(*run, run->new_tree, subject));
  });
}

Result<bool> IsStableView(const PlainRunList& runs, EndCommands& commands) {
  ASSIGN_OR_RETURN(const std::string first, commands.View(runs[0]->new_tree));
  for (size_t i = 1; i < runs.size(); ++i) {
    ASSIGN_OR_RETURN(const std::string other, commands.View(runs[i]->new_tree));
    if (other != first) return false;
  }
  return true;
}

PlainEnds::PlainEnds(PlainRunList runs, const NamePattern& pattern)
    : there_(pattern), touched_(pattern) {
  for (const Trace* run : runs) Also(*run);
}

void PlainEnds::Also(const Trace& later) {
  runs_.push_back(&later);
  there_.LearnThere(later);
  touched_.LearnTouched(later);
}

Status PlainEnds::Watch(const Question& question) {
  ASSIGN_OR_RETURN(const std::vector<Subject> subjects, SubjectsToJudge(plain(), question));
  for (const Subject& subject : subjects) {
    WatchedEnd& watched = watched_.emplace_back();
    watched.subject = subject;
    watched.history = TraceVersions(plain(), subject, question.ack);
    watched.before = EndValueOf(plain(), plain().old_tree, subject);
    watched.after = EndValueOf(plain(), plain().new_tree, subject);
    watched.stable = IsStableSubject(runs_, subject);
    watched.cache = IsCache(subject.name);
  }
  return {};
}

std::string PlainEnds::FirstPath() const {
  return watched_.empty() ? "." : watched_.front().subject.name;
}

}  // namespace oldornew
