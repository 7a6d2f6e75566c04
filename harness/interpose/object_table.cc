#include "interpose/object_table.h"

#include <algorithm>

#include "base/text.h"

namespace oldornew {

ObjectTable::ObjectTable(const CapturedTree& old_tree, Trace* trace) : trace_(trace) {
  const FileTree& tree = old_tree.tree;
  trace_->objects.clear();
  names_.resize(tree.size());
  for (size_t i = 0; i < tree.size(); i++) {
    auto inode = static_cast<InodeIndex>(i);
    DiskId disk = i < old_tree.ids.size() ? old_tree.ids[i] : DiskId{};
    trace_->objects.push_back({tree.at(inode).kind, disk, -1});
    if (disk.ino != 0) by_id_[disk] = inode;
  }

  for (size_t i = 0; i < tree.size(); i++) {
    auto inode = static_cast<InodeIndex>(i);
    for (const auto& [name, child] : tree.at(inode).entries) AddName(inode, name, child);
  }

  for (size_t i = 0; i < tree.roots().size(); i++) roots_[tree.roots()[i]] = i;
}

ObjectId ObjectTable::Find(uint64_t dev, uint64_t ino) const {
  auto found = by_id_.find(DiskId{dev, ino});
  return found == by_id_.end() ? kNoObject : found->second;
}

ObjectId ObjectTable::Find(const wire::FileState& state) const {
  return state.mode == 0 ? kNoObject : Find(state.dev, state.ino);
}

ObjectId ObjectTable::At(ObjectId dir, const std::string& name) const {
  auto found = entries_.find({dir, name});
  return found == entries_.end() ? kNoObject : found->second;
}

ObjectId ObjectTable::RootOnDevice(uint64_t dev) const {
  for (const auto& [object, number] : roots_) {
    if (trace_->objects[static_cast<size_t>(object)].disk.dev == dev) return object;
  }
  return kNoObject;
}

bool ObjectTable::OnRootDevice(uint64_t dev) const { return RootOnDevice(dev) != kNoObject; }

ObjectId ObjectTable::Create(const wire::FileState& state) {
  auto object = static_cast<ObjectId>(trace_->objects.size());
  trace_->objects.push_back({KindOf(state.mode), {state.dev, state.ino}, -1});
  names_.emplace_back();
  if (state.ino != 0) by_id_[{state.dev, state.ino}] = object;
  return object;
}

void ObjectTable::Forget(const wire::FileState& state) { by_id_.erase({state.dev, state.ino}); }

void ObjectTable::AddName(ObjectId dir, const std::string& name, ObjectId object) {
  RemoveName(dir, name);
  entries_[{dir, name}] = object;
  Names& names = names_[static_cast<size_t>(object)];
  names.links.emplace_back(dir, name);
  names.last = {dir, name};
}

void ObjectTable::RemoveName(ObjectId dir, const std::string& name) {
  auto found = entries_.find({dir, name});
  if (found == entries_.end()) return;
  auto& links = names_[static_cast<size_t>(found->second)].links;
  links.erase(std::remove(links.begin(), links.end(), std::pair(dir, name)), links.end());
  entries_.erase(found);
}

std::optional<size_t> ObjectTable::RootOf(ObjectId object) const {
  for (int depth = 0; depth < 4096 && object != kNoObject; depth++) {
    auto root = roots_.find(object);
    if (root != roots_.end()) return root->second;
    const Names& names = names_[static_cast<size_t>(object)];
    object = names.links.empty() ? names.last.first : names.links.back().first;
  }
  return std::nullopt;
}

bool ObjectTable::HasName(ObjectId object) const {
  return roots_.count(object) != 0 || !names_[static_cast<size_t>(object)].links.empty();
}

std::string ObjectTable::Path(ObjectId object) const {
  if (object == kNoObject) return "";
  std::string path;
  for (int depth = 0; depth < 4096; depth++) {
    auto root = roots_.find(object);
    if (root != roots_.end()) {
      std::string base = root->second == 0 ? ""
                         : root->second < trace_->roots.size()
                             ? trace_->roots[root->second].path
                             : "root " + std::to_string(root->second);
      if (path.empty()) return base.empty() ? "." : base;
      return base.empty() ? path : JoinPath(base, path);
    }
    const Names& names = names_[static_cast<size_t>(object)];
    const auto& [dir, name] = names.links.empty() ? names.last : names.links.back();
    if (dir == kNoObject) return path.empty() ? "(unnamed)" : "(unnamed)/" + path;
    path = path.empty() ? name : name + "/" + path;
    object = dir;
  }

  return path;
}

std::string ObjectTable::Path(ObjectId dir, const std::string& name) const {
  if (dir == kNoObject) return name;
  std::string base = Path(dir);
  return base == "." ? name : JoinPath(base, name);
}

}  // namespace oldornew
