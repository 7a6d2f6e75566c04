// Processes, and what they map.
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <utility>

#include "base/text.h"
#include "import/handlers.h"
#include "import/symbols.h"

namespace oldornew::replay {

using wire::RecordKind;
using wire::SectionType;

namespace {

const std::vector<PrintedSymbol>& MapFlags() {
  static const std::vector<PrintedSymbol> table = {{"PROT_READ", PROT_READ},
                                                   {"PROT_WRITE", PROT_WRITE},
                                                   {"MAP_SHARED", MAP_SHARED},
                                                   {"MAP_PRIVATE", MAP_PRIVATE},
                                                   {"MAP_SHARED_VALIDATE", MAP_SHARED_VALIDATE},
                                                   {"MAP_ANONYMOUS", MAP_ANONYMOUS}};
  return table;
}

}  // namespace

std::optional<uint64_t> FlagsOfClone(const StraceCall& call) {
  if (call.name == "fork") return 0;
  if (call.name == "vfork") return CLONE_VM | CLONE_VFORK;

  // clone3({flags=..., ...}, 88), clone(child_stack=..., flags=..., ...).
  for (const std::string& argument : call.arguments) {
    const std::string_view text = argument;
    if (call.name == "clone3") {
      const size_t arrow = text.find(" => ");
      const auto field = PrintedField(text.substr(0, arrow), "flags");
      return field ? PrintedFlags(*field, CloneFlags()) : std::nullopt;
    }
    if (text.starts_with("flags=")) return PrintedFlags(text.substr(6), CloneFlags());
  }

  return std::nullopt;
}

void BearChild(Replay& r, const StraceCall& call, int32_t tid) {
  const ReplayedThread* parent = r.processes.Find(call.tid);
  if (parent == nullptr) return;
  const std::shared_ptr<ProcessState> from = parent->process;
  const auto flags = FlagsOfClone(call);
  if (!flags) return r.complaints.Bad(call, "its flags are not to be found");
  if ((*flags & CLONE_THREAD) != 0) return r.processes.AddThread(tid, from);

  const std::shared_ptr<ProcessState> child = r.processes.AddProcess(tid);
  child->program = from->program;
  child->started = from->started;
  child->mappings = from->mappings;
  child->files =
      (*flags & CLONE_FILES) != 0 ? from->files : std::make_shared<FdTable>(*from->files);
  child->place = (*flags & CLONE_FS) != 0 ? from->place : std::make_shared<FsContext>(*from->place);

  // The records are of the call that made the child, whichever is being carried out now.
  const size_t saved = r.records.current();
  r.records.SetCurrent(static_cast<size_t>(&call - r.log.calls.data()));

  RecordDraft made = r.records.Draft(RecordKind::kClone, call);
  if ((*flags & CLONE_FILES) != 0) made->flags |= wire::kSharesFiles;
  made->other_pid = tid;
  made->ret = tid;
  r.records.Emit(std::move(made), call);

  RecordDraft born = r.records.Draft(RecordKind::kForked, call);
  born->pid = born->tid = tid;
  born->thread = 0;
  born->other_pid = from->pid;
  born->ret = 0;
  r.records.Emit(std::move(born), call);
  r.records.SetCurrent(saved);
}

void ReplayClone(Replay& r, const StraceCall& call) {
  if (call.failed() || call.result <= 0 || call.result > INT32_MAX) return;
  const auto flags = FlagsOfClone(call);
  if (flags && (*flags & (CLONE_NEWNS | CLONE_NEWPID)) != 0)
    ReportUnsupported(r, call, "starts a process in a namespace of its own", kNoInode);
  const auto child = static_cast<int32_t>(call.result);

  // The child may have come already, and even gone; then its birth was taken at its first line.
  // Whoever has no line at all in the log was not followed, which is reported at the end.
  if (!r.births.Seen(child) || !r.births.TakeCall(child, r.records.current())) return;
  if (r.processes.Find(child) == nullptr) BearChild(r, call, child);
}

void ReplayExec(Replay& r, const StraceCall& call) {
  if (call.failed()) return;
  const bool at = call.name == "execveat";
  const auto path = PrintedString(r.arguments.Argument(call, at ? 1 : 0));
  ProcessState& process = r.processes.Of(call);
  std::string arguments;
  const auto list = PrintedList(r.arguments.Argument(call, at ? 2 : 1));
  std::vector<std::string> words;
  if (list) {
    for (const std::string_view part : *list) {
      if (const auto word = PrintedString(part)) words.push_back(word->bytes);
    }
  }

  for (const std::string& word : words) arguments += word + '\0';
  std::string program = path ? path->bytes : "";
  if (!program.starts_with("/") && process.place->cwd != kNoInode)
    program = JoinPath(r.world.PathOf(process.place->cwd),
                       program.starts_with("./") ? program.substr(2) : program);
  process.program = program;
  r.processes.NoteCommand(words);

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
  if (process.started || &process != r.processes.main().get()) {
    RecordDraft tried = r.records.Draft(RecordKind::kExec, call);
    tried.Add(SectionType::kPath, program);
    tried.Add(SectionType::kArguments, arguments);
    r.records.Emit(std::move(tried), call);
  }

  process.started = true;

  RecordDraft image = r.records.Draft(RecordKind::kProcessStart, call);
  image->nr = SYS_execve;
  image.Add(SectionType::kProgram, program);
  image.Add(SectionType::kArguments, arguments);
  image.Add(SectionType::kMaps, "");
  r.records.Emit(std::move(image), call);
}

void ReplayExit(Replay& r, const StraceCall& call) {
  RecordDraft draft = r.records.Draft(RecordKind::kExit, call);
  const auto status = PrintedNumber(r.arguments.Argument(call, 0));
  if (!status) return;
  draft->ret = *status;
  draft->args[0] = static_cast<uint64_t>(*status);
  r.records.EmitDone(std::move(draft));
}

void ReplayChdir(Replay& r, const StraceCall& call) {
  if (call.failed()) return;
  FoundPath found;
  if (call.name == "fchdir") {
    if (const auto file = r.descriptors.File(call, 0)) found.inode = file->inode;
  } else {
    found = r.names.Walk(call, -1, 0, true);
    if (!r.names.MustBeThere(call, &found, FileKind::kDirectory)) r.names.Resolved(call, found);
  }

  if (found.there()) r.processes.Of(call).place->cwd = found.inode;
}

void ReplayGetcwd(Replay& r, const StraceCall& call) {
  if (call.failed()) return;
  const auto path = PrintedString(r.arguments.Argument(call, 0));
  if (!path || !path->bytes.starts_with("/")) return;
  const std::string text = path->bytes.substr(0, path->bytes.find('\0'));
  const InodeIndex inode = r.world.Directory(text);
  r.learner.TakeDiscoveries();
  if (inode != kNoInode) r.processes.Of(call).place->cwd = inode;
}

void ReplayUmask(Replay& r, const StraceCall& call) {
  const auto mask = r.arguments.Number(call, 0);
  if (!mask || call.failed()) return;
  const auto before = static_cast<uint32_t>(call.result) & 0777;
  FsContext& place = *r.processes.Of(call).place;

  // The first call tells what it was from the start.
  if (!place.umask_set && place.umask != before && !r.learner.knowledge().umask)
    r.learner.LearnUmask(before);
  place.umask = static_cast<uint32_t>(*mask) & 0777;
  place.umask_set = true;
}

void ReplayMmap(Replay& r, const StraceCall& call) {
  if (!call.returned || call.arguments.size() < 5 || (call.result < 0 && call.result >= -4095))
    return;
  const auto protection = r.arguments.Flags(call, 2, MapFlags());
  const auto flags = r.arguments.Flags(call, 3, MapFlags());
  if (!protection || !flags) return;
  const uint64_t type = *flags & MAP_TYPE;
  if ((*flags & MAP_ANONYMOUS) != 0) return;
  const auto file = r.descriptors.File(call, 4);
  if (file == nullptr || !r.world.JudgedFile(file->inode)) return;
  if (file->writable()) {  // The mapping holds the file open.
    RecordDraft held = r.records.Draft(RecordKind::kMapped, call);
    held->descriptor =
        PrintedFd(r.arguments.Argument(call, 4)).value_or(PrintedDescriptor{}).number;
    r.records.Emit(std::move(held), call);
  }

  if ((type != MAP_SHARED && type != MAP_SHARED_VALIDATE)) return;
  if ((file->flags & O_ACCMODE) != O_RDWR) return;
  if ((*protection & PROT_WRITE) != 0) {
    RecordDraft draft = r.records.Draft(RecordKind::kMapShared, call);
    draft.AddState(SectionType::kObjectBefore, r.world.State(file->inode));
    return r.records.Emit(std::move(draft), call);
  }

  const auto length = r.arguments.Number(call, 1);
  if (!length) return;
  const auto start = static_cast<uint64_t>(call.result);
  r.processes.Of(call).mappings.push_back(
      {start, start + static_cast<uint64_t>(*length), file->inode});
}

void ReplayMprotect(Replay& r, const StraceCall& call) {
  if (call.failed() || r.processes.Of(call).mappings.empty()) return;
  const auto start = r.arguments.Number(call, 0);
  const auto length = r.arguments.Number(call, 1);
  const auto protection = r.arguments.Flags(call, 2, MapFlags());
  if (!start || !length || !protection || (*protection & PROT_WRITE) == 0) return;
  for (const Mapping& mapping : r.processes.Of(call).mappings) {
    const auto at = static_cast<uint64_t>(*start);
    if (mapping.start >= at + static_cast<uint64_t>(*length) || at >= mapping.end) continue;
    RecordDraft draft = r.records.Draft(RecordKind::kMapShared, call);
    draft.AddState(SectionType::kObjectBefore, r.world.State(mapping.inode));
    r.records.Emit(std::move(draft), call);
  }
}

}  // namespace oldornew::replay
