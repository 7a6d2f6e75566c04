#include "import/bytes.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace oldornew::replay {

using wire::RecordKind;
using wire::SectionType;

void Bytes::SizeUnknown(const StraceCall& call, InodeIndex inode) {
  if (!world_.Judged(inode)) return;
  complaints_.Missed(
      call, fmt::format("where this {} goes depends on the size the file had before the run, "
                        "which the log does not show: give the tree before with --old",
                        call.name));
}

void Bytes::DropPrivileges(InodeIndex inode) {
  if (inode == kNoInode) return;
  Inode& i = world_.at(inode);
  if (i.uid == 0) return;  // most likely written by root, who may
  if ((i.mode & S_ISGID) != 0 && (i.mode & S_IXGRP) != 0) i.mode &= ~static_cast<uint32_t>(S_ISGID);
  i.mode &= ~static_cast<uint32_t>(S_ISUID);
}

void Bytes::WriteOutput(const StraceCall& call, int fd, const Description& file,
                        const std::string& bytes, uint64_t asked) {
  if (call.failed()) return;
  if (file.channel <= 2) outputs_[file.channel - 1] += bytes;
  RecordDraft draft = records_.Draft(RecordKind::kOutput, call);
  draft->descriptor = fd;
  draft->other_pid = file.channel;
  draft->length = asked;
  draft.Add(SectionType::kData, bytes);
  records_.Emit(std::move(draft), call);
}

void Bytes::WriteBytes(const StraceCall& call, RecordDraft draft, Description* file,
                       const std::string& bytes, std::optional<uint64_t> offset, bool append) {
  World::Facts& facts = world_.facts(file->inode);
  const bool by_position = !offset;
  const bool done = !call.failed() && !bytes.empty();
  if (done && append && !facts.size_known) SizeUnknown(call, file->inode);
  if (done && !append && by_position && !file->offset_known) {
    if (facts.judged) {
      complaints_.Missed(
          call, fmt::format("the descriptor was open before the log begins, and where in its "
                            "file it stood is not in the log"));
    }
  }

  const uint64_t at = append ? facts.size : offset.value_or(file->offset);
  if (at > kMostSize || bytes.size() > kMostSize - at) return complaints_.Bad(call, kTooLarge);
  draft->offset = append ? 0 : at;
  draft.AddState(SectionType::kObjectBefore, world_.State(file->inode));
  draft.Add(SectionType::kData, bytes);
  if (done) {
    if (!append && !facts.size_known) SizeUnknown(call, file->inode);
    if (facts.judged || facts.bytes_known)
      world_.at(file->inode).content = world_.at(file->inode).content.WithWrite(at, bytes);
    facts.size = std::max(facts.size, at + bytes.size());
    facts.touched = true;
    if (by_position) {
      file->offset = at + bytes.size();
      file->offset_known = true;
    }
    DropPrivileges(file->inode);
    draft.AddState(SectionType::kObjectAfter, world_.State(file->inode));
  }

  if (facts.judged) records_.Emit(std::move(draft), call);
}

void Bytes::Transfer(const StraceCall& call, const Description& from, uint64_t from_offset,
                     Description* to, std::optional<uint64_t> to_offset, uint64_t asked) {
  int number = -1;
  for (const auto& [fd, slot] : processes_.Of(call).files->slots) {
    if (slot.file.get() == to) number = fd;
  }

  const uint64_t done = call.failed()          ? 0
                        : call.name == "ioctl" ? asked
                                               : static_cast<uint64_t>(call.result);
  if (done > kMostSize) return complaints_.Bad(call, "no call can move so much");
  std::string bytes;
  const bool known = from.inode != kNoInode && world_.facts(from.inode).bytes_known &&
                     world_.at(from.inode).kind == FileKind::kFile;
  if (known) bytes = world_.at(from.inode).content.Read(from_offset, done);
  if (bytes.size() < done && world_.JudgedFile(to->inode)) {
    complaints_.Missed(
        call, fmt::format("the bytes that {} moves inside the kernel are not in the log, and "
                          "what they are copied from is not known",
                          call.name));
  }

  if (bytes.size() < done && !world_.JudgedFile(to->inode))
    world_.facts(to->inode).bytes_known = false;
  bytes.resize(done, '\0');

  RecordDraft draft = records_.Draft(RecordKind::kWrite, call);
  draft->descriptor = number;
  draft->length = asked;
  draft->open_flags = static_cast<uint32_t>(to->flags);
  const bool append = (to->flags & O_APPEND) != 0 && !to_offset;
  if (append) draft->flags |= wire::kAppended;
  if ((to->flags & O_SYNC) == O_SYNC) draft->flags |= wire::kSynced;
  if ((to->flags & O_DSYNC) != 0) draft->flags |= wire::kDataSynced;
  WriteBytes(call, std::move(draft), to, bytes, to_offset, append);
}

void Bytes::SetSize(const StraceCall& call, InodeIndex inode, uint64_t size) {
  if (size > kMostSize) return complaints_.Bad(call, kTooLarge);
  World::Facts& facts = world_.facts(inode);
  Content& content = world_.at(inode).content;
  content = content.WithSize(size);
  facts.size = size;
  facts.size_known = facts.touched = true;
  if (size == 0) facts.bytes_known = true;
}

}  // namespace oldornew::replay
