#include "interpose/decode.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "interpose/decoder.h"
#include "interpose/file_calls.h"
#include "interpose/recording.h"
#include "tree/acl.h"

namespace oldornew {

using wire::RecordKind;
using wire::SectionType;

Op Decoder::NewOp(const RecordView& record, OpKind kind) {
  const wire::Record& r = *record.fixed;
  Op op;
  op.kind = kind;
  op.begin = r.begin;
  op.process = processes_.IndexOf(r.pid);
  op.thread = r.thread;
  op.syscall = r.nr;
  op.call = SyscallName(r.nr);
  op.descriptor = r.descriptor;
  if (record.done()) {
    op.end = r.end;
    if (r.ret < 0 && r.ret >= -4095) op.error = static_cast<int32_t>(-r.ret);
  } else {
    op.flags |= kFlagInFlight;
  }
  if (r.injection != 0) {
    op.flags |= kFlagInjected;
    if (record.done() && op.error == 0) op.told = r.told;
  }
  op.stack = StackOf(record, static_cast<size_t>(op.process));
  return op;
}

const std::vector<uint64_t>& Decoder::StackOf(const RecordView& record, size_t process) {
  const wire::Record& r = *record.fixed;
  std::string_view words = record.text(SectionType::kStack);
  uint64_t key = r.begin;
  if (words.size() == sizeof key) memcpy(&key, words.data(), sizeof key);
  auto [entry, fresh] = stacks_.try_emplace(key);
  if (!fresh) return entry->second;
  // The record with the words came earlier; if it is missing, at least the call itself is known.
  if (words.size() > sizeof key)
    entry->second = unwinder_.Unwind(trace_->processes[process].modules, r, words);
  if (entry->second.empty() && r.ip != 0) entry->second.push_back(r.ip);
  return entry->second;
}

void Decoder::Emit(Op op) {
  ((op.flags & kFlagInFlight) != 0 ? in_flight_ : trace_->ops).push_back(std::move(op));
}

std::string Decoder::Who(const RecordView& record) {
  auto index = static_cast<size_t>(processes_.IndexOf(record.fixed->pid));
  const std::string& program = trace_->processes[index].program;
  return program.empty() ? fmt::format("process {}", record.fixed->pid) : program;
}

void Decoder::Unseen(const std::string& path) {
  Obstruct(Obstacle::Kind::kIncomplete,
           fmt::format("{} was made by something that the recorder did not see", path));
}

Decoder::Attributes& Decoder::Known(ObjectId object) {
  auto [entry, fresh] = attributes_.try_emplace(object);
  if (fresh && static_cast<size_t>(object) < old_tree_.size()) {
    const Inode& inode = old_tree_.at(object);
    auto xattr = [&](const char* key) {
      auto found = inode.xattrs.find(key);
      return found == inode.xattrs.end() ? std::string() : found->second;
    };
    entry->second = {inode.mode,        inode.uid,          inode.gid,
                     xattr(kAccessAcl), xattr(kDefaultAcl), inode.content.size()};
  }
  return entry->second;
}

void Decoder::NoteAttributes(const RecordView& record, ObjectId object, bool always) {
  wire::FileState after = record.state(SectionType::kObjectAfter);
  Attributes& known = Known(object);
  if (after.mode == 0) {
    if (always) {  // failed, or in flight
      Op op = NewOp(record, OpKind::kSetAttributes);
      op.object = object;
      op.path = objects_.Path(object);
      Emit(std::move(op));
    }
    return;
  }
  bool changed =
      known.mode != (after.mode & kPermissions) || known.uid != after.uid || known.gid != after.gid;
  if (changed || always) {
    Op op = NewOp(record, OpKind::kSetAttributes);
    op.object = object;
    op.mode = after.mode & kPermissions;
    op.uid = after.uid;
    op.gid = after.gid;
    op.path = objects_.Path(object);
    known.mode = op.mode;
    known.uid = op.uid;
    known.gid = op.gid;
    Emit(std::move(op));
  }
}

void Decoder::DecodeExit(const RecordView& record) {
  if (record.fixed->nr != SYS_exit_group || processes_.IndexOf(record.fixed->pid) != 0) return;
  Op op = NewOp(record, OpKind::kExit);
  op.error = 0;
  op.mode = static_cast<uint32_t>(record.fixed->args[0]) & 0xff;
  Emit(std::move(op));
}

void Decoder::DecodeMapShared(const RecordView& record) {
  ObjectId object = Before(record);
  if (object == kNoObject) return Outside();
  std::optional<size_t> root = objects_.RootOf(object);
  // In a private temporary directory only what is left of it at the end could matter, and that is
  // compared.
  if (root && *root < trace_->roots.size() && trace_->roots[*root].role != RootRole::kJudged)
    return Outside();
  std::string path = objects_.Path(object);
  const auto matches = [&](const char* glob) { return GlobMatches(glob, path); };
  if (std::any_of(std::begin(kVolatileGlobs), std::end(kVolatileGlobs), matches)) {
    volatile_maps_.insert(object);
    return;
  }
  Obstruct(Obstacle::Kind::kUnsupported,
           fmt::format("{} is mapped shared and writable by {}: stores to it cannot be recorded",
                       path, Who(record)));
}

void Decoder::DecodeUnsupported(const RecordView& record) {
  std::string reason = Text(record, SectionType::kReason);
  if (record.fixed->nr == SYS_execve) {
    processes_.Handle(record);
  } else if (!record.has(SectionType::kObjectBefore)) {
    Obstruct(Obstacle::Kind::kUnsupported, fmt::format("{} {}", Who(record), reason));
  } else if (ObjectId object = Before(record); object != kNoObject) {
    Obstruct(Obstacle::Kind::kUnsupported, fmt::format("{} {}", objects_.Path(object), reason));
  } else {
    Outside();
  }
}

void Decoder::DecodeRefused(const RecordView& record) {
  Obstruct(Obstacle::Kind::kRefused, fmt::format("{} would change {} ({}), outside the judged "
                                                 "directory: add --also-dir with its directory",
                                                 Who(record), Text(record, SectionType::kPath),
                                                 SyscallName(record.fixed->nr)));
}

namespace {

bool IsWithin(const std::string& path, const std::string& directory) {
  return path == directory || path.starts_with(directory + "/");
}

}  // namespace

void Decoder::DecodeFileCall(const RecordView& record) {
  const wire::Record& r = *record.fixed;
  const std::string judged = trace_->roots.empty() ? "" : trace_->roots[0].path;
  const auto is_inside = [&](const std::string& path) {
    return std::any_of(trace_->roots.begin(), trace_->roots.end(),
                       [&](const Root& root) { return IsWithin(path, root.path); });
  };
  const auto shown = [&](std::string path) {
    if (judged.empty() || !IsWithin(path, judged)) return path;
    return path == judged ? std::string(".") : path.substr(judged.size() + 1);
  };
  FileCall call;
  call.process = processes_.IndexOf(r.pid);
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
  call.stack = StackOf(record, static_cast<size_t>(call.process));
  trace_->file_calls.push_back(std::move(call));
}

void Decoder::Decode(const RecordView& record) {
  Take(record);
  if (!proof_) return;
  completeness_.Count(record);
  if (Completeness::IsOfProcesses(record.kind())) completeness_.Note(record, Who(record));
}

void Decoder::Take(const RecordView& record) {
  switch (record.kind()) {
    case RecordKind::kProcessStart:
    case RecordKind::kForked:
    case RecordKind::kClone:
    case RecordKind::kExec:
    case RecordKind::kExecFailed:
    case RecordKind::kReaped:
      for (const auto& file : processes_.Handle(record)) NoteClosed(record, *file);
      return;
    case RecordKind::kOpen:
      return DecodeOpen(record);
    case RecordKind::kClose:
    case RecordKind::kCloseRange:
      return DecodeClose(record);
    case RecordKind::kMapped:
      return processes_.Hold(processes_.IndexOf(record.fixed->pid), record.fixed->descriptor);
    case RecordKind::kDup:
    case RecordKind::kCloexec:
      return DecodeDup(record);
    case RecordKind::kWrite:
      return DecodeWrite(record);
    case RecordKind::kTruncate:
    case RecordKind::kAllocate:
      return DecodeResize(record);
    case RecordKind::kFsync:
    case RecordKind::kFdatasync:
    case RecordKind::kSyncFs:
    case RecordKind::kSyncAll:
    case RecordKind::kSyncRange:
    case RecordKind::kMsync:
      return DecodeSync(record);
    case RecordKind::kMakeNode:
      return DecodeMakeNode(record);
    case RecordKind::kLink:
      return DecodeLink(record);
    case RecordKind::kUnlink:
      return DecodeUnlink(record);
    case RecordKind::kRename:
      return DecodeRename(record);
    case RecordKind::kSetAttributes:
    case RecordKind::kSetXattr:
    case RecordKind::kRemoveXattr:
    case RecordKind::kSetTimes:
      return DecodeMetadata(record);
    case RecordKind::kOutput:
      return DecodeOutput(record, record.fixed->other_pid);
    case RecordKind::kExit:
      return DecodeExit(record);
    case RecordKind::kMapShared:
      return DecodeMapShared(record);
    case RecordKind::kUnsupported:
      return DecodeUnsupported(record);
    case RecordKind::kRefused:
      return DecodeRefused(record);
    case RecordKind::kFileCall:
      return DecodeFileCall(record);
    case RecordKind::kModules:
      trace_->processes[static_cast<size_t>(processes_.IndexOf(record.fixed->pid))].modules =
          ParseMaps(record.text(SectionType::kMaps));
      return;
    case RecordKind::kThreadStart:
    case RecordKind::kAccount:
    case RecordKind::kPad:
    case RecordKind::kCount:
      return;
  }
}

void Decoder::Finish() {
  // Decoded in their place, where identities mean what they meant then; listed last, as nobody saw
  // them return.
  for (Op& op : in_flight_) {
    if (op.kind == OpKind::kCreate && op.object != kNoObject &&
        created_in_flight_.count(op.object) != 0)
      trace_->objects[static_cast<size_t>(op.object)].created_by =
          static_cast<int32_t>(trace_->ops.size());
    trace_->ops.push_back(std::move(op));
  }
  processes_.Finish();
  if (proof_) {
    for (std::string& reason : completeness_.Finish())
      Obstruct(Obstacle::Kind::kIncomplete, std::move(reason));
  }
  // What was stored through a volatile mapping is put in at the end, so that the trees can be
  // compared.
  for (ObjectId object : volatile_maps_) {
    std::optional<size_t> root = objects_.RootOf(object);
    if (!objects_.HasName(object) || root != 0u || trace_->new_tree.roots().empty()) continue;
    std::optional<InodeIndex> inode = trace_->new_tree.Lookup(objects_.Path(object));
    if (!inode || trace_->new_tree.at(*inode).content.empty()) continue;
    std::string bytes = trace_->new_tree.at(*inode).content.ToString();
    Op op;
    op.kind = OpKind::kWrite;
    op.call = "store";
    op.begin = op.end = header_.ticket;
    op.object = object;
    op.path = objects_.Path(object);
    op.length = op.requested = op.size_before = op.size_after = bytes.size();
    op.data = AddPayload(bytes);
    Emit(std::move(op));
  }
}

void DecodeRecords(const wire::Header& header, const RecordList& list, const CapturedTree& old_tree,
                   Trace* trace, bool proof, DecodeStatistics* statistics, bool main_exited,
                   Unwinder* unwinder) {
  DecodeStatistics ignored;
  if (statistics == nullptr) statistics = &ignored;
  statistics->records = list.records.size();
  // Had at once: growing step by step copies, and touches memory, as often again.
  size_t payload = 0;
  for (const RecordView& record : list.records) payload += record.text(SectionType::kData).size();
  trace->payload.reserve(trace->payload.size() + payload);
  trace->ops.reserve(trace->ops.size() + list.records.size());
  std::optional<Unwinder> own;
  if (unwinder == nullptr) unwinder = &own.emplace();
  unwinder->BeginRun();
  Decoder decoder(old_tree, header, trace, statistics, unwinder);
  if (!proof) decoder.AskForNoProof();
  if (main_exited) decoder.MainExited();
  bool dispatched = false, traced = false;
  for (const RecordView& record : list.records) {
    if (!record.done()) statistics->in_flight++;
    const auto route = static_cast<wire::Route>(record.fixed->route);
    traced = traced || route == wire::Route::kTrace;
    dispatched = dispatched || route == wire::Route::kDispatch || route == wire::Route::kPatch;
    decoder.Decode(record);
  }
  if (traced) trace->backend = dispatched ? "sud+ptrace" : "ptrace";
  decoder.Finish();
  trace->plan_matches.clear();
  for (uint32_t i = 0; i < header.rule_count && i < wire::kMaxInjections; i++)
    trace->plan_matches.push_back(header.rules[i].matched);
  using Kind = Obstacle::Kind;
  if (header.overflowed != 0) {
    decoder.Obstruct(Kind::kIncomplete,
                     fmt::format("the run filled the whole recording ({})", ByteSize(header.size)));
  }
  if (header.unrecorded != 0) {
    decoder.Obstruct(Kind::kIncomplete, fmt::format("{} could not be recorded in full",
                                                    Count(header.unrecorded, "call")));
  }
  if (list.damaged_at != 0) {
    decoder.Obstruct(Kind::kIncomplete,
                     fmt::format("the recording is damaged at byte {}", list.damaged_at));
  }
}

Status DecodeRecording(const std::string& recording_path, const CapturedTree& old_tree,
                       Trace* trace, DecodeStatistics* statistics, bool main_exited,
                       Unwinder* unwinder) {
  ASSIGN_OR_RETURN(RecordingFile file, RecordingFile::Open(recording_path));
  if (statistics != nullptr) statistics->calls = file.calls_seen();
  DecodeRecords(file.header(), ReadRecords(file.records(), file.records_size()), old_tree, trace,
                true, statistics, main_exited, unwinder);
  return {};
}

}  // namespace oldornew
