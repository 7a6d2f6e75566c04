// TraceBuilder: traces written by hand, for tests. Paths are relative to the one judged directory;
// "" is that directory itself.
//
//     Trace trace = TraceBuilder()
//                       .OldFile("f", "old")
//                       .Create("t")
//                       .Write("t", 0, "new")
//                       .Rename("t", "f")
//                       .Build();
//
// A file without a name (O_TMPFILE, or unlinked while open) is called by a handle that begins with
// '@'.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "base/check.h"
#include "trace/trace.h"

namespace oldornew {

class TraceBuilder {
 public:
  TraceBuilder() {
    trace_.roots.push_back({"/sandbox", RootRole::kJudged});
    trace_.objects.push_back({FileKind::kDirectory, {1, 1}, -1});
  }

  // The tree before the run. REQUIRES: before the first op; parents first.
  TraceBuilder& OldDir(const std::string& path) { return Old(path, FileKind::kDirectory, "", ""); }
  TraceBuilder& OldFile(const std::string& path, std::string_view bytes) {
    return Old(path, FileKind::kFile, bytes, "");
  }
  TraceBuilder& OldSymlink(const std::string& path, const std::string& target) {
    return Old(path, FileKind::kSymlink, "", target);
  }
  TraceBuilder& OldMode(const std::string& path, uint32_t mode) {
    for (FileTree* tree : {&trace_.old_tree, &live_}) tree->at(At(path)).mode = mode;
    return *this;
  }
  TraceBuilder& OldLink(const std::string& existing, const std::string& path) {
    const ObjectId object = At(existing);
    auto [dir, name] = Split(path);
    trace_.old_tree.at(dir).entries[name] = object;
    live_.at(dir).entries[name] = object;
    return *this;
  }
  // Puts the object on another file system.
  TraceBuilder& OnDevice(const std::string& path, uint64_t device) {
    trace_.objects[static_cast<size_t>(At(path))].disk.dev = device;
    return *this;
  }
  // A second root with this role on this device; its paths begin with `name` + ":".
  TraceBuilder& OldRoot(const std::string& name, RootRole role, uint64_t device) {
    Inode inode;
    inode.kind = FileKind::kDirectory;
    inode.mode = 0755;
    const ObjectId object = AddOld(inode, device);
    trace_.old_tree.AddRoot(object);
    live_.AddRoot(object);
    trace_.roots.push_back({"/" + name, role});
    handles_[name + ":"] = object;
    return *this;
  }

  TraceBuilder& Create(const std::string& path, uint32_t mode = 0644) {
    return Make(path, FileKind::kFile, mode, "");
  }
  TraceBuilder& Mkdir(const std::string& path) {
    return Make(path, FileKind::kDirectory, 0755, "");
  }
  TraceBuilder& Symlink(const std::string& path, const std::string& target) {
    return Make(path, FileKind::kSymlink, 0777, target);
  }
  TraceBuilder& Tmpfile(const std::string& handle) {
    CHECK(handle[0] == '@');
    Op op = New(OpKind::kCreate, "openat", handle);
    op.mode = 0644;
    op.object = AddObject(FileKind::kFile, trace_.objects[0].disk.dev);
    handles_[handle] = op.object;
    return Push(op);
  }
  TraceBuilder& Link(const std::string& existing, const std::string& path) {
    Op op = New(OpKind::kLink, "link", path);
    op.object = At(existing);
    std::tie(op.dir, op.name) = Split(path);
    op.path2 = existing;
    return Push(op);
  }
  // `handle`, if given, goes on naming the file.
  TraceBuilder& Unlink(const std::string& path, const std::string& handle = "") {
    Op op = New(OpKind::kUnlink, "unlink", path);
    op.object = At(path);
    std::tie(op.dir, op.name) = Split(path);
    if (!handle.empty()) handles_[handle] = op.object;
    return Push(op);
  }
  TraceBuilder& Rename(const std::string& from, const std::string& to, uint32_t flags = 0) {
    Op op = New(OpKind::kRename, "rename", from);
    op.flags = flags;
    op.path2 = to;
    op.object = At(from);
    std::tie(op.dir, op.name) = Split(from);
    std::tie(op.dir2, op.name2) = Split(to);
    const auto& entries = live_.at(op.dir2).entries;
    if (auto there = entries.find(op.name2); there != entries.end()) op.replaced = there->second;
    if (flags & kFlagWhiteout)
      op.extra = AddObject(FileKind::kCharDevice, trace_.objects[0].disk.dev);
    return Push(op);
  }
  TraceBuilder& Exchange(const std::string& a, const std::string& b) {
    return Rename(a, b, kFlagExchange);
  }

