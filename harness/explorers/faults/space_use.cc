#include "explorers/faults/space_use.h"

#include <algorithm>
#include <set>

namespace oldornew {

namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kInlineTarget = 128;  // longer symlink targets take a page (mm/shmem.c)

SpaceUse UseOf(const FileTree& tree, const Trace& trace) {
  SpaceUse use;
  std::set<InodeIndex> seen;
  for (size_t root = 0; root < trace.roots.size() && root < tree.roots().size(); ++root) {
    if (trace.roots[root].role != RootRole::kJudged) continue;
    for (const auto& [path, index] : tree.Walk(root)) {
      ++use.inodes;
      if (!seen.insert(index).second) continue;
      const Inode& inode = tree.at(index);
      if (inode.kind == FileKind::kFile) {
        for (const PageRef& page : inode.content.pages()) use.pages += page != nullptr;
      }
      if (inode.kind == FileKind::kSymlink && inode.target.size() >= kInlineTarget) ++use.pages;
    }
  }
  return use;
}

template <typename T>
std::vector<T> AtMost(const std::vector<T>& all, size_t most) {
  if (all.size() <= most) return all;
  std::vector<T> out;
  for (size_t i = 0; i < most; ++i) out.push_back(all[i * (all.size() - 1) / (most - 1)]);
  return out;
}

}  // namespace

std::vector<SpaceUse> SpaceUseOf(const Trace& trace) {
  LiveTree live(trace);
  std::vector<SpaceUse> out = {UseOf(live.tree(), trace)};
  for (const Op& op : trace.ops) {
    live.Apply(op);
    const bool takes = op.error == 0 && (ChangesNames(op.kind) || ChangesData(op.kind));
    out.push_back(takes ? UseOf(live.tree(), trace) : out.back());
  }
  return out;
}

std::vector<SpaceLimit> FullDisks(const Trace& trace, size_t most) {
  const std::vector<SpaceUse> use = SpaceUseOf(trace);
  std::set<uint64_t> pages;
  uint64_t inodes = 0;
  for (size_t i = 1; i < use.size(); ++i) {
    const uint64_t before = use[i - 1].pages;
    const uint64_t after = use[i].pages;
    inodes = std::max(inodes, use[i].inodes);
    if (after <= before) continue;
    for (const uint64_t total : {before, (before + after) / 2, after - 1}) {
      if (total >= use[0].pages) pages.insert(total - use[0].pages);
    }
  }
  std::vector<SpaceLimit> out;
  for (const uint64_t free : AtMost(std::vector<uint64_t>(pages.begin(), pages.end()), most))
    out.push_back({free * kPage, std::nullopt});
  std::vector<uint64_t> short_of;
  for (uint64_t free = 0; use[0].inodes + free < inodes; ++free) short_of.push_back(free);
  for (const uint64_t free : AtMost(short_of, most / 2)) out.push_back({std::nullopt, free});
  return out;
}

}  // namespace oldornew
