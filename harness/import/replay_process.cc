// Processes, what they map, and what cannot be imported.
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/text.h"
#include "import/log_replay.h"
#include "interpose/unmodelled_ioctl.h"

namespace oldornew {

using Kind = Obstacle::Kind;
using wire::RecordKind;
using wire::SectionType;

namespace {

const std::vector<PrintedSymbol>& CloneFlags() {
  static const std::vector<PrintedSymbol> table = {
      {"CLONE_VM", CLONE_VM},         {"CLONE_FS", CLONE_FS},       {"CLONE_FILES", CLONE_FILES},
      {"CLONE_THREAD", CLONE_THREAD}, {"CLONE_NEWNS", CLONE_NEWNS}, {"CLONE_NEWPID", CLONE_NEWPID}};
  return table;
}

const std::vector<PrintedSymbol>& MapFlags() {
  static const std::vector<PrintedSymbol> table = {{"PROT_READ", PROT_READ},
                                                   {"PROT_WRITE", PROT_WRITE},
                                                   {"MAP_SHARED", MAP_SHARED},
                                                   {"MAP_PRIVATE", MAP_PRIVATE},
                                                   {"MAP_SHARED_VALIDATE", MAP_SHARED_VALIDATE},
                                                   {"MAP_ANONYMOUS", MAP_ANONYMOUS}};
  return table;
}

// clone3({flags=..., ...}, 88), clone(child_stack=..., flags=..., ...).
std::optional<uint64_t> FlagsOfClone(const StraceCall& call) {
  if (call.name == "fork") return 0;
  if (call.name == "vfork") return CLONE_VM | CLONE_VFORK;
  for (const std::string& argument : call.arguments) {
    std::string_view text = argument;
    if (call.name == "clone3") {
      const size_t arrow = text.find(" => ");
      const auto field = PrintedField(text.substr(0, arrow), "flags");
      return field ? PrintedFlags(*field, CloneFlags()) : std::nullopt;
    }
    if (text.starts_with("flags=")) return PrintedFlags(text.substr(6), CloneFlags());
  }
  return std::nullopt;
}

}  // namespace

bool LogReplay::Born(int32_t tid) {
  if (threads_.count(tid) != 0) return true;
  const auto birth = births_.lower_bound(tid);
  if (birth == births_.end() || birth->first != tid) return unfollowed_.count(tid) != 0;
  const size_t index = birth->second;
  if (begins_.count(index) == 0) {
    // Its first line stands before that of the call that made it: only times of several files can
    // be so wrong.
    begins_[index] = ++ticket_;
  }
  births_.erase(birth);
  BearChild(log_.calls[index], tid);
  return threads_.count(tid) != 0;
}

void LogReplay::BearChild(const StraceCall& call, int32_t tid) {
  const auto parent = threads_.find(call.tid);
  if (parent == threads_.end()) return;
  const std::shared_ptr<ProcessState> from = parent->second.process;
  const auto flags = FlagsOfClone(call);
  if (!flags) return Bad(call, "its flags are not to be found");
  if ((*flags & CLONE_THREAD) != 0) {
    threads_[tid] = {from, from->threads++};
    ++from->living;
    return;
  }
  auto child = std::make_shared<ProcessState>();
  child->pid = tid;
  child->living = 1;
  child->program = from->program;
  child->started = from->started;
  child->mappings = from->mappings;
  child->files =
      (*flags & CLONE_FILES) != 0 ? from->files : std::make_shared<FdTable>(*from->files);
  child->place = (*flags & CLONE_FS) != 0 ? from->place : std::make_shared<Place>(*from->place);
  threads_[tid] = {child, child->threads++};
  const size_t saved = current_;
  current_ = static_cast<size_t>(&call - log_.calls.data());
  RecordDraft made = Draft(RecordKind::kClone, call);
  if ((*flags & CLONE_FILES) != 0) made->flags |= wire::kSharesFiles;
  made->other_pid = tid;
  made->ret = tid;
  Emit(std::move(made), call);
  RecordDraft born = Draft(RecordKind::kForked, call);
  born->pid = born->tid = tid;
  born->thread = 0;
  born->other_pid = from->pid;
  born->ret = 0;
  Emit(std::move(born), call);
  current_ = saved;
}

void LogReplay::OnClone(const StraceCall& call) {
  if (call.failed() || call.result <= 0 || call.result > INT32_MAX) return;
  const auto flags = FlagsOfClone(call);
  if (flags && (*flags & (CLONE_NEWNS | CLONE_NEWPID)) != 0)
    ReportUnsupported(call, "starts a process in a namespace of its own", kNoInode);
  const auto child = static_cast<int32_t>(call.result);
  // The child may have come already, and even gone; then its birth was taken at its first line.
  for (auto [birth, end] = births_.equal_range(child); birth != end; ++birth) {
    if (birth->second != current_) continue;
    // Whoever has no line at all in the log was not followed; Finish says so.
    if (seen_.count(child) == 0) return;
    births_.erase(birth);
    if (threads_.count(child) == 0) BearChild(call, child);
    return;
  }
}

void LogReplay::OnExec(const StraceCall& call) {
  if (call.failed()) return;
  const bool at = call.name == "execveat";
  const auto path = PrintedString(Argument(call, at ? 1 : 0));
  ProcessState& process = Process(call);
  std::string arguments;
  const auto list = PrintedList(Argument(call, at ? 2 : 1));
  std::vector<std::string> words;
  if (list) {
    for (const std::string_view part : *list) {
      if (const auto word = PrintedString(part)) words.push_back(word->bytes);
    }
  }
  for (const std::string& word : words) arguments += word + '\0';
  std::string program = path ? path->bytes : "";
  if (!program.starts_with("/") && process.place->cwd != kNoInode)
    program = JoinPath(world_->PathOf(process.place->cwd),
                       program.starts_with("./") ? program.substr(2) : program);
  process.program = program;
  if (command_.empty()) command_ = words;
  // An exec gives the process a table of its own, without what is to be closed.
  process.files = std::make_shared<FdTable>(*process.files);
  std::vector<int> going;
  for (const auto& [fd, slot] : process.files->slots) {
    if (slot.close_on_exec) going.push_back(fd);
  }
  for (const int fd : going) {
    process.files->slots.erase(fd);
    process.files->closed.insert(fd);
  }
  process.mappings.clear();
  if (process.started || &process != main_.get()) {
    RecordDraft tried = Draft(RecordKind::kExec, call);
    tried.Add(SectionType::kPath, program);
    tried.Add(SectionType::kArguments, arguments);
    Emit(std::move(tried), call);
  }
  process.started = true;
  RecordDraft image = Draft(RecordKind::kProcessStart, call);
  image->nr = SYS_execve;
  image.Add(SectionType::kProgram, program);
  image.Add(SectionType::kArguments, arguments);
  image.Add(SectionType::kMaps, "");
  Emit(std::move(image), call);
}

void LogReplay::OnExit(const StraceCall& call) {
  RecordDraft draft = Draft(RecordKind::kExit, call);
  const auto status = PrintedNumber(Argument(call, 0));
  if (!status) return;
  draft->ret = *status;
  draft->args[0] = static_cast<uint64_t>(*status);
  draft->end = ++ticket_;
  draft->state = static_cast<uint32_t>(wire::RecordState::kDone);
  records_.Append(draft);
}

void LogReplay::OnChdir(const StraceCall& call) {
  if (call.failed()) return;
  Found found;
  if (call.name == "fchdir") {
    if (const auto file = File(call, 0)) found.inode = file->inode;
  } else {
    found = Walk(call, -1, 0, true);
    if (!MustBeThere(call, &found, FileKind::kDirectory)) Resolved(call, found);
  }
  if (found.there()) Process(call).place->cwd = found.inode;
}

void LogReplay::OnGetcwd(const StraceCall& call) {
  if (call.failed()) return;
  const auto path = PrintedString(Argument(call, 0));
  if (!path || !path->bytes.starts_with("/")) return;
  const std::string text = path->bytes.substr(0, path->bytes.find('\0'));
  const InodeIndex inode = world_->Directory(text);
  TakeDiscoveries();
  if (inode != kNoInode) Process(call).place->cwd = inode;
}

void LogReplay::OnUmask(const StraceCall& call) {
  const auto mask = Number(call, 0);
  if (!mask || call.failed()) return;
  const auto before = static_cast<uint32_t>(call.result) & 0777;
  Place& place = *Process(call).place;
  // The first call tells what it was from the start.
  if (!place.umask_set && place.umask != before && !knowledge_->umask) {
    learnt_.umask = before;
    again_ = true;
  }
  place.umask = static_cast<uint32_t>(*mask) & 0777;
  place.umask_set = true;
}

void LogReplay::ReportUnsupported(const StraceCall& call, const std::string& reason,
                                  InodeIndex inode) {
  RecordDraft draft = Draft(RecordKind::kUnsupported, call);
  draft.Add(SectionType::kReason, reason);
  if (inode != kNoInode) draft.AddState(SectionType::kObjectBefore, world_->State(inode));
  Emit(std::move(draft), call);
}

void LogReplay::OnMmap(const StraceCall& call) {
  if (!call.returned || call.arguments.size() < 5 || (call.result < 0 && call.result >= -4095))
    return;
  const auto protection = Flags(call, 2, MapFlags());
  const auto flags = Flags(call, 3, MapFlags());
  if (!protection || !flags) return;
  const uint64_t type = *flags & MAP_TYPE;
  if ((*flags & MAP_ANONYMOUS) != 0) return;
  const auto file = File(call, 4);
  if (file == nullptr || !JudgedFile(*file)) return;
  if (Writable(*file)) {  // The mapping holds the file open.
    RecordDraft held = Draft(RecordKind::kMapped, call);
    held->descriptor = PrintedFd(Argument(call, 4)).value_or(PrintedDescriptor{}).number;
    Emit(std::move(held), call);
  }
  if ((type != MAP_SHARED && type != MAP_SHARED_VALIDATE)) return;
  if ((file->flags & O_ACCMODE) != O_RDWR) return;
  if ((*protection & PROT_WRITE) != 0) {
    RecordDraft draft = Draft(RecordKind::kMapShared, call);
    draft.AddState(SectionType::kObjectBefore, world_->State(file->inode));
    return Emit(std::move(draft), call);
  }
  const auto length = Number(call, 1);
  if (!length) return;
  const auto start = static_cast<uint64_t>(call.result);
  Process(call).mappings.push_back({start, start + static_cast<uint64_t>(*length), file->inode});
}

void LogReplay::OnMprotect(const StraceCall& call) {
  if (call.failed() || Process(call).mappings.empty()) return;
  const auto start = Number(call, 0);
  const auto length = Number(call, 1);
  const auto protection = Flags(call, 2, MapFlags());
  if (!start || !length || !protection || (*protection & PROT_WRITE) == 0) return;
  for (const Mapping& mapping : Process(call).mappings) {
    const auto at = static_cast<uint64_t>(*start);
    if (mapping.start >= at + static_cast<uint64_t>(*length) || at >= mapping.end) continue;
    RecordDraft draft = Draft(RecordKind::kMapShared, call);
    draft.AddState(SectionType::kObjectBefore, world_->State(mapping.inode));
    Emit(std::move(draft), call);
  }
}

void LogReplay::OnUnsupported(const StraceCall& call) {
  if (call.failed()) return;
  const std::string& name = call.name;
  if (name == "unshare" || name == "setns") {
    const auto flags = PrintedFlags(Argument(call, name == "unshare" ? 0 : 1), CloneFlags());
    if (flags && (*flags & (CLONE_NEWNS | CLONE_NEWPID)) == 0) return;
  }
  if (name == "open_by_handle_at") {
    const auto printed = PrintedFd(fmt::format("{}{}", call.result, call.result_note));
    if (!printed || printed->number < 0) return;
    Process(call).files->slots.erase(printed->number);
    Process(call).files->closed.erase(printed->number);
    const auto file = Inherit(call, *printed);
    const std::string flags = call.arguments.size() > 2 ? call.arguments[2] : "";
    const bool reads = flags.find("O_WRONLY") == std::string::npos &&
                       flags.find("O_RDWR") == std::string::npos &&
                       flags.find("O_RDONLY") != std::string::npos;
    if (!reads && world_->Judged(file->inode))
      ReportUnsupported(call, "is opened for writing by its handle", file->inode);
    return;
  }
  if (name.starts_with("io_uring"))
    return ReportUnsupported(call, "uses io_uring, whose operations no log of strace shows",
                             kNoInode);
  ReportUnsupported(call, "changes what is mounted, or enters a namespace of its own", kNoInode);
}

void LogReplay::OnIoctl(const StraceCall& call) {
  static const std::vector<PrintedSymbol> kRequests = {{"FICLONE", FICLONE},
                                                       {"FICLONERANGE", FICLONERANGE},
                                                       {"BTRFS_IOC_CLONE", FICLONE},
                                                       {"BTRFS_IOC_CLONE_RANGE", FICLONERANGE},
                                                       {"FS_IOC_SETFLAGS", FS_IOC_SETFLAGS},
                                                       {"FS_IOC_FSSETXATTR", FS_IOC_FSSETXATTR},
                                                       {"EXT4_IOC_MOVE_EXT", 0xc028660f},
                                                       {"FS_IOC_RESVSP", 0x40305828},
                                                       {"FS_IOC_RESVSP64", 0x4030582a},
                                                       {"FS_IOC_UNRESVSP64", 0x4030582b},
                                                       {"FS_IOC_ZERO_RANGE", 0x40305839}};
  if (call.failed()) return;
  std::string text = StripComments(Argument(call, 1));
  if (text.starts_with("BTRFS_IOC_") && text.find("CLONE") == std::string::npos) {
    const auto file = File(call, 0);
    if (file != nullptr && world_->Judged(file->inode))
      ReportUnsupported(call, "uses an ioctl of btrfs", file->inode);
    return;
  }
  if (const size_t alias = text.find(" or "); alias != std::string::npos)
    text = text.substr(0, alias);
  const auto request = PrintedFlags(text, kRequests);
  if (!request) return;
  if (*request == FICLONE || *request == FICLONERANGE) return OnReflink(call);
  const char* reason = UnmodelledIoctl(static_cast<unsigned>(*request));
  if (reason == nullptr) return;
  const auto file = File(call, 0);
  if (file != nullptr && world_->Judged(file->inode)) ReportUnsupported(call, reason, file->inode);
}

void LogReplay::OnIoSubmit(const StraceCall& call) {
  static const std::vector<PrintedSymbol> kOpcodes = {{"IOCB_CMD_PWRITE", IOCB_CMD_PWRITE},
                                                      {"IOCB_CMD_PWRITEV", IOCB_CMD_PWRITEV},
                                                      {"IOCB_CMD_FSYNC", IOCB_CMD_FSYNC},
                                                      {"IOCB_CMD_FDSYNC", IOCB_CMD_FDSYNC}};
  const auto blocks = PrintedList(Argument(call, 2));
  if (!blocks || call.failed()) return;
  for (const std::string_view block : *blocks) {
    const auto opcode_text = PrintedField(block, "aio_lio_opcode");
    const auto fd_text = PrintedField(block, "aio_fildes");
    const auto fd = fd_text ? PrintedFd(*fd_text) : std::nullopt;
    const auto opcode = opcode_text ? PrintedFlags(*opcode_text, kOpcodes) : std::nullopt;
    if (!fd || !opcode || *opcode == IOCB_CMD_PREAD) continue;
    const auto& slots = Process(call).files->slots;
    const auto slot = slots.find(fd->number);
    const auto file = slot != slots.end() ? slot->second.file
                      : fd->number >= 0   ? Inherit(call, *fd)
                                          : nullptr;
    if (file == nullptr || !world_->Judged(file->inode)) continue;
    return ReportUnsupported(call, "is written by asynchronous I/O (io_submit)", file->inode);
  }
}

}  // namespace oldornew
