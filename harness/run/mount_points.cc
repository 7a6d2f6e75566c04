#include "run/mount_points.h"

#include <algorithm>
#include <string>

#include "base/text.h"
#include "run/places.h"

namespace oldornew {
namespace {

/// True when the target of a mount of the view, $HOME included, satisfies `matches`.
template <typename Matches>
bool AnyTarget(const ViewPlan& plan, Matches matches) {
  if (!plan.home.empty() && matches(plan.home)) return true;
  return std::any_of(plan.mounts.begin(), plan.mounts.end(),
                     [&](const ViewMount& mount) { return matches(mount.target); });
}

}  // namespace

bool HoldsMountPoints(const ViewPlan& plan, const SandboxRoot& root) {
  if (!plan.home.empty() && IsWithin(plan.home, root.seen_path)) return true;
  return std::any_of(plan.mounts.begin(), plan.mounts.end(), [&](const ViewMount& mount) {
    return mount.target != root.seen_path && IsWithin(mount.target, root.seen_path);
  });
}

bool IsBare(const ViewPlan& plan, const SandboxRoot& root) {
  for (const std::string& leaf : LeavesBelow(root.disk_path)) {
    const std::string seen = JoinPath(root.seen_path, leaf);
    if (!AnyTarget(plan, [&](const std::string& target) { return target == seen; })) return false;
  }
  return true;
}

bool IsBareInTree(const ViewPlan& plan, const SandboxRoot& root, const FileTree& tree, size_t i) {
  if (i >= tree.roots().size()) return true;
  for (const auto& [path, inode] : tree.Walk(i)) {
    if (path.empty()) continue;
    const std::string seen = JoinPath(root.seen_path, path);
    if (!AnyTarget(plan, [&](const std::string& target) { return IsWithin(target, seen); }))
      return false;
  }
  return true;
}

}  // namespace oldornew
