#include "explorers/next_run/references.h"

#include "oracle/path_patterns.h"

namespace oldornew {

Status References::Make() {
  const Trace& plain = given_.plain;
  ASSIGN_OR_RETURN(const Trace from_old, runs_.Run(command_, &plain.old_tree));
  ASSIGN_OR_RETURN(const Trace again, runs_.Run(command_, &plain.old_tree));
  ASSIGN_OR_RETURN(const Trace from_new, runs_.Run(command_, &plain.new_tree));

  for (const Subject& subject : given_.judged.subjects)
    histories_.push_back(TraceVersions(plain, subject, given_.question.ack));
  if (given_.question.ByBytes()) ChoosePaths(from_old, again);
  if (Viewed()) RETURN_IF_ERROR(LearnViews(from_old, again));

  ASSIGN_OR_RETURN(from_old_, CameOf(from_old));
  ASSIGN_OR_RETURN(from_new_, CameOf(from_new));
  old_succeeds_ = given_.question.Succeeded(from_old);
  new_succeeds_ = given_.question.Succeeded(from_new);
  for (const Trace* trace : {&plain, &from_old, &again, &from_new}) LearnNames(*trace);
  return {};
}

// Those whose content is the same after both runs from the old state.
void References::ChoosePaths(const Trace& one, const Trace& other) {
  const auto& subjects = given_.judged.subjects;
  for (size_t i = 0; i < subjects.size(); ++i) {
    for (const Place& place : subjects[i].places) {
      if (place.root != 0) continue;
      if (ViewOf(one, one.new_tree, place.path) == ViewOf(other, other.new_tree, place.path)) {
        paths_.push_back({place.path, i});
      } else {
        NoteUnstable(place.path);
      }
    }
  }
}

Status References::LearnViews(const Trace& one, const Trace& other) {
  for (const FileTree* tree : {&given_.plain.old_tree, &given_.plain.new_tree}) {
    ASSIGN_OR_RETURN(std::string view, View(*tree));
    end_views_.insert(std::move(view));
  }
  ASSIGN_OR_RETURN(const std::string first, View(one.new_tree));
  ASSIGN_OR_RETURN(const std::string second, View(other.new_tree));
  stable_view_ = first == second;
  if (!stable_view_) NoteUnstable("what --view prints");
  return {};
}

void References::LearnNames(const Trace& trace) {
  for (const FileTree* tree : {&trace.old_tree, &trace.new_tree}) {
    for (const auto& [path, inode] : tree->Walk()) names_.insert(SubjectPattern(trace, path));
  }
}

Result<std::string> References::View(const FileTree& tree) const {
  ASSIGN_OR_RETURN(const CheckerPool* pool, given_.lab.Checkers());
  ASSIGN_OR_RETURN(const CheckerAnswer answer,
                   pool->front().view(WithoutVolatile(tree, given_.question.volatile_globs), {}));
  return ShowAnswer(answer);
}

Result<References::Came> References::CameOf(const Trace& trace) const {
  Came out;
  for (const Compared& compared : paths_)
    out.paths.push_back(ViewOf(trace, trace.new_tree, compared.path));
  if (Viewed() && stable_view_) {
    ASSIGN_OR_RETURN(out.view, View(trace.new_tree));
  }
  return out;
}

Status References::DropUnstable() {
  ASSIGN_OR_RETURN(const Trace now, runs_.RunNow(command_));
  ASSIGN_OR_RETURN(const Came after, CameOf(now));
  for (size_t i = paths_.size(); i-- > 0;) {
    if (from_old_.paths[i] == after.paths[i]) continue;
    NoteUnstable(paths_[i].path);
    const auto at = static_cast<ptrdiff_t>(i);
    paths_.erase(paths_.begin() + at);
    from_old_.paths.erase(from_old_.paths.begin() + at);
    from_new_.paths.erase(from_new_.paths.begin() + at);
  }
  if (Viewed() && stable_view_ && from_old_.view != after.view) {
    stable_view_ = false;
    from_old_.view = from_new_.view = {};
    NoteUnstable("what --view prints");
  }
  return {};
}

void References::NoteUnstable(const std::string& what) {
  notes_.push_back(fmt::format(
      "{} differs from run to run: after next runs its content was not compared", what));
}

// Whether what this run made of the path says nothing: it found there a version in between, from
// which nobody has run the command, or what another axis has reported already.
bool References::SaysNothing(const StartState& state, const Compared& compared) const {
  const Trace& plain = given_.plain;
  const ReaderView start = ViewOf(plain, state.tree, compared.path);
  if (start == ViewOf(plain, plain.old_tree, compared.path)) return false;
  if (start == ViewOf(plain, plain.new_tree, compared.path)) return false;
  // After two kills there are the versions of the next run as well.
  if (state.second) return true;
  const Subject& subject = given_.judged.subjects[compared.subject];
  if (!JudgeState(plain, subject, histories_[compared.subject], state.tree, 0)) return true;
  return given_.earlier.Explored(state.axis);
}

Result<std::optional<std::string>> References::Different(const StartState& state,
                                                         const Trace& next) const {
  ASSIGN_OR_RETURN(const Came came, CameOf(next));
  for (size_t i = 0; i < paths_.size(); ++i) {
    if (came.paths[i] == from_old_.paths[i] || came.paths[i] == from_new_.paths[i]) continue;
    if (!SaysNothing(state, paths_[i])) return paths_[i].path;
  }
  if (came.view == from_old_.view || came.view == from_new_.view) return std::nullopt;
  // What starts from a state of no version is the business of the axis that found that state.
  ASSIGN_OR_RETURN(const std::string start, View(state.tree));
  return end_views_.contains(start) ? std::optional<std::string>(".") : std::nullopt;
}

Result<bool> References::MayFail(const Trace& next) const {
  if (old_succeeds_ && new_succeeds_) return false;
  ASSIGN_OR_RETURN(const Came came, CameOf(next));
  return (!old_succeeds_ && came == from_old_) || (!new_succeeds_ && came == from_new_);
}

std::vector<std::string> References::Added(const Trace& next) const {
  std::vector<std::string> out;
  for (const auto& [path, inode] : next.new_tree.Walk()) {
    if (!next.old_tree.Lookup(path) && !names_.contains(SubjectPattern(next, path)))
      out.push_back(path);
  }
  return out;
}

}  // namespace oldornew
