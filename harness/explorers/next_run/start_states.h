// Start states: what kills and power cuts leave, each distinct state once, for the command to be
// run again from.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "finding/finding.h"
#include "model/crash_states.h"
#include "trace/trace.h"

namespace oldornew {

struct StartState {
  FileTree tree;
  std::string scene;           ///< "after a kill after 3 rename(a → b)"
  std::string id;              ///< for tokens: "kill-3", "power-xfs-..."
  std::string axis;            ///< what left it
  bool second = false;         ///< a kill during a next run left it
  std::optional<CallAt> call;  ///< that something happened to
};

/// The states of one trace and of what came of it. States that differ only in what is random in new
/// names (SubjectPattern) are the same one.
class StartStates {
 public:
  /// `plain` gives the old tree that states are compared with; it must outlive this.
  StartStates(const Trace& plain, uint64_t most) : plain_(&plain), most_(most) {}

  /// A state that is not to be started from.
  void Exclude(const FileTree& tree) { seen_.insert(Identity(tree)); }
  /// False when the bound is reached.
  bool Add(StartState state);
  /// What a SIGKILL leaves at any moment of `trace`; of a large write the first, the middle and the
  /// last. `before` is put in front of scenes and ids of a run that is not the plain one.
  void AddKills(const Trace& trace, const std::string& scene_before = {},
                const std::string& id_before = {});
  /// What power cuts leave of the plain run.
  void AddPowerCuts(const std::vector<const Profile*>& profiles, const Limits& limits);

  /// Nothing in it yet; what this one has seen is no news to it.
  StartStates Next(uint64_t most) const {
    StartStates out(*plain_, most);
    out.seen_ = seen_;
    return out;
  }

  const std::vector<StartState>& list() const { return list_; }
  bool exhaustive() const { return exhaustive_; }
  /// States that the bound has kept out.
  uint64_t left_out() const { return left_out_; }

 private:
  Digest Identity(const FileTree& tree) const;

  const Trace* plain_;
  uint64_t most_;
  std::vector<StartState> list_;
  std::set<Digest> seen_;
  uint64_t left_out_ = 0;
  bool exhaustive_ = true;
};

}  // namespace oldornew
