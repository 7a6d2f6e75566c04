#include "trace/body_writer.h"

#include <unordered_map>
#include <vector>

#include "trace/fields.h"

namespace oldornew {
namespace {

// Pages are written once each, however many files of the two trees share them.
class PageTable {
 public:
  uint64_t IndexOf(const PageRef& page, std::vector<PageRef>* fresh) {
    if (page == nullptr) return 0;
    const auto [entry, is_new] = index_.try_emplace(page->digest(), index_.size() + 1);
    if (is_new) fresh->push_back(page);
    return entry->second;
  }

 private:
  std::unordered_map<Digest, uint64_t> index_;
};

void PutTree(const FileTree& tree, PageTable* table, FieldWriter* e) {
  std::vector<PageRef> fresh;
  std::vector<std::vector<uint64_t>> pages(tree.size());
  for (size_t i = 0; i < tree.size(); ++i) {
    for (const PageRef& page : tree.at(static_cast<InodeIndex>(i)).content.pages()) {
      pages[i].push_back(table->IndexOf(page, &fresh));
    }
  }

  e->List(fresh, [&](const PageRef& page) { e->Raw(page->bytes()); });
  e->U64(tree.size());
  for (size_t i = 0; i < tree.size(); ++i) {
    const Inode& inode = tree.at(static_cast<InodeIndex>(i));
    e->U64(static_cast<uint64_t>(inode.kind));
    e->U64(inode.mode);
    e->U64(inode.uid);
    e->U64(inode.gid);
    e->U64(inode.rdev);
    e->U64(inode.content.size());
    for (const uint64_t page : pages[i]) e->U64(page);
    e->Str(inode.target);
    e->List(inode.xattrs, [&](const auto& x) { e->Str(x.first), e->Str(x.second); });
    e->List(inode.entries,
            [&](const auto& x) { e->Str(x.first), e->U64(static_cast<uint64_t>(x.second)); });
  }

  e->List(tree.roots(), [&](InodeIndex root) { e->U64(static_cast<uint64_t>(root)); });
}

void PutOp(const Op& op, FieldWriter* e) {
  e->U64(static_cast<uint64_t>(op.kind));
  e->U64(op.flags);
  e->I64(op.error);
  e->I64(op.told);
  e->U64(op.begin);
  e->U64(op.end);
  e->I64(op.process);
  e->U64(op.thread);
  e->I64(op.syscall);
  e->Str(op.call);
  e->I64(op.descriptor);
  for (const ObjectId id : {op.object, op.dir, op.dir2, op.replaced, op.extra}) e->I64(id);
  e->Str(op.name);
  e->Str(op.name2);
  for (const uint64_t v : {op.offset, op.length, op.requested, op.size_before, op.size_after})
    e->U64(v);
  for (const uint32_t v : {op.mode, op.uid, op.gid}) e->U64(v);
  e->Str(op.key);
  e->U64(op.data);
  e->Str(op.path);
  e->Str(op.path2);
  e->List(op.stack, [&](uint64_t address) { e->U64(address); });
}

void PutFileCall(const FileCall& call, FieldWriter* e) {
  e->I64(call.process);
  e->U64(call.thread);
  e->I64(call.syscall);
  e->Str(call.call);
  e->I64(call.descriptor);
  e->Str(call.path);
  e->Str(call.path2);
  e->U64(call.open_flags);
  e->U64(call.requested);
  e->I64(call.result);
  e->I64(call.told);
  e->U64(call.begin);
  e->U64(call.end);
  e->I64(call.injection);
  e->List(call.stack, [&](uint64_t address) { e->U64(address); });
}

void PutProcess(const Process& process, FieldWriter* e) {
  e->I64(process.pid);
  e->I64(process.parent);
  e->Str(process.program);
  e->List(process.arguments, [&](const std::string& a) { e->Str(a); });
  e->U64(process.entered ? 1 : 0);
  e->List(process.modules, [&](const Module& m) {
    e->U64(m.start), e->U64(m.end), e->U64(m.file_offset), e->Str(m.path);
  });
}

}  // namespace

std::string EncodeBody(const Trace& trace) {
  // About. The string grows when it is more.
  constexpr size_t kOpWithStack = 96, kRest = size_t{1} << 16;
  FieldWriter e;
  e.Reserve(trace.payload.size() + trace.ops.size() * kOpWithStack + kRest);

  const auto put_strings = [&](const std::vector<std::string>& list) {
    e.List(list, [&](const std::string& s) { e.Str(s); });
  };
  put_strings(trace.command);
  e.Str(trace.backend);
  e.Str(trace.file_system);
  e.U64(trace.started_at);
  e.U64(trace.duration_ns);
  e.List(trace.roots,
         [&](const Root& root) { e.Str(root.path), e.U64(static_cast<uint64_t>(root.role)); });

  PageTable table;
  PutTree(trace.old_tree, &table, &e);
  PutTree(trace.new_tree, &table, &e);
  e.List(trace.objects, [&](const Object& o) {
    e.U64(static_cast<uint64_t>(o.kind)), e.U64(o.disk.dev), e.U64(o.disk.ino), e.I64(o.created_by);
  });

  e.Str(trace.payload);
  e.List(trace.processes, [&](const Process& p) { PutProcess(p, &e); });
  e.List(trace.ops, [&](const Op& op) { PutOp(op, &e); });

  e.I64(trace.exit_status);
  e.Str(trace.stdout_bytes);
  e.Str(trace.stderr_bytes);
  e.List(trace.obstacles,
         [&](const Obstacle& o) { e.U64(static_cast<uint64_t>(o.kind)), e.Str(o.reason); });
  put_strings(trace.notes);

  put_strings(trace.plan);
  e.List(trace.plan_matches, [&](uint64_t count) { e.U64(count); });
  e.List(trace.file_calls, [&](const FileCall& call) { PutFileCall(call, &e); });
  return e.Take();
}

}  // namespace oldornew
