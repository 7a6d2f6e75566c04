#include "trace/format.h"

#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <unordered_map>

#include "base/check.h"
#include "base/files.h"
#include "base/text.h"

namespace oldornew {

namespace {

constexpr std::string_view kMagic =
    "OLDORNEW.TRACE\n\x1a";  // 16 bytes; \x1a stops `type` and shows transfer damage.
constexpr size_t kHeaderSize = 16 + 4 + 8 + 16;
constexpr uint64_t kMaxBody = uint64_t{16} << 30;

// ---- writing ----

class Encoder {
 public:
  void U64(uint64_t value) {  // LEB128
    while (value >= 0x80) {
      out_.push_back(static_cast<char>(value | 0x80));
      value >>= 7;
    }
    out_.push_back(static_cast<char>(value));
  }
  void I64(int64_t value) {
    U64((static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63));
  }
  void Str(std::string_view text) {
    U64(text.size());
    out_.append(text);
  }
  void Raw(std::string_view bytes) { out_.append(bytes); }
  template <typename T, typename F>
  void List(const T& items, F each) {
    U64(items.size());
    for (const auto& item : items) each(item);
  }
  void Reserve(size_t bytes) { out_.reserve(bytes); }
  std::string Take() { return std::move(out_); }

 private:
  std::string out_;
};

void PutFixed(std::string* out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out->push_back(static_cast<char>(value >> (8 * i)));
}

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

void PutTree(const FileTree& tree, PageTable* table, Encoder* e) {
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

void PutOp(const Op& op, Encoder* e) {
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

void PutFileCall(const FileCall& call, Encoder* e) {
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

void PutProcess(const Process& process, Encoder* e) {
  e->I64(process.pid);
  e->I64(process.parent);
  e->Str(process.program);
  e->List(process.arguments, [&](const std::string& a) { e->Str(a); });
  e->U64(process.entered ? 1 : 0);
  e->List(process.modules, [&](const Module& m) {
    e->U64(m.start), e->U64(m.end), e->U64(m.file_offset), e->Str(m.path);
  });
}

std::string EncodeBody(const Trace& trace) {
  // about: what is more grows as strings do
  constexpr size_t kOpWithStack = 96, kRest = size_t{1} << 16;
  Encoder e;
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

// ---- reading ----

// Reads fields until the first problem, then yields zeros; the caller asks ok() at the end and
// wherever a count matters.
class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : bytes_(bytes) {}
  bool ok() const { return error_.empty(); }
  const std::string& error() const { return error_; }
  bool AtEnd() const { return at_ == bytes_.size(); }
  void Reject(const std::string& what) {
    if (ok()) error_ = fmt::format("{} at byte {} of the body", what, at_);
    at_ = bytes_.size();
  }

  uint64_t U64() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (at_ == bytes_.size()) return Reject("truncated number"), 0;
      const auto byte = static_cast<unsigned char>(bytes_[at_++]);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    return Reject("overlong number"), 0;
  }
  int64_t I64() {
    const uint64_t raw = U64();
    return static_cast<int64_t>(raw >> 1) ^ -static_cast<int64_t>(raw & 1);
  }
  template <typename T = uint64_t>
  T Below(uint64_t limit, const char* what) {
    const uint64_t value = U64();
    if (value >= limit) return Reject(fmt::format("{} {} out of range", what, value)), T{};
    return static_cast<T>(value);
  }
  int32_t Index(uint64_t limit, const char* what) {  // -1 or below limit
    const int64_t value = I64();
    if (value < -1 || value >= static_cast<int64_t>(limit)) {
      return Reject(fmt::format("{} {} out of range", what, value)), -1;
    }
    return static_cast<int32_t>(value);
  }
  std::string_view Raw(uint64_t length) {
    if (length > bytes_.size() - at_) return Reject("truncated bytes"), std::string_view();
    at_ += length;
    return bytes_.substr(at_ - length, length);
  }
  std::string Str() { return std::string(Raw(U64())); }
  // Each item takes at least one byte, so a count beyond what is left is a lie: nothing is
  // allocated for it.
  template <typename F>
  void List(F each) {
    const uint64_t count = U64();
    if (count > bytes_.size() - at_) return Reject("count larger than the file");
    for (uint64_t i = 0; i < count && ok(); ++i) each();
  }

 private:
  std::string_view bytes_;
  size_t at_ = 0;
  std::string error_;
};

void GetInode(Decoder* d, const std::vector<PageRef>& pages, Inode* inode) {
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
void CheckShape(const FileTree& tree, Decoder* d) {
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

FileTree GetTree(Decoder* d, std::vector<PageRef>* pages) {
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

Op GetOp(Decoder* d, const Trace& trace) {
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

FileCall GetFileCall(Decoder* d, const Trace& trace) {
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
void CheckOp(const Op& op, const Trace& trace, Decoder* d) {
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
  constexpr uint64_t kMaxSize =
      uint64_t{1}  // One TiB: what Content can hold as pages in memory is far less.
      << 40;
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

Trace DecodeBody(Decoder* d) {
  Trace trace;
  const auto strings = [&](std::vector<std::string>* out) {
    d->List([&] { out->push_back(d->Str()); });
  };
  strings(&trace.command);
  trace.backend = d->Str();
  trace.file_system = d->Str();
  trace.started_at = d->U64();
  trace.duration_ns = d->U64();
  d->List([&] {
    Root root;
    root.path = d->Str();
    root.role = d->Below<RootRole>(3, "root role");
    trace.roots.push_back(std::move(root));
  });
  std::vector<PageRef> pages = {nullptr};
  trace.old_tree = GetTree(d, &pages);
  trace.new_tree = GetTree(d, &pages);
  if (d->ok() && (trace.roots.size() > trace.old_tree.roots().size() || trace.roots.empty())) {
    d->Reject("roots and trees disagree");
  }
  d->List([&] {
    Object object;
    object.kind = d->Below<FileKind>(7, "object kind");
    object.disk.dev = d->U64();
    object.disk.ino = d->U64();
    object.created_by = static_cast<int32_t>(d->I64());
    trace.objects.push_back(object);
  });
  if (d->ok() && trace.objects.size() < trace.old_tree.size())
    d->Reject("fewer objects than old inodes");
  for (size_t i = 0; d->ok() && i < trace.old_tree.size(); ++i) {
    if (trace.objects[i].kind != trace.old_tree.at(static_cast<InodeIndex>(i)).kind)
      d->Reject("object kind mismatch");
  }
  trace.payload = d->Str();
  d->List([&] {
    Process process;
    process.pid = static_cast<int32_t>(d->I64());
    process.parent = static_cast<int32_t>(d->I64());
    process.program = d->Str();
    strings(&process.arguments);
    process.entered = d->Below<uint32_t>(2, "flag") != 0;
    d->List([&] {
      Module module;
      module.start = d->U64();
      module.end = d->U64();
      module.file_offset = d->U64();
      module.path = d->Str();
      process.modules.push_back(std::move(module));
    });
    trace.processes.push_back(std::move(process));
  });
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
  strings(&trace.notes);
  strings(&trace.plan);
  d->List([&] { trace.plan_matches.push_back(d->U64()); });
  if (d->ok() && trace.plan_matches.size() != trace.plan.size())
    d->Reject("plan and its matches disagree");
  d->List([&] { trace.file_calls.push_back(GetFileCall(d, trace)); });
  if (d->ok() && !d->AtEnd()) d->Reject("bytes after the end");
  return trace;
}

uint64_t GetFixed(std::string_view bytes, int count) {
  uint64_t value = 0;
  for (int i = 0; i < count; ++i) {
    value |= static_cast<uint64_t>(static_cast<unsigned char>(bytes[static_cast<size_t>(i)]))
             << (8 * i);
  }
  return value;
}

// Streams, so that memory grows with what really decompresses, not with what a header claims.
Result<std::string> Decompress(std::string_view compressed, uint64_t size) {
  const std::unique_ptr<ZSTD_DStream, size_t (*)(ZSTD_DStream*)> stream(ZSTD_createDStream(),
                                                                        ZSTD_freeDStream);
  std::string out;
  std::string chunk(ZSTD_DStreamOutSize(), '\0');
  ZSTD_inBuffer in{compressed.data(), compressed.size(), 0};
  size_t left = 1;
  while (left != 0) {
    ZSTD_outBuffer buffer{chunk.data(), chunk.size(), 0};
    left = ZSTD_decompressStream(stream.get(), &buffer, &in);
    if (ZSTD_isError(left))
      return FailWith(ExitCode::kUsage, "damaged data: {}", ZSTD_getErrorName(left));
    out.append(chunk.data(), buffer.pos);
    if (out.size() > size)
      return FailWith(ExitCode::kUsage, "damaged data: longer than its header says");
    if (buffer.pos == 0 && in.pos == in.size && left != 0) {
      return FailWith(ExitCode::kUsage, "truncated at byte {}", kHeaderSize + compressed.size());
    }
  }
  if (out.size() != size)
    return FailWith(ExitCode::kUsage, "damaged data: shorter than its header says");
  if (in.pos != in.size)
    return FailWith(ExitCode::kUsage, "bytes after the end, at byte {}", kHeaderSize + in.pos);
  return out;
}

Digest Checksum(uint64_t size, std::string_view compressed) {
  return Hasher().Add(size).Add(compressed).Finish();
}

}  // namespace

std::string EncodeTrace(const Trace& trace) {
  const std::string body = EncodeBody(trace);
  // The bound is as large as the body; only what is written of it is touched.
  const size_t bound = ZSTD_compressBound(body.size());
  const std::unique_ptr<char[]> room(new char[bound]);
  const size_t n = ZSTD_compress(room.get(), bound, body.data(), body.size(), 1);
  CHECK(ZSTD_isError(n) == 0);
  const std::string_view compressed(room.get(), n);
  std::string out(kMagic);
  PutFixed(&out, kTraceFormatVersion, 4);
  PutFixed(&out, body.size(), 8);
  const Digest digest = Checksum(body.size(), compressed);
  PutFixed(&out, digest.high, 8);
  PutFixed(&out, digest.low, 8);
  out += compressed;
  return out;
}

Result<Trace> DecodeTrace(std::string_view bytes) {
  if (bytes.substr(0, kMagic.size()) != kMagic.substr(0, std::min(bytes.size(), kMagic.size()))) {
    return FailWith(ExitCode::kUsage, "not a trace file (bad magic at byte 0)");
  }
  if (bytes.size() < kHeaderSize)
    return FailWith(ExitCode::kUsage, "truncated at byte {}", bytes.size());
  const uint64_t version = GetFixed(bytes.substr(16), 4);
  if (version != kTraceFormatVersion) {
    return FailWith(ExitCode::kUsage, "trace format version {}, this program reads version {}",
                    version, kTraceFormatVersion);
  }
  const uint64_t size = GetFixed(bytes.substr(20), 8);
  if (size > kMaxBody) return FailWith(ExitCode::kUsage, "implausible length {} at byte 20", size);
  const std::string_view compressed = bytes.substr(kHeaderSize);
  if (Checksum(size, compressed) !=
      Digest{GetFixed(bytes.substr(28), 8), GetFixed(bytes.substr(36), 8)}) {
    return FailWith(ExitCode::kUsage, "damaged or truncated: the checksum of its {} does not match",
                    ByteSize(bytes.size()));
  }
  ASSIGN_OR_RETURN(const std::string body, Decompress(compressed, size));
  Decoder decoder(body);
  Trace trace = DecodeBody(&decoder);
  if (!decoder.ok()) return FailWith(ExitCode::kUsage, "{}", decoder.error());
  return trace;
}

Status WriteTrace(const Trace& trace, const std::string& path) {
  return WriteFile(path, EncodeTrace(trace));
}

Result<Trace> ReadTrace(const std::string& path) {
  const Result<std::string> bytes = ReadFile(path);
  if (!bytes) return FailWith(ExitCode::kUsage, "{}", bytes.error().message);
  Result<Trace> trace = DecodeTrace(*bytes);
  if (!trace) return FailWith(ExitCode::kUsage, "{}: {}", path, trace.error().message);
  return trace;
}

}  // namespace oldornew
