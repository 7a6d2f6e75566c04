#include "model/untouched.h"

namespace oldornew {

Untouched::Untouched(const Trace& trace, const std::vector<bool>& touched,
                     const NameTimelines& names)
    : quiet_(trace.objects.size(), false) {
  const FileTree& old_tree = trace.old_tree;
  enum : char { kNew, kOpen, kDone };
  std::vector<char> state(old_tree.size(), kNew);

  for (size_t start = 0; start < old_tree.size(); ++start) {
    // Depth first with a stack of its own, since trees can be deep: children before parents.
    std::vector<size_t> stack = {start};
    while (!stack.empty()) {
      const size_t at = stack.back();
      const Inode& inode = old_tree.at(static_cast<InodeIndex>(at));
      if (state[at] == kNew) {
        state[at] = kOpen;
        for (const auto& [name, child] : inode.entries) {
          if (state[static_cast<size_t>(child)] == kNew)
            stack.push_back(static_cast<size_t>(child));
        }
        continue;
      }
      stack.pop_back();
      if (state[at] == kDone) continue;
      state[at] = kDone;

      bool quiet = !touched[at];
      for (const auto& [name, child] : inode.entries)
        quiet = quiet && quiet_[static_cast<size_t>(child)];
      quiet_[at] = quiet;
      if (quiet) continue;

      const auto dir = static_cast<ObjectId>(at);
      for (const auto& [name, child] : inode.entries) {
        if (!Quiet(child) || names.Changed(dir, name)) lively_[dir].emplace_back(name, child);
      }
    }
  }
}

const Untouched::Entries& Untouched::Lively(ObjectId dir) const {
  static const Entries none;
  const auto found = lively_.find(dir);
  return found == lively_.end() ? none : found->second;
}

}  // namespace oldornew
