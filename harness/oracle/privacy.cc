#include "oracle/privacy.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/text.h"
#include "tree/acl.h"

namespace oldornew {

namespace {

constexpr int64_t kStranger = -2;  // A user whom nothing names.
constexpr int64_t kNoGroup = -1;

std::vector<AclEntry> AclOf(const Inode& inode) {
  const auto found = inode.xattrs.find(kAccessAcl);
  return found == inode.xattrs.end() ? std::vector<AclEntry>{} : ParseAcl(found->second);
}

// acl(5), "ACCESS CHECK ALGORITHM".
bool AclPermits(const Inode& inode, const std::vector<AclEntry>& acl, int64_t uid, int64_t gid,
                uint32_t want) {
  uint32_t mask = 7;
  uint32_t other = inode.mode & 7;
  for (const AclEntry& entry : acl) {
    if (entry.tag == AclTag::kMask) mask = entry.permissions;
    if (entry.tag == AclTag::kOther) other = entry.permissions;
  }
  for (const AclEntry& entry : acl) {
    if (entry.tag == AclTag::kUser && entry.id == uid)
      return (entry.permissions & mask & want) == want;
  }
  bool in_group = false;
  for (const AclEntry& entry : acl) {
    const bool member = (entry.tag == AclTag::kGroupObject && gid == inode.gid) ||
                        (entry.tag == AclTag::kGroup && gid == entry.id);
    if (!member) continue;
    in_group = true;
    if ((entry.permissions & mask & want) == want) return true;
  }
  return !in_group && (other & want) == want;
}

}  // namespace

bool Permits(const Inode& inode, int64_t uid, int64_t gid, uint32_t want) {
  if (uid == inode.uid) return (inode.mode >> 6 & want) == want;
  if (const auto acl = AclOf(inode); !acl.empty()) return AclPermits(inode, acl, uid, gid, want);
  const uint32_t shift = gid == inode.gid ? 3 : 0;
  return (inode.mode >> shift & want) == want;
}

namespace {

struct Principal {
  int64_t uid = kStranger;
  int64_t gid = kNoGroup;
  auto operator<=>(const Principal&) const = default;
};

std::string Name(const Principal& who) {
  if (who.gid != kNoGroup) return fmt::format("group {}", who.gid);
  return who.uid == kStranger ? "everyone" : fmt::format("user {}", who.uid);
}

using NamedBy = std::set<std::pair<ObjectId, std::string>>;

// All names of all objects, kept up to date along the run.
class Names {
 public:
  explicit Names(const FileTree& tree) {
    for (size_t i = 0; i < tree.size(); ++i) {
      for (const auto& [name, child] : tree.at(static_cast<InodeIndex>(i)).entries)
        names_[child].emplace(static_cast<ObjectId>(i), name);
    }
  }
  // Reads what the op did to the directories it names from the tree after it.
  void Update(const Op& op, const FileTree& tree) {
    for (const auto& [dir, name] : {std::pair{op.dir, op.name}, std::pair{op.dir2, op.name2}}) {
      if (dir == kNoObject) continue;
      for (const ObjectId object : {op.object, op.replaced, op.extra}) {
        if (object != kNoObject) names_[object].erase({dir, name});
      }
      const auto entry = tree.at(dir).entries.find(name);
      if (entry != tree.at(dir).entries.end()) names_[entry->second].emplace(dir, name);
    }
  }
  const NamedBy& Of(ObjectId object) const {
    static const NamedBy kNone;
    const auto found = names_.find(object);
    return found == names_.end() ? kNone : found->second;
  }

 private:
  std::map<ObjectId, NamedBy> names_;
};

class Watcher {
 public:
  explicit Watcher(const Trace& trace)
      : trace_(trace), live_(trace), names_(trace.old_tree), end_(trace) {
    for (const Op& op : trace.ops) end_.Apply(op);
    ListRoots();
    ListPersistent();
    ListPrincipals();
  }

  std::vector<Exposure> Run() {
    if (!restricted_) return {};
    for (uint32_t i = 0; i < trace_.ops.size(); ++i) {
      const Op& op = trace_.ops[i];
      if (op.error != 0 || (op.flags & kFlagInFlight)) continue;
      live_.Apply(op);
      names_.Update(op, live_.tree());
      LookAfter(op, i);
    }
    std::vector<Exposure> out;
    for (auto& [object, exposure] : found_) {
      if (open_.contains(object)) exposure.last_point = static_cast<uint32_t>(trace_.ops.size());
      out.push_back(std::move(exposure));
    }
    std::sort(out.begin(), out.end(), [](const Exposure& a, const Exposure& b) {
      return std::tuple(a.first_point, a.path) < std::tuple(b.first_point, b.path);
    });
    return out;
  }

