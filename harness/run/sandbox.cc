#include "run/sandbox.h"

#include "interpose/unwind.h"
#include "run/judged_directories.h"
#include "run/memory.h"
#include "run/mount_points.h"
#include "run/places.h"
#include "run/sandbox_builder.h"
#include "run/view.h"
#include "run/view_planner.h"
#include "run/warden.h"

namespace oldornew {
namespace {

MemoryMount MountOf(RootRole role) {
  return role == RootRole::kJudged ? MemoryMount::kJudged : MemoryMount::kTemporary;
}

}  // namespace

Sandbox::Sandbox(SandboxParts parts)
    : parts_(std::move(parts)), unwinder_(std::make_unique<Unwinder>()) {}

Sandbox::Sandbox(Sandbox&&) noexcept = default;
Sandbox& Sandbox::operator=(Sandbox&&) noexcept = default;
Sandbox::~Sandbox() = default;

Result<Sandbox> Sandbox::Create(const SandboxSpec& spec) {
  ASSIGN_OR_RETURN(JudgedDirectories judged, ResolveJudged(spec));
  ASSIGN_OR_RETURN(SandboxParts parts, SandboxBuilder(spec, std::move(judged)).Build());
  return Sandbox(std::move(parts));
}

std::vector<std::string> Sandbox::HomeChanges() const {
  const std::string& upper = parts_.layout.home_upper;
  return upper.empty() ? std::vector<std::string>{} : LeavesBelow(upper);
}

std::string Sandbox::seen_recorder_path() const {
  return parts_.layout.isolation == Isolation::kNone ? parts_.layout.recorder_path : kRecorderMount;
}

std::string Sandbox::OnDisk(const std::string& seen_path) const {
  // The innermost root that holds it: a judged directory may lie below a private temporary one.
  const SandboxRoot* best = nullptr;
  for (const SandboxRoot& root : parts_.layout.roots) {
    if (!IsWithin(seen_path, root.seen_path)) continue;
    if (best == nullptr || root.seen_path.size() > best->seen_path.size()) best = &root;
  }

  if (best == nullptr) return seen_path;
  return Rebase(seen_path, best->seen_path, best->disk_path);
}

std::string Sandbox::Keep() {
  parts_.keep = true;
  return parts_.layout.work_area;
}

Status Sandbox::Present(const FileTree& tree) {
  // A root with mount points in it cannot be cleaned from outside, because removing one of them
  // would detach what is mounted there. It is left alone if it is clean already. Otherwise a new
  // view is needed, as it is when something was written to the overlay of $HOME.
  const std::vector<SandboxRoot>& roots = parts_.layout.roots;
  std::vector<bool> leave_alone(roots.size(), false);
  bool new_view = parts_.layout.isolation != Isolation::kNone && !HomeChanges().empty();
  for (size_t i = 0; i < roots.size(); ++i) {
    if (!HoldsMountPoints(*parts_.plan, roots[i])) continue;
    leave_alone[i] =
        IsBare(*parts_.plan, roots[i]) && IsBareInTree(*parts_.plan, roots[i], tree, i);
    new_view = new_view || !leave_alone[i];
  }

  if (new_view) parts_.warden->Kill();

  // A new view has new mounts, without limits.
  if (limited_ && !new_view) {
    for (RootRole where : {RootRole::kJudged, RootRole::kTemporary})
      RETURN_IF_ERROR(LimitSpace(where, SpaceLimit()));
  }

  limited_ = false;

  // In memory the mounts go with the view, so there is nothing to write yet.
  if (!new_view || !in_memory()) RETURN_IF_ERROR(WriteRoots(tree, leave_alone));
  if (home_is_thrown_away() && (new_view || parts_.layout.isolation == Isolation::kNone))
    RETURN_IF_ERROR(ClearDirectory(parts_.layout.home_upper));
  if (!new_view) return {};

  if (!parts_.plan->home_work.empty()) RETURN_IF_ERROR(ClearDirectory(parts_.plan->home_work));
  return parts_.StartView([&]() -> Status {
    RETURN_IF_ERROR(MakePlanned(*parts_.plan));
    return WriteRoots(tree, std::vector<bool>(roots.size(), false));
  });
}

Status Sandbox::WriteRoots(const FileTree& tree, const std::vector<bool>& leave_alone) {
  for (size_t i = 0; i < parts_.layout.roots.size(); ++i) {
    if (leave_alone[i]) continue;
    const std::string& directory = parts_.layout.roots[i].disk_path;
    RETURN_IF_ERROR(ClearDirectory(directory));
    if (i < tree.roots().size()) RETURN_IF_ERROR(WriteTo(tree, directory, i));
  }
  return {};
}

Status Sandbox::LimitSpace(RootRole where, const SpaceLimit& limit) {
  if (!in_memory())
    return Fail("the free space of a sandbox can only be limited when it lies in memory");

  limited_ = true;
  return parts_.warden->LimitMemory(MountOf(where), limit);
}

Result<Space> Sandbox::SpaceUsed(RootRole where) const {
  if (!in_memory()) return Fail("the space used by a sandbox is only known when it lies in memory");

  return MemoryMountUsed(parts_.layout.memory[static_cast<size_t>(MountOf(where))].get());
}

}  // namespace oldornew
