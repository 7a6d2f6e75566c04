#include "lab/testing/fake_process.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "lab/testing/fake_kernel.h"

namespace oldornew::testing {

namespace {

FileCall CallOf(const std::string& call, const std::string& path) {
  FileCall out;
  out.call = call;
  out.path = path;
  return out;
}

Op OpOf(OpKind kind, const std::string& path, ObjectId object) {
  Op op;
  op.kind = kind;
  op.path = path;
  op.object = object;
  return op;
}

FakeEffect Failed(int error, std::optional<Op> op = std::nullopt) {
  return {error, 0, std::move(op), {}};
}

}  // namespace

const FakeProcess::OpenFile* FakeProcess::Find(int descriptor) const {
  const auto found = open_.find(descriptor);
  return found == open_.end() ? nullptr : &found->second;
}

int FakeProcess::Open(const std::string& path, uint32_t flags, uint32_t mode) {
  int descriptor = 3;
  while (open_.contains(descriptor)) ++descriptor;
  FileCall call = CallOf("openat", path);
  call.open_flags = flags;
  const int64_t told = kernel_.Call(*this, call, [&](uint64_t) -> FakeEffect {
    const auto there = kernel_.Lookup(path);
    const auto place = kernel_.Split(path);
    if (there && (flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) return Failed(EEXIST);
    if (!there && ((flags & O_CREAT) == 0 || !place)) return Failed(ENOENT);
    if (there) {
      FakeEffect out{0, descriptor, std::nullopt,
                     [=, this] { open_[descriptor] = {*there, flags, 0, path}; }};
      Content& content = kernel_.tree().at(*there).content;
      if ((flags & O_TRUNC) == 0 || content.empty()) return out;
      out.op = OpOf(OpKind::kTruncate, path, *there);
      out.op->flags = kFlagOpenTruncate;
      out.op->size_before = content.size();
      out.carry_out = [=, this] {
        open_[descriptor] = {*there, flags, 0, path};
        kernel_.tree().at(*there).content = {};
      };
      return out;
    }

    Op op = OpOf(OpKind::kCreate, path, static_cast<ObjectId>(kernel_.tree().size()));
    op.mode = mode;
    std::tie(op.dir, op.name) = *place;
    return {0, descriptor, op, [=, this] {
              Inode inode;
              inode.mode = mode;
              const ObjectId object = kernel_.AddObject(inode);
              kernel_.tree().at(op.dir).entries[op.name] = object;
              open_[descriptor] = {object, flags, 0, path};
            }};
  });
  // Made, and reported as failed: the descriptor that nobody was told of is closed.
  if (told < 0 && open_.contains(descriptor)) {
    if ((flags & O_ACCMODE) != O_RDONLY)
      kernel_.Record(index_, OpOf(OpKind::kClose, path, open_[descriptor].object));
    open_.erase(descriptor);
  }
  return static_cast<int>(told);
}

int64_t FakeProcess::Write(int descriptor, std::string_view bytes) {
  const OpenFile* file = Find(descriptor);
  if (file == nullptr) return -EBADF;
  FileCall call = CallOf("write", file->path);
  call.descriptor = descriptor;
  call.open_flags = file->flags;
  call.requested = bytes.size();
  return kernel_.Call(*this, call, [&](uint64_t most) -> FakeEffect {
    const std::string part(bytes.substr(0, most));
    Op op = OpOf(OpKind::kWrite, file->path, file->object);
    op.requested = bytes.size();
    if ((file->flags & O_ACCMODE) == O_RDONLY) return Failed(EBADF, op);
    Content& content = kernel_.tree().at(file->object).content;
    op.flags = (file->flags & O_APPEND) != 0 ? kFlagAppend : 0u;
    op.offset = (file->flags & O_APPEND) != 0 ? content.size() : file->offset;
    op.length = part.size();
    op.data = kernel_.trace().payload.size();
    op.size_before = content.size();
    op.size_after = std::max<uint64_t>(content.size(), op.offset + part.size());
    return {0, static_cast<int64_t>(part.size()), op, [this, descriptor, op, part] {
              OpenFile& own = open_.at(descriptor);
              kernel_.trace().payload += part;
              Content& now = kernel_.tree().at(own.object).content;
              now = now.WithWrite(op.offset, part);
              own.offset = op.offset + part.size();
            }};
  });
}

int64_t FakeProcess::Read(int descriptor, std::string* bytes, uint64_t most) {
  bytes->clear();
  const OpenFile* file = Find(descriptor);
  if (file == nullptr) return -EBADF;
  FileCall call = CallOf("read", file->path);
  call.descriptor = descriptor;
  call.open_flags = file->flags;
  call.requested = most;
  return kernel_.Call(*this, call, [&](uint64_t count) -> FakeEffect {
    std::string part = kernel_.tree().at(file->object).content.Read(file->offset, count);
    const auto length = static_cast<int64_t>(part.size());
    return {0, length, std::nullopt, [this, descriptor, part, bytes] {
              open_.at(descriptor).offset += part.size();
              *bytes = part;
            }};
  });
}

int FakeProcess::Fsync(int descriptor) {
  const OpenFile* file = Find(descriptor);
  if (file == nullptr) return -EBADF;
  FileCall call = CallOf("fsync", file->path);
  call.descriptor = descriptor;
  call.open_flags = file->flags;
  return static_cast<int>(kernel_.Call(*this, call, [&](uint64_t) -> FakeEffect {
    return {0, 0, OpOf(OpKind::kFsync, file->path, file->object), {}};
  }));
}

int FakeProcess::Close(int descriptor) {
  const OpenFile* file = Find(descriptor);
  if (file == nullptr) return -EBADF;
  FileCall call = CallOf("close", file->path);
  call.descriptor = descriptor;
  call.open_flags = file->flags;
  return static_cast<int>(kernel_.Call(*this, call, [&](uint64_t) -> FakeEffect {
    FakeEffect out{0, 0, std::nullopt, [=, this] { open_.erase(descriptor); }};
    if ((file->flags & O_ACCMODE) == O_RDONLY) return out;
    out.op = OpOf(OpKind::kClose, file->path, file->object);
    if ((file->flags & O_TRUNC) != 0) out.op->flags = kFlagOpenTruncate;
    return out;
  }));
}

int FakeProcess::Rename(const std::string& from, const std::string& to) {
  FileCall call = CallOf("rename", from);
  call.path2 = to;
  return static_cast<int>(kernel_.Call(*this, call, [&](uint64_t) -> FakeEffect {
    const auto there = kernel_.Lookup(from);
    const auto place = kernel_.Split(from);
    const auto target = kernel_.Split(to);
    Op op = OpOf(OpKind::kRename, from, there.value_or(kNoObject));
    op.path2 = to;
    if (!there || !target) return Failed(ENOENT, op);
    std::tie(op.dir, op.name) = *place;
    std::tie(op.dir2, op.name2) = *target;
    op.replaced = kernel_.Lookup(to).value_or(kNoObject);
    return {0, 0, op, [this, op] {
              kernel_.tree().at(op.dir).entries.erase(op.name);
              kernel_.tree().at(op.dir2).entries[op.name2] = op.object;
            }};
  }));
}

int FakeProcess::Unlink(const std::string& path) {
  return static_cast<int>(kernel_.Call(*this, CallOf("unlink", path), [&](uint64_t) -> FakeEffect {
    const auto there = kernel_.Lookup(path);
    Op op = OpOf(OpKind::kUnlink, path, there.value_or(kNoObject));
    if (!there) return Failed(ENOENT, op);
    std::tie(op.dir, op.name) = *kernel_.Split(path);
    return {0, 0, op, [this, op] { kernel_.tree().at(op.dir).entries.erase(op.name); }};
  }));
}

int FakeProcess::Mkdir(const std::string& path) {
  return static_cast<int>(kernel_.Call(*this, CallOf("mkdir", path), [&](uint64_t) -> FakeEffect {
    const auto place = kernel_.Split(path);
    Op op = OpOf(OpKind::kCreate, path, static_cast<ObjectId>(kernel_.tree().size()));
    op.mode = 0755;
    if (!place) return Failed(ENOENT, op);
    std::tie(op.dir, op.name) = *place;
    if (kernel_.Lookup(path)) {
      op.object = kNoObject;
      return Failed(EEXIST, op);
    }
    return {0, 0, op, [this, op] {
              Inode inode;
              inode.kind = FileKind::kDirectory;
              inode.mode = 0755;
              kernel_.tree().at(op.dir).entries[op.name] = kernel_.AddObject(inode);
            }};
  }));
}

bool FakeProcess::Exists(const std::string& path) {
  return kernel_.Call(*this, CallOf("newfstatat", path), [&](uint64_t) -> FakeEffect {
    return kernel_.Lookup(path) ? FakeEffect{} : Failed(ENOENT);
  }) == 0;
}

std::vector<std::string> FakeProcess::List() {
  std::vector<std::string> out;
  kernel_.Call(*this, CallOf("getdents64", "."), [&](uint64_t) -> FakeEffect {
    return {0, 1, std::nullopt, [&] {
              const FileTree& tree = kernel_.tree();
              for (const auto& [name, inode] : tree.at(tree.roots()[0]).entries)
                out.push_back(name);
            }};
  });
  return out;
}

int FakeProcess::Child(const std::string& name, const FakeProgram& program) {
  FakeProcess child(kernel_, kernel_.AddProcess(name, index_));
  child.open_ = open_;
  return kernel_.RunProcess(child, program);
}

void FakeProcess::OnSignal(int signal, std::function<void()> handler) {
  handlers_[signal] = std::move(handler);
}

void FakeProcess::Exit(int status) { throw ProcessEnd{status, /*of_all=*/false}; }

void FakeProcess::Print(std::string_view text) {
  Op op = OpOf(OpKind::kOutput, "", kNoObject);
  op.name = "stdout";
  op.call = "write";
  op.length = text.size();
  op.data = kernel_.trace().payload.size();
  kernel_.trace().payload += text;
  kernel_.trace().stdout_bytes += text;
  kernel_.Record(index_, std::move(op));
}

void FakeProcess::Say(std::string_view text) { kernel_.trace().stderr_bytes += text; }

std::string FakeProcess::Random() {
  // Steps of a full cycle: no name comes twice.
  uint64_t number = ++kernel_.machine().randoms * 2'654'435'761u;
  std::string out = "x";
  for (int i = 0; i < 5; ++i, number /= 36)
    out += "0123456789abcdefghijklmnopqrstuvwxyz"[number % 36];
  return out;
}

uint64_t FakeProcess::Now() const { return kernel_.machine().now; }

void FakeProcess::Sleep(uint64_t milliseconds) { kernel_.Spend(milliseconds); }

}  // namespace oldornew::testing
