// Explorer: explores one axis, one thing that can happen to a program. Each lies in a folder of its
// own and has a row in check/axes.cc; nothing else lists them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "finding/finding.h"
#include "lab/further_run.h"
#include "lab/lab.h"
#include "search/judged_trace.h"
#include "search/search_space.h"

namespace oldornew {

/// A state that cases of an axis left behind, for the command to be run again from.
struct LeftBehind {
  FileTree tree;
  std::string scene;  ///< "after ENOSPC at 3 write(f.tmp)"
  std::string id;     ///< for tokens: FurtherRun::id
  std::string axis;
  std::optional<CallAt> call;  ///< that something happened to
};

/// What the exploration of one axis came to. Plain data.
struct Exploration {
  /// Finding::run is an index into `runs`; Finding::axis and the subjects are set.
  std::vector<Finding> findings;
  std::vector<FurtherRun> runs;     ///< those with findings, and those that could not be judged
  std::vector<std::string> notes;   ///< for people; change no verdict
  std::vector<std::string> bounds;  ///< one sentence for each reason why not everything was tried
  uint64_t cases = 0;               ///< states judged, or runs made
  std::string words;                ///< what was tried, for people: "40 cases: 25 errors once, ..."
  std::vector<LeftBehind> left_behind;  ///< distinct, none as before or after the plain run
  std::optional<Coverage> coverage;     ///< of crash states; only where the model was asked

  bool exhaustive() const { return bounds.empty() && (!coverage || coverage->exhaustive); }
};

/// What was explored before, by axis.
class Earlier {
 public:
  void Add(const std::string& axis, const Exploration* what) { parts_.emplace_back(axis, what); }
  /// Null: that axis was not explored.
  const Exploration* Of(const std::string& axis) const {
    for (const auto& [name, part] : parts_) {
      if (name == axis) return part;
    }
    return nullptr;
  }
  bool Explored(const std::string& axis) const { return Of(axis) != nullptr; }
  std::vector<const LeftBehind*> LeftBehindByAll() const {
    std::vector<const LeftBehind*> out;
    for (const auto& [name, part] : parts_) {
      for (const LeftBehind& state : part->left_behind) out.push_back(&state);
    }
    return out;
  }

 private:
  std::vector<std::pair<std::string, const Exploration*>> parts_;
};

/// Everything that an explorer may look at. All is prepared once for a check, and the same for
/// every explorer, but for what was explored earlier.
struct Given {
  const Trace& plain;         ///< the recorded run; it can be judged, and ended well
  const JudgedTrace& judged;  ///< what is judged of it
  const Question& question;
  const SearchSpace& space;
  const Earlier& earlier;
  Lab& lab;
};

class Explorer {
 public:
  virtual ~Explorer() = default;
  /// Errors: interrupted, internal, those of a checker; usage where an option cannot be obeyed.
  virtual Result<Exploration> Explore(const Given& given) = 0;
};

}  // namespace oldornew
