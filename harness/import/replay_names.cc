// Calls that make, move and remove names.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>

#include <utility>

#include "base/text.h"
#include "import/handlers.h"

namespace oldornew::replay {

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

void ReplayMake(Replay& r, const StraceCall& call) {
  const bool at = call.name.ends_with("at");
  const bool symlink = call.name.starts_with("symlink");
  const bool directory = call.name.starts_with("mkdir");
  const size_t path = symlink ? (at ? 2 : 1) : (at ? 1 : 0);
  const FoundPath found = r.names.Walk(call, at ? static_cast<int>(path) - 1 : -1, path, false);
  FileKind kind = directory ? FileKind::kDirectory : symlink ? FileKind::kSymlink : FileKind::kFile;
  std::string target;
  uint32_t mode = 0;
  uint64_t rdev = 0;
  if (symlink) {
    target = r.arguments.Text(call, 0).value_or("");
  } else {
    const auto given = r.arguments.Flags(call, path + 1, NodeModes());
    if (!given) return;
    mode = static_cast<uint32_t>(*given) & 07777;
    if (!directory && (*given & S_IFMT) != 0) kind = KindOf(static_cast<uint32_t>(*given));
    if (kind == FileKind::kCharDevice || kind == FileKind::kBlockDevice) rdev = 1;
  }

  if (r.complaints.failed() || !r.names.Resolved(call, found)) return;
  const bool judged = r.world.Judged(found.dir);

  RecordDraft draft = r.records.Draft(RecordKind::kMakeNode, call);
  draft.Add(SectionType::kPath, r.names.PathOf(found));
  draft->dir = r.world.Id(found.dir);
  draft.Add(SectionType::kName, found.name);
  if (symlink) draft.Add(SectionType::kTarget, target);
  if (!call.failed()) {
    if (found.there())
      r.complaints.Missed(
          call, fmt::format("{} is made, though it was there before", r.names.PathOf(found)));
    const InodeIndex inode = r.names.CreateInode(call, found, kind, mode);
    r.world.at(inode).target = target;
    r.world.at(inode).rdev = rdev;
    draft.AddState(SectionType::kObjectAfter, r.world.State(inode));
    if (!judged) r.names.NoteOutside(found);
  }

  if (judged) r.records.Emit(std::move(draft), call);
}

void ReplayBind(Replay& r, const StraceCall& call) {
  const std::string_view address = r.arguments.Argument(call, 1);
  const auto path_text = PrintedField(address, "sun_path");
  const auto path = path_text ? PrintedString(*path_text) : std::nullopt;

  // another family, or an abstract name ("@...")
  if (!path || path->cut || path->bytes.empty()) return;
  const FoundPath found = r.names.WalkText(call, -1, path->bytes, false);
  if (r.complaints.failed() || !r.names.Resolved(call, found) || !r.world.Judged(found.dir)) return;

  RecordDraft draft = r.records.Draft(RecordKind::kMakeNode, call);
  draft.Add(SectionType::kPath, r.names.PathOf(found));
  draft->dir = r.world.Id(found.dir);
  draft.Add(SectionType::kName, found.name);
  if (!call.failed()) {
    if (found.there())
      r.complaints.Missed(
          call, fmt::format("{} is made, though it was there before", r.names.PathOf(found)));
    draft.AddState(SectionType::kObjectAfter,
                   r.world.State(r.names.CreateInode(call, found, FileKind::kSocket, 0777)));
  }

  r.records.Emit(std::move(draft), call);
}

void ReplayUnlink(Replay& r, const StraceCall& call) {
  const bool at = call.name == "unlinkat";
  FoundPath found = r.names.Walk(call, at ? 0 : -1, at ? 1 : 0, false);
  bool directory = call.name == "rmdir";
  if (at) {
    const auto flags = r.arguments.Flags(call, 2, NameFlags());
    directory = flags && (*flags & AT_REMOVEDIR) != 0;
  }

  if (r.complaints.failed() || !r.names.Resolved(call, found)) return;
  if (!call.failed() &&
      !r.names.MustBeThere(call, &found, directory ? FileKind::kDirectory : FileKind::kFile) &&
      r.world.Judged(found.dir))
    return;

  RecordDraft draft = r.records.Draft(RecordKind::kUnlink, call);
  draft.Add(SectionType::kPath, r.names.PathOf(found));
  draft->dir = r.world.Id(found.dir);
  draft.Add(SectionType::kName, found.name);
  draft.AddState(SectionType::kObjectBefore, r.world.State(found.inode));
  if (!call.failed()) {
    if (!r.world.Judged(found.dir)) r.names.NoteOutside(found);
    r.world.Unlink(found.dir, found.name);
  }

  if (r.world.Judged(found.dir)) r.records.Emit(std::move(draft), call);
}

void ReplayLink(Replay& r, const StraceCall& call) {
  const bool at = call.name == "linkat";
  const auto flags = at ? r.arguments.Flags(call, 4, NameFlags()) : std::optional<uint64_t>(0);
  const auto path = r.arguments.Text(call, at ? 1 : 0);
  if (!flags || !path) return;
  FoundPath from;
  if (path->empty() && (*flags & AT_EMPTY_PATH) != 0) {
    if (const auto file = r.descriptors.File(call, 0)) from.inode = file->inode;
  } else {
    from = r.names.WalkText(call, at ? 0 : -1, *path, (*flags & AT_SYMLINK_FOLLOW) != 0);
  }

  const FoundPath to = r.names.Walk(call, at ? 2 : -1, at ? 3 : 1, false);
  if (r.complaints.failed() || !r.names.Resolved(call, to)) return;
  if (!call.failed() && !r.names.MustBeThere(call, &from, FileKind::kFile))
    r.names.Resolved(call, from);
  const bool concerns = r.world.Judged(to.dir) || (r.world.Judged(from.inode) && !call.failed());

  RecordDraft draft = r.records.Draft(RecordKind::kLink, call);
  draft.Add(SectionType::kPath, r.names.PathOf(from));
  draft.Add(SectionType::kPath2, r.names.PathOf(to));
  draft->dir2 = r.world.Id(to.dir);
  draft.Add(SectionType::kName2, to.name);
  draft.AddState(SectionType::kObjectBefore, r.world.State(from.inode));
  if (!call.failed() && from.there() && r.world.at(from.inode).kind == FileKind::kDirectory)
    return r.complaints.Bad(call, "a directory cannot have a second name");
  if (!call.failed() && from.there()) {
    if (to.there())
      r.complaints.Missed(
          call, fmt::format("{} is made, though it was there before", r.names.PathOf(to)));
    r.world.Link(to.dir, to.name, from.inode);
    draft.AddState(SectionType::kObjectAfter, r.world.State(from.inode));
    if (!r.world.Judged(to.dir)) r.names.NoteOutside(to);
  }

  if (concerns) r.records.Emit(std::move(draft), call);
}

void ReplayRename(Replay& r, const StraceCall& call) {
  const bool at = call.name != "rename";
  FoundPath from = r.names.Walk(call, at ? 0 : -1, at ? 1 : 0, false);
  FoundPath to = r.names.Walk(call, at ? 2 : -1, at ? 3 : 1, false);
  const auto flags = call.name == "renameat2" ? r.arguments.Flags(call, 4, NameFlags())
                                              : std::optional<uint64_t>(0);
  if (r.complaints.failed() || !flags || !r.names.Resolved(call, from) ||
      !r.names.Resolved(call, to))
    return;
  const bool exchange = (*flags & RENAME_EXCHANGE) != 0;
  const bool concerns = r.world.Judged(from.dir) || r.world.Judged(to.dir);
  if (!call.failed()) {
    const FileKind kind = to.there() ? r.world.at(to.inode).kind : FileKind::kFile;
    if (!r.names.MustBeThere(call, &from, kind) && concerns) return;
    if (exchange && !r.names.MustBeThere(call, &to, FileKind::kFile) && concerns) return;
  }

  if (!call.failed() &&
      (r.names.Holds(from.inode, to.dir) || (exchange && r.names.Holds(to.inode, from.dir))))
    return r.complaints.Bad(call, "a directory cannot be moved into itself");

  RecordDraft draft = r.records.Draft(RecordKind::kRename, call);
  draft->mode_arg = static_cast<uint32_t>(*flags);
  draft.Add(SectionType::kPath, r.names.PathOf(from));
  draft.Add(SectionType::kPath2, r.names.PathOf(to));
  draft->dir = r.world.Id(from.dir);
  draft.Add(SectionType::kName, from.name);
  draft->dir2 = r.world.Id(to.dir);
  draft.Add(SectionType::kName2, to.name);
  draft.AddState(SectionType::kObjectBefore, r.world.State(from.inode));
  draft.AddState(SectionType::kOtherBefore, r.world.State(to.inode));
  if (!call.failed() && from.there() && (from.inode != to.inode || exchange)) {
    if (!to.there() && r.world.Judged(to.dir) && !r.world.facts(to.dir).listed &&
        (*flags & RENAME_NOREPLACE) == 0 && !r.world.Absent(to))
      r.names.AssumeNew(to);
    if (!concerns) r.names.NoteOutside(to);
    r.world.Unlink(from.dir, from.name);
    r.world.Link(to.dir, to.name, from.inode);
    if (exchange) r.world.Link(from.dir, from.name, to.inode);
    if ((*flags & RENAME_WHITEOUT) != 0) {
      const FoundPath place{from.dir, from.name, kNoInode};
      const InodeIndex whiteout = r.names.CreateInode(call, place, FileKind::kCharDevice, 0);
      r.world.at(whiteout).mode = 0;
      draft.AddState(SectionType::kOtherAfter, r.world.State(whiteout));
    }
  }

  if (concerns) r.records.Emit(std::move(draft), call);
}

}  // namespace oldornew::replay
