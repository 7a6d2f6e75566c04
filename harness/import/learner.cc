#include "import/learner.h"

#include <sys/stat.h>

#include <algorithm>
#include <tuple>

#include "base/text.h"
#include "import/symbols.h"
#include "interpose/strace_value.h"

namespace oldornew::replay {

namespace {

std::string Placeholder(const std::string& name, size_t number, uint64_t size) {
  const std::string unit = fmt::format("(old bytes of {}, not in the log, {}) ", name, number);
  std::string out;
  while (out.size() < size) out += unit;
  out.resize(size);
  return out;
}

}  // namespace

FileTree TreeOf(const std::vector<OldEntry>& old) {
  constexpr uint64_t kAssumedSize = 4096;
  constexpr uint64_t kMostBytes = uint64_t{1} << 30;  // a size that only a damaged log could tell
  FileTree tree;
  for (size_t i = 0; i < old.size(); ++i) {
    const OldEntry& entry = old[i];
    Inode inode;
    inode.kind = entry.kind;
    inode.mode = entry.mode.value_or(entry.kind == FileKind::kDirectory ? 0755
                                     : entry.kind == FileKind::kSymlink ? 0777
                                                                        : 0644);
    inode.target = entry.target;
    if (entry.kind == FileKind::kFile) {
      const uint64_t size =
          std::min(entry.size.value_or(entry.prefix.size() + kAssumedSize), kMostBytes);
      const std::string shown = entry.prefix.substr(0, size);
      inode.content = Content::FromBytes(shown + Placeholder(entry.name, i, size - shown.size()));
    }
    const InodeIndex index = tree.Add(std::move(inode));
    Inode& dir = tree.at(static_cast<InodeIndex>(entry.dir));
    // What was taken for a directory and turned out to be a symlink has no names: they are found
    // again where it leads.
    if (dir.kind == FileKind::kDirectory) dir.entries[entry.name] = index;
  }

  return tree;
}

Learner::Learner(const Knowledge& knowledge, bool log_tells, FileTree* old_tree, World* world)
    : knowledge_(knowledge),
      learnt_(knowledge),
      log_tells_(log_tells),
      old_tree_(*old_tree),
      world_(*world) {
  for (size_t i = 0; log_tells && i < knowledge.old.size(); ++i) {
    const OldEntry& entry = knowledge.old[i];
    World::Facts& facts = world_.facts(static_cast<InodeIndex>(i + 1));
    facts.size_known = entry.size.has_value();
    facts.bytes_known = entry.size.has_value() && entry.prefix.size() >= *entry.size;
    if (entry.kind == FileKind::kFile && !facts.bytes_known) placeholders_.insert(entry.name);
  }

  if (!knowledge.owner || !log_tells) return;
  for (size_t i = 0; i < old_tree->size(); ++i) {
    const auto index = static_cast<InodeIndex>(i);
    for (Inode* inode : {&old_tree->at(index), &world_.at(index)})
      std::tie(inode->uid, inode->gid) = *knowledge.owner;
  }
}

OldEntry* Learner::OldOf(InodeIndex inode) {
  if (!log_tells_ || inode <= 0) return nullptr;
  const auto index = static_cast<size_t>(inode);
  if (index < old_tree_.size()) return &learnt_.old[index - 1];
  const auto found = discovered_.find(inode);
  return found == discovered_.end() ? nullptr : &learnt_.old[found->second];
}

void Learner::TakeDiscoveries() {
  const auto& all = world_.discoveries();
  for (; discoveries_taken_ < all.size(); ++discoveries_taken_) {
    const World::Discovery& discovery = all[discoveries_taken_];
    OldEntry entry;
    const auto dir = discovered_.find(discovery.dir);
    entry.dir = dir != discovered_.end() ? dir->second + 1 : static_cast<size_t>(discovery.dir);
    entry.name = discovery.name;
    entry.kind = world_.at(discovery.inode).kind;
    discovered_[discovery.inode] = learnt_.old.size();
    learnt_.old.push_back(std::move(entry));
    again_ = true;
  }

  const auto& turned = world_.turned_into_directories();
  for (; turned_taken_ < turned.size(); ++turned_taken_) {
    OldEntry* old = OldOf(turned[turned_taken_]);
    if (old == nullptr) continue;
    old->kind = FileKind::kDirectory;
    again_ = true;
  }
}

void Learner::LearnBytes(InodeIndex inode, uint64_t offset, const std::string& bytes, bool end) {
  const World::Facts& facts = world_.facts(inode);
  if (!bytes.empty() && facts.assumed_new_by >= 0 && facts.size == 0) {
    learnt_.not_created.insert(static_cast<size_t>(facts.assumed_new_by));
    again_ = true;
  }

  OldEntry* old = OldOf(inode);
  if (facts.touched || old == nullptr || old->kind != FileKind::kFile) return;
  if (offset == old->prefix.size() && !bytes.empty()) {
    old->prefix += bytes;
    again_ = true;
  }

  if (end && !old->size) {
    old->size = offset + bytes.size();
    again_ = true;
  }
}

void Learner::LearnStat(InodeIndex inode, std::string_view stat, const char* prefix) {
  const auto field = [&](const char* name) {
    return PrintedField(stat, fmt::format("{}{}", prefix, name));
  };
  const auto mode_text = field("mode");
  const auto mode = mode_text ? PrintedFlags(*mode_text, StatModes()) : std::nullopt;
  World::Facts& facts = world_.facts(inode);
  if (!mode) return;
  const auto permissions = static_cast<uint32_t>(*mode) & 07777;
  if (facts.mode_is_asked && facts.judged && !knowledge_.umask) {
    // What the mode lacks of what was asked for is the umask; the rest of it is taken as usual.
    const uint32_t taken = facts.asked_mode & ~permissions;
    const uint32_t umask = taken | (022 & ~facts.asked_mode);
    if (umask != 022 || permissions != world_.at(inode).mode) learnt_.umask = umask;
    again_ = again_ || learnt_.umask != knowledge_.umask;
  }

  const auto size_text = field("size");
  const int64_t size = size_text ? PrintedNumber(*size_text).value_or(-1) : -1;
  if (facts.assumed_new_by >= 0 && size > 0 && facts.size == 0) {
    learnt_.not_created.insert(static_cast<size_t>(facts.assumed_new_by));
    again_ = true;
  }

  OldEntry* old = OldOf(inode);
  if (facts.touched || old == nullptr) return;
  if (static_cast<size_t>(inode) >= old_tree_.size() || !old->mode) {
    const FileKind kind = KindOf(static_cast<uint32_t>(*mode));
    again_ = again_ || !old->mode;
    if ((*mode & S_IFMT) != 0) old->kind = kind;
    old->mode = permissions;
  }

  if (size >= 0 && !old->size && old->kind == FileKind::kFile) {
    old->size = static_cast<uint64_t>(size);
    again_ = true;
  }
}

void Learner::LearnSize(InodeIndex inode, uint64_t size) {
  OldEntry* old = OldOf(inode);
  if (old == nullptr || old->size) return;
  old->size = size;
  again_ = true;
}

bool Learner::LearnSymlink(InodeIndex inode, const std::string& target, bool first_only) {
  OldEntry* old = OldOf(inode);
  if (old == nullptr || (first_only && !old->target.empty())) return false;
  old->kind = FileKind::kSymlink;
  old->target = target;
  again_ = true;
  return true;
}

void Learner::LearnUmask(uint32_t umask) {
  learnt_.umask = umask;
  again_ = true;
}

void Learner::LearnOwnersAndModes(const FileTree& new_tree) {
  if (again_) return;
  std::set<std::pair<uint32_t, uint32_t>> owners;
  std::set<uint32_t> umasks;
  for (const auto& [path, inode] : world_.tree().Walk(0)) {
    if (static_cast<size_t>(inode) < old_tree_.size() || !world_.facts(inode).judged) continue;
    const auto real = new_tree.Lookup(path);
    if (!real) continue;
    const Inode& now = new_tree.at(*real);
    owners.insert({now.uid, now.gid});
    const World::Facts& facts = world_.facts(inode);
    if (facts.mode_is_asked)
      umasks.insert((facts.asked_mode & ~now.mode & 0777) | (022 & ~facts.asked_mode));
  }

  if (!knowledge_.owner && owners.size() == 1) {
    const Inode& root = world_.at(0);
    if (*owners.begin() != std::pair(root.uid, root.gid))
      learnt_.owner = *owners.begin(), again_ = true;
  }

  if (!knowledge_.umask && umasks.size() == 1 && *umasks.begin() != 022)
    learnt_.umask = *umasks.begin(), again_ = true;
}

}  // namespace oldornew::replay