  TraceBuilder& Write(const std::string& path, uint64_t offset, std::string_view bytes,
                      uint32_t flags = 0) {
    Op op = New(OpKind::kWrite, "pwrite64", path);
    op.flags = flags;
    op.object = At(path);
    op.offset = offset;
    op.length = op.requested = bytes.size();
    op.data = trace_.payload.size();
    trace_.payload += bytes;
    op.size_before = Size(op.object);
    op.size_after = std::max<uint64_t>(op.size_before, bytes.empty() ? 0 : offset + bytes.size());
    return Push(op);
  }
  TraceBuilder& Append(const std::string& path, std::string_view bytes, uint32_t flags = 0) {
    return Write(path, Size(At(path)), bytes, flags | kFlagAppend);
  }
  TraceBuilder& Truncate(const std::string& path, uint64_t size, uint32_t flags = 0) {
    Op op = New(OpKind::kTruncate, flags & kFlagOpenTruncate ? "openat" : "truncate", path);
    op.flags = flags;
    op.object = At(path);
    op.size_before = Size(op.object);
    op.size_after = size;
    return Push(op);
  }
  TraceBuilder& OpenTruncate(const std::string& path) {
    return Truncate(path, 0, kFlagOpenTruncate);
  }
  TraceBuilder& Close(const std::string& path, uint32_t flags = 0) {
    Op op = New(OpKind::kClose, "close", path);
    op.flags = flags;
    op.object = At(path);
    return Push(op);
  }
  TraceBuilder& Allocate(const std::string& path, uint32_t mode, uint64_t offset, uint64_t length,
                         uint64_t size_after) {
    Op op = New(OpKind::kAllocate, "fallocate", path);
    op.object = At(path);
    op.mode = mode;
    op.offset = offset;
    op.length = length;
    op.size_before = Size(op.object);
    op.size_after = size_after;
    return Push(op);
  }
  TraceBuilder& Chmod(const std::string& path, uint32_t mode) {
    Op op = New(OpKind::kSetAttributes, "chmod", path);
    op.object = At(path);
    op.mode = mode;
    op.uid = live_.at(op.object).uid;
    op.gid = live_.at(op.object).gid;
    return Push(op);
  }
  TraceBuilder& SetTimes(const std::string& path) {
    Op op = New(OpKind::kSetTimes, "utimensat", path);
    op.object = At(path);
    return Push(op);
  }
  TraceBuilder& SetXattr(const std::string& path, const std::string& key, std::string_view value) {
    Op op = New(OpKind::kSetXattr, "setxattr", path);
    op.object = At(path);
    op.key = key;
    op.length = value.size();
    op.data = trace_.payload.size();
    trace_.payload += value;
    return Push(op);
  }

  TraceBuilder& Fsync(const std::string& path) { return Sync(OpKind::kFsync, "fsync", path); }
  TraceBuilder& Fdatasync(const std::string& path) {
    return Sync(OpKind::kFdatasync, "fdatasync", path);
  }
  TraceBuilder& SyncFs(const std::string& path = "") {
    return Sync(OpKind::kSyncFs, "syncfs", path);
  }
  TraceBuilder& SyncAll() { return Push(New(OpKind::kSyncAll, "sync", "")); }
  TraceBuilder& SyncRange(const std::string& path) {
    return Sync(OpKind::kSyncRange, "sync_file_range", path);
  }
  TraceBuilder& Output(std::string_view bytes) {
    Op op = New(OpKind::kOutput, "write", "");
    op.name = "stdout";
    op.length = bytes.size();
    op.data = trace_.payload.size();
    trace_.payload += bytes;
    return Push(op);
  }
  TraceBuilder& Exit(int status = 0) {
    Op op = New(OpKind::kExit, "exit_group", "");
    op.mode = static_cast<uint32_t>(status);
    return Push(op);
  }

  // The next op fails with this errno and does nothing.
  TraceBuilder& Failing(int error) {
    error_ = error;
    return *this;
  }
  // The next op never returns.
  TraceBuilder& InFlight() {
    in_flight_ = true;
    return *this;
  }
  // The last op had begun before the one before it returned.
  TraceBuilder& Overlapping() {
    CHECK(trace_.ops.size() >= 2);
    Op& late = trace_.ops.back();
    late.begin = trace_.ops[trace_.ops.size() - 2].end - 1;
    return *this;
  }

