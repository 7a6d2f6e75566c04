// Descriptors: open, close, dup and whatever else makes them.
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/text.h"
#include "import/log_replay.h"
#include "tree/acl.h"

namespace oldornew {

using wire::RecordKind;
using wire::SectionType;

namespace {

const std::vector<PrintedSymbol>& OpenFlags() {
  static const std::vector<PrintedSymbol> table = {{"O_WRONLY", O_WRONLY},
                                                   {"O_RDWR", O_RDWR},
                                                   {"O_CREAT", O_CREAT},
                                                   {"O_EXCL", O_EXCL},
                                                   {"O_TRUNC", O_TRUNC},
                                                   {"O_APPEND", O_APPEND},
                                                   {"O_CLOEXEC", O_CLOEXEC},
                                                   {"O_SYNC", O_SYNC},
                                                   {"O_DSYNC", O_DSYNC},
                                                   {"O_DIRECT", O_DIRECT},
                                                   {"O_NOFOLLOW", O_NOFOLLOW},
                                                   {"O_DIRECTORY", O_DIRECTORY},
                                                   {"O_TMPFILE", O_TMPFILE},
                                                   {"O_PATH", O_PATH},
                                                   {"O_NONBLOCK", O_NONBLOCK},
                                                   {"__O_SYNC", O_SYNC & ~O_DSYNC},
                                                   {"__O_TMPFILE", O_TMPFILE & ~O_DIRECTORY},
                                                   {"FD_CLOEXEC", FD_CLOEXEC},
                                                   {"CLOSE_RANGE_CLOEXEC", CLOSE_RANGE_CLOEXEC},
                                                   {"CLOSE_RANGE_UNSHARE", CLOSE_RANGE_UNSHARE},
                                                   {"SOCK_CLOEXEC", O_CLOEXEC},
                                                   {"EFD_CLOEXEC", O_CLOEXEC},
                                                   {"O_ACCMODE", O_ACCMODE}};
  return table;
}

// The mode that a file asked for with `mode` gets in a directory with this default ACL (acl(5)):
// the umask has no say.
uint32_t ModeByAcl(const std::string& acl, uint32_t mode) {
  uint32_t user = 7;
  uint32_t group = 7;
  uint32_t mask = 8;
  uint32_t other = 7;
  for (const AclEntry& entry : ParseAcl(acl)) {
    if (entry.tag == AclTag::kUserObject) user = entry.permissions;
    if (entry.tag == AclTag::kGroupObject) group = entry.permissions;
    if (entry.tag == AclTag::kMask) mask = entry.permissions;
    if (entry.tag == AclTag::kOther) other = entry.permissions;
  }
  const uint32_t middle = mask != 8 ? mask : group;
  return mode & (07000 | user << 6 | middle << 3 | other);
}

}  // namespace

InodeIndex LogReplay::CreateInode(const StraceCall& call, const Found& at, FileKind kind,
                                  uint32_t mode) {
  const Inode& dir = world_->at(at.dir);
  Inode inode;
  inode.kind = kind;
  const auto default_acl = dir.xattrs.find(kDefaultAcl);
  const bool by_acl = default_acl != dir.xattrs.end() && kind != FileKind::kSymlink;
  if (kind == FileKind::kSymlink) {
    inode.mode = 0777;
  } else if (by_acl) {
    inode.mode = ModeByAcl(default_acl->second, mode & 07777);
    const std::string acl = InheritedAcl(default_acl->second, inode.mode);
    if (!acl.empty()) inode.xattrs[kAccessAcl] = acl;
    if (kind == FileKind::kDirectory) inode.xattrs[kDefaultAcl] = default_acl->second;
  } else {
    inode.mode = mode & 07777 & ~Process(call).place->umask;
  }
  const Inode& root = world_->at(world_->tree().roots()[0]);
  std::tie(inode.uid, inode.gid) = knowledge_->owner.value_or(std::pair(root.uid, root.gid));
  if ((dir.mode & S_ISGID) != 0) {
    inode.gid = dir.gid;
    if (kind == FileKind::kDirectory) inode.mode |= S_ISGID;
  }
  const InodeIndex index = world_->Create(at.dir, at.name, std::move(inode));
  World::Facts& facts = world_->facts(index);
  facts.asked_mode = mode & 0777;
  facts.mode_is_asked = kind != FileKind::kSymlink && !by_acl && !Process(call).place->umask_set;
  return index;
}

void LogReplay::OnOpen(const StraceCall& call) {
  int dirfd = -1;
  size_t path = 0;
  std::optional<uint64_t> flags;
  std::optional<int64_t> mode;
  if (call.name == "creat") {
    flags = O_CREAT | O_WRONLY | O_TRUNC;
    mode = Number(call, 1);
  } else if (call.name == "openat2") {
    dirfd = 0;
    path = 1;
    const std::string_view how = Argument(call, 2);
    if (const auto text = PrintedField(how, "flags")) flags = PrintedFlags(*text, OpenFlags());
    if (const auto text = PrintedField(how, "mode")) mode = PrintedNumber(*text);
    if (!flags && !call.failed()) Bad(call, "no flags in its third argument");
  } else {
    if (call.name == "openat") dirfd = 0, path = 1;
    flags = Flags(call, path + 1, OpenFlags());
    if (flags && (*flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) != 0)
      mode = Number(call, path + 2);
  }
  if (!flags) return;
  const bool temporary = (*flags & O_TMPFILE) == O_TMPFILE;
  const bool changes = (*flags & O_PATH) == 0 && ((*flags & O_ACCMODE) != O_RDONLY ||
                                                  (*flags & (O_CREAT | O_TRUNC)) != 0 || temporary);
  const bool exclusive = (*flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
  const Found found = Walk(call, dirfd, path, (*flags & O_NOFOLLOW) == 0 && !exclusive);
  if (error_) return;
  changes ? OpenChanging(call, found, *flags, static_cast<uint32_t>(mode.value_or(0)))
          : OpenReading(call, found, *flags);
}

void LogReplay::FinishOpen(const StraceCall& call, InodeIndex inode, uint64_t flags) {
  if (call.failed()) return;
  if (call.result > INT32_MAX) return Bad(call, "no descriptor can have that number");
  auto file = std::make_shared<Description>();
  file->inode = inode;
  file->flags = flags;
  Install(call, static_cast<int>(call.result), std::move(file), (flags & O_CLOEXEC) != 0);
}

void LogReplay::OpenReading(const StraceCall& call, Found found, uint64_t flags) {
  if (call.failed()) {
    if (call.returned && call.result == -ENOENT && found.place() && !found.there())
      world_->NoteAbsent(found.dir, found.name);
    return;
  }
  found = Opened(call, found);
  MustBeThere(call, &found, (flags & O_DIRECTORY) != 0 ? FileKind::kDirectory : FileKind::kFile);
  FinishOpen(call, found.inode, flags);
}

void LogReplay::OpenChanging(const StraceCall& call, Found found, uint64_t flags, uint32_t mode) {
  const bool temporary = (flags & O_TMPFILE) == O_TMPFILE;
  const bool creates = (flags & O_CREAT) != 0;
  const bool exclusive = creates && (flags & O_EXCL) != 0;
  if (!call.failed() && !temporary) {
    found = Opened(call, found);
    if (!creates || knowledge_->not_created.count(current_) != 0)
      MustBeThere(call, &found, FileKind::kFile);
  }
  // What the recorder looks at before it records (interpose/funnel/handle_open.cc).
  const bool looked = !exclusive && !temporary && found.there();
  if (looked && world_->at(found.inode).kind != FileKind::kFile)
    return FinishOpen(call, found.inode, flags);
  const bool may_create = !looked && creates && !temporary;
  if (!looked && !may_create && !temporary) {
    if (!call.failed() && !found.there()) Resolved(call, Found{});
    return FinishOpen(call, kNoInode, flags);
  }
  if (may_create && !Resolved(call, found)) return FinishOpen(call, found.inode, flags);
  if (may_create && found.there() && !call.failed())
    Missed(call, fmt::format("{} is created, though it was there before", PathOf(found)));
  RecordDraft draft = Draft(RecordKind::kOpen, call);
  draft->open_flags = static_cast<uint32_t>(flags);
  draft.Add(SectionType::kPath, PathOf(found));
  draft.AddState(SectionType::kObjectBefore,
                 looked ? world_->State(found.inode) : wire::FileState{});
  if (may_create) {
    draft->dir = world_->Id(found.dir);
    draft.Add(SectionType::kName, found.name);
  }
  const bool judged = may_create ? world_->Judged(found.dir) : world_->Judged(found.inode);
  if (temporary) {
    draft->dir = world_->Id(found.inode);
    draft->flags |= wire::kUnnamed;
  }
  InodeIndex inode = found.inode;
  if (!call.failed()) {
    if (temporary && !found.there()) Resolved(call, Found{});
    if (may_create || (temporary && found.there())) {
      Found place = found;
      if (temporary) place = {found.inode, "", kNoInode};
      inode = CreateInode(call, place, FileKind::kFile, mode);
      if (may_create) draft->flags |= wire::kCreated;
      if (may_create && !exclusive && !world_->facts(found.dir).listed && judged) {
        world_->facts(inode).assumed_new_by = static_cast<int64_t>(current_);
        assumed_new_.insert(PathOf(found));
      }
    } else if ((flags & O_TRUNC) != 0 && looked) {
      World::Facts& facts = world_->facts(inode);
      if (facts.size != 0 || !facts.size_known) draft->flags |= wire::kTruncated;
      facts.size = 0;
      facts.size_known = facts.bytes_known = facts.touched = true;
      world_->at(inode).content = Content();
      DropPrivileges(inode);
    }
    draft->descriptor = static_cast<int>(call.result);
    draft.AddState(SectionType::kObjectAfter, world_->State(inode));
    if (!judged && (may_create || (flags & O_ACCMODE) != O_RDONLY)) NoteOutside(found);
  }
  FinishOpen(call, inode, flags);
  if (judged) Emit(std::move(draft), call);
}

void LogReplay::OnClose(const StraceCall& call) {
  int fd = -1;
  const auto file = File(call, 0, &fd);
  if (error_ || file == nullptr) return;
  FdTable& table = *Process(call).files;
  table.slots.erase(fd);
  table.closed.insert(fd);
  if (!JudgedFile(*file) || !Writable(*file)) return;
  RecordDraft draft = Draft(RecordKind::kClose, call);
  draft->descriptor = fd;
  draft->args[0] = static_cast<uint64_t>(fd);
  draft.AddState(SectionType::kObjectBefore, world_->State(file->inode));
  Emit(std::move(draft), call);
}

void LogReplay::OnCloseRange(const StraceCall& call) {
  const auto first = Number(call, 0);
  const auto last = Number(call, 1);
  const auto flags = Flags(call, 2, OpenFlags());
  if (!first || !last || !flags || call.failed()) return;
  FdTable& table = *Process(call).files;
  std::vector<int> going;
  for (const auto& [fd, slot] : table.slots) {
    if (static_cast<uint64_t>(fd) >= static_cast<uint64_t>(*first) &&
        static_cast<uint64_t>(fd) <= static_cast<uint64_t>(*last))
      going.push_back(fd);
  }
  for (const int fd : going) {
    if ((*flags & CLOSE_RANGE_CLOEXEC) != 0) {
      table.slots[fd].close_on_exec = true;
    } else {
      table.slots.erase(fd);
      table.closed.insert(fd);
    }
  }
  RecordDraft draft = Draft(RecordKind::kCloseRange, call);
  draft->args[0] = static_cast<uint64_t>(*first);
  draft->args[1] = static_cast<uint64_t>(*last);
  draft->args[2] = *flags;
  Emit(std::move(draft), call);
}

void LogReplay::Duplicate(const StraceCall& call, int from, int to, bool close_on_exec) {
  FdTable& table = *Process(call).files;
  const auto source = table.slots.find(from);
  if (source == table.slots.end() || from == to) return;
  const std::shared_ptr<Description> file = source->second.file;
  const auto over = table.slots.find(to);
  const auto matters = [&](const Description& f) { return JudgedFile(f) && Writable(f); };
  const bool closes = over != table.slots.end() && matters(*over->second.file);
  if (matters(*file) || closes) {
    RecordDraft draft = Draft(RecordKind::kDup, call);
    draft->descriptor = from;
    draft->args[0] = static_cast<uint64_t>(from);
    if (call.name == "fcntl") {
      draft->args[1] = close_on_exec ? F_DUPFD_CLOEXEC : F_DUPFD;
    } else if (close_on_exec) {
      draft->args[2] = O_CLOEXEC;
    }
    if (matters(*file)) draft.AddState(SectionType::kObjectBefore, world_->State(file->inode));
    if (closes) draft.AddState(SectionType::kOtherBefore, world_->State(over->second.file->inode));
    Emit(std::move(draft), call);
  }
  Install(call, to, file, close_on_exec);
}

void LogReplay::OnDup(const StraceCall& call) {
  if (call.failed()) return;
  int from = -1;
  if (File(call, 0, &from) == nullptr || call.result > INT32_MAX) return;
  bool cloexec = false;
  if (call.name == "dup3") {
    const auto flags = Flags(call, 2, OpenFlags());
    cloexec = flags && (*flags & O_CLOEXEC) != 0;
  }
  Duplicate(call, from, static_cast<int>(call.result), cloexec);
}

void LogReplay::OnFcntl(const StraceCall& call) {
  static const std::vector<PrintedSymbol> kCommands = {{"F_DUPFD", F_DUPFD + 1000},
                                                       {"F_DUPFD_CLOEXEC", F_DUPFD_CLOEXEC},
                                                       {"F_SETFD", F_SETFD},
                                                       {"F_SETFL", F_SETFL}};
  if (call.failed()) return;
  bool unknown = false;
  const auto command = PrintedFlags(Argument(call, 1), kCommands, &unknown);
  if (!command || unknown) return;
  int fd = -1;
  const auto file = File(call, 0, &fd);
  if (file == nullptr) return;
  switch (*command) {
    case F_DUPFD:
    case F_DUPFD + 1000:
    case F_DUPFD_CLOEXEC:
      if (call.result <= INT32_MAX)
        Duplicate(call, fd, static_cast<int>(call.result), *command == F_DUPFD_CLOEXEC);
      return;
    case F_SETFL: {
      const auto flags = Flags(call, 2, OpenFlags());
      constexpr uint64_t kSettable = O_APPEND | O_DIRECT | O_NONBLOCK;
      if (flags) file->flags = (file->flags & ~kSettable) | (*flags & kSettable);
      return;
    }
    case F_SETFD: {
      const auto flags = Flags(call, 2, OpenFlags());
      if (!flags) return;
      Process(call).files->slots[fd].close_on_exec = (*flags & FD_CLOEXEC) != 0;
      if (!JudgedFile(*file) || !Writable(*file)) return;
      RecordDraft draft = Draft(RecordKind::kCloexec, call);
      draft->descriptor = fd;
      draft->args[1] = F_SETFD;
      draft->args[2] = *flags;
      return Emit(std::move(draft), call);
    }
    default:
      return;
  }
}

void LogReplay::OnNewDescriptor(const StraceCall& call) {
  if (call.failed() || call.result > INT32_MAX) return;
  const bool cloexec = std::any_of(
      call.arguments.begin(), call.arguments.end(),
      [](const std::string& argument) { return argument.find("CLOEXEC") != std::string::npos; });
  Install(call, static_cast<int>(call.result), std::make_shared<Description>(), cloexec);
}

void LogReplay::OnPipe(const StraceCall& call) {
  if (call.failed()) return;
  const size_t index = call.name == "socketpair" ? 3 : 0;
  const auto both = PrintedList(Argument(call, index));
  if (!both) return Bad(call, "no list of two descriptors");
  for (const std::string_view text : *both) {
    const auto printed = PrintedFd(text);
    if (!printed || printed->number < 0)
      return Bad(call, fmt::format("{} is no descriptor", Quote(text)));
    Install(call, printed->number, std::make_shared<Description>(), false);
  }
}

// A descriptor that another process sent: what it is only -y tells.
void LogReplay::OnReceive(const StraceCall& call) {
  if (call.failed()) return;
  for (const std::string& argument : call.arguments) {
    constexpr std::string_view kData = "cmsg_type=SCM_RIGHTS, cmsg_data=";
    for (size_t at = argument.find(kData); at != std::string::npos;
         at = argument.find(kData, at + 1)) {
      const std::string_view rest = std::string_view(argument).substr(at + kData.size());
      const size_t close = FindClosing(rest);
      const auto list =
          close == std::string_view::npos ? std::nullopt : PrintedList(rest.substr(0, close + 1));
      if (!list) continue;
      for (const std::string_view text : *list) {
        const auto printed = PrintedFd(text);
        if (!printed || printed->number < 0) continue;
        Process(call).files->closed.erase(printed->number);
        Process(call).files->slots.erase(printed->number);
        Inherit(call, *printed);
      }
    }
  }
}

}  // namespace oldornew
