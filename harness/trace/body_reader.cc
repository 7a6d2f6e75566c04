#include "trace/body_reader.h"

#include <utility>
#include <vector>

#include "base/text.h"
#include "trace/fields.h"

namespace oldornew {
namespace {

void GetInode(FieldReader* d, const std::vector<PageRef>& pages, Inode* inode) {
  inode->kind = d->Below<FileKind>(7, "file kind");
  inode->mode = d->Below<uint32_t>(010000, "mode");
  inode->uid = static_cast<uint32_t>(d->U64());
  inode->gid = static_cast<uint32_t>(d->U64());
  inode->rdev = d->U64();
  const uint64_t size = d->U64();
  std::vector<PageRef> mine;
  for (uint64_t at = 0; at < size && d->ok(); at += kPageSize) {
    const auto index = d->Below<uint64_t>(pages.size(), "page");
    if (d->ok()) mine.push_back(pages[index]);
  }

  if (d->ok()) inode->content = Content::FromPages(std::move(mine), size);
  inode->target = d->Str();
  d->List([&] {
    std::string key = d->Str();
    inode->xattrs[std::move(key)] = d->Str();
  });
}

// Walks assume a finite tree: a directory with two parents or inside itself is damage.
void CheckShape(const FileTree& tree, FieldReader* d) {
  std::vector<char> seen(tree.size(), 0);
  for (size_t i = 0; i < tree.size(); ++i) {
    for (const auto& [name, child] : tree.at(static_cast<InodeIndex>(i)).entries) {
      if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos) {
        return d->Reject("bad name " + Quote(name));
      }
      if (tree.at(child).kind != FileKind::kDirectory) continue;
      if (std::exchange(seen[static_cast<size_t>(child)], 1) != 0)
        return d->Reject("directory with two parents");
    }
  }

  // Each directory has at most one parent now; a cycle is then a set of directories that no root
  // reaches but that have parents.
  std::vector<InodeIndex> todo;
  for (size_t i = 0; i < tree.size(); ++i) {
    if (tree.at(static_cast<InodeIndex>(i)).kind == FileKind::kDirectory && !seen[i]) {
      todo.push_back(static_cast<InodeIndex>(i));
    }
  }

  size_t reached = 0;
  while (!todo.empty()) {
    const InodeIndex dir = todo.back();
    todo.pop_back();
    ++reached;
    for (const auto& [name, child] : tree.at(dir).entries) {
      if (tree.at(child).kind == FileKind::kDirectory) todo.push_back(child);
    }
  }

