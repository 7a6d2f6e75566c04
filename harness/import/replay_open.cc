// Descriptors: open, close, dup and whatever else makes them.
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "import/handlers.h"

namespace oldornew::replay {

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

void FinishOpen(Replay& r, const StraceCall& call, InodeIndex inode, uint64_t flags) {
  if (call.failed()) return;
  if (call.result > INT32_MAX) return r.complaints.Bad(call, "no descriptor can have that number");
  auto file = std::make_shared<Description>();
  file->inode = inode;
  file->flags = flags;
  r.descriptors.Install(call, static_cast<int>(call.result), std::move(file),
                        (flags & O_CLOEXEC) != 0);
}

void OpenReading(Replay& r, const StraceCall& call, FoundPath found, uint64_t flags) {
  if (call.failed()) {
    if (call.returned && call.result == -ENOENT && found.place() && !found.there())
      r.world.NoteAbsent(found.dir, found.name);
    return;
  }

  found = r.names.Opened(call, found);
  r.names.MustBeThere(call, &found,
                      (flags & O_DIRECTORY) != 0 ? FileKind::kDirectory : FileKind::kFile);
  FinishOpen(r, call, found.inode, flags);
}

void OpenChanging(Replay& r, const StraceCall& call, FoundPath found, uint64_t flags,
                  uint32_t mode) {
  const bool temporary = (flags & O_TMPFILE) == O_TMPFILE;
  const bool creates = (flags & O_CREAT) != 0;
  const bool exclusive = creates && (flags & O_EXCL) != 0;
  if (!call.failed() && !temporary) {
    found = r.names.Opened(call, found);
    if (!creates || r.learner.knowledge().not_created.count(r.records.current()) != 0)
      r.names.MustBeThere(call, &found, FileKind::kFile);
  }

  // What the recorder looks at before it records (interpose/funnel/handle_open.cc).
  const bool looked = !exclusive && !temporary && found.there();
  if (looked && r.world.at(found.inode).kind != FileKind::kFile)
    return FinishOpen(r, call, found.inode, flags);
  const bool may_create = !looked && creates && !temporary;
  if (!looked && !may_create && !temporary) {
    if (!call.failed() && !found.there()) r.names.Resolved(call, FoundPath{});
    return FinishOpen(r, call, kNoInode, flags);
  }

  if (may_create && !r.names.Resolved(call, found)) return FinishOpen(r, call, found.inode, flags);
  if (may_create && found.there() && !call.failed())
    r.complaints.Missed(
        call, fmt::format("{} is created, though it was there before", r.names.PathOf(found)));

  RecordDraft draft = r.records.Draft(RecordKind::kOpen, call);
  draft->open_flags = static_cast<uint32_t>(flags);
  draft.Add(SectionType::kPath, r.names.PathOf(found));
  draft.AddState(SectionType::kObjectBefore,
                 looked ? r.world.State(found.inode) : wire::FileState{});
  if (may_create) {
    draft->dir = r.world.Id(found.dir);
    draft.Add(SectionType::kName, found.name);
  }

  const bool judged = may_create ? r.world.Judged(found.dir) : r.world.Judged(found.inode);
  if (temporary) {
    draft->dir = r.world.Id(found.inode);
    draft->flags |= wire::kUnnamed;
  }

  InodeIndex inode = found.inode;
  if (!call.failed()) {
    if (temporary && !found.there()) r.names.Resolved(call, FoundPath{});
    if (may_create || (temporary && found.there())) {
      FoundPath place = found;
      if (temporary) place = {found.inode, "", kNoInode};
      inode = r.names.CreateInode(call, place, FileKind::kFile, mode);
      if (may_create) draft->flags |= wire::kCreated;
      if (may_create && !exclusive && !r.world.facts(found.dir).listed && judged) {
        r.world.facts(inode).assumed_new_by = static_cast<int64_t>(r.records.current());
        r.names.AssumeNew(found);
      }
    } else if ((flags & O_TRUNC) != 0 && looked) {
      World::Facts& facts = r.world.facts(inode);
      if (facts.size != 0 || !facts.size_known) draft->flags |= wire::kTruncated;
      facts.size = 0;
      facts.size_known = facts.bytes_known = facts.touched = true;
      r.world.at(inode).content = Content();
      r.bytes.DropPrivileges(inode);
    }
    draft->descriptor = static_cast<int>(call.result);
    draft.AddState(SectionType::kObjectAfter, r.world.State(inode));
    if (!judged && (may_create || (flags & O_ACCMODE) != O_RDONLY)) r.names.NoteOutside(found);
  }

  FinishOpen(r, call, inode, flags);
  if (judged) r.records.Emit(std::move(draft), call);
}

void Duplicate(Replay& r, const StraceCall& call, int from, int to, bool close_on_exec) {
  FdTable& table = *r.processes.Of(call).files;
  const auto source = table.slots.find(from);
  if (source == table.slots.end() || from == to) return;
  const std::shared_ptr<Description> file = source->second.file;
  const auto over = table.slots.find(to);
  const auto matters = [&](const Description& f) {
    return r.world.JudgedFile(f.inode) && f.writable();
  };
  const bool closes = over != table.slots.end() && matters(*over->second.file);
  if (matters(*file) || closes) {
    RecordDraft draft = r.records.Draft(RecordKind::kDup, call);
    draft->descriptor = from;
    draft->args[0] = static_cast<uint64_t>(from);
    if (call.name == "fcntl") {
      draft->args[1] = close_on_exec ? F_DUPFD_CLOEXEC : F_DUPFD;
    } else if (close_on_exec) {
      draft->args[2] = O_CLOEXEC;
    }
    if (matters(*file)) draft.AddState(SectionType::kObjectBefore, r.world.State(file->inode));
    if (closes) draft.AddState(SectionType::kOtherBefore, r.world.State(over->second.file->inode));
    r.records.Emit(std::move(draft), call);
  }

  r.descriptors.Install(call, to, file, close_on_exec);
}

}  // namespace

