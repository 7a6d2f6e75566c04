#include "explorers/next_run/references.h"

#include "oracle/litter.h"

namespace oldornew {

Status References::Make() {
  const Trace& plain = given_.plain;
  ASSIGN_OR_RETURN(const Trace from_old, runs_.Run(command_, &plain.old_tree));
  ASSIGN_OR_RETURN(const Trace again, runs_.Run(command_, &plain.old_tree));
  ASSIGN_OR_RETURN(const Trace from_new, runs_.Run(command_, &plain.new_tree));

  for (const Subject& subject : given_.judged.subjects)
    histories_.push_back(TraceVersions(plain, subject, given_.question.ack));
  if (given_.question.ByBytes()) ChoosePaths(from_old, again);
  ASSIGN_OR_RETURN(const CheckerPool* pool, given_.lab.Checkers());
  commands_.emplace(given_.question, *pool);
  if (Viewed()) RETURN_IF_ERROR(LearnViews({&from_old, &again}));

  ASSIGN_OR_RETURN(from_old_, CameOf(from_old));
  ASSIGN_OR_RETURN(from_new_, CameOf(from_new));
  old_succeeds_ = given_.question.Succeeded(from_old);
  new_succeeds_ = given_.question.Succeeded(from_new);
  for (const Trace* trace : {&plain, &from_old, &again, &from_new}) names_.LearnThere(*trace);
  return {};
}

// Those whose content is the same after both runs from the old state.
void References::ChoosePaths(const Trace& one, const Trace& other) {
  const auto& subjects = given_.judged.subjects;
  for (size_t i = 0; i < subjects.size(); ++i) {
    for (const Place& place : subjects[i].places) {
      if (place.root != 0) continue;
      if (IsStablePath(one, other, place.path)) {
        paths_.push_back({place.path, i});
      } else {
        NoteUnstable(place.path);
      }
    }
  }
}

Status References::LearnViews(const PlainRunList& from_old) {
  for (const FileTree* tree : {&given_.plain.old_tree, &given_.plain.new_tree}) {
    ASSIGN_OR_RETURN(std::string view, commands_->View(*tree));
    end_views_.insert(std::move(view));
  }
  ASSIGN_OR_RETURN(stable_view_, IsStableView(from_old, *commands_));
  if (!stable_view_) NoteUnstable("what --view prints");
  return {};
}

Result<References::Came> References::CameOf(const Trace& trace) {
  Came out;
  for (const Compared& compared : paths_)
    out.paths.push_back(ViewOf(trace, trace.new_tree, compared.path));
  if (Viewed() && stable_view_) {
    ASSIGN_OR_RETURN(out.view, commands_->View(trace.new_tree));
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

Result<bool> References::Accepted(const Trace& next) {
  if (!commands_->HasCheck()) return true;
  ASSIGN_OR_RETURN(const CheckerAnswer answer, commands_->Check(next));
  return answer.exit_status == 0;
}

Result<std::optional<std::string>> References::Different(const StartState& state,
                                                         const Trace& next) {
  ASSIGN_OR_RETURN(const Came came, CameOf(next));
  for (size_t i = 0; i < paths_.size(); ++i) {
    if (came.paths[i] == from_old_.paths[i] || came.paths[i] == from_new_.paths[i]) continue;
    if (!SaysNothing(state, paths_[i])) return paths_[i].path;
  }
  if (came.view == from_old_.view || came.view == from_new_.view) return std::nullopt;
  // What starts from a state of no version is the business of the axis that found that state.
  ASSIGN_OR_RETURN(const std::string start, commands_->View(state.tree));
  return end_views_.contains(start) ? std::optional<std::string>(".") : std::nullopt;
}

Result<bool> References::MayFail(const Trace& next) {
  if (old_succeeds_ && new_succeeds_) return false;
  ASSIGN_OR_RETURN(const Came came, CameOf(next));
  return (!old_succeeds_ && came == from_old_) || (!new_succeeds_ && came == from_new_);
}

std::vector<std::string> References::Added(const Trace& next) const {
  LitterRule rule;
  rule.is_known = [&](const std::string& path) { return names_.Has(next, path); };
  rule.temporary_roots = false;
  rule.caches = true;
  std::vector<std::string> out;
  for (const Place& place : FindLitter(next, rule)) out.push_back(place.path);
  return out;
}

}  // namespace oldornew