  size_t ops() const { return trace_.ops.size(); }
  Trace Build() {
    trace_.new_tree = live_;
    return trace_;
  }

 private:
  std::pair<ObjectId, std::string> Split(const std::string& path) const {
    const size_t slash = path.rfind('/');
    if (slash == std::string::npos) {
      const size_t colon = path.find(':');
      if (colon != std::string::npos)
        return {handles_.at(path.substr(0, colon + 1)), path.substr(colon + 1)};
      return {0, path};
    }

    return {At(path.substr(0, slash)), path.substr(slash + 1)};
  }
  ObjectId At(const std::string& path) const {
    if (auto handle = handles_.find(path); handle != handles_.end()) return handle->second;
    if (path.empty() || path == ".") return 0;
    auto [dir, name] = Split(path);
    auto entry = live_.at(dir).entries.find(name);
    CHECK(entry != live_.at(dir).entries.end());
    return entry->second;
  }
  uint64_t Size(ObjectId object) const { return live_.at(object).content.size(); }

  ObjectId AddOld(const Inode& inode, uint64_t device) {
    CHECK(trace_.ops.empty());
    const ObjectId object = trace_.old_tree.Add(inode);
    live_.Add(inode);
    trace_.objects.push_back({inode.kind, {device, static_cast<uint64_t>(object) + 1}, -1});
    return object;
  }
  TraceBuilder& Old(const std::string& path, FileKind kind, std::string_view bytes,
                    const std::string& target) {
    Inode inode;
    inode.kind = kind;
    inode.mode = kind == FileKind::kDirectory ? 0755 : kind == FileKind::kSymlink ? 0777 : 0644;
    inode.content = Content::FromBytes(bytes);
    inode.target = target;
    auto [dir, name] = Split(path);
    const ObjectId object = AddOld(inode, trace_.objects[static_cast<size_t>(dir)].disk.dev);
    trace_.old_tree.at(dir).entries[name] = object;
    live_.at(dir).entries[name] = object;
    return *this;
  }
  ObjectId AddObject(FileKind kind, uint64_t device) {
    Inode inode;
    inode.kind = kind;
    const ObjectId object = live_.Add(std::move(inode));
    trace_.objects.push_back({kind,
                              {device, static_cast<uint64_t>(object) + 1},
                              static_cast<int32_t>(trace_.ops.size())});
    return object;
  }
  TraceBuilder& Make(const std::string& path, FileKind kind, uint32_t mode,
                     const std::string& target) {
    Op op = New(OpKind::kCreate,
                kind == FileKind::kDirectory ? "mkdir"
                : kind == FileKind::kSymlink ? "symlink"
                                             : "openat",
                path);
    op.mode = mode;
    op.path2 = target;
    std::tie(op.dir, op.name) = Split(path);
    op.object = AddObject(kind, trace_.objects[static_cast<size_t>(op.dir)].disk.dev);
    return Push(op);
  }
  TraceBuilder& Sync(OpKind kind, const char* call, const std::string& path) {
    Op op = New(kind, call, path);
    op.object = At(path);
    return Push(op);
  }
  Op New(OpKind kind, const char* call, const std::string& path) {
    Op op;
    op.kind = kind;
    op.call = call;
    op.path = path;
    op.begin = 10 * trace_.ops.size() + 1;
    op.end = op.begin + 8;
    return op;
  }
  TraceBuilder& Push(Op op) {
    op.error = std::exchange(error_, 0);
    if (std::exchange(in_flight_, false)) {
      op.flags |= kFlagInFlight;
      op.end = 0;
    }

    trace_.ops.push_back(op);
    while (static_cast<size_t>(live_.size()) < trace_.objects.size()) live_.Add({});

    // The live view follows, so that later paths mean what they mean to the program.
    if (op.error == 0 && (op.flags & kFlagInFlight) == 0) {
      Trace only = trace_;
      only.old_tree = live_;
      LiveTree next(only);
      next.Apply(op);
      live_ = next.tree();
    }

    return *this;
  }

  Trace trace_;
  FileTree live_;
  std::map<std::string, ObjectId> handles_;
  int error_ = 0;
  bool in_flight_ = false;
};

}  // namespace oldornew
