#include "import/log_replay.h"

#include <string.h>
#include <sys/syscall.h>

#include <algorithm>

#include "base/text.h"
#include "interpose/decode.h"

namespace oldornew {

using EventKind = StraceEvent::Kind;
using Kind = Obstacle::Kind;
using wire::RecordKind;
using wire::SectionType;

namespace {

const std::map<std::string, int>& SyscallNumbers() {
  static const auto* const numbers = [] {
    auto* map = new std::map<std::string, int>;
    for (int number = 0; number < static_cast<int>(wire::kMaxSyscall); ++number)
      map->emplace(SyscallName(number), number);
    return map;
  }();
  return *numbers;
}

bool MakesProcess(const std::string& name) {
  return name == "clone" || name == "clone3" || name == "fork" || name == "vfork";
}

std::string Placeholder(const std::string& name, size_t number, uint64_t size) {
  const std::string unit = fmt::format("(old bytes of {}, not in the log, {}) ", name, number);
  std::string out;
  while (out.size() < size) out += unit;
  out.resize(size);
  return out;
}

}  // namespace

FileTree TreeOf(const std::vector<OldEntry>& old) {
  constexpr uint64_t kAssumedSize = 4096;
  constexpr uint64_t kMostBytes = uint64_t{1} << 30;  // a size that only a damaged log could tell
  FileTree tree;
  for (size_t i = 0; i < old.size(); ++i) {
    const OldEntry& entry = old[i];
    Inode inode;
    inode.kind = entry.kind;
    inode.mode = entry.mode.value_or(entry.kind == FileKind::kDirectory ? 0755
                                     : entry.kind == FileKind::kSymlink ? 0777
                                                                        : 0644);
    inode.target = entry.target;
    if (entry.kind == FileKind::kFile) {
      const uint64_t size =
          std::min(entry.size.value_or(entry.prefix.size() + kAssumedSize), kMostBytes);
      const std::string shown = entry.prefix.substr(0, size);
      inode.content = Content::FromBytes(shown + Placeholder(entry.name, i, size - shown.size()));
    }
    const InodeIndex index = tree.Add(std::move(inode));
    Inode& dir = tree.at(static_cast<InodeIndex>(entry.dir));
    // What was taken for a directory and turned out to be a symlink has no names: they are found
    // again where it leads.
    if (dir.kind == FileKind::kDirectory) dir.entries[entry.name] = index;
  }
  return tree;
}

std::string FirstDirectory(const StraceLog& log) {
  const int32_t first = log.events.front().tid;
  for (const StraceCall& call : log.calls) {
    if (call.tid != first) continue;
    if (call.name == "chdir" || call.name == "fchdir" || call.name == "chroot") return "";
    for (const std::string& argument : call.arguments) {
      if (!argument.starts_with("AT_FDCWD") && !argument.starts_with("-100")) continue;
      if (const auto fd = PrintedFd(argument); fd && fd->path.starts_with("/")) return fd->path;
    }
    if (call.name == "getcwd" && !call.failed() && !call.arguments.empty()) {
      if (const auto path = PrintedString(call.arguments[0]);
          path && !path->cut && path->bytes.starts_with("/"))
        return path->bytes.substr(0, path->bytes.find('\0'));
    }
  }
  return "";
}

LogReplay::LogReplay(const StraceLog& log, const ReplaySpec& spec, Knowledge* knowledge)
    : log_(log), spec_(spec), knowledge_(knowledge), learnt_(*knowledge) {
  old_tree_ = spec.old_tree != nullptr ? *spec.old_tree : TreeOf(knowledge->old);
  world_ = std::make_unique<World>(old_tree_, spec.root, spec.old_tree != nullptr);
  for (size_t i = 0; spec.old_tree == nullptr && i < knowledge->old.size(); ++i) {
    const OldEntry& entry = knowledge->old[i];
    World::Facts& facts = world_->facts(static_cast<InodeIndex>(i + 1));
    facts.size_known = entry.size.has_value();
    facts.bytes_known = entry.size.has_value() && entry.prefix.size() >= *entry.size;
    if (entry.kind == FileKind::kFile && !facts.bytes_known) placeholders_.insert(entry.name);
  }
  for (size_t i = 0; i < log.calls.size(); ++i) {
    const StraceCall& call = log.calls[i];
    if (MakesProcess(call.name) && !call.failed() && call.result > 0 && call.result <= INT32_MAX)
      births_.emplace(static_cast<int32_t>(call.result), i);
  }
  for (const StraceEvent& event : log.events) seen_.insert(event.tid);
  main_ = std::make_shared<ProcessState>();
  main_->pid = log.events.front().tid;
  main_->living = 1;
  main_->files = std::make_shared<FdTable>();
  main_->place = std::make_shared<Place>();
  main_->place->umask = knowledge->umask.value_or(022);
  if (!spec.cwd.empty()) main_->place->cwd = world_->Directory(spec.cwd);
  threads_[main_->pid] = {main_, main_->threads++};
  if (knowledge->owner && spec.old_tree == nullptr) {
    for (size_t i = 0; i < old_tree_.size(); ++i) {
      for (Inode* inode :
           {&old_tree_.at(static_cast<InodeIndex>(i)), &world_->at(static_cast<InodeIndex>(i))})
        std::tie(inode->uid, inode->gid) = *knowledge->owner;
    }
  }
}

Result<bool> LogReplay::Run() {
  for (const StraceEvent& event : log_.events) {
    OnEvent(event);
    if (error_) return tl::unexpected(*error_);
  }
  Finish();
  LearnOwnersAndModes();
  if (again_) *knowledge_ = learnt_;
  return again_;
}

void LogReplay::Bad(const StraceCall& call, const std::string& what) {
  if (!error_)
    error_ = Error{fmt::format("{}: {}: {}", log_.Where(call), call.name, what), ExitCode::kUsage};
}

void LogReplay::Obstruct(Kind kind, const std::string& reason) {
  if (said_.insert(reason).second) obstacles_.push_back({kind, reason});
}

void LogReplay::Missed(const StraceCall& call, const std::string& what) {
  Obstruct(Kind::kIncomplete, fmt::format("{}: {}", log_.Where(call), what));
}

void LogReplay::OnEvent(const StraceEvent& event) {
  if (!Born(event.tid)) {
    if (unfollowed_.insert(event.tid).second) {
      Obstruct(Kind::kIncomplete, fmt::format("{}: process {} comes from nowhere: no call of the "
                                              "log made it (record with strace -f, "
                                              "from the start of the program)",
                                              log_.Where(event.file, event.line), event.tid));
      auto process = std::make_shared<ProcessState>();
      process->pid = event.tid;
      process->files = std::make_shared<FdTable>();
      process->place = std::make_shared<Place>();
      process->living = 1;
      threads_[event.tid] = {process, process->threads++};
    }
  }
  const auto thread = threads_.find(event.tid);
  if (thread == threads_.end()) return;
  const std::shared_ptr<ProcessState> process = thread->second.process;
  switch (event.kind) {
    case EventKind::kBegin: {
      begins_[event.call] = ++ticket_;
      const StraceCall& call = log_.calls[event.call];
      current_ = event.call;
      if (call.name == "close" && !call.failed()) OnClose(call);
      return;
    }
    case EventKind::kEnd:
      return OnEnd(event);
    case EventKind::kExited:
    case EventKind::kKilled:
      threads_.erase(thread);
      if (--process->living > 0) return;
      if (process == main_) {
        exit_status_ = event.kind == EventKind::kExited ? event.status : 128 + event.status;
      }
      return;
    case EventKind::kForeign:
      Obstruct(Kind::kUnsupported, fmt::format("{}: process {} runs 32-bit or x32 code",
                                               log_.Where(event.file, event.line), event.tid));
      return;
  }
}

void LogReplay::OnEnd(const StraceEvent& event) {
  const StraceCall& call = log_.calls[event.call];
  current_ = event.call;
  const auto handler = Handlers().find(call.name);
  if (handler != Handlers().end()) {
    (this->*handler->second)(call);
  } else if (call.name.starts_with("syscall_") && !call.failed()) {
    // Numbers that this strace had no name for. These change files; so may whatever is newer than
    // we are.
    static const std::set<int64_t> kHarmless = {449, 450, 451, 453, 454, 455, 456, 457,
                                                458, 459, 460, 461, 462, 464, 465, 468};
    const auto number = PrintedNumber(std::string_view(call.name).substr(8));
    if (number && *number < 449) return;
    if (number && kHarmless.count(*number) != 0) return;
    Missed(call, fmt::format("strace did not know {}: record with a newer one", call.name));
  }
}

void LogReplay::Finish() {
  if (!main_->started)
    Obstruct(Kind::kIncomplete,
             "the log does not begin with the start of a program: start it by strace, not with -p");
  for (const auto& [child, index] : births_) {
    const StraceCall& call = log_.calls[index];
    Missed(call,
           fmt::format(
               "process {} was made here, but the log has no line of it: record with strace -f",
               child));
  }
  std::set<int32_t> running;
  for (const auto& [tid, thread] : threads_) {
    if (unfollowed_.count(tid) == 0) running.insert(thread.process->pid);
  }
  for (const int32_t pid : running) {
    Obstruct(Kind::kIncomplete, fmt::format("the log ends before process {} does", pid));
  }
}

std::string_view LogReplay::Argument(const StraceCall& call, size_t i) {
  if (i < call.arguments.size()) return call.arguments[i];
  if (!call.failed()) Bad(call, fmt::format("argument {} is not there", i + 1));
  return {};
}

std::optional<int64_t> LogReplay::Number(const StraceCall& call, size_t i) {
  const std::string_view text = Argument(call, i);
  const auto number = PrintedNumber(text);
  if (!number && !call.failed())
    Bad(call, fmt::format("argument {} is no number: {}", i + 1, Quote(text)));
  return number;
}

std::optional<uint64_t> LogReplay::Flags(const StraceCall& call, size_t i,
                                         const std::vector<PrintedSymbol>& table) {
  const std::string_view text = Argument(call, i);
  const auto flags = PrintedFlags(text, table);
  if (!flags && !call.failed())
    Bad(call, fmt::format("argument {} is of another form: {}", i + 1, Quote(text)));
  return flags;
}

std::optional<std::string> LogReplay::Text(const StraceCall& call, size_t i) {
  const std::string_view text = Argument(call, i);
  auto string = PrintedString(text);
  if (string && !string->cut) return std::move(string->bytes);
  if (!call.failed())
    Bad(call, fmt::format("argument {} is {}: {}", i + 1,
                          string ? "cut off (raise strace -s)" : "no string", Quote(text)));
  return std::nullopt;
}

RecordDraft LogReplay::Draft(RecordKind kind, const StraceCall& call) {
  RecordDraft draft;
  draft->kind = static_cast<uint16_t>(kind);
  draft->begin = begins_[current_];
  const Thread& thread = threads_.at(call.tid);
  draft->pid = thread.process->pid;
  draft->tid = call.tid;
  draft->thread = thread.number;
  const auto number = SyscallNumbers().find(call.name);
  draft->nr = number == SyscallNumbers().end() ? -1 : number->second;
  draft->descriptor = -1;
  draft->ret = call.result;
  return draft;
}

void LogReplay::Emit(RecordDraft draft, const StraceCall& call) {
  if (call.returned) {
    draft->end = ++ticket_;
    draft->state = static_cast<uint32_t>(wire::RecordState::kDone);
  } else {
    draft->state = static_cast<uint32_t>(wire::RecordState::kBegun);
  }
  records_.Append(draft);
}

const std::map<std::string, LogReplay::Handler>& LogReplay::Handlers() {
  using R = LogReplay;
  static const auto* const handlers = [] {
    auto* all = new std::map<std::string, Handler>;
    const auto add = [&](Handler handler, std::initializer_list<const char*> names) {
      for (const char* name : names) all->emplace(name, handler);
    };
    add(&R::OnOpen, {"open", "openat", "openat2", "creat"});
    add(&R::OnCloseRange, {"close_range"});
    add(&R::OnDup, {"dup", "dup2", "dup3"});
    add(&R::OnFcntl, {"fcntl"});
    add(&R::OnNewDescriptor,
        {"socket",       "accept",       "accept4",       "eventfd",
         "eventfd2",     "epoll_create", "epoll_create1", "timerfd_create",
         "signalfd",     "signalfd4",    "inotify_init",  "inotify_init1",
         "memfd_create", "memfd_secret", "userfaultfd",   "perf_event_open",
         "pidfd_open",   "pidfd_getfd",  "fanotify_init", "bpf",
         "fsopen",       "fsmount",      "open_tree",     "landlock_create_ruleset",
         "mq_open"});
    add(&R::OnPipe, {"pipe", "pipe2", "socketpair"});
    add(&R::OnReceive, {"recvmsg", "recvmmsg"});
    add(&R::OnRead, {"read", "readv", "pread64", "preadv", "preadv2"});
    add(&R::OnWrite, {"write", "writev", "pwrite64", "pwritev", "pwritev2"});
    add(&R::OnSeek, {"lseek", "_llseek"});
    add(&R::OnTransfer, {"sendfile", "copy_file_range", "splice"});
    add(&R::OnTruncate, {"truncate", "ftruncate"});
    add(&R::OnAllocate, {"fallocate"});
    add(&R::OnSync, {"fsync", "fdatasync", "syncfs", "sync", "sync_file_range"});
    add(&R::OnMake, {"mkdir", "mkdirat", "mknod", "mknodat", "symlink", "symlinkat"});
    add(&R::OnBind, {"bind"});
    add(&R::OnUnlink, {"unlink", "unlinkat", "rmdir"});
    add(&R::OnLink, {"link", "linkat"});
    add(&R::OnRename, {"rename", "renameat", "renameat2"});
    add(&R::OnMetadata, {"chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "lchown", "fchown",
                         "fchownat", "utime", "utimes", "futimesat", "utimensat"});
    add(&R::OnXattr,
        {"setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr"});
    add(&R::OnStat, {"stat", "lstat", "fstat", "newfstatat", "statx"});
    add(&R::OnAccess, {"access", "faccessat", "faccessat2"});
    add(&R::OnReadlink, {"readlink", "readlinkat"});
    add(&R::OnClone, {"clone", "clone3", "fork", "vfork"});
    add(&R::OnExec, {"execve", "execveat"});
    add(&R::OnExit, {"exit_group"});
    add(&R::OnChdir, {"chdir", "fchdir"});
    add(&R::OnGetcwd, {"getcwd"});
    add(&R::OnUmask, {"umask"});
    add(&R::OnMmap, {"mmap"});
    add(&R::OnMprotect, {"mprotect", "pkey_mprotect"});
    add(&R::OnIoctl, {"ioctl"});
    add(&R::OnIoSubmit, {"io_submit"});
    add(&R::OnUnsupported,
        {"io_uring_setup", "io_uring_enter", "mount", "umount", "umount2", "unshare", "setns",
         "pivot_root", "chroot", "move_mount", "open_by_handle_at", "swapon"});
    return all;
  }();
  return *handlers;
}

}  // namespace oldornew
