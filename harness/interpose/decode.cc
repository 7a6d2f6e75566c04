#include "interpose/decode.h"

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "interpose/completeness.h"
#include "interpose/decoding.h"
#include "interpose/recording.h"

namespace oldornew {

using wire::RecordKind;
using wire::SectionType;

namespace {

void Take(Decoding& d, const RecordView& record) {
  switch (record.kind()) {
    case RecordKind::kProcessStart:
    case RecordKind::kForked:
    case RecordKind::kClone:
    case RecordKind::kExec:
    case RecordKind::kExecFailed:
    case RecordKind::kReaped:
      for (const auto& file : d.processes.Handle(record)) NoteClosed(d, record, *file);
      return;
    case RecordKind::kOpen:
      return DecodeOpen(d, record);
    case RecordKind::kClose:
    case RecordKind::kCloseRange:
      return DecodeClose(d, record);
    case RecordKind::kMapped:
      return d.processes.Hold(d.processes.IndexOf(record.fixed->pid), record.fixed->descriptor);
    case RecordKind::kDup:
    case RecordKind::kCloexec:
      return DecodeDup(d, record);
    case RecordKind::kWrite:
      return DecodeWrite(d, record);
    case RecordKind::kTruncate:
    case RecordKind::kAllocate:
      return DecodeResize(d, record);
    case RecordKind::kFsync:
    case RecordKind::kFdatasync:
    case RecordKind::kSyncFs:
    case RecordKind::kSyncAll:
    case RecordKind::kSyncRange:
    case RecordKind::kMsync:
      return DecodeSync(d, record);
    case RecordKind::kMakeNode:
      return DecodeMakeNode(d, record);
    case RecordKind::kLink:
      return DecodeLink(d, record);
    case RecordKind::kUnlink:
      return DecodeUnlink(d, record);
    case RecordKind::kRename:
      return DecodeRename(d, record);
    case RecordKind::kSetAttributes:
    case RecordKind::kSetXattr:
    case RecordKind::kRemoveXattr:
    case RecordKind::kSetTimes:
      return DecodeMetadata(d, record);
    case RecordKind::kOutput:
      return DecodeOutput(d, record, record.fixed->other_pid);
    case RecordKind::kExit:
      return DecodeExit(d, record);
    case RecordKind::kMapShared:
      return DecodeMapShared(d, record);
    case RecordKind::kUnsupported:
      return DecodeUnsupported(d, record);
    case RecordKind::kRefused:
      return DecodeRefused(d, record);
    case RecordKind::kFileCall:
      return DecodeFileCall(d, record);
    case RecordKind::kModules:
      d.trace->processes[static_cast<size_t>(d.processes.IndexOf(record.fixed->pid))].modules =
          ParseMaps(record.text(SectionType::kMaps));
      return;
    case RecordKind::kThreadStart:
    case RecordKind::kAccount:
    case RecordKind::kPad:
    case RecordKind::kCount:
      return;
  }
}

/// `completeness` is null if no proof is asked for.
void Finish(Decoding& d, Completeness* completeness) {
  d.ops.AddInFlight(d.created_in_flight);
  d.processes.Finish();
  if (completeness != nullptr) {
    for (std::string& reason : completeness->Finish())
      d.ops.Obstruct(Obstacle::Kind::kIncomplete, std::move(reason));
  }

  // What was stored through a volatile mapping is put in at the end, so that the trees can be
  // compared.
  for (ObjectId object : d.volatile_maps) {
    std::optional<size_t> root = d.objects.RootOf(object);
    if (!d.objects.HasName(object) || root != 0u || d.trace->new_tree.roots().empty()) continue;
    std::optional<InodeIndex> inode = d.trace->new_tree.Lookup(d.objects.Path(object));
    if (!inode || d.trace->new_tree.at(*inode).content.empty()) continue;
    std::string bytes = d.trace->new_tree.at(*inode).content.ToString();

    Op op;
    op.kind = OpKind::kWrite;
    op.call = "store";
    op.begin = op.end = d.header.ticket;
    op.object = object;
    op.path = d.objects.Path(object);
    op.length = op.requested = op.size_before = op.size_after = bytes.size();
    op.data = d.ops.AddPayload(bytes);
    d.ops.Emit(std::move(op));
  }
}

}  // namespace

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

  Decoding decoding(old_tree, header, trace, statistics, unwinder);
  std::optional<Completeness> completeness;
  if (proof) completeness.emplace(header);
  if (proof && main_exited) completeness->MainExited();
  bool dispatched = false, traced = false;
  for (const RecordView& record : list.records) {
    if (!record.done()) statistics->in_flight++;
    const auto route = static_cast<wire::Route>(record.fixed->route);
    traced = traced || route == wire::Route::kTrace;
    dispatched = dispatched || route == wire::Route::kDispatch || route == wire::Route::kPatch;

    Take(decoding, record);
    if (!completeness) continue;
    completeness->Count(record);
    if (Completeness::IsOfProcesses(record.kind()))
      completeness->Note(record, decoding.ops.Who(record));
  }

  if (traced) trace->backend = dispatched ? "sud+ptrace" : "ptrace";

  Finish(decoding, completeness ? &*completeness : nullptr);

  trace->plan_matches.clear();
  for (uint32_t i = 0; i < header.rule_count && i < wire::kMaxInjections; i++)
    trace->plan_matches.push_back(header.rules[i].matched);

  using Kind = Obstacle::Kind;
  if (header.overflowed != 0) {
    decoding.ops.Obstruct(Kind::kIncomplete, fmt::format("the run filled the whole recording ({})",
                                                         ByteSize(header.size)));
  }

  if (header.unrecorded != 0) {
    decoding.ops.Obstruct(Kind::kIncomplete, fmt::format("{} could not be recorded in full",
                                                         Count(header.unrecorded, "call")));
  }

  if (list.damaged_at != 0) {
    decoding.ops.Obstruct(Kind::kIncomplete,
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