 private:
  // A file that stays: its versions, and the directories above it as they were and are.
  struct Persistent {
    Place place;
    const Inode* before = nullptr;
    const Inode* after = nullptr;
    std::vector<const Inode*> above_before;
    std::vector<const Inode*> above_after;
  };

  void ListRoots() {
    for (size_t root = 0; root < trace_.roots.size() && root < trace_.old_tree.roots().size();
         ++root)
      root_of_[trace_.old_tree.roots()[root]] = root;
  }

  static std::vector<const Inode*> Above(const FileTree& tree, const Place& place) {
    std::vector<const Inode*> out = {&tree.at(tree.roots()[place.root])};
    InodeIndex at = tree.roots()[place.root];
    const std::vector<std::string> parts = Split(place.path, '/');
    for (size_t i = 0; i + 1 < parts.size(); ++i) {
      at = tree.at(at).entries.at(parts[i]);
      out.push_back(&tree.at(at));
    }
    return out;
  }

  void ListPersistent() {
    for (const FileTree* tree : {&trace_.old_tree, &end_.tree()}) {
      const bool old = tree == &trace_.old_tree;
      for (const auto& [directory, root] : root_of_) {
        if (trace_.roots[root].role != RootRole::kJudged) continue;
        for (const auto& [path, index] : tree->Walk(root)) {
          if (tree->at(index).kind != FileKind::kFile) continue;
          Persistent& p = persistent_[{root, path}];
          p.place = {root, path};
          (old ? p.before : p.after) = &tree->at(index);
          (old ? p.above_before : p.above_after) = Above(*tree, p.place);
          by_object_[index].push_back({root, path});
        }
      }
    }
    for (const auto& [key, p] : persistent_) restricted_ |= !Allows(p, Principal{});
  }

  // Users and groups that anything names: nobody else can be told from a stranger. A file that is
  // made is as old as the op that made it says.
  void ListPrincipals() {
    std::set<int64_t> users;
    std::set<int64_t> groups;
    std::set<int64_t> own = {0};
    const auto add = [&](const Inode& inode) {
      users.insert(inode.uid);
      groups.insert(inode.gid);
      for (const AclEntry& entry : AclOf(inode)) {
        if (entry.tag == AclTag::kUser) users.insert(entry.id);
        if (entry.tag == AclTag::kGroup) groups.insert(entry.id);
      }
    };
    for (const FileTree* tree : {&trace_.old_tree, &end_.tree()}) {
      for (size_t i = 0; i < tree->size(); ++i) add(tree->at(static_cast<InodeIndex>(i)));
    }
    for (const Op& op : trace_.ops) {
      if (op.kind != OpKind::kCreate && op.kind != OpKind::kSetAttributes) continue;
      users.insert(op.uid);
      groups.insert(op.gid);
      if (op.kind == OpKind::kCreate) own.insert(op.uid);
    }
    principals_.push_back({kStranger, kNoGroup});
    for (const int64_t gid : groups) principals_.push_back({kStranger, gid});
    for (const int64_t uid : users) {
      if (!own.contains(uid)) principals_.push_back({uid, kNoGroup});
    }
  }

  static bool Reaches(const std::vector<const Inode*>& above, const Inode& file,
                      const Principal& who) {
    constexpr uint32_t kSearch = 1;
    constexpr uint32_t kRead = 4;
    const auto open = [&](const Inode* dir) { return Permits(*dir, who.uid, who.gid, kSearch); };
    return std::all_of(above.begin(), above.end(), open) && Permits(file, who.uid, who.gid, kRead);
  }

  static bool Allows(const Persistent& p, const Principal& who) {
    return (p.before != nullptr && Reaches(p.above_before, *p.before, who)) ||
           (p.after != nullptr && Reaches(p.above_after, *p.after, who));
  }

  // The files below an inode, itself included.
  void FilesBelow(InodeIndex i, std::set<ObjectId>* out) const {
    const Inode& inode = live_.tree().at(i);
    if (inode.kind == FileKind::kFile) out->insert(i);
    for (const auto& [name, child] : inode.entries) FilesBelow(child, out);
  }

  void LookAfter(const Op& op, uint32_t index) {
    if (!ChangesTree(op.kind)) return;
    std::set<ObjectId> touched;
    for (const ObjectId object : {op.object, op.replaced}) {
      if (object != kNoObject) FilesBelow(object, &touched);
    }
    for (const ObjectId object : touched) LookAt(object, index);
  }

