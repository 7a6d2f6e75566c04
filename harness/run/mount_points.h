// Mount points: what a view mounts inside the roots of a sandbox. Removing a mount point from
// outside would detach what is mounted there, so whoever cleans a root has to know them.
#pragma once

#include "run/sandbox_layout.h"
#include "run/view.h"
#include "tree/file_tree.h"

namespace oldornew {

/// True when something else is mounted below `root`.
bool HoldsMountPoints(const ViewPlan& plan, const SandboxRoot& root);

/// True when `root` holds nothing but mount points.
bool IsBare(const ViewPlan& plan, const SandboxRoot& root);

/// True when root `i` of `tree`, put into `root`, would hold nothing but directories that lead to
/// mount points. A root that the tree does not have is bare.
bool IsBareInTree(const ViewPlan& plan, const SandboxRoot& root, const FileTree& tree, size_t i);

}  // namespace oldornew
