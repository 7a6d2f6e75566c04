// Calls that make, move and remove names.
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>

#include "base/text.h"
#include "import/log_replay.h"

namespace oldornew {

using wire::RecordKind;
using wire::SectionType;

namespace {

const std::vector<PrintedSymbol>& NodeModes() {
  static const std::vector<PrintedSymbol> table = {{"S_IFREG", S_IFREG},
                                                   {"S_IFIFO", S_IFIFO},
                                                   {"S_IFSOCK", S_IFSOCK},
                                                   {"S_IFCHR", S_IFCHR},
                                                   {"S_IFBLK", S_IFBLK}};
  return table;
}

const std::vector<PrintedSymbol>& NameFlags() {
  static const std::vector<PrintedSymbol> table = {
      {"AT_REMOVEDIR", AT_REMOVEDIR},         {"AT_SYMLINK_FOLLOW", AT_SYMLINK_FOLLOW},
      {"AT_EMPTY_PATH", AT_EMPTY_PATH},       {"AT_SYMLINK_NOFOLLOW", AT_SYMLINK_NOFOLLOW},
      {"RENAME_NOREPLACE", RENAME_NOREPLACE}, {"RENAME_EXCHANGE", RENAME_EXCHANGE},
      {"RENAME_WHITEOUT", RENAME_WHITEOUT}};
  return table;
}

}  // namespace

void LogReplay::OnMake(const StraceCall& call) {
  const bool at = call.name.ends_with("at");
  const bool symlink = call.name.starts_with("symlink");
  const bool directory = call.name.starts_with("mkdir");
  const size_t path = symlink ? (at ? 2 : 1) : (at ? 1 : 0);
  const Found found = Walk(call, at ? static_cast<int>(path) - 1 : -1, path, false);
  FileKind kind = directory ? FileKind::kDirectory : symlink ? FileKind::kSymlink : FileKind::kFile;
  std::string target;
  uint32_t mode = 0;
  uint64_t rdev = 0;
  if (symlink) {
    target = Text(call, 0).value_or("");
  } else {
    const auto given = Flags(call, path + 1, NodeModes());
    if (!given) return;
    mode = static_cast<uint32_t>(*given) & 07777;
    if (!directory && (*given & S_IFMT) != 0) kind = KindOf(static_cast<uint32_t>(*given));
    if (kind == FileKind::kCharDevice || kind == FileKind::kBlockDevice) rdev = 1;
  }
  if (error_ || !Resolved(call, found)) return;
  const bool judged = world_->Judged(found.dir);
  RecordDraft draft = Draft(RecordKind::kMakeNode, call);
  draft.Add(SectionType::kPath, PathOf(found));
  draft->dir = world_->Id(found.dir);
  draft.Add(SectionType::kName, found.name);
  if (symlink) draft.Add(SectionType::kTarget, target);
  if (!call.failed()) {
    if (found.there())
      Missed(call, fmt::format("{} is made, though it was there before", PathOf(found)));
    const InodeIndex inode = CreateInode(call, found, kind, mode);
    world_->at(inode).target = target;
    world_->at(inode).rdev = rdev;
    draft.AddState(SectionType::kObjectAfter, world_->State(inode));
    if (!judged) NoteOutside(found);
  }
  if (judged) Emit(std::move(draft), call);
}

void LogReplay::OnBind(const StraceCall& call) {
  const std::string_view address = Argument(call, 1);
  const auto path_text = PrintedField(address, "sun_path");
  const auto path = path_text ? PrintedString(*path_text) : std::nullopt;
  // another family, or an abstract name ("@...")
  if (!path || path->cut || path->bytes.empty()) return;
  const Found found = WalkText(call, -1, path->bytes, false);
  if (error_ || !Resolved(call, found) || !world_->Judged(found.dir)) return;
  RecordDraft draft = Draft(RecordKind::kMakeNode, call);
  draft.Add(SectionType::kPath, PathOf(found));
  draft->dir = world_->Id(found.dir);
  draft.Add(SectionType::kName, found.name);
  if (!call.failed()) {
    if (found.there())
      Missed(call, fmt::format("{} is made, though it was there before", PathOf(found)));
    draft.AddState(SectionType::kObjectAfter,
                   world_->State(CreateInode(call, found, FileKind::kSocket, 0777)));
  }
  Emit(std::move(draft), call);
}

void LogReplay::OnUnlink(const StraceCall& call) {
  const bool at = call.name == "unlinkat";
  Found found = Walk(call, at ? 0 : -1, at ? 1 : 0, false);
  bool directory = call.name == "rmdir";
  if (at) {
    const auto flags = Flags(call, 2, NameFlags());
    directory = flags && (*flags & AT_REMOVEDIR) != 0;
  }
  if (error_ || !Resolved(call, found)) return;
  if (!call.failed() &&
      !MustBeThere(call, &found, directory ? FileKind::kDirectory : FileKind::kFile) &&
      world_->Judged(found.dir))
    return;
  RecordDraft draft = Draft(RecordKind::kUnlink, call);
  draft.Add(SectionType::kPath, PathOf(found));
  draft->dir = world_->Id(found.dir);
  draft.Add(SectionType::kName, found.name);
  draft.AddState(SectionType::kObjectBefore, world_->State(found.inode));
  if (!call.failed()) {
    if (!world_->Judged(found.dir)) NoteOutside(found);
    world_->Unlink(found.dir, found.name);
  }
  if (world_->Judged(found.dir)) Emit(std::move(draft), call);
}

void LogReplay::OnLink(const StraceCall& call) {
  const bool at = call.name == "linkat";
  const auto flags = at ? Flags(call, 4, NameFlags()) : std::optional<uint64_t>(0);
  const auto path = Text(call, at ? 1 : 0);
  if (!flags || !path) return;
  Found from;
  if (path->empty() && (*flags & AT_EMPTY_PATH) != 0) {
    if (const auto file = File(call, 0)) from.inode = file->inode;
  } else {
    from = WalkText(call, at ? 0 : -1, *path, (*flags & AT_SYMLINK_FOLLOW) != 0);
  }
  const Found to = Walk(call, at ? 2 : -1, at ? 3 : 1, false);
  if (error_ || !Resolved(call, to)) return;
  if (!call.failed() && !MustBeThere(call, &from, FileKind::kFile)) Resolved(call, from);
  const bool concerns = world_->Judged(to.dir) || (world_->Judged(from.inode) && !call.failed());
  RecordDraft draft = Draft(RecordKind::kLink, call);
  draft.Add(SectionType::kPath, PathOf(from));
  draft.Add(SectionType::kPath2, PathOf(to));
  draft->dir2 = world_->Id(to.dir);
  draft.Add(SectionType::kName2, to.name);
  draft.AddState(SectionType::kObjectBefore, world_->State(from.inode));
  if (!call.failed() && from.there() && world_->at(from.inode).kind == FileKind::kDirectory)
    return Bad(call, "a directory cannot have a second name");
  if (!call.failed() && from.there()) {
    if (to.there()) Missed(call, fmt::format("{} is made, though it was there before", PathOf(to)));
    world_->Link(to.dir, to.name, from.inode);
    draft.AddState(SectionType::kObjectAfter, world_->State(from.inode));
    if (!world_->Judged(to.dir)) NoteOutside(to);
  }
  if (concerns) Emit(std::move(draft), call);
}

bool LogReplay::Holds(InodeIndex directory, InodeIndex inside) const {
  for (int depth = 0; depth < 4096 && inside != kNoInode; ++depth) {
    if (inside == directory) return true;
    const InodeIndex parent = world_->facts(inside).parent;
    if (parent == inside) return false;
    inside = parent;
  }
  return false;
}

void LogReplay::OnRename(const StraceCall& call) {
  const bool at = call.name != "rename";
  Found from = Walk(call, at ? 0 : -1, at ? 1 : 0, false);
  Found to = Walk(call, at ? 2 : -1, at ? 3 : 1, false);
  const auto flags =
      call.name == "renameat2" ? Flags(call, 4, NameFlags()) : std::optional<uint64_t>(0);
  if (error_ || !flags || !Resolved(call, from) || !Resolved(call, to)) return;
  const bool exchange = (*flags & RENAME_EXCHANGE) != 0;
  const bool concerns = world_->Judged(from.dir) || world_->Judged(to.dir);
  if (!call.failed()) {
    const FileKind kind = to.there() ? world_->at(to.inode).kind : FileKind::kFile;
    if (!MustBeThere(call, &from, kind) && concerns) return;
    if (exchange && !MustBeThere(call, &to, FileKind::kFile) && concerns) return;
  }
  if (!call.failed() && (Holds(from.inode, to.dir) || (exchange && Holds(to.inode, from.dir))))
    return Bad(call, "a directory cannot be moved into itself");
  RecordDraft draft = Draft(RecordKind::kRename, call);
  draft->mode_arg = static_cast<uint32_t>(*flags);
  draft.Add(SectionType::kPath, PathOf(from));
  draft.Add(SectionType::kPath2, PathOf(to));
  draft->dir = world_->Id(from.dir);
  draft.Add(SectionType::kName, from.name);
  draft->dir2 = world_->Id(to.dir);
  draft.Add(SectionType::kName2, to.name);
  draft.AddState(SectionType::kObjectBefore, world_->State(from.inode));
  draft.AddState(SectionType::kOtherBefore, world_->State(to.inode));
  if (!call.failed() && from.there() && (from.inode != to.inode || exchange)) {
    if (!to.there() && world_->Judged(to.dir) && !world_->facts(to.dir).listed &&
        (*flags & RENAME_NOREPLACE) == 0 && !world_->Absent(to))
      assumed_new_.insert(PathOf(to));
    if (!concerns) NoteOutside(to);
    world_->Unlink(from.dir, from.name);
    world_->Link(to.dir, to.name, from.inode);
    if (exchange) world_->Link(from.dir, from.name, to.inode);
    if ((*flags & RENAME_WHITEOUT) != 0) {
      const Found place{from.dir, from.name, kNoInode};
      const InodeIndex whiteout = CreateInode(call, place, FileKind::kCharDevice, 0);
      world_->at(whiteout).mode = 0;
      draft.AddState(SectionType::kOtherAfter, world_->State(whiteout));
    }
  }
  if (concerns) Emit(std::move(draft), call);
}

}  // namespace oldornew