  size_t directories = 0;
  for (size_t i = 0; i < tree.size(); ++i) {
    directories += tree.at(static_cast<InodeIndex>(i)).kind == FileKind::kDirectory ? 1 : 0;
  }
  if (reached != directories) d->Reject("directory inside itself");
}

FileTree GetTree(FieldReader* d, std::vector<PageRef>* pages) {
  d->List([&] {
    const std::string_view bytes = d->Raw(kPageSize);
    if (d->ok()) pages->push_back(MakePage(bytes));
  });

  FileTree tree;
  const uint64_t count = d->U64();
  std::vector<std::vector<std::pair<std::string, InodeIndex>>> entries;
  for (uint64_t i = 0; i < count && d->ok(); ++i) {
    if (i > 0) tree.Add({});
    GetInode(d, *pages, &tree.at(static_cast<InodeIndex>(i)));
    auto& mine = entries.emplace_back();
    d->List([&] {
      std::string name = d->Str();
      mine.emplace_back(std::move(name), d->Below<InodeIndex>(count, "entry"));
    });
  }

  // Entries may name inodes that come later, so they are joined when all have been read.
  for (size_t i = 0; d->ok() && i < entries.size(); ++i) {
    Inode& inode = tree.at(static_cast<InodeIndex>(i));
    if (!entries[i].empty() && inode.kind != FileKind::kDirectory)
      d->Reject("entries in a non-directory");
    for (auto& [name, child] : entries[i]) inode.entries[std::move(name)] = child;
  }

  if (d->ok()) CheckShape(tree, d);

  bool first = true;
  d->List([&] {
    const auto root = d->Below<InodeIndex>(tree.size(), "root");
    if (!d->ok()) return;
    if (tree.at(root).kind != FileKind::kDirectory) return d->Reject("root is not a directory");
    if (first && root != 0) return d->Reject("first root is not inode 0");
    if (!first) tree.AddRoot(root);
    first = false;
  });

  if (d->ok() && first) d->Reject("tree without root");
  return tree;
}

Op GetOp(FieldReader* d, const Trace& trace) {
  Op op;
  op.kind = d->Below<OpKind>(static_cast<uint64_t>(OpKind::kExit) + 1, "op kind");
  op.flags = static_cast<uint32_t>(d->U64());
  op.error = static_cast<int32_t>(d->I64());
  op.told = static_cast<int32_t>(d->I64());
  op.begin = d->U64();
  op.end = d->U64();
  op.process = d->Index(trace.processes.size(), "process");
  op.thread = static_cast<uint32_t>(d->U64());
  op.syscall = static_cast<int32_t>(d->I64());
  op.call = d->Str();
  op.descriptor = static_cast<int32_t>(d->I64());
  for (ObjectId* id : {&op.object, &op.dir, &op.dir2, &op.replaced, &op.extra}) {
    *id = d->Index(trace.objects.size(), "object");
  }
  op.name = d->Str();
  op.name2 = d->Str();
  for (uint64_t* v : {&op.offset, &op.length, &op.requested, &op.size_before, &op.size_after})
    *v = d->U64();
  for (uint32_t* v : {&op.mode, &op.uid, &op.gid}) *v = static_cast<uint32_t>(d->U64());
  op.key = d->Str();
  op.data = d->U64();
  op.path = d->Str();
  op.path2 = d->Str();
  d->List([&] { op.stack.push_back(d->U64()); });
  return op;
}

FileCall GetFileCall(FieldReader* d, const Trace& trace) {
  FileCall call;
  call.process = d->Index(trace.processes.size(), "process");
  call.thread = static_cast<uint32_t>(d->U64());
  call.syscall = static_cast<int32_t>(d->I64());
  call.call = d->Str();
  call.descriptor = static_cast<int32_t>(d->I64());
  call.path = d->Str();
  call.path2 = d->Str();
  call.open_flags = static_cast<uint32_t>(d->U64());
  call.requested = d->U64();
  call.result = d->I64();
  call.told = d->I64();
  call.begin = d->U64();
  call.end = d->U64();
  call.injection = d->Index(trace.plan.size(), "injection");
  d->List([&] { call.stack.push_back(d->U64()); });
  return call;
}

// Directory operands are directories, files are files, payloads lie within the payload: what
// replaying an op relies on.
void CheckOp(const Op& op, const Trace& trace, FieldReader* d) {
  const auto kind_of = [&](ObjectId id) { return trace.objects[static_cast<size_t>(id)].kind; };
  for (const ObjectId id : {op.dir, op.dir2}) {
    if (id != kNoObject && kind_of(id) != FileKind::kDirectory)
      return d->Reject("op in a non-directory");
  }

  const bool has_payload =
      op.kind == OpKind::kWrite || op.kind == OpKind::kOutput || op.kind == OpKind::kSetXattr;
  if (has_payload && op.error == 0 &&
      (op.data > trace.payload.size() || op.length > trace.payload.size() - op.data)) {
    return d->Reject("payload out of range");
  }
  if (op.error != 0) return;

  // One TiB: what Content can hold as pages in memory is far less.
  constexpr uint64_t kMaxSize = uint64_t{1} << 40;
  if (op.size_after > kMaxSize || op.offset > kMaxSize || op.length > kMaxSize)
    return d->Reject("file size out of range");

  const bool needs_object = op.kind != OpKind::kSyncAll && op.kind != OpKind::kOutput &&
                            op.kind != OpKind::kExit && op.kind != OpKind::kUnlink;
  if (needs_object && op.object == kNoObject) return d->Reject("op without object");
  if (ChangesData(op.kind) && kind_of(op.object) != FileKind::kFile)
    return d->Reject("data op on a non-file");

  const bool needs_dir =
      op.kind == OpKind::kLink || op.kind == OpKind::kUnlink || op.kind == OpKind::kRename;
  if (needs_dir && op.dir == kNoObject) return d->Reject("op without directory");
  if (op.kind == OpKind::kRename && op.dir2 == kNoObject)
    return d->Reject("rename without target directory");
  if ((op.flags & kFlagExchange) != 0 && op.replaced == kNoObject)
    return d->Reject("exchange with nothing");
}

void GetStrings(FieldReader* d, std::vector<std::string>* out) {
  d->List([&] { out->push_back(d->Str()); });
}

Root GetRoot(FieldReader* d) {
  Root root;
  root.path = d->Str();
  root.role = d->Below<RootRole>(3, "root role");
  return root;
}

Object GetObject(FieldReader* d) {
  Object object;
  object.kind = d->Below<FileKind>(7, "object kind");
  object.disk.dev = d->U64();
  object.disk.ino = d->U64();
  object.created_by = static_cast<int32_t>(d->I64());
  return object;
}

Process GetProcess(FieldReader* d) {
  Process process;
  process.pid = static_cast<int32_t>(d->I64());
  process.parent = static_cast<int32_t>(d->I64());
  process.program = d->Str();
  GetStrings(d, &process.arguments);
  process.entered = d->Below<uint32_t>(2, "flag") != 0;
  d->List([&] {
    Module module;
    module.start = d->U64();
    module.end = d->U64();
    module.file_offset = d->U64();
    module.path = d->Str();
    process.modules.push_back(std::move(module));
  });

  return process;
}

// The trees, and the objects, of which the first are the old tree's inodes.
void GetTrees(FieldReader* d, Trace* trace) {
  std::vector<PageRef> pages = {nullptr};
  trace->old_tree = GetTree(d, &pages);
  trace->new_tree = GetTree(d, &pages);
  if (d->ok() && (trace->roots.size() > trace->old_tree.roots().size() || trace->roots.empty()))
    d->Reject("roots and trees disagree");

  d->List([&] { trace->objects.push_back(GetObject(d)); });
  if (d->ok() && trace->objects.size() < trace->old_tree.size())
    d->Reject("fewer objects than old inodes");
  for (size_t i = 0; d->ok() && i < trace->old_tree.size(); ++i) {
    if (trace->objects[i].kind != trace->old_tree.at(static_cast<InodeIndex>(i)).kind)
      d->Reject("object kind mismatch");
  }
}

Trace GetTrace(FieldReader* d) {
  Trace trace;
  GetStrings(d, &trace.command);
  trace.backend = d->Str();
  trace.file_system = d->Str();
  trace.started_at = d->U64();
  trace.duration_ns = d->U64();
  d->List([&] { trace.roots.push_back(GetRoot(d)); });
  GetTrees(d, &trace);

  trace.payload = d->Str();
  d->List([&] { trace.processes.push_back(GetProcess(d)); });
  d->List([&] {
    Op op = GetOp(d, trace);
    if (d->ok()) CheckOp(op, trace, d);
    trace.ops.push_back(std::move(op));
  });

  trace.exit_status = static_cast<int32_t>(d->I64());
  trace.stdout_bytes = d->Str();
  trace.stderr_bytes = d->Str();
  d->List([&] {
    Obstacle obstacle;
    obstacle.kind = d->Below<Obstacle::Kind>(4, "obstacle kind");
    obstacle.reason = d->Str();
    trace.obstacles.push_back(std::move(obstacle));
  });

  GetStrings(d, &trace.notes);

  // What was injected.
  GetStrings(d, &trace.plan);
  d->List([&] { trace.plan_matches.push_back(d->U64()); });
  if (d->ok() && trace.plan_matches.size() != trace.plan.size())
    d->Reject("plan and its matches disagree");
  d->List([&] { trace.file_calls.push_back(GetFileCall(d, trace)); });
  if (d->ok() && !d->AtEnd()) d->Reject("bytes after the end");
  return trace;
}

}  // namespace

Result<Trace> DecodeBody(std::string_view body) {
  FieldReader reader(body);
  Trace trace = GetTrace(&reader);
  if (!reader.ok()) return FailWith(ExitCode::kUsage, "{}", reader.error());
  return trace;
}

}  // namespace oldornew
