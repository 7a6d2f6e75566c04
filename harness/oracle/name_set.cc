#include "oracle/name_set.h"

#include <algorithm>

#include "oracle/end_state.h"
#include "oracle/ended_run.h"
#include "oracle/watch.h"

namespace oldornew {

void NameSet::Learn(const Trace& trace, const std::string& path) {
  paths_.insert(path);
  patterns_.insert(pattern_(trace, path));
}

void NameSet::LearnThere(const Trace& trace) {
  for (const FileTree* tree : {&trace.old_tree, &trace.new_tree}) {
    for (size_t root = 0; root < trace.roots.size() && root < tree->roots().size(); ++root) {
      for (const auto& [path, inode] : tree->Walk(root))
        Learn(trace, ShowPlace(trace, {root, path}));
    }
  }
}

void NameSet::LearnTouched(const Trace& trace) {
  for (const Op& op : trace.ops) {
    if (op.error != 0 || !ChangesTree(op.kind)) continue;
    for (const std::string* path : {&op.path, &op.path2}) {
      if (!path->empty()) Learn(trace, *path);
    }
  }
}

void NameSet::LearnChanged(const Trace& trace) {
  for (const std::string& path : ChangedPaths(trace)) Learn(trace, path);
}

bool NameSet::Has(const Trace& trace, const std::string& path) const {
  return patterns_.contains(pattern_(trace, path));
}

bool NameSet::Covers(const std::string& path,
                     const std::function<bool(const std::string& top)>& holds) const {
  return std::any_of(paths_.begin(), paths_.end(), [&](const std::string& top) {
    return IsOrBelow(path, top) && (!holds || holds(top));
  });
}

}  // namespace oldornew
