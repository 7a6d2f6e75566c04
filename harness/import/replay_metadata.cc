// Modes, owners, times, extended attributes; and what looking at files tells of them.
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <set>

#include "base/text.h"
#include "import/log_replay.h"
#include "tree/acl.h"

namespace oldornew {

using wire::RecordKind;
using wire::SectionType;

namespace {

const std::vector<PrintedSymbol>& AtFlags() {
  static const std::vector<PrintedSymbol> table = {{"AT_SYMLINK_NOFOLLOW", AT_SYMLINK_NOFOLLOW},
                                                   {"AT_EMPTY_PATH", AT_EMPTY_PATH}};
  return table;
}

const std::vector<PrintedSymbol>& StatModes() {
  static const std::vector<PrintedSymbol> table = {
      {"S_IFREG", S_IFREG},   {"S_IFDIR", S_IFDIR}, {"S_IFLNK", S_IFLNK}, {"S_IFIFO", S_IFIFO},
      {"S_IFSOCK", S_IFSOCK}, {"S_IFCHR", S_IFCHR}, {"S_IFBLK", S_IFBLK}, {"S_ISUID", S_ISUID},
      {"S_ISGID", S_ISGID},   {"S_ISVTX", S_ISVTX}};
  return table;
}

// The permissions that an access ACL says, and whether it says more than these.
struct AclMode {
  uint32_t mode = 0;
  bool more = false;
};
AclMode ModeOfAcl(const std::string& acl) {
  AclMode out;
  uint32_t group = 0;
  uint32_t mask = 8;
  for (const auto& [tag, all, id] : ParseAcl(acl)) {
    const uint32_t permissions = all & 7;
    if (tag == AclTag::kUserObject) out.mode |= permissions << 6;
    if (tag == AclTag::kGroupObject) group = permissions;
    if (tag == AclTag::kMask) mask = permissions;
    if (tag == AclTag::kOther) out.mode |= permissions;
    out.more = out.more || tag == AclTag::kUser || tag == AclTag::kGroup || tag == AclTag::kMask;
  }
  out.mode |= (mask != 8 ? mask : group) << 3;
  return out;
}

}  // namespace

void LogReplay::OnMetadata(const StraceCall& call) {
  const std::string& name = call.name;
  const bool times = name.find("utime") != std::string::npos;
  const bool own = name.find("chown") != std::string::npos;
  const bool at = name.ends_with("at") || name == "fchmodat2";
  size_t next = at ? 2 : 1;
  Found found;
  int fd = -1;
  if (name == "fchmod" || name == "fchown" ||
      (at && times && StripComments(Argument(call, 1)) == "NULL")) {
    if (const auto file = File(call, 0, &fd)) found.inode = file->inode;
  } else {
    uint64_t flags = name == "lchown" ? AT_SYMLINK_NOFOLLOW : 0;
    const size_t flags_at = own ? 4 : 3;
    if (at && name != "fchmodat" && name != "futimesat" && call.arguments.size() > flags_at)
      flags = Flags(call, flags_at, AtFlags()).value_or(0);
    const auto path = Text(call, at ? 1 : 0);
    if (!path) return;
    if (path->empty() && (flags & AT_EMPTY_PATH) != 0) {
      if (const auto file = File(call, 0, &fd)) found.inode = file->inode;
    } else {
      found = WalkText(call, at ? 0 : -1, *path, (flags & AT_SYMLINK_NOFOLLOW) == 0);
    }
    if (!call.failed() && !MustBeThere(call, &found, FileKind::kFile)) Resolved(call, found);
  }
  if (error_ || !found.there()) return;
  const InodeIndex inode = found.inode;
  RecordDraft draft = Draft(times ? RecordKind::kSetTimes : RecordKind::kSetAttributes, call);
  draft->descriptor = fd;
  draft.AddState(SectionType::kObjectBefore, world_->State(inode));
  if (!call.failed()) {
    Inode& i = world_->at(inode);
    if (own) {
      const auto uid = Number(call, next);
      const auto gid = Number(call, next + 1);
      if (!uid || !gid) return;
      if (static_cast<uint32_t>(*uid) != UINT32_MAX) i.uid = static_cast<uint32_t>(*uid);
      if (static_cast<uint32_t>(*gid) != UINT32_MAX) i.gid = static_cast<uint32_t>(*gid);
      if (i.kind != FileKind::kDirectory) {  // chown_common: whoever asks
        i.mode &= ~static_cast<uint32_t>(S_ISUID);
        if ((i.mode & S_IXGRP) != 0) i.mode &= ~static_cast<uint32_t>(S_ISGID);
      }
    } else if (!times) {
      const auto mode = Flags(call, next, StatModes());
      if (!mode) return;
      i.mode = static_cast<uint32_t>(*mode) & 07777;
      world_->facts(inode).mode_is_asked = false;
      const auto acl = i.xattrs.find(kAccessAcl);
      if (acl != i.xattrs.end()) {
        const std::string changed = InheritedAcl(acl->second, i.mode);
        if (!changed.empty()) acl->second = changed;
        draft.Add(SectionType::kKey, kAccessAcl);
        draft.Add(SectionType::kData, acl->second);
      }
    }
    draft.AddState(SectionType::kObjectAfter, world_->State(inode));
    if (!world_->Judged(inode)) NoteOutside(found);
  }
  if (world_->Judged(inode)) Emit(std::move(draft), call);
}

void LogReplay::OnXattr(const StraceCall& call) {
  const std::string& name = call.name;
  const bool remove = name.find("remove") != std::string::npos;
  Found found;
  int fd = -1;
  if (name[0] == 'f') {
    if (const auto file = File(call, 0, &fd)) found.inode = file->inode;
  } else {
    found = Walk(call, -1, 0, name[0] != 'l');
    if (!call.failed() && !MustBeThere(call, &found, FileKind::kFile)) Resolved(call, found);
  }
  const auto key = Text(call, 1);
  if (error_ || !key || !found.there() || !world_->Judged(found.inode)) return;
  Inode& inode = world_->at(found.inode);
  RecordDraft draft = Draft(remove ? RecordKind::kRemoveXattr : RecordKind::kSetXattr, call);
  draft->descriptor = fd;
  draft.Add(SectionType::kKey, *key);
  draft.AddState(SectionType::kObjectBefore, world_->State(found.inode));
  if (!call.failed() && !remove) {
    const auto size = Number(call, 3);
    auto value = PrintedString(Argument(call, 2));
    if (!size || *size < 0) return;
    if (*size == 0) value = PrintedBytes{};
    if (!value || value->cut || value->bytes.size() < static_cast<size_t>(*size)) {
      Missed(call, "the value is not whole in the log: record with strace -s 1048576");
      value = PrintedBytes{};
    }
    value->bytes.resize(std::min(value->bytes.size(), static_cast<size_t>(*size)));
    const AclMode acl = *key == kAccessAcl ? ModeOfAcl(value->bytes) : AclMode{0, true};
    if (*key == kAccessAcl) {
      inode.mode = (inode.mode & 07000) | acl.mode;
      world_->facts(found.inode).mode_is_asked = false;
    }
    if (acl.more) {
      inode.xattrs[*key] = value->bytes;
      draft.Add(SectionType::kData, value->bytes);
    } else {  // An ACL that says no more than the mode is not kept.
      inode.xattrs.erase(*key);
      draft->flags |= wire::kValueAbsent;
    }
  }
  if (!call.failed()) {
    if (remove) inode.xattrs.erase(*key);
    draft.AddState(SectionType::kObjectAfter, world_->State(found.inode));
  }
  Emit(std::move(draft), call);
}

OldEntry* LogReplay::OldOf(InodeIndex inode) {
  if (spec_.old_tree != nullptr || inode <= 0) return nullptr;
  const auto index = static_cast<size_t>(inode);
  if (index < old_tree_.size()) return &learnt_.old[index - 1];
  const auto found = discovered_.find(inode);
  return found == discovered_.end() ? nullptr : &learnt_.old[found->second];
}

void LogReplay::LearnBytes(InodeIndex inode, uint64_t offset, const std::string& bytes, bool end) {
  const World::Facts& facts = world_->facts(inode);
  if (!bytes.empty() && facts.assumed_new_by >= 0 && facts.size == 0) {
    learnt_.not_created.insert(static_cast<size_t>(facts.assumed_new_by));
    again_ = true;
  }
  OldEntry* old = OldOf(inode);
  if (facts.touched || old == nullptr || old->kind != FileKind::kFile) return;
  if (offset == old->prefix.size() && !bytes.empty()) {
    old->prefix += bytes;
    again_ = true;
  }
  if (end && !old->size) {
    old->size = offset + bytes.size();
    again_ = true;
  }
}

void LogReplay::LearnStat(InodeIndex inode, std::string_view stat, const char* prefix) {
  const auto field = [&](const char* name) {
    return PrintedField(stat, fmt::format("{}{}", prefix, name));
  };
  const auto mode_text = field("mode");
  const auto mode = mode_text ? PrintedFlags(*mode_text, StatModes()) : std::nullopt;
  World::Facts& facts = world_->facts(inode);
  if (!mode) return;
  const auto permissions = static_cast<uint32_t>(*mode) & 07777;
  if (facts.mode_is_asked && facts.judged && !knowledge_->umask) {
    // What the mode lacks of what was asked for is the umask; the rest of it is taken as usual.
    const uint32_t taken = facts.asked_mode & ~permissions;
    const uint32_t umask = taken | (022 & ~facts.asked_mode);
    if (umask != 022 || permissions != world_->at(inode).mode) learnt_.umask = umask;
    again_ = again_ || learnt_.umask != knowledge_->umask;
  }
  const auto size_text = field("size");
  const int64_t size = size_text ? PrintedNumber(*size_text).value_or(-1) : -1;
  if (facts.assumed_new_by >= 0 && size > 0 && facts.size == 0) {
    learnt_.not_created.insert(static_cast<size_t>(facts.assumed_new_by));
    again_ = true;
  }
  OldEntry* old = OldOf(inode);
  if (facts.touched || old == nullptr) return;
  if (static_cast<size_t>(inode) >= old_tree_.size() || !old->mode) {
    const FileKind kind = KindOf(static_cast<uint32_t>(*mode));
    again_ = again_ || !old->mode;
    if ((*mode & S_IFMT) != 0) old->kind = kind;
    old->mode = permissions;
  }
  if (size >= 0 && !old->size && old->kind == FileKind::kFile) {
    old->size = static_cast<uint64_t>(size);
    again_ = true;
  }
}

void LogReplay::OnStat(const StraceCall& call) {
  const bool x = call.name == "statx";
  const size_t buffer = x ? 4 : call.name == "newfstatat" ? 2 : 1;
  Found found;
  if (call.name == "fstat") {
    if (call.failed()) return;
    if (const auto file = File(call, 0)) found.inode = file->inode;
  } else {
    const bool at = x || call.name == "newfstatat";
    uint64_t flags = call.name == "lstat" ? AT_SYMLINK_NOFOLLOW : 0;
    if (at) flags = Flags(call, x ? 2 : 3, AtFlags()).value_or(0);
    const auto path_text = PrintedString(Argument(call, at ? 1 : 0));
    if (error_ || !path_text) return;
    const std::string& path = path_text->bytes;
    if (path.empty() && (flags & AT_EMPTY_PATH) != 0) {
      if (call.failed()) return;
      if (const auto file = File(call, 0)) found.inode = file->inode;
    } else {
      if (StartOf(call, at ? 0 : -1) == kNoInode && !path.starts_with("/")) return;
      found = WalkText(call, at ? 0 : -1, path, (flags & AT_SYMLINK_NOFOLLOW) == 0);
      if (call.returned && call.result == -ENOENT && found.place() && !found.there())
        world_->NoteAbsent(found.dir, found.name);
    }
  }
  if (call.failed() || error_) return;
  const std::string_view stat = Argument(call, buffer);
  const auto mode_text = PrintedField(stat, x ? "stx_mode" : "st_mode");
  const auto mode = mode_text ? PrintedFlags(*mode_text, StatModes()) : std::nullopt;
  const FileKind kind =
      mode && (*mode & S_IFMT) != 0 ? KindOf(static_cast<uint32_t>(*mode)) : FileKind::kFile;
  if (MustBeThere(call, &found, kind)) LearnStat(found.inode, stat, x ? "stx_" : "st_");
}

void LogReplay::OnAccess(const StraceCall& call) {
  const bool at = call.name != "access";
  const auto path = PrintedString(Argument(call, at ? 1 : 0));
  if (!path || call.failed()) return;
  if (StartOf(call, at ? 0 : -1) == kNoInode && !path->bytes.starts_with("/")) return;
  if (path->bytes.empty()) return;
  Found found = WalkText(call, at ? 0 : -1, path->bytes, true);
  MustBeThere(call, &found, FileKind::kFile);
}

void LogReplay::OnReadlink(const StraceCall& call) {
  const bool at = call.name == "readlinkat";
  const auto path = PrintedString(Argument(call, at ? 1 : 0));
  if (!path || call.failed() || path->bytes.empty() || path->bytes.starts_with("/proc/")) return;
  if (StartOf(call, at ? 0 : -1) == kNoInode && !path->bytes.starts_with("/")) return;
  Found found = WalkText(call, at ? 0 : -1, path->bytes, false);
  if (!MustBeThere(call, &found, FileKind::kSymlink)) return;
  const auto target = PrintedString(Argument(call, at ? 2 : 1));
  if (!target || target->cut || target->bytes.empty()) return;
  if (OldEntry* old = OldOf(found.inode); old != nullptr && old->target.empty()) {
    old->kind = FileKind::kSymlink;
    old->target = target->bytes;
    again_ = true;
  } else if (!world_->Judged(found.inode) && found.place() &&
             world_->at(found.inode).target.empty()) {
    if (world_->at(found.inode).kind == FileKind::kDirectory) {
      world_->TurnIntoSymlink(found.inode, target->bytes);
    } else if (world_->at(found.inode).kind == FileKind::kSymlink) {
      world_->at(found.inode).target = target->bytes;
    }
  }
}

// The tree after the run shows the modes and owners of what the run made.
void LogReplay::LearnOwnersAndModes() {
  if (spec_.new_tree == nullptr || again_) return;
  std::set<std::pair<uint32_t, uint32_t>> owners;
  std::set<uint32_t> umasks;
  for (const auto& [path, inode] : world_->tree().Walk(0)) {
    if (static_cast<size_t>(inode) < old_tree_.size() || !world_->facts(inode).judged) continue;
    const auto real = spec_.new_tree->Lookup(path);
    if (!real) continue;
    const Inode& now = spec_.new_tree->at(*real);
    owners.insert({now.uid, now.gid});
    const World::Facts& facts = world_->facts(inode);
    if (facts.mode_is_asked)
      umasks.insert((facts.asked_mode & ~now.mode & 0777) | (022 & ~facts.asked_mode));
  }
  if (!knowledge_->owner && owners.size() == 1) {
    const Inode& root = world_->at(0);
    if (*owners.begin() != std::pair(root.uid, root.gid))
      learnt_.owner = *owners.begin(), again_ = true;
  }
  if (!knowledge_->umask && umasks.size() == 1 && *umasks.begin() != 022)
    learnt_.umask = *umasks.begin(), again_ = true;
}

}  // namespace oldornew
