// Bytes: read, write, the calls that move them inside the kernel, sizes and syncs.
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/uio.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "import/handlers.h"

namespace oldornew::replay {

using Kind = Obstacle::Kind;
using wire::RecordKind;
using wire::SectionType;

namespace {

const std::vector<PrintedSymbol>& WriteFlagNames() {
  static const std::vector<PrintedSymbol> table = {
      {"RWF_HIPRI", RWF_HIPRI},   {"RWF_DSYNC", RWF_DSYNC},   {"RWF_SYNC", RWF_SYNC},
      {"RWF_NOWAIT", RWF_NOWAIT}, {"RWF_APPEND", RWF_APPEND}, {"RWF_NOAPPEND", RWF_NOAPPEND}};
  return table;
}

const std::vector<PrintedSymbol>& AllocateModes() {
  static const std::vector<PrintedSymbol> table = {
      {"FALLOC_FL_KEEP_SIZE", FALLOC_FL_KEEP_SIZE},
      {"FALLOC_FL_PUNCH_HOLE", FALLOC_FL_PUNCH_HOLE},
      {"FALLOC_FL_COLLAPSE_RANGE", FALLOC_FL_COLLAPSE_RANGE},
      {"FALLOC_FL_ZERO_RANGE", FALLOC_FL_ZERO_RANGE},
      {"FALLOC_FL_INSERT_RANGE", FALLOC_FL_INSERT_RANGE},
      {"FALLOC_FL_UNSHARE_RANGE", FALLOC_FL_UNSHARE_RANGE}};
  return table;
}

const std::vector<PrintedSymbol>& RangeFlags() {
  static const std::vector<PrintedSymbol> table = {
      {"SYNC_FILE_RANGE_WAIT_BEFORE", SYNC_FILE_RANGE_WAIT_BEFORE},
      {"SYNC_FILE_RANGE_WRITE", SYNC_FILE_RANGE_WRITE},
      {"SYNC_FILE_RANGE_WAIT_AFTER", SYNC_FILE_RANGE_WAIT_AFTER}};
  return table;
}

// "[1024]" and "[1024 => 2048]", "[1024] => [2048]": the offset before the call.
std::optional<uint64_t> OffsetIn(std::string_view text) {
  if (!text.starts_with("[")) return std::nullopt;
  text.remove_prefix(1);
  const auto number = PrintedNumber(text.substr(0, text.find_first_of(" ]")));
  if (!number || *number < 0) return std::nullopt;
  return static_cast<uint64_t>(*number);
}

std::optional<PrintedBytes> Gather(Replay& r, const StraceCall& call, bool vector,
                                   uint64_t* asked) {
  if (!vector) {
    const auto length = r.arguments.Number(call, 2);
    if (length) *asked = static_cast<uint64_t>(*length);
    return PrintedString(r.arguments.Argument(call, 1));
  }

  const auto parts = PrintedList(r.arguments.Argument(call, 1));
  if (!parts) return std::nullopt;
  PrintedBytes all;
  for (const std::string_view part : *parts) {
    if (part == "...") {
      all.cut = true;
      break;
    }
    const auto base = PrintedField(part, "iov_base");
    const auto length_text = PrintedField(part, "iov_len");
    const auto length = length_text ? PrintedNumber(*length_text) : std::nullopt;
    if (!base || !length || *length < 0) return std::nullopt;
    *asked += static_cast<uint64_t>(*length);
    if (all.cut || *length == 0) continue;
    const auto bytes = PrintedString(*base);
    if (!bytes) return std::nullopt;
    all.bytes += bytes->bytes;
    all.cut = bytes->cut || bytes->bytes.size() < static_cast<uint64_t>(*length);
  }

  return all;
}

}  // namespace

void ReplayRead(Replay& r, const StraceCall& call) {
  if (call.failed()) return;
  const auto file = r.descriptors.File(call, 0);
  if (file == nullptr || file->inode == kNoInode) return;
  const bool positional = call.name[0] == 'p';
  uint64_t at = file->offset;
  if (positional) {
    const auto offset = r.arguments.Number(call, 3);
    if (!offset) return;
    if (*offset == -1 && call.name == "preadv2") {
      file->offset += static_cast<uint64_t>(call.result);
      return;
    }
    at = static_cast<uint64_t>(*offset);
  } else {
    file->offset += static_cast<uint64_t>(call.result);
  }

  if (!r.learner.log_tells() || (!positional && !file->offset_known)) return;
  uint64_t asked = 0;
  const bool vector = call.name.find('v') != std::string::npos;
  const auto bytes = Gather(r, call, vector, &asked);
  if (!bytes) return;
  const auto got = static_cast<uint64_t>(call.result);
  r.learner.LearnBytes(file->inode, at, bytes->bytes.substr(0, got), got < asked && !vector);
}

void ReplayWrite(Replay& r, const StraceCall& call) {
  int fd = -1;
  const auto file = r.descriptors.File(call, 0, &fd);
  if (file == nullptr) return;
  const bool judged = r.world.JudgedFile(file->inode);
  const bool kept = file->inode != kNoInode && r.world.at(file->inode).kind == FileKind::kFile;
  if (!kept && file->channel < 0) return;
  const bool vector = call.name.find('v') != std::string::npos;
  uint64_t asked = 0;
  auto bytes = Gather(r, call, vector, &asked);
  if (!bytes) {
    if (!call.failed() && call.result > 0)
      r.complaints.Bad(call, fmt::format("no bytes in {}", Quote(r.arguments.Argument(call, 1))));
    if (!judged) return;
    bytes = PrintedBytes{};
  }

  const uint64_t done = call.failed() ? 0 : static_cast<uint64_t>(call.result);
  if (done > kMostSize) return r.complaints.Bad(call, "no write can be so long");
  if (!call.failed() && bytes->bytes.size() < done && (judged || file->channel >= 0)) {
    r.complaints.Missed(
        call,
        fmt::format("only {} of the {} bytes of this {} are in the log: record with strace -s {}",
                    bytes->bytes.size(), done, call.name, 1 << 20));
  }

  if (!call.failed()) bytes->bytes.resize(done, '\0');
  if (file->channel >= 0 && !judged)
    return r.bytes.WriteOutput(call, fd, *file, bytes->bytes, asked);
  if (!file->writable()) return;
  uint64_t per_call = 0;
  if (call.name == "pwritev2")
    per_call = r.arguments.Flags(call, call.arguments.size() - 1, WriteFlagNames()).value_or(0);
  const bool append = ((file->flags & O_APPEND) != 0 && (per_call & RWF_NOAPPEND) == 0) ||
                      (per_call & RWF_APPEND) != 0;
  std::optional<uint64_t> offset;
  if (call.name[0] == 'p') {
    const auto given = r.arguments.Number(call, 3);
    if (!given) return;
    if (*given != -1 || call.name != "pwritev2") offset = static_cast<uint64_t>(*given);
  }

  RecordDraft draft = r.records.Draft(RecordKind::kWrite, call);
  draft->descriptor = fd;
  draft->length = asked;
  draft->open_flags = static_cast<uint32_t>(file->flags);
  const auto set = [&](bool on, uint32_t flag) { draft->flags |= on ? flag : 0; };
  set(append, wire::kAppended);
  set((file->flags & O_SYNC) == O_SYNC || (per_call & RWF_SYNC) != 0, wire::kSynced);
  set((file->flags & O_DSYNC) != 0 || (per_call & RWF_DSYNC) != 0, wire::kDataSynced);
  set((file->flags & O_DIRECT) != 0, wire::kDirect);
  r.bytes.WriteBytes(call, std::move(draft), file.get(), bytes->bytes, offset, append);
}

void ReplaySeek(Replay& r, const StraceCall& call) {
  if (call.failed()) return;
  const auto file = r.descriptors.File(call, 0);
  if (file == nullptr || file->inode == kNoInode) return;
  file->offset = static_cast<uint64_t>(call.result);
  file->offset_known = true;
  const std::string whence = call.arguments.size() > 2 ? StripComments(call.arguments[2]) : "";
  World::Facts& facts = r.world.facts(file->inode);
  if ((whence != "SEEK_END" && whence != "2" && whence != "0x2") || facts.touched ||
      facts.size_known)
    return;
  const auto back = r.arguments.Number(call, 1);
  if (!back || call.result - *back < 0) return;
  r.learner.LearnSize(file->inode, static_cast<uint64_t>(call.result - *back));
}

void ReplayTransfer(Replay& r, const StraceCall& call) {
  const bool sendfile = call.name == "sendfile";
  const auto to = r.descriptors.File(call, sendfile ? 0 : 2);
  const auto from = r.descriptors.File(call, sendfile ? 1 : 0);
  if (to == nullptr || from == nullptr) return;
  const std::string_view from_text = r.arguments.Argument(call, sendfile ? 2 : 1);
  const std::optional<uint64_t> from_offset = OffsetIn(from_text);
  const std::optional<uint64_t> to_offset =
      sendfile ? std::nullopt : OffsetIn(r.arguments.Argument(call, 3));
  const auto length = r.arguments.Number(call, sendfile ? 3 : 4);
  if (!length) return;
  const uint64_t done = call.failed() ? 0 : static_cast<uint64_t>(call.result);
  const uint64_t source_at = from_offset.value_or(from->offset);
  if (!from_offset) from->offset += done;
  if (to->channel >= 0 && !call.failed() && done > 0) {
    return ReportUnsupported(
        r, call,
        "sends output without its bytes being seen (sendfile or splice to an output channel)",
        kNoInode);
  }

  if (to->inode == kNoInode || r.world.at(to->inode).kind != FileKind::kFile || !to->writable())
    return;
  r.bytes.Transfer(call, *from, source_at, to.get(), to_offset, static_cast<uint64_t>(*length));
}

void ReplayReflink(Replay& r, const StraceCall& call) {
  const auto to = r.descriptors.File(call, 0);
  if (to == nullptr || to->inode == kNoInode || call.failed()) return;
  const std::string_view last = r.arguments.Argument(call, 2);
  const auto source = PrintedField(last, "src_fd");
  const auto number = PrintedFd(source ? *source : last);
  if (!number) return r.complaints.Bad(call, "no source in its third argument");
  const auto from = r.descriptors.Printed(call, *number);
  const auto field = [&](const char* name) -> uint64_t {
    const auto text = PrintedField(last, name);
    return text ? static_cast<uint64_t>(PrintedNumber(*text).value_or(0)) : 0;
  };
  const uint64_t at = source ? field("src_offset") : 0;
  uint64_t length = source ? field("src_length") : 0;
  const uint64_t size = from->inode == kNoInode ? 0 : r.world.facts(from->inode).size;
  if (length == 0) length = size > at ? size - at : 0;
  if (from->inode != kNoInode && !r.world.facts(from->inode).size_known &&
      r.world.JudgedFile(to->inode))
    r.bytes.SizeUnknown(call, to->inode);
  r.bytes.Transfer(call, *from, at, to.get(), source ? field("dest_offset") : 0, length);
}

void ReplayTruncate(Replay& r, const StraceCall& call) {
  InodeIndex inode = kNoInode;
  int fd = -1;
  if (call.name == "truncate") {
    FoundPath found = r.names.Walk(call, -1, 0, true);
    if (!call.failed() && !r.names.MustBeThere(call, &found, FileKind::kFile))
      r.names.Resolved(call, found);
    if (found.there() && !r.world.Judged(found.inode) && !call.failed()) r.names.NoteOutside(found);
    inode = found.inode;
  } else if (const auto file = r.descriptors.File(call, 0, &fd)) {
    inode = file->inode;
  }

  const auto length = r.arguments.Number(call, 1);
  if (!length || inode == kNoInode || r.world.at(inode).kind != FileKind::kFile) return;

  RecordDraft draft = r.records.Draft(RecordKind::kTruncate, call);
  draft->descriptor = fd;
  draft->length = static_cast<uint64_t>(*length);
  draft.AddState(SectionType::kObjectBefore, r.world.State(inode));
  if (!call.failed()) {
    if (*length < 0) return r.complaints.Bad(call, "a negative size");
    r.bytes.SetSize(call, inode, static_cast<uint64_t>(*length));
    r.bytes.DropPrivileges(inode);
    draft.AddState(SectionType::kObjectAfter, r.world.State(inode));
  }

  if (r.world.Judged(inode)) r.records.Emit(std::move(draft), call);
}

void ReplayAllocate(Replay& r, const StraceCall& call) {
  int fd = -1;
  const auto file = r.descriptors.File(call, 0, &fd);
  const auto mode = r.arguments.Flags(call, 1, AllocateModes());
  const auto offset = r.arguments.Number(call, 2);
  const auto length = r.arguments.Number(call, 3);
  if (file == nullptr || !mode || !offset || !length || !r.world.JudgedFile(file->inode)) return;

  RecordDraft draft = r.records.Draft(RecordKind::kAllocate, call);
  draft->descriptor = fd;
  draft->mode_arg = static_cast<uint32_t>(*mode);
  draft->offset = static_cast<uint64_t>(*offset);
  draft->length = static_cast<uint64_t>(*length);
  draft.AddState(SectionType::kObjectBefore, r.world.State(file->inode));
  if (!call.failed()) {
    World::Facts& facts = r.world.facts(file->inode);
    if (*offset < 0 || *length < 0 || draft->offset > kMostSize || draft->length > kMostSize)
      return r.complaints.Bad(call, kTooLarge);
    if (!facts.size_known) r.bytes.SizeUnknown(call, file->inode);
    uint64_t size = facts.size;
    if ((*mode & FALLOC_FL_COLLAPSE_RANGE) != 0) {
      size -= std::min(size, draft->length);
    } else if ((*mode & FALLOC_FL_INSERT_RANGE) != 0) {
      size += draft->length;
    } else if ((*mode & FALLOC_FL_KEEP_SIZE) == 0) {
      size = std::max(size, draft->offset + draft->length);
    }
    if (size > 2 * kMostSize) return r.complaints.Bad(call, kTooLarge);
    Op op;
    op.mode = draft->mode_arg;
    op.offset = draft->offset;
    op.length = draft->length;
    op.size_after = size;
    Content& content = r.world.at(file->inode).content;
    content = AfterAllocate(content, op);
    facts.size = size;
    facts.touched = true;
    draft.AddState(SectionType::kObjectAfter, r.world.State(file->inode));
  }

  r.records.Emit(std::move(draft), call);
}

void ReplaySync(Replay& r, const StraceCall& call) {
  const RecordKind kind = FindReplayedCall(call.name)->record;

  RecordDraft draft = r.records.Draft(kind, call);
  if (kind != RecordKind::kSyncAll) {
    int fd = -1;
    const auto file = r.descriptors.File(call, 0, &fd);
    if (file == nullptr || !r.world.Judged(file->inode)) return;
    const FileKind of = r.world.at(file->inode).kind;
    if (of != FileKind::kFile && of != FileKind::kDirectory && kind != RecordKind::kSyncFs) return;
    draft->descriptor = fd;
    draft.AddState(SectionType::kObjectBefore, r.world.State(file->inode));
  } else {
    draft.AddState(SectionType::kObjectBefore, {});
  }

  if (kind == RecordKind::kSyncRange) {
    const auto offset = r.arguments.Number(call, 1);
    const auto length = r.arguments.Number(call, 2);
    const auto flags = r.arguments.Flags(call, 3, RangeFlags());
    if (!offset || !length || !flags) return;
    draft->offset = static_cast<uint64_t>(*offset);
    draft->length = static_cast<uint64_t>(*length);
    draft->mode_arg = static_cast<uint32_t>(*flags);
  }

  r.records.Emit(std::move(draft), call);
}

}  // namespace oldornew::replay
