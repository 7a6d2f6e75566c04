// LiveTree: the page cache's view of a run, and the completeness check built on it.
#include <fcntl.h>
#include <linux/falloc.h>

#include <algorithm>

#include "base/check.h"
#include "base/text.h"
#include "trace/trace.h"

namespace oldornew {

LiveTree::LiveTree(const Trace& trace) : trace_(trace), tree_(trace.old_tree) {
  for (size_t i = tree_.size(); i < trace.objects.size(); ++i) {
    Inode inode;
    inode.kind = trace.objects[i].kind;
    tree_.Add(std::move(inode));
  }
}

namespace {

void Create(const Op& op, FileTree* tree) {
  Inode& inode = tree->at(op.object);
  inode.mode = op.mode;
  inode.uid = op.uid;
  inode.gid = op.gid;
  if (inode.kind == FileKind::kSymlink) inode.target = op.path2;
  if (op.dir != kNoObject) tree->at(op.dir).entries[op.name] = op.object;
}

void Rename(const Op& op, FileTree* tree) {
  // Two links of one file: rename(2) does nothing.
  if (op.object == op.replaced && (op.flags & kFlagExchange) == 0) return;
  tree->at(op.dir).entries.erase(op.name);
  tree->at(op.dir2).entries[op.name2] = op.object;
  if (op.flags & kFlagExchange) tree->at(op.dir).entries[op.name] = op.replaced;
  if ((op.flags & kFlagWhiteout) && op.extra != kNoObject)
    tree->at(op.dir).entries[op.name] = op.extra;
}

}  // namespace

Content AfterAllocate(const Content& before, const Op& op) {
  Content content = before;
  const uint64_t end = op.offset + op.length;
  if (op.mode & FALLOC_FL_COLLAPSE_RANGE) {
    const std::string tail = content.Read(end, content.size());
    content = content.WithSize(op.offset).WithWrite(op.offset, tail);
  } else if (op.mode & FALLOC_FL_INSERT_RANGE) {
    const std::string tail = content.Read(op.offset, content.size());
    content = content.WithSize(op.offset).WithSize(op.offset + op.length).WithWrite(end, tail);
  } else if (op.mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) {
    const uint64_t stop = std::min(end, content.size());
    if (op.offset < stop)
      content = content.WithWrite(op.offset, std::string(stop - op.offset, '\0'));
  }

  return content.WithSize(op.size_after);
}

// `object` kNoObject: the name must be free.
void LiveTree::Expect(ObjectId dir, const std::string& name, ObjectId object, const Op& op,
                      const std::string& path) {
  if (dir == kNoObject) return;
  const auto& entries = tree_.at(dir).entries;
  const auto entry = entries.find(name);
  const ObjectId found = entry == entries.end() ? kNoObject : entry->second;
  if (found == object) return;
  surprises_.push_back(fmt::format("{}: the calls recorded before it leave {} at {}",
                                   DescribeShort(op),
                                   found == kNoObject    ? "nothing"
                                   : object == kNoObject ? "something"
                                                         : "another file",
                                   path));
}

void LiveTree::Apply(const Op& op) {
  if (op.error != 0 || (op.flags & kFlagInFlight)) return;
  switch (op.kind) {
    case OpKind::kCreate:
      Expect(op.dir, op.name, kNoObject, op, op.path);
      return Create(op, &tree_);
    case OpKind::kLink:
      Expect(op.dir, op.name, kNoObject, op, op.path);
      tree_.at(op.dir).entries[op.name] = op.object;
      return;
    case OpKind::kUnlink:
      Expect(op.dir, op.name, op.object, op, op.path);
      tree_.at(op.dir).entries.erase(op.name);
      return;
    case OpKind::kRename:
      Expect(op.dir, op.name, op.object, op, op.path);
      Expect(op.dir2, op.name2, op.replaced, op, op.path2);
      return Rename(op, &tree_);
    case OpKind::kWrite: {
      Content& content = tree_.at(op.object).content;
      content = content.WithWrite(op.offset, trace_.Payload(op));
      return;
    }
    case OpKind::kTruncate: {
      Content& content = tree_.at(op.object).content;
      content = content.WithSize(op.size_after);
      return;
    }
    case OpKind::kAllocate:
      tree_.at(op.object).content = AfterAllocate(tree_.at(op.object).content, op);
      return;
    case OpKind::kSetAttributes: {
      Inode& inode = tree_.at(op.object);
      inode.mode = op.mode;
      inode.uid = op.uid;
      inode.gid = op.gid;
      return;
    }
    case OpKind::kSetXattr:
      tree_.at(op.object).xattrs[op.key] = std::string(trace_.Payload(op));
      return;
    case OpKind::kRemoveXattr:
      tree_.at(op.object).xattrs.erase(op.key);
      return;
    case OpKind::kSetTimes:
    case OpKind::kFsync:
    case OpKind::kFdatasync:
    case OpKind::kSyncFs:
    case OpKind::kSyncAll:
    case OpKind::kSyncRange:
    case OpKind::kClose:
    case OpKind::kOutput:
    case OpKind::kExit:
      return;
  }
}

namespace {

/// How much of a write in flight is there, if anything of it is.
uint64_t BytesThere(const Content& before, const Content& real, uint64_t offset,
                    std::string_view bytes) {
  const std::string there = real.Read(offset, bytes.size());
  const auto differs = std::mismatch(there.begin(), there.end(), bytes.begin(), bytes.end()).first;
  const auto same = static_cast<uint64_t>(differs - there.begin());

  // the kernel copies page by page
  const uint64_t to_page = (offset + same) / kPageSize * kPageSize;
  for (uint64_t length :
       {static_cast<uint64_t>(bytes.size()), same, to_page > offset ? to_page - offset : 0}) {
    if (before.WithWrite(offset, bytes.substr(0, length)) == real) return length;
  }
  return bytes.size();
}

}  // namespace

bool ChangesNames(OpKind kind) {
  return kind == OpKind::kCreate || kind == OpKind::kLink || kind == OpKind::kUnlink ||
         kind == OpKind::kRename;
}

bool ChangesData(OpKind kind) {
  return kind == OpKind::kWrite || kind == OpKind::kTruncate || kind == OpKind::kAllocate;
}

bool ChangesAttributes(OpKind kind) {
  return kind == OpKind::kSetAttributes || kind == OpKind::kSetXattr ||
         kind == OpKind::kRemoveXattr;
}

bool IsSync(OpKind kind) {
  return kind == OpKind::kFsync || kind == OpKind::kFdatasync || kind == OpKind::kSyncFs ||
         kind == OpKind::kSyncAll;
}

bool ChangesTree(OpKind kind) {
  return ChangesNames(kind) || ChangesData(kind) || ChangesAttributes(kind);
}

void LiveTree::ApplyInFlight(const Op& op, const FileTree& real) {
  if (op.error != 0 || (op.object == kNoObject && op.kind != OpKind::kUnlink)) return;
  Op done = op;
  done.flags &= ~static_cast<uint32_t>(kFlagInFlight);
  const std::optional<InodeIndex> inode = real.Lookup(op.path);
  if (inode) {
    const Inode& there = real.at(*inode);
    done.mode = op.kind == OpKind::kAllocate ? op.mode : there.mode;
    done.uid = there.uid;
    done.gid = there.gid;
    if (op.kind == OpKind::kAllocate) done.size_after = there.content.size();
    if (op.kind == OpKind::kWrite) {
      const Content& before = tree_.at(op.object).content;
      done.length = BytesThere(before, there.content, op.offset, trace_.Payload(op));
    }
  }

  Apply(done);
}

void LiveTree::Become(LiveTree&& other) {
  tree_ = std::move(other.tree_);
  surprises_ = std::move(other.surprises_);
}

namespace {

std::string DescribeMismatch(const std::string& path, const Inode& expected, const Inode& real) {
  if (expected.kind != real.kind) {
    return fmt::format("{} is a {}, the recorded calls make it a {}", path, KindName(real.kind),
                       KindName(expected.kind));
  }

  if (expected.kind == FileKind::kFile && !(expected.content == real.content)) {
    return fmt::format("{} holds {} that no recorded call wrote (recorded: {})", path,
                       ByteSize(real.content.size()), ByteSize(expected.content.size()));
  }

  if (expected.kind == FileKind::kSymlink && expected.target != real.target) {
    return fmt::format("symlink {} points to {}, recorded: {}", path, Quote(real.target),
                       Quote(expected.target));
  }

  if (expected.mode != real.mode || expected.uid != real.uid || expected.gid != real.gid) {
    return fmt::format("{} has mode {:04o} owner {}:{}, the recorded calls give {:04o} {}:{}", path,
                       real.mode, real.uid, real.gid, expected.mode, expected.uid, expected.gid);
  }

  return {};
}

}  // namespace

namespace {

std::vector<std::string> Compare(const Trace& trace, const LiveTree& live) {
  std::vector<std::string> out = live.surprises();
  CHECK(trace.roots.size() <= trace.old_tree.roots().size());
  for (size_t root = 0; root < trace.roots.size() && root < trace.new_tree.roots().size(); ++root) {
    if (trace.roots[root].role == RootRole::kThrowAway) continue;
    const auto shown = [&](const std::string& path) {
      return root == 0 ? (path.empty() ? "." : path) : JoinPath(trace.roots[root].path, path);
    };
    std::map<std::string, InodeIndex> expected;
    for (auto& [path, inode] : live.tree().Walk(root)) expected.emplace(path, inode);
    for (const auto& [path, inode] : trace.new_tree.Walk(root)) {
      const auto found = expected.find(path);
      if (found == expected.end()) {
        out.push_back(fmt::format("{} exists, but no recorded call made it", shown(path)));
        continue;
      }
      const std::string sentence =
          DescribeMismatch(shown(path), live.tree().at(found->second), trace.new_tree.at(inode));
      if (!sentence.empty()) out.push_back(sentence);
      expected.erase(found);
    }

    for (const auto& [path, inode] : expected) {
      out.push_back(fmt::format("{} is gone, but no recorded call removed it", shown(path)));
    }
  }

  return out;
}

}  // namespace

std::vector<std::string> FindTreeMismatches(const Trace& trace, std::vector<std::string>* notes) {
  LiveTree live(trace);
  for (const Op& op : trace.ops) live.Apply(op);
  std::vector<std::string> mismatches = Compare(trace, live);
  for (const Op& op : trace.ops) {
    if (mismatches.empty()) break;
    if ((op.flags & kFlagInFlight) == 0 || !ChangesTree(op.kind)) continue;
    LiveTree with(live);
    with.ApplyInFlight(op, trace.new_tree);
    std::vector<std::string> fewer = Compare(trace, with);
    if (fewer.size() >= mismatches.size()) continue;
    mismatches = std::move(fewer);
    live.Become(std::move(with));
    if (notes != nullptr) {
      notes->push_back(fmt::format(
          "{}: its process was killed in it, and the tree shows that it was carried out",
          DescribeShort(op)));
    }
  }

  return mismatches;
}

}  // namespace oldornew
