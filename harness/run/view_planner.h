// ViewPlanner: decides what a sandbox's view will show, and where the directories for it lie. It
// only writes the plan (run/view.h); MakePlanned and BuildView carry it out.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "run/judged_directories.h"
#include "run/memory.h"
#include "run/sandbox_layout.h"
#include "run/sandbox_spec.h"
#include "run/view.h"

namespace oldornew {

class ViewPlanner {
 public:
  /// All of them must outlive this. `layout` has its work area and, in memory, its descriptors.
  ViewPlanner(const SandboxSpec& spec, const JudgedDirectories& judged, SandboxLayout& layout,
              ViewPlan& plan);

  /// The directory for recordings.
  void PlanRecorder();
  /// The copies of the judged directories.
  void PlanCopies();
  /// What only a view has: private temporary directories, visible files, $HOME.
  void PlanView();

  /// Directories inside the private temporary ones that must exist there ($TMPDIR below /tmp).
  const std::vector<std::string>& nested() const { return nested_; }

 private:
  void PlanTemporaries();
  void PlanTemporary(const std::string& resolved);
  void PlanHome();
  void PlanVisible();
  bool MustBeShown(const std::string& resolved) const;
  /// Adds a link that leads from the meeting place (interpose/wire.h) to the last root, which lies
  /// at `below`.
  void LinkFromMeetingPlace(const std::string& below);
  /// Where this process finds what will lie on `which`.
  std::string Place(MemoryMount which) const;
  ViewMount Mount(std::string target, MemoryMount which, const std::string& below) const;

  const SandboxSpec& spec_;
  const JudgedDirectories& judged_;
  SandboxLayout& layout_;
  ViewPlan& plan_;
  std::vector<std::string> nested_;
};

/// Makes the directories and links that the plan wants to exist before the view is built.
Status MakePlanned(const ViewPlan& plan);

}  // namespace oldornew
