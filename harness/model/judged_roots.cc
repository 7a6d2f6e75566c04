#include "model/judged_roots.h"

namespace oldornew {

bool IsJudgedRoot(const Trace& trace, size_t root) {
  return root >= trace.roots.size() || trace.roots[root].role == RootRole::kJudged;
}

std::vector<size_t> JudgedDevices(const History& history) {
  const Trace& trace = history.trace();
  const auto& roots = trace.old_tree.roots();
  const auto has_judged_root = [&](uint64_t device) {
    for (size_t root = 0; root < roots.size(); ++root) {
      if (IsJudgedRoot(trace, root) && history.DeviceOf(roots[root]) == device) return true;
    }
    return false;
  };

  std::vector<size_t> out;
  for (size_t d = 0; d < history.devices().size(); ++d) {
    if (has_judged_root(history.devices()[d])) out.push_back(d);
  }
  return out;
}

FileTree EmptyRoots(const Trace& trace) {
  FileTree tree;  // has root 0 already
  for (size_t root = 0; root < trace.old_tree.roots().size(); ++root) {
    if (root > 0) {
      Inode directory;
      directory.kind = FileKind::kDirectory;
      tree.AddRoot(tree.Add(std::move(directory)));
    }

    const Inode& old_root = trace.old_tree.at(trace.old_tree.roots()[root]);
    Inode& inode = tree.at(tree.roots()[root]);
    inode.mode = old_root.mode;
    inode.uid = old_root.uid;
    inode.gid = old_root.gid;
  }

  return tree;
}

}  // namespace oldornew
