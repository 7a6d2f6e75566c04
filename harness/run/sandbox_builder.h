// SandboxBuilder: the steps of Sandbox::Create, in order. First the plan of the view
// (view_planner), then the copies, then the warden with the best view that the machine allows.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "run/judged_directories.h"
#include "run/sandbox_parts.h"
#include "run/sandbox_spec.h"
#include "run/view.h"
#include "run/view_planner.h"

namespace oldornew {

class SandboxBuilder {
 public:
  /// `spec` must outlive this.
  SandboxBuilder(const SandboxSpec& spec, JudgedDirectories judged);

  /// Call it once.
  Result<SandboxParts> Build();

 private:
  Status MakeWorkArea();
  Status SetUpWorkArea();
  Status MakeMemoryPlaces();

  /// Makes and fills the directories that were planned. In memory this happens again for each view
  /// that is tried.
  Status Fill();
  Status FillRoot(size_t i, uint64_t& bytes_left);

  Status StartWarden();
  Status FallBackToNoView();

  void NoteView(Isolation isolation, const std::string& problem);
  void NoteFileSystem();
  void Note(std::string sentence) { layout_.notes.push_back(std::move(sentence)); }
  std::string WorkingDirectory() const;

  const SandboxSpec& spec_;
  JudgedDirectories judged_;
  Isolation at_most_;
  SandboxParts parts_;
  SandboxLayout& layout_;  // parts_'
  ViewPlan& plan_;         // parts_'
  ViewPlanner planner_;
  std::vector<std::string> copy_notes_;  // of the last Fill
};

}  // namespace oldornew
