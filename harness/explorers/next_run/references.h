// References: runs from the old and from the new state, which next runs are held against, and what
// of them is compared.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "explorers/explorer.h"
#include "explorers/next_run/start_states.h"
#include "lab/run_again.h"
#include "oracle/end_commands.h"
#include "oracle/end_state.h"
#include "oracle/name_set.h"
#include "oracle/path_patterns.h"
#include "oracle/plain_ends.h"

namespace oldornew {

class References {
 public:
  /// All must outlive this.
  References(const Given& given, RunAgain& runs, const std::vector<std::string>& command)
      : given_(given), runs_(runs), command_(command), names_(SubjectPattern) {}

  /// Makes the runs. Before anything else. Errors: those of Lab::Run and of a checker.
  Status Make();

  /// The path at which this run came to something else than both references, or "." for what --view
  /// prints. Several paths together are not one value (oracles.md 4). Errors: those of a checker.
  Result<std::optional<std::string>> Different(const StartState& state, const Trace& next);

  /// --check, if there is one, accepts what the run left. Errors: those of a checker.
  Result<bool> Accepted(const Trace& next);

  /// What a run from the old state does not leave again now depends on the time or on chance: it is
  /// no longer compared (oracles.md 7). To be asked before anything is said of a difference.
  Status DropUnstable();

  /// Some commands fail from the new state (mv a b), and so they may here, if what they leave is
  /// the same.
  Result<bool> MayFail(const Trace& next);

  /// 11 Litter: what the run made and left that no run from the old or the new state finds or
  /// leaves.
  std::vector<std::string> Added(const Trace& next) const;

  /// The first path that is compared; "." if there is none.
  std::string FirstPath() const { return paths_.empty() ? "." : paths_.front().path; }
  bool Viewed() const { return !given_.question.view.empty(); }
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  /// A path that is compared, and the subject that it belongs to.
  struct Compared {
    std::string path;
    size_t subject = 0;
  };
  /// What came of a run: what readers find at every path that is compared, or what --view prints.
  struct Came {
    std::vector<ReaderView> paths;
    std::string view;
    bool operator==(const Came&) const = default;
  };

  void ChoosePaths(const Trace& one, const Trace& other);
  Status LearnViews(const PlainRunList& from_old);
  Result<Came> CameOf(const Trace& trace);
  bool SaysNothing(const StartState& state, const Compared& compared) const;
  void NoteUnstable(const std::string& what);

  const Given& given_;
  RunAgain& runs_;
  const std::vector<std::string>& command_;
  std::vector<VersionHistory> histories_;  ///< of each judged subject, in the recorded run
  std::vector<Compared> paths_;
  Came from_old_;  ///< what comes of a run from the old state
  Came from_new_;
  std::set<std::string> end_views_;  ///< what --view prints for the old and the new state
  bool stable_view_ = true;
  bool old_succeeds_ = false;  ///< the runs from the old state and its like
  bool new_succeeds_ = false;
  NameSet names_;                        ///< of all paths that plain runs find or leave
  std::optional<EndCommands> commands_;  ///< the user's own
  std::vector<std::string> notes_;
};

}  // namespace oldornew
