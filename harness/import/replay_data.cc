// Bytes: read, write, the calls that move them inside the kernel, sizes and syncs.
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <algorithm>

#include "base/text.h"
#include "import/log_replay.h"

#ifndef RWF_NOAPPEND
#define RWF_NOAPPEND 0x20
#endif

namespace oldornew {

using Kind = Obstacle::Kind;
using wire::RecordKind;
using wire::SectionType;

namespace {

// Larger than what people judge, small enough that a damaged log cannot fill the memory.
constexpr uint64_t kMostSize = uint64_t{16} << 30;

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

}  // namespace

std::optional<PrintedBytes> LogReplay::Gather(const StraceCall& call, bool vector,
                                              uint64_t* asked) {
  if (!vector) {
    const auto length = Number(call, 2);
    if (length) *asked = static_cast<uint64_t>(*length);
    return PrintedString(Argument(call, 1));
  }
  const auto parts = PrintedList(Argument(call, 1));
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

void LogReplay::OnRead(const StraceCall& call) {
  if (call.failed()) return;
  const auto file = File(call, 0);
  if (file == nullptr || file->inode == kNoInode) return;
  const bool positional = call.name[0] == 'p';
  uint64_t at = file->offset;
  if (positional) {
    const auto offset = Number(call, 3);
    if (!offset) return;
    if (*offset == -1 && call.name == "preadv2") {
      file->offset += static_cast<uint64_t>(call.result);
      return;
    }
    at = static_cast<uint64_t>(*offset);
  } else {
    file->offset += static_cast<uint64_t>(call.result);
  }
  if (spec_.old_tree != nullptr || (!positional && !file->offset_known)) return;
  uint64_t asked = 0;
  const bool vector = call.name.find('v') != std::string::npos;
  const auto bytes = Gather(call, vector, &asked);
  if (!bytes) return;
  const auto got = static_cast<uint64_t>(call.result);
  LearnBytes(file->inode, at, bytes->bytes.substr(0, got), got < asked && !vector);
}

void LogReplay::SizeUnknown(const StraceCall& call, InodeIndex inode) {
  if (!world_->Judged(inode)) return;
  Obstruct(Kind::kIncomplete,
           fmt::format("{}: where this {} goes depends on the size the file had before the run, "
                       "which the log does not show: give the tree before with --old",
                       log_.Where(call), call.name));
}

// What the kernel does to set-user-id files that somebody without privileges writes to.
void LogReplay::DropPrivileges(InodeIndex inode) {
  if (inode == kNoInode) return;
  Inode& i = world_->at(inode);
  if (i.uid == 0) return;  // most likely written by root, who may
  if ((i.mode & S_ISGID) != 0 && (i.mode & S_IXGRP) != 0) i.mode &= ~static_cast<uint32_t>(S_ISGID);
  i.mode &= ~static_cast<uint32_t>(S_ISUID);
}

void LogReplay::WriteOutput(const StraceCall& call, int fd, const Description& file,
                            const std::string& bytes, uint64_t asked) {
  if (call.failed()) return;
  if (file.channel <= 2) outputs_[file.channel - 1] += bytes;
  RecordDraft draft = Draft(RecordKind::kOutput, call);
  draft->descriptor = fd;
  draft->other_pid = file.channel;
  draft->length = asked;
  draft.Add(SectionType::kData, bytes);
  Emit(std::move(draft), call);
}

void LogReplay::OnWrite(const StraceCall& call) {
  int fd = -1;
  const auto file = File(call, 0, &fd);
  if (file == nullptr) return;
  const bool judged = JudgedFile(*file);
  const bool kept = file->inode != kNoInode && world_->at(file->inode).kind == FileKind::kFile;
  if (!kept && file->channel < 0) return;
  const bool vector = call.name.find('v') != std::string::npos;
  uint64_t asked = 0;
  auto bytes = Gather(call, vector, &asked);
  if (!bytes) {
    if (!call.failed() && call.result > 0)
      Bad(call, fmt::format("no bytes in {}", Quote(Argument(call, 1))));
    if (!judged) return;
    bytes = PrintedBytes{};
  }
  const uint64_t done = call.failed() ? 0 : static_cast<uint64_t>(call.result);
  if (done > kMostSize) return Bad(call, "no write can be so long");
  if (!call.failed() && bytes->bytes.size() < done && (judged || file->channel >= 0)) {
    Obstruct(Kind::kIncomplete,
             fmt::format(
                 "{}: only {} of the {} bytes of this {} are in the log: record with strace -s {}",
                 log_.Where(call), bytes->bytes.size(), done, call.name, 1 << 20));
  }
  if (!call.failed()) bytes->bytes.resize(done, '\0');
  if (file->channel >= 0 && !judged) return WriteOutput(call, fd, *file, bytes->bytes, asked);
  if (!Writable(*file)) return;
  uint64_t per_call = 0;
  if (call.name == "pwritev2")
    per_call = Flags(call, call.arguments.size() - 1, WriteFlagNames()).value_or(0);
  const bool append = ((file->flags & O_APPEND) != 0 && (per_call & RWF_NOAPPEND) == 0) ||
                      (per_call & RWF_APPEND) != 0;
  std::optional<uint64_t> offset;
  if (call.name[0] == 'p') {
    const auto given = Number(call, 3);
    if (!given) return;
    if (*given != -1 || call.name != "pwritev2") offset = static_cast<uint64_t>(*given);
  }
  RecordDraft draft = Draft(RecordKind::kWrite, call);
  draft->descriptor = fd;
  draft->length = asked;
  draft->open_flags = static_cast<uint32_t>(file->flags);
  const auto set = [&](bool on, uint32_t flag) { draft->flags |= on ? flag : 0; };
  set(append, wire::kAppended);
  set((file->flags & O_SYNC) == O_SYNC || (per_call & RWF_SYNC) != 0, wire::kSynced);
  set((file->flags & O_DSYNC) != 0 || (per_call & RWF_DSYNC) != 0, wire::kDataSynced);
  set((file->flags & O_DIRECT) != 0, wire::kDirect);
  WriteBytes(call, std::move(draft), file.get(), bytes->bytes, offset, append);
}

void LogReplay::WriteBytes(const StraceCall& call, RecordDraft draft, Description* file,
                           const std::string& bytes, std::optional<uint64_t> offset, bool append) {
  World::Facts& facts = world_->facts(file->inode);
  const bool by_position = !offset;
  const bool done = !call.failed() && !bytes.empty();
  if (done && append && !facts.size_known) SizeUnknown(call, file->inode);
  if (done && !append && by_position && !file->offset_known) {
    if (facts.judged) {
      Obstruct(Kind::kIncomplete,
               fmt::format("{}: the descriptor was open before the log begins, and where in its "
                           "file it stood is not in the log",
                           log_.Where(call)));
    }
  }
  const uint64_t at = append ? facts.size : offset.value_or(file->offset);
  if (at > kMostSize || bytes.size() > kMostSize - at)
    return Bad(call, "the file would be larger than 16 GiB");
  draft->offset = append ? 0 : at;
  draft.AddState(SectionType::kObjectBefore, world_->State(file->inode));
  draft.Add(SectionType::kData, bytes);
  if (done) {
    if (!append && !facts.size_known) SizeUnknown(call, file->inode);
    if (facts.judged || facts.bytes_known)
      world_->at(file->inode).content = world_->at(file->inode).content.WithWrite(at, bytes);
    facts.size = std::max(facts.size, at + bytes.size());
    facts.touched = true;
    if (by_position) {
      file->offset = at + bytes.size();
      file->offset_known = true;
    }
    DropPrivileges(file->inode);
    draft.AddState(SectionType::kObjectAfter, world_->State(file->inode));
  }
  if (facts.judged) Emit(std::move(draft), call);
}

void LogReplay::OnSeek(const StraceCall& call) {
  if (call.failed()) return;
  const auto file = File(call, 0);
  if (file == nullptr || file->inode == kNoInode) return;
  file->offset = static_cast<uint64_t>(call.result);
  file->offset_known = true;
  const std::string whence = call.arguments.size() > 2 ? StripComments(call.arguments[2]) : "";
  World::Facts& facts = world_->facts(file->inode);
  if ((whence != "SEEK_END" && whence != "2" && whence != "0x2") || facts.touched ||
      facts.size_known)
    return;
  const auto back = Number(call, 1);
  if (!back || call.result - *back < 0) return;
  if (OldEntry* old = OldOf(file->inode); old != nullptr && !old->size) {
    old->size = static_cast<uint64_t>(call.result - *back);
    again_ = true;
  }
}

void LogReplay::Transfer(const StraceCall& call, const Description& from, uint64_t from_offset,
                         Description* to, std::optional<uint64_t> to_offset, uint64_t asked) {
  int number = -1;
  for (const auto& [fd, slot] : Process(call).files->slots) {
    if (slot.file.get() == to) number = fd;
  }
  const uint64_t done = call.failed()          ? 0
                        : call.name == "ioctl" ? asked
                                               : static_cast<uint64_t>(call.result);
  if (done > kMostSize) return Bad(call, "no call can move so much");
  std::string bytes;
  const bool known = from.inode != kNoInode && world_->facts(from.inode).bytes_known &&
                     world_->at(from.inode).kind == FileKind::kFile;
  if (known) bytes = world_->at(from.inode).content.Read(from_offset, done);
  if (bytes.size() < done && JudgedFile(*to)) {
    Obstruct(Kind::kIncomplete,
             fmt::format("{}: the bytes that {} moves inside the kernel are not in the log, and "
                         "what they are copied from is not known",
                         log_.Where(call), call.name));
  }
  if (bytes.size() < done && !JudgedFile(*to)) world_->facts(to->inode).bytes_known = false;
  bytes.resize(done, '\0');
  RecordDraft draft = Draft(RecordKind::kWrite, call);
  draft->descriptor = number;
  draft->length = asked;
  draft->open_flags = static_cast<uint32_t>(to->flags);
  const bool append = (to->flags & O_APPEND) != 0 && !to_offset;
  if (append) draft->flags |= wire::kAppended;
  if ((to->flags & O_SYNC) == O_SYNC) draft->flags |= wire::kSynced;
  if ((to->flags & O_DSYNC) != 0) draft->flags |= wire::kDataSynced;
  WriteBytes(call, std::move(draft), to, bytes, to_offset, append);
}

void LogReplay::OnTransfer(const StraceCall& call) {
  const bool sendfile = call.name == "sendfile";
  const auto to = File(call, sendfile ? 0 : 2);
  const auto from = File(call, sendfile ? 1 : 0);
  if (to == nullptr || from == nullptr) return;
  const std::string_view from_text = Argument(call, sendfile ? 2 : 1);
  const std::optional<uint64_t> from_offset = OffsetIn(from_text);
  const std::optional<uint64_t> to_offset = sendfile ? std::nullopt : OffsetIn(Argument(call, 3));
  const auto length = Number(call, sendfile ? 3 : 4);
  if (!length) return;
  const uint64_t done = call.failed() ? 0 : static_cast<uint64_t>(call.result);
  const uint64_t source_at = from_offset.value_or(from->offset);
  if (!from_offset) from->offset += done;
  if (to->channel >= 0 && !call.failed() && done > 0) {
    return ReportUnsupported(
        call, "sends output without its bytes being seen (sendfile or splice to an output channel)",
        kNoInode);
  }
  if (to->inode == kNoInode || world_->at(to->inode).kind != FileKind::kFile || !Writable(*to))
    return;
  Transfer(call, *from, source_at, to.get(), to_offset, static_cast<uint64_t>(*length));
}

void LogReplay::OnReflink(const StraceCall& call) {
  const auto to = File(call, 0);
  if (to == nullptr || to->inode == kNoInode || call.failed()) return;
  const std::string_view last = Argument(call, 2);
  const auto source = PrintedField(last, "src_fd");
  const auto number = PrintedFd(source ? *source : last);
  if (!number) return Bad(call, "no source in its third argument");
  const auto& slots = Process(call).files->slots;
  const auto slot = slots.find(number->number);
  const auto from = slot != slots.end() ? slot->second.file : Inherit(call, *number);
  const auto field = [&](const char* name) -> uint64_t {
    const auto text = PrintedField(last, name);
    return text ? static_cast<uint64_t>(PrintedNumber(*text).value_or(0)) : 0;
  };
  const uint64_t at = source ? field("src_offset") : 0;
  uint64_t length = source ? field("src_length") : 0;
  const uint64_t size = from->inode == kNoInode ? 0 : world_->facts(from->inode).size;
  if (length == 0) length = size > at ? size - at : 0;
  if (from->inode != kNoInode && !world_->facts(from->inode).size_known && JudgedFile(*to))
    SizeUnknown(call, to->inode);
  Transfer(call, *from, at, to.get(), source ? field("dest_offset") : 0, length);
}

void LogReplay::SetSize(const StraceCall& call, InodeIndex inode, uint64_t size) {
  if (size > kMostSize) return Bad(call, "the file would be larger than 16 GiB");
  World::Facts& facts = world_->facts(inode);
  Content& content = world_->at(inode).content;
  content = content.WithSize(size);
  facts.size = size;
  facts.size_known = facts.touched = true;
  if (size == 0) facts.bytes_known = true;
}

void LogReplay::OnTruncate(const StraceCall& call) {
  InodeIndex inode = kNoInode;
  int fd = -1;
  if (call.name == "truncate") {
    Found found = Walk(call, -1, 0, true);
    if (!call.failed() && !MustBeThere(call, &found, FileKind::kFile)) Resolved(call, found);
    if (found.there() && !world_->Judged(found.inode) && !call.failed()) NoteOutside(found);
    inode = found.inode;
  } else if (const auto file = File(call, 0, &fd)) {
    inode = file->inode;
  }
  const auto length = Number(call, 1);
  if (!length || inode == kNoInode || world_->at(inode).kind != FileKind::kFile) return;
  RecordDraft draft = Draft(RecordKind::kTruncate, call);
  draft->descriptor = fd;
  draft->length = static_cast<uint64_t>(*length);
  draft.AddState(SectionType::kObjectBefore, world_->State(inode));
  if (!call.failed()) {
    if (*length < 0) return Bad(call, "a negative size");
    SetSize(call, inode, static_cast<uint64_t>(*length));
    DropPrivileges(inode);
    draft.AddState(SectionType::kObjectAfter, world_->State(inode));
  }
  if (world_->Judged(inode)) Emit(std::move(draft), call);
}

void LogReplay::OnAllocate(const StraceCall& call) {
  int fd = -1;
  const auto file = File(call, 0, &fd);
  const auto mode = Flags(call, 1, AllocateModes());
  const auto offset = Number(call, 2);
  const auto length = Number(call, 3);
  if (file == nullptr || !mode || !offset || !length || !JudgedFile(*file)) return;
  RecordDraft draft = Draft(RecordKind::kAllocate, call);
  draft->descriptor = fd;
  draft->mode_arg = static_cast<uint32_t>(*mode);
  draft->offset = static_cast<uint64_t>(*offset);
  draft->length = static_cast<uint64_t>(*length);
  draft.AddState(SectionType::kObjectBefore, world_->State(file->inode));
  if (!call.failed()) {
    World::Facts& facts = world_->facts(file->inode);
    if (*offset < 0 || *length < 0 || draft->offset > kMostSize || draft->length > kMostSize)
      return Bad(call, "the file would be larger than 16 GiB");
    if (!facts.size_known) SizeUnknown(call, file->inode);
    uint64_t size = facts.size;
    if ((*mode & FALLOC_FL_COLLAPSE_RANGE) != 0) {
      size -= std::min(size, draft->length);
    } else if ((*mode & FALLOC_FL_INSERT_RANGE) != 0) {
      size += draft->length;
    } else if ((*mode & FALLOC_FL_KEEP_SIZE) == 0) {
      size = std::max(size, draft->offset + draft->length);
    }
    if (size > 2 * kMostSize) return Bad(call, "the file would be larger than 16 GiB");
    Op op;
    op.mode = draft->mode_arg;
    op.offset = draft->offset;
    op.length = draft->length;
    op.size_after = size;
    Content& content = world_->at(file->inode).content;
    content = AfterAllocate(content, op);
    facts.size = size;
    facts.touched = true;
    draft.AddState(SectionType::kObjectAfter, world_->State(file->inode));
  }
  Emit(std::move(draft), call);
}

void LogReplay::OnSync(const StraceCall& call) {
  static const std::map<std::string, RecordKind> kKinds = {
      {"fsync", RecordKind::kFsync},
      {"fdatasync", RecordKind::kFdatasync},
      {"syncfs", RecordKind::kSyncFs},
      {"sync_file_range", RecordKind::kSyncRange},
      {"sync", RecordKind::kSyncAll}};
  const RecordKind kind = kKinds.at(call.name);
  RecordDraft draft = Draft(kind, call);
  if (kind != RecordKind::kSyncAll) {
    int fd = -1;
    const auto file = File(call, 0, &fd);
    if (file == nullptr || !world_->Judged(file->inode)) return;
    const FileKind of = world_->at(file->inode).kind;
    if (of != FileKind::kFile && of != FileKind::kDirectory && kind != RecordKind::kSyncFs) return;
    draft->descriptor = fd;
    draft.AddState(SectionType::kObjectBefore, world_->State(file->inode));
  } else {
    draft.AddState(SectionType::kObjectBefore, {});
  }
  if (kind == RecordKind::kSyncRange) {
    const auto offset = Number(call, 1);
    const auto length = Number(call, 2);
    const auto flags = Flags(call, 3, RangeFlags());
    if (!offset || !length || !flags) return;
    draft->offset = static_cast<uint64_t>(*offset);
    draft->length = static_cast<uint64_t>(*length);
    draft->mode_arg = static_cast<uint32_t>(*flags);
  }
  Emit(std::move(draft), call);
}

}  // namespace oldornew