  // Every path by which the object can be reached now, with the directories above it.
  std::vector<std::pair<std::string, std::vector<const Inode*>>> PathsOf(ObjectId object) const {
    std::vector<std::pair<std::string, std::vector<const Inode*>>> out;
    for (const auto& [dir, name] : names_.Of(object)) {
      std::string path = name;
      std::vector<const Inode*> above;
      ObjectId at = dir;
      for (int depth = 0; depth < 4096; ++depth) {
        above.push_back(&live_.tree().at(at));
        if (const auto root = root_of_.find(at); root != root_of_.end()) {
          out.emplace_back(ShowPlace(trace_, {root->second, path}), above);
          break;
        }
        const NamedBy& up = names_.Of(at);
        if (up.empty()) break;
        path = JoinPath(up.begin()->second, path);
        at = up.begin()->first;
      }
    }
    return out;
  }

  // Whoever can read the object by one of its names, with that name.
  std::vector<std::pair<Principal, std::string>> ReadersOf(ObjectId object,
                                                           const Inode& file) const {
    std::vector<std::pair<Principal, std::string>> out;
    if (file.content.empty()) return out;
    const auto paths = PathsOf(object);
    for (const Principal& who : principals_) {
      const auto open = std::find_if(paths.begin(), paths.end(), [&](const auto& path) {
        return Reaches(path.second, file, who);
      });
      if (open != paths.end()) out.emplace_back(who, open->first);
    }
    return out;
  }

  void LookAt(ObjectId object, uint32_t index) {
    const Inode& file = live_.tree().at(object);
    const auto readers = ReadersOf(object, file);
    const auto owners = readers.empty() ? std::vector<const Persistent*>{} : OwnersOf(object, file);
    const auto too_many = std::find_if(readers.begin(), readers.end(), [&](const auto& reader) {
      return !owners.empty() &&
             std::none_of(owners.begin(), owners.end(),
                          [&](const Persistent* p) { return Allows(*p, reader.first); });
    });
    if (too_many == readers.end()) {
      if (open_.erase(object) > 0) found_.at(object).last_point = index;
      return;
    }
    if (!open_.insert(object).second || found_.contains(object)) return;
    Exposure& exposure = found_[object];
    exposure.subject = ShowPlace(trace_, owners[0]->place);
    exposure.path = too_many->second;
    exposure.who = Name(too_many->first);
    exposure.first_point = index + 1;
    exposure.created_by = trace_.objects[static_cast<size_t>(object)].created_by;
    exposure.opened_by = index;
    exposure.mode = file.mode;
    exposure.allowed_mode =
        (owners[0]->after != nullptr ? owners[0]->after : owners[0]->before)->mode;
  }

  // The files that stay and whose content this is; by name when it has or had one that stays, else
  // by content.
  std::vector<const Persistent*> OwnersOf(ObjectId object, const Inode& file) const {
    std::vector<const Persistent*> out;
    if (const auto named = by_object_.find(object); named != by_object_.end()) {
      for (const auto& key : named->second) out.push_back(&persistent_.at(key));
      return out;
    }
    for (const auto& [key, p] : persistent_) {
      if ((p.before != nullptr && SharesContent(file.content, p.before->content)) ||
          (p.after != nullptr && SharesContent(file.content, p.after->content)))
        out.push_back(&p);
    }
    return out;
  }

  // Too little in common is chance: two lock files with a "1" in them say nothing of each other.
  static bool SharesContent(const Content& a, const Content& b) {
    constexpr uint64_t kLeast = 12;
    constexpr uint64_t kMostSearched = 1 << 20;
    if (a.size() < kLeast || b.size() < kLeast || a.AllZeros()) return false;
    if (a == b) return true;
    const Content& small = a.size() <= b.size() ? a : b;
    const Content& large = a.size() <= b.size() ? b : a;
    if (large.WithSize(small.size()) == small) return true;
    if (large.size() > kMostSearched) return false;
    return large.Read(0, large.size()).find(small.Read(0, small.size())) != std::string::npos;
  }

  const Trace& trace_;
  LiveTree live_;
  Names names_;
  LiveTree end_;
  std::map<InodeIndex, size_t> root_of_;
  std::map<std::pair<size_t, std::string>, Persistent> persistent_;
  std::map<ObjectId, std::vector<std::pair<size_t, std::string>>> by_object_;
  std::vector<Principal> principals_;
  bool restricted_ = false;  // some file that stays may not be read by everyone
  std::map<ObjectId, Exposure> found_;
  std::set<ObjectId> open_;
};

}  // namespace

std::vector<Exposure> FindExposures(const Trace& trace) { return Watcher(trace).Run(); }

}  // namespace oldornew
