// Records of the end of a process, of what cannot be judged, and of file calls that a plan sees.
#include <sys/syscall.h>

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "interpose/decoding.h"
#include "interpose/file_calls.h"

namespace oldornew {

using wire::SectionType;

namespace {

bool IsWithin(const std::string& path, const std::string& directory) {
  return path == directory || path.starts_with(directory + "/");
}

}  // namespace

void DecodeExit(Decoding& d, const RecordView& record) {
  if (record.fixed->nr != SYS_exit_group || d.processes.IndexOf(record.fixed->pid) != 0) return;
  Op op = d.ops.NewOp(record, OpKind::kExit);
  op.error = 0;
  op.mode = static_cast<uint32_t>(record.fixed->args[0]) & 0xff;
  d.ops.Emit(std::move(op));
}

void DecodeMapShared(Decoding& d, const RecordView& record) {
  ObjectId object = d.Before(record);
  if (object == kNoObject) return d.ops.Outside();
  std::optional<size_t> root = d.objects.RootOf(object);

  // In a private temporary directory only what is left of it at the end could matter, and that is
  // compared.
  if (root && *root < d.trace->roots.size() && d.trace->roots[*root].role != RootRole::kJudged)
    return d.ops.Outside();
  std::string path = d.objects.Path(object);
  const auto matches = [&](const char* glob) { return GlobMatches(glob, path); };
  if (std::any_of(std::begin(kVolatileGlobs), std::end(kVolatileGlobs), matches)) {
    d.volatile_maps.insert(object);
    return;
  }

  d.ops.Obstruct(
      Obstacle::Kind::kUnsupported,
      fmt::format("{} is mapped shared and writable by {}: stores to it cannot be recorded", path,
                  d.ops.Who(record)));
}

void DecodeUnsupported(Decoding& d, const RecordView& record) {
  std::string reason = Text(record, SectionType::kReason);
  if (record.fixed->nr == SYS_execve) {
    d.processes.Handle(record);
  } else if (!record.has(SectionType::kObjectBefore)) {
    d.ops.Obstruct(Obstacle::Kind::kUnsupported, fmt::format("{} {}", d.ops.Who(record), reason));
  } else if (ObjectId object = d.Before(record); object != kNoObject) {
    d.ops.Obstruct(Obstacle::Kind::kUnsupported,
                   fmt::format("{} {}", d.objects.Path(object), reason));
  } else {
    d.ops.Outside();
  }
}

void DecodeRefused(Decoding& d, const RecordView& record) {
  d.ops.Obstruct(Obstacle::Kind::kRefused,
                 fmt::format("{} would change {} ({}), outside the judged "
                             "directory: add --also-dir with its directory",
                             d.ops.Who(record), Text(record, SectionType::kPath),
                             SyscallName(record.fixed->nr)));
}

void DecodeFileCall(Decoding& d, const RecordView& record) {
  const wire::Record& r = *record.fixed;
  const std::string judged = d.trace->roots.empty() ? "" : d.trace->roots[0].path;
  const auto is_inside = [&](const std::string& path) {
    return std::any_of(d.trace->roots.begin(), d.trace->roots.end(),
                       [&](const Root& root) { return IsWithin(path, root.path); });
  };
  const auto shown = [&](std::string path) {
    if (judged.empty() || !IsWithin(path, judged)) return path;
    return path == judged ? std::string(".") : path.substr(judged.size() + 1);
  };
  FileCall call;
  call.process = d.processes.IndexOf(r.pid);
  call.thread = r.thread;
  call.syscall = r.nr;
  call.call = SyscallName(r.nr);
  call.descriptor = r.descriptor;
  std::string path = Text(record, SectionType::kPath);
  std::string path2 = Text(record, SectionType::kPath2);

  // sendfile and the like, out of the sandbox
  if (!path2.empty() && !is_inside(path) && wire::ShapeOf(r.nr) != nullptr &&
      wire::ShapeOf(r.nr)->fd2 >= 0) {
    path = std::exchange(path2, "");
  }

  call.path = shown(path);
  call.path2 = shown(path2);
  call.open_flags = r.open_flags;
  call.requested = r.length;
  call.begin = r.begin;
  call.injection = static_cast<int32_t>(r.injection) - 1;
  if (record.done()) {
    call.end = r.end;
    call.result = r.ret;
    call.told = static_cast<int64_t>(r.offset);
  }

  call.stack = d.ops.StackOf(record, static_cast<size_t>(call.process));
  d.trace->file_calls.push_back(std::move(call));
}

}  // namespace oldornew
