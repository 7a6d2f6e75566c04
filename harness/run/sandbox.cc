#include "run/sandbox.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/check.h"
#include "base/files.h"
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

Sandbox::Sandbox() : plan_(std::make_unique<ViewPlan>()), unwinder_(std::make_unique<Unwinder>()) {}

Sandbox::Sandbox(Sandbox&& other) noexcept { *this = std::move(other); }

// Swaps, so that `other` ends what this sandbox had.
Sandbox& Sandbox::operator=(Sandbox&& other) noexcept {
  std::swap(layout_, other.layout_);
  std::swap(keep_, other.keep_);
  std::swap(limited_, other.limited_);
  std::swap(plan_, other.plan_);
  std::swap(warden_, other.warden_);
  std::swap(unwinder_, other.unwinder_);
  return *this;
}

Sandbox::~Sandbox() {
  if (warden_) warden_->Stop(!keep_);

  // Again, in case there was no keeper or it failed.
  if (!layout_.work_area.empty() && !keep_) (void)RemoveTree(layout_.work_area);
}

Result<Sandbox> Sandbox::Create(const SandboxSpec& spec) {
  ASSIGN_OR_RETURN(JudgedDirectories judged, ResolveJudged(spec));
  return SandboxBuilder(spec, std::move(judged)).Build();
}

std::vector<std::string> Sandbox::HomeChanges() const {
  const std::string& upper = layout_.home_upper;
  return upper.empty() ? std::vector<std::string>{} : LeavesBelow(upper);
}

std::string Sandbox::seen_recorder_path() const {
  return layout_.isolation == Isolation::kNone ? layout_.recorder_path : kRecorderMount;
}

std::string Sandbox::OnDisk(const std::string& seen_path) const {
  // The innermost root that holds it: a judged directory may lie below a private temporary one.
  const SandboxRoot* best = nullptr;
  for (const SandboxRoot& root : layout_.roots) {
    if (!IsWithin(seen_path, root.seen_path)) continue;
    if (best == nullptr || root.seen_path.size() > best->seen_path.size()) best = &root;
  }

  if (best == nullptr) return seen_path;
  return Rebase(seen_path, best->seen_path, best->disk_path);
}

std::string Sandbox::Keep() {
  keep_ = true;
  return layout_.work_area;
}

Status Sandbox::StartView(const std::function<Status()>& fill) {
  // The new mounts take the descriptor numbers of the old ones, because paths lead through these.
  const auto take_over = [&](const std::vector<UniqueFd>& mounts) -> Status {
    CHECK(mounts.size() == layout_.memory.size());
    for (size_t i = 0; i < mounts.size(); ++i) {
      if (dup3(mounts[i].get(), layout_.memory[i].get(), O_CLOEXEC) < 0)
        return Fail("cannot keep a descriptor: {}", ErrnoText(errno));
    }
    return fill();
  };

  ASSIGN_OR_RETURN(warden_, Warden::Start(*plan_, take_over));
  return {};
}

Status Sandbox::Present(const FileTree& tree) {
  // A root with mount points in it cannot be cleaned from outside, because removing one of them
  // would detach what is mounted there. It is left alone if it is clean already. Otherwise a new
  // view is needed, as it is when something was written to the overlay of $HOME.
  const std::vector<SandboxRoot>& roots = layout_.roots;
  std::vector<bool> leave_alone(roots.size(), false);
  bool new_view = layout_.isolation != Isolation::kNone && !HomeChanges().empty();
  for (size_t i = 0; i < roots.size(); ++i) {
    if (!HoldsMountPoints(*plan_, roots[i])) continue;
    leave_alone[i] = IsBare(*plan_, roots[i]) && IsBareInTree(*plan_, roots[i], tree, i);
    new_view = new_view || !leave_alone[i];
  }

  if (new_view) warden_->Kill();

  // A new view has new mounts, without limits.
  if (limited_ && !new_view) {
    for (RootRole where : {RootRole::kJudged, RootRole::kTemporary})
      RETURN_IF_ERROR(LimitSpace(where, SpaceLimit()));
  }

  limited_ = false;

  // In memory the mounts go with the view, so there is nothing to write yet.
  if (!new_view || !in_memory()) RETURN_IF_ERROR(WriteRoots(tree, leave_alone));
  if (home_is_thrown_away() && (new_view || layout_.isolation == Isolation::kNone))
    RETURN_IF_ERROR(ClearDirectory(layout_.home_upper));
  if (!new_view) return {};

  if (!plan_->home_work.empty()) RETURN_IF_ERROR(ClearDirectory(plan_->home_work));
  return StartView([&]() -> Status {
    RETURN_IF_ERROR(MakePlanned(*plan_));
    return WriteRoots(tree, std::vector<bool>(roots.size(), false));
  });
}

Status Sandbox::WriteRoots(const FileTree& tree, const std::vector<bool>& leave_alone) {
  for (size_t i = 0; i < layout_.roots.size(); ++i) {
    if (leave_alone[i]) continue;
    const std::string& directory = layout_.roots[i].disk_path;
    RETURN_IF_ERROR(ClearDirectory(directory));
    if (i < tree.roots().size()) RETURN_IF_ERROR(WriteTo(tree, directory, i));
  }
  return {};
}

Status Sandbox::LimitSpace(RootRole where, const SpaceLimit& limit) {
  if (!in_memory())
    return Fail("the free space of a sandbox can only be limited when it lies in memory");

  limited_ = true;
  return warden_->LimitMemory(MountOf(where), limit);
}

Result<Space> Sandbox::SpaceUsed(RootRole where) const {
  if (!in_memory()) return Fail("the space used by a sandbox is only known when it lies in memory");

  return MemoryMountUsed(layout_.memory[static_cast<size_t>(MountOf(where))].get());
}

}  // namespace oldornew
