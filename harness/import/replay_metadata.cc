// Modes, owners, times, extended attributes; and what looking at files tells of them.
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "import/handlers.h"
#include "import/symbols.h"
#include "tree/acl.h"

namespace oldornew::replay {

using wire::RecordKind;
using wire::SectionType;

namespace {

const std::vector<PrintedSymbol>& AtFlags() {
  static const std::vector<PrintedSymbol> table = {{"AT_SYMLINK_NOFOLLOW", AT_SYMLINK_NOFOLLOW},
                                                   {"AT_EMPTY_PATH", AT_EMPTY_PATH}};
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

void ReplayMetadata(Replay& r, const StraceCall& call) {
  const std::string& name = call.name;
  const bool times = name.find("utime") != std::string::npos;
  const bool own = name.find("chown") != std::string::npos;
  const bool at = name.ends_with("at") || name == "fchmodat2";
  size_t next = at ? 2 : 1;
  FoundPath found;
  int fd = -1;
  if (name == "fchmod" || name == "fchown" ||
      (at && times && StripComments(r.arguments.Argument(call, 1)) == "NULL")) {
    if (const auto file = r.descriptors.File(call, 0, &fd)) found.inode = file->inode;
  } else {
    uint64_t flags = name == "lchown" ? AT_SYMLINK_NOFOLLOW : 0;
    const size_t flags_at = own ? 4 : 3;
    if (at && name != "fchmodat" && name != "futimesat" && call.arguments.size() > flags_at)
      flags = r.arguments.Flags(call, flags_at, AtFlags()).value_or(0);
    const auto path = r.arguments.Text(call, at ? 1 : 0);
    if (!path) return;
    if (path->empty() && (flags & AT_EMPTY_PATH) != 0) {
      if (const auto file = r.descriptors.File(call, 0, &fd)) found.inode = file->inode;
    } else {
      found = r.names.WalkText(call, at ? 0 : -1, *path, (flags & AT_SYMLINK_NOFOLLOW) == 0);
    }
    if (!call.failed() && !r.names.MustBeThere(call, &found, FileKind::kFile))
      r.names.Resolved(call, found);
  }

  if (r.complaints.failed() || !found.there()) return;
  const InodeIndex inode = found.inode;

  RecordDraft draft =
      r.records.Draft(times ? RecordKind::kSetTimes : RecordKind::kSetAttributes, call);
  draft->descriptor = fd;
  draft.AddState(SectionType::kObjectBefore, r.world.State(inode));
  if (!call.failed()) {
    Inode& i = r.world.at(inode);
    if (own) {
      const auto uid = r.arguments.Number(call, next);
      const auto gid = r.arguments.Number(call, next + 1);
      if (!uid || !gid) return;
      if (static_cast<uint32_t>(*uid) != UINT32_MAX) i.uid = static_cast<uint32_t>(*uid);
      if (static_cast<uint32_t>(*gid) != UINT32_MAX) i.gid = static_cast<uint32_t>(*gid);
      if (i.kind != FileKind::kDirectory) {  // chown_common: whoever asks
        i.mode &= ~static_cast<uint32_t>(S_ISUID);
        if ((i.mode & S_IXGRP) != 0) i.mode &= ~static_cast<uint32_t>(S_ISGID);
      }
    } else if (!times) {
      const auto mode = r.arguments.Flags(call, next, StatModes());
      if (!mode) return;
      i.mode = static_cast<uint32_t>(*mode) & 07777;
      r.world.facts(inode).mode_is_asked = false;
      const auto acl = i.xattrs.find(kAccessAcl);
      if (acl != i.xattrs.end()) {
        const std::string changed = InheritedAcl(acl->second, i.mode);
        if (!changed.empty()) acl->second = changed;
        draft.Add(SectionType::kKey, kAccessAcl);
        draft.Add(SectionType::kData, acl->second);
      }
    }
    draft.AddState(SectionType::kObjectAfter, r.world.State(inode));
    if (!r.world.Judged(inode)) r.names.NoteOutside(found);
  }

  if (r.world.Judged(inode)) r.records.Emit(std::move(draft), call);
}

void ReplayXattr(Replay& r, const StraceCall& call) {
  const std::string& name = call.name;
  const bool remove = name.find("remove") != std::string::npos;
  FoundPath found;
  int fd = -1;
  if (name[0] == 'f') {
    if (const auto file = r.descriptors.File(call, 0, &fd)) found.inode = file->inode;
  } else {
    found = r.names.Walk(call, -1, 0, name[0] != 'l');
    if (!call.failed() && !r.names.MustBeThere(call, &found, FileKind::kFile))
      r.names.Resolved(call, found);
  }

  const auto key = r.arguments.Text(call, 1);
  if (r.complaints.failed() || !key || !found.there() || !r.world.Judged(found.inode)) return;
  Inode& inode = r.world.at(found.inode);

  RecordDraft draft =
      r.records.Draft(remove ? RecordKind::kRemoveXattr : RecordKind::kSetXattr, call);
  draft->descriptor = fd;
  draft.Add(SectionType::kKey, *key);
  draft.AddState(SectionType::kObjectBefore, r.world.State(found.inode));
  if (!call.failed() && !remove) {
    const auto size = r.arguments.Number(call, 3);
    auto value = PrintedString(r.arguments.Argument(call, 2));
    if (!size || *size < 0) return;
    if (*size == 0) value = PrintedBytes{};
    if (!value || value->cut || value->bytes.size() < static_cast<size_t>(*size)) {
      r.complaints.Missed(call, "the value is not whole in the log: record with strace -s 1048576");
      value = PrintedBytes{};
    }
    value->bytes.resize(std::min(value->bytes.size(), static_cast<size_t>(*size)));
    const AclMode acl = *key == kAccessAcl ? ModeOfAcl(value->bytes) : AclMode{0, true};
    if (*key == kAccessAcl) {
      inode.mode = (inode.mode & 07000) | acl.mode;
      r.world.facts(found.inode).mode_is_asked = false;
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
    draft.AddState(SectionType::kObjectAfter, r.world.State(found.inode));
  }

  r.records.Emit(std::move(draft), call);
}

void ReplayStat(Replay& r, const StraceCall& call) {
  const bool x = call.name == "statx";
  const size_t buffer = x ? 4 : call.name == "newfstatat" ? 2 : 1;
  FoundPath found;
  if (call.name == "fstat") {
    if (call.failed()) return;
    if (const auto file = r.descriptors.File(call, 0)) found.inode = file->inode;
  } else {
    const bool at = x || call.name == "newfstatat";
    uint64_t flags = call.name == "lstat" ? AT_SYMLINK_NOFOLLOW : 0;
    if (at) flags = r.arguments.Flags(call, x ? 2 : 3, AtFlags()).value_or(0);
    const auto path_text = PrintedString(r.arguments.Argument(call, at ? 1 : 0));
    if (r.complaints.failed() || !path_text) return;
    const std::string& path = path_text->bytes;
    if (path.empty() && (flags & AT_EMPTY_PATH) != 0) {
      if (call.failed()) return;
      if (const auto file = r.descriptors.File(call, 0)) found.inode = file->inode;
    } else {
      if (r.names.StartOf(call, at ? 0 : -1) == kNoInode && !path.starts_with("/")) return;
      found = r.names.WalkText(call, at ? 0 : -1, path, (flags & AT_SYMLINK_NOFOLLOW) == 0);
      if (call.returned && call.result == -ENOENT && found.place() && !found.there())
        r.world.NoteAbsent(found.dir, found.name);
    }
  }

  if (call.failed() || r.complaints.failed()) return;
  const std::string_view stat = r.arguments.Argument(call, buffer);
  const auto mode_text = PrintedField(stat, x ? "stx_mode" : "st_mode");
  const auto mode = mode_text ? PrintedFlags(*mode_text, StatModes()) : std::nullopt;
  const FileKind kind =
      mode && (*mode & S_IFMT) != 0 ? KindOf(static_cast<uint32_t>(*mode)) : FileKind::kFile;
  if (r.names.MustBeThere(call, &found, kind))
    r.learner.LearnStat(found.inode, stat, x ? "stx_" : "st_");
}

void ReplayAccess(Replay& r, const StraceCall& call) {
  const bool at = call.name != "access";
  const auto path = PrintedString(r.arguments.Argument(call, at ? 1 : 0));
  if (!path || call.failed()) return;
  if (r.names.StartOf(call, at ? 0 : -1) == kNoInode && !path->bytes.starts_with("/")) return;
  if (path->bytes.empty()) return;
  FoundPath found = r.names.WalkText(call, at ? 0 : -1, path->bytes, true);
  r.names.MustBeThere(call, &found, FileKind::kFile);
}

void ReplayReadlink(Replay& r, const StraceCall& call) {
  const bool at = call.name == "readlinkat";
  const auto path = PrintedString(r.arguments.Argument(call, at ? 1 : 0));
  if (!path || call.failed() || path->bytes.empty() || path->bytes.starts_with("/proc/")) return;
  if (r.names.StartOf(call, at ? 0 : -1) == kNoInode && !path->bytes.starts_with("/")) return;
  FoundPath found = r.names.WalkText(call, at ? 0 : -1, path->bytes, false);
  if (!r.names.MustBeThere(call, &found, FileKind::kSymlink)) return;
  const auto target = PrintedString(r.arguments.Argument(call, at ? 2 : 1));
  if (!target || target->cut || target->bytes.empty()) return;
  if (r.learner.LearnSymlink(found.inode, target->bytes, true)) return;
  if (!r.world.Judged(found.inode) && found.place() && r.world.at(found.inode).target.empty()) {
    if (r.world.at(found.inode).kind == FileKind::kDirectory) {
      r.world.TurnIntoSymlink(found.inode, target->bytes);
    } else if (r.world.at(found.inode).kind == FileKind::kSymlink) {
      r.world.at(found.inode).target = target->bytes;
    }
  }
}

}  // namespace oldornew::replay
