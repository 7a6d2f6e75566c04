#include "trace/trace.h"

#include <algorithm>

namespace oldornew {

namespace {

void AddTree(const FileTree& tree, Hasher* hasher) {
  for (const InodeIndex root : tree.roots()) hasher->Add(tree.KeyDigest(root, /*attributes=*/true));
}

void AddOp(const Op& op, Hasher* hasher) {
  hasher->Add(static_cast<uint64_t>(op.kind)).Add(op.flags).Add(static_cast<uint64_t>(op.error));
  hasher->Add(static_cast<uint64_t>(op.object)).Add(static_cast<uint64_t>(op.dir)).Add(op.name);
  hasher->Add(static_cast<uint64_t>(op.dir2)).Add(op.name2).Add(static_cast<uint64_t>(op.replaced));
  hasher->Add(static_cast<uint64_t>(op.extra)).Add(op.offset).Add(op.length);
  hasher->Add(op.size_before).Add(op.size_after).Add(op.mode).Add(op.uid).Add(op.gid).Add(op.key);
  hasher->Add(op.path2);
  if (op.told != 0) hasher->Add(static_cast<uint64_t>(op.told));
}

}  // namespace

bool Trace::CanBeJudged() const {
  return std::all_of(obstacles.begin(), obstacles.end(), [](const Obstacle& obstacle) {
    return obstacle.kind == Obstacle::Kind::kUnproven;
  });
}

Digest Trace::Identity() const {
  Hasher hasher;
  for (const std::string& word : command) hasher.Add(word);
  AddTree(old_tree, &hasher);
  AddTree(new_tree, &hasher);
  for (const Op& op : ops) AddOp(op, &hasher);
  hasher.Add(HashBytes(payload));
  return hasher.Finish();
}

}  // namespace oldornew