void ReplayOpen(Replay& r, const StraceCall& call) {
  int dirfd = -1;
  size_t path = 0;
  std::optional<uint64_t> flags;
  std::optional<int64_t> mode;
  if (call.name == "creat") {
    flags = O_CREAT | O_WRONLY | O_TRUNC;
    mode = r.arguments.Number(call, 1);
  } else if (call.name == "openat2") {
    dirfd = 0;
    path = 1;
    const std::string_view how = r.arguments.Argument(call, 2);
    if (const auto text = PrintedField(how, "flags")) flags = PrintedFlags(*text, OpenFlags());
    if (const auto text = PrintedField(how, "mode")) mode = PrintedNumber(*text);
    if (!flags && !call.failed()) r.complaints.Bad(call, "no flags in its third argument");
  } else {
    if (call.name == "openat") dirfd = 0, path = 1;
    flags = r.arguments.Flags(call, path + 1, OpenFlags());
    if (flags && (*flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) != 0)
      mode = r.arguments.Number(call, path + 2);
  }

  if (!flags) return;
  const bool temporary = (*flags & O_TMPFILE) == O_TMPFILE;
  const bool changes = (*flags & O_PATH) == 0 && ((*flags & O_ACCMODE) != O_RDONLY ||
                                                  (*flags & (O_CREAT | O_TRUNC)) != 0 || temporary);
  const bool exclusive = (*flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
  const FoundPath found = r.names.Walk(call, dirfd, path, (*flags & O_NOFOLLOW) == 0 && !exclusive);
  if (r.complaints.failed()) return;
  changes ? OpenChanging(r, call, found, *flags, static_cast<uint32_t>(mode.value_or(0)))
          : OpenReading(r, call, found, *flags);
}

void ReplayClose(Replay& r, const StraceCall& call) {
  int fd = -1;
  const auto file = r.descriptors.File(call, 0, &fd);
  if (r.complaints.failed() || file == nullptr) return;
  r.descriptors.Remove(call, fd);
  if (!r.world.JudgedFile(file->inode) || !file->writable()) return;

  RecordDraft draft = r.records.Draft(RecordKind::kClose, call);
  draft->descriptor = fd;
  draft->args[0] = static_cast<uint64_t>(fd);
  draft.AddState(SectionType::kObjectBefore, r.world.State(file->inode));
  r.records.Emit(std::move(draft), call);
}

void ReplayCloseRange(Replay& r, const StraceCall& call) {
  const auto first = r.arguments.Number(call, 0);
  const auto last = r.arguments.Number(call, 1);
  const auto flags = r.arguments.Flags(call, 2, OpenFlags());
  if (!first || !last || !flags || call.failed()) return;
  FdTable& table = *r.processes.Of(call).files;
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

  RecordDraft draft = r.records.Draft(RecordKind::kCloseRange, call);
  draft->args[0] = static_cast<uint64_t>(*first);
  draft->args[1] = static_cast<uint64_t>(*last);
  draft->args[2] = *flags;
  r.records.Emit(std::move(draft), call);
}

void ReplayDup(Replay& r, const StraceCall& call) {
  if (call.failed()) return;
  int from = -1;
  if (r.descriptors.File(call, 0, &from) == nullptr || call.result > INT32_MAX) return;
  bool cloexec = false;
  if (call.name == "dup3") {
    const auto flags = r.arguments.Flags(call, 2, OpenFlags());
    cloexec = flags && (*flags & O_CLOEXEC) != 0;
  }

  Duplicate(r, call, from, static_cast<int>(call.result), cloexec);
}

void ReplayFcntl(Replay& r, const StraceCall& call) {
  static const std::vector<PrintedSymbol> kCommands = {{"F_DUPFD", F_DUPFD + 1000},
                                                       {"F_DUPFD_CLOEXEC", F_DUPFD_CLOEXEC},
                                                       {"F_SETFD", F_SETFD},
                                                       {"F_SETFL", F_SETFL}};
  if (call.failed()) return;
  bool unknown = false;
  const auto command = PrintedFlags(r.arguments.Argument(call, 1), kCommands, &unknown);
  if (!command || unknown) return;
  int fd = -1;
  const auto file = r.descriptors.File(call, 0, &fd);
  if (file == nullptr) return;
  switch (*command) {
    case F_DUPFD:
    case F_DUPFD + 1000:
    case F_DUPFD_CLOEXEC:
      if (call.result <= INT32_MAX)
        Duplicate(r, call, fd, static_cast<int>(call.result), *command == F_DUPFD_CLOEXEC);
      return;
    case F_SETFL: {
      const auto flags = r.arguments.Flags(call, 2, OpenFlags());
      constexpr uint64_t kSettable = O_APPEND | O_DIRECT | O_NONBLOCK;
      if (flags) file->flags = (file->flags & ~kSettable) | (*flags & kSettable);
      return;
    }
    case F_SETFD: {
      const auto flags = r.arguments.Flags(call, 2, OpenFlags());
      if (!flags) return;
      r.processes.Of(call).files->slots[fd].close_on_exec = (*flags & FD_CLOEXEC) != 0;
      if (!r.world.JudgedFile(file->inode) || !file->writable()) return;
      RecordDraft draft = r.records.Draft(RecordKind::kCloexec, call);
      draft->descriptor = fd;
      draft->args[1] = F_SETFD;
      draft->args[2] = *flags;
      return r.records.Emit(std::move(draft), call);
    }
    default:
      return;
  }
}

void ReplayNewDescriptor(Replay& r, const StraceCall& call) {
  if (call.failed() || call.result > INT32_MAX) return;
  const bool cloexec = std::any_of(
      call.arguments.begin(), call.arguments.end(),
      [](const std::string& argument) { return argument.find("CLOEXEC") != std::string::npos; });
  r.descriptors.Install(call, static_cast<int>(call.result), std::make_shared<Description>(),
                        cloexec);
}

void ReplayPipe(Replay& r, const StraceCall& call) {
  if (call.failed()) return;
  const size_t index = call.name == "socketpair" ? 3 : 0;
  const auto both = PrintedList(r.arguments.Argument(call, index));
  if (!both) return r.complaints.Bad(call, "no list of two descriptors");
  for (const std::string_view text : *both) {
    const auto printed = PrintedFd(text);
    if (!printed || printed->number < 0)
      return r.complaints.Bad(call, fmt::format("{} is no descriptor", Quote(text)));
    r.descriptors.Install(call, printed->number, std::make_shared<Description>(), false);
  }
}

// A descriptor that another process sent: what it is only -y tells.
void ReplayReceive(Replay& r, const StraceCall& call) {
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
        r.processes.Of(call).files->closed.erase(printed->number);
        r.processes.Of(call).files->slots.erase(printed->number);
        r.descriptors.Inherit(call, *printed);
      }
    }
  }
}

}  // namespace oldornew::replay
