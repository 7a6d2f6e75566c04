// Descriptors and paths of a replayed log.
#include <errno.h>
#include <fcntl.h>

#include "base/text.h"
#include "import/log_replay.h"

namespace oldornew {

using Kind = Obstacle::Kind;

namespace {

// Whether a call that ended so has walked all directories on the way.
bool WalkedTo(const StraceCall& call) {
  if (!call.returned) return false;
  if (call.result >= 0) return true;
  const int64_t error = -call.result;
  return error == EEXIST || error == ENOTEMPTY || error == EISDIR || error == EXDEV ||
         error == ETXTBSY;
}

}  // namespace

std::shared_ptr<LogReplay::Description> LogReplay::Inherit(const StraceCall& call,
                                                           const PrintedDescriptor& printed) {
  FdTable& table = *Process(call).files;
  // Sockets and the like may come from calls that were left out of the log.
  const bool no_file = printed.annotated && !printed.path.starts_with("/");
  if (table.closed.count(printed.number) != 0 && !no_file) {
    Missed(call,
           fmt::format(
               "descriptor {} is used, though it was closed before: calls are missing in the log "
               "(strace -e trace=...)",
               printed.number));
  }
  auto file = std::make_shared<Description>();
  file->offset_known = false;
  file->flags = O_RDWR;
  if (printed.path.starts_with("/")) {
    Found found = world_->Walk(world_->slash(), printed.path, false, true);
    if (!found.there() && !printed.deleted) world_->Discover(&found, FileKind::kFile);
    TakeDiscoveries();
    file->inode = found.inode;
  }
  const bool judged = world_->Judged(file->inode);
  // Whoever started the program may listen on any of them (--ack-fd).
  if (printed.number > 0 && !judged) file->channel = printed.number;
  if (!printed.annotated && printed.number > 2) {
    Missed(call,
           fmt::format(
               "descriptor {} was open before the log begins, and what it is only strace -y tells",
               printed.number));
  }
  table.slots[printed.number] = {file, false};
  return file;
}

void LogReplay::CheckAnnotation(const StraceCall& call, const PrintedDescriptor& printed,
                                const Description& file) {
  if (!printed.annotated || printed.deleted || !printed.path.starts_with("/")) return;
  const Found found = world_->Walk(world_->slash(), printed.path, false, false);
  if (found.inode == file.inode || (!world_->Judged(found.inode) && !world_->Judged(file.inode)))
    return;
  // The path of a file with several names, or one that another call is just moving, may be another
  // one.
  if (world_->Judged(file.inode) && found.there() && world_->Judged(found.inode) == false) return;
  Missed(call, fmt::format("descriptor {} is {}, which the calls before do not explain",
                           printed.number, printed.path));
}

std::shared_ptr<LogReplay::Description> LogReplay::File(const StraceCall& call, size_t i,
                                                        int* number) {
  const std::string_view text = Argument(call, i);
  const auto printed = PrintedFd(text);
  if (!printed) {
    if (!call.failed())
      Bad(call, fmt::format("argument {} is no descriptor: {}", i + 1, Quote(text)));
    return nullptr;
  }
  if (number != nullptr) *number = printed->number;
  if (printed->number < 0) return nullptr;
  FdTable& table = *Process(call).files;
  const auto slot = table.slots.find(printed->number);
  if (slot == table.slots.end()) return call.failed() ? nullptr : Inherit(call, *printed);
  std::shared_ptr<Description> file = slot->second.file;
  if (!call.failed()) CheckAnnotation(call, *printed, *file);
  return file;
}

InodeIndex LogReplay::StartOf(const StraceCall& call, int dirfd_index) {
  Place& place = *Process(call).place;
  if (dirfd_index < 0) return place.cwd;
  const auto printed = PrintedFd(Argument(call, static_cast<size_t>(dirfd_index)));
  if (printed && printed->number == AT_FDCWD) {
    if (printed->path.starts_with("/") && !printed->deleted) {
      const InodeIndex real = world_->Walk(world_->slash(), printed->path, false, true).inode;
      if (real != kNoInode) place.cwd = real;
    }
    return place.cwd;
  }
  const auto file = File(call, static_cast<size_t>(dirfd_index));
  return file == nullptr ? kNoInode : file->inode;
}

std::optional<Found> LogReplay::WalkDescriptorLink(const StraceCall& call,
                                                   const std::string& path) {
  const std::string own = fmt::format("/proc/{}/fd/", Process(call).pid);
  for (const std::string& start : {std::string("/proc/self/fd/"), std::string("/dev/fd/"), own}) {
    if (!path.starts_with(start)) continue;
    const auto number = PrintedNumber(path.substr(start.size()));
    if (!number || *number < 0 || *number > 1'000'000) return std::nullopt;
    const auto& slots = Process(call).files->slots;
    const auto slot = slots.find(static_cast<int>(*number));
    if (slot == slots.end() || slot->second.file->inode == kNoInode) return std::nullopt;
    Found found;
    found.inode = slot->second.file->inode;
    return found;
  }
  return std::nullopt;
}

Found LogReplay::WalkText(const StraceCall& call, int dirfd_index, const std::string& path,
                          bool follow) {
  const InodeIndex start = StartOf(call, dirfd_index);
  const std::optional<Found> link = follow ? WalkDescriptorLink(call, path) : std::nullopt;
  if (!link && start == kNoInode && !path.starts_with("/") && !call.failed() && !path.empty()) {
    Bad(call, fmt::format("the path {} is relative, and the log does not say to what: record with "
                          "strace -y, or give "
                          "the directory in which the program was started with --cwd",
                          Quote(path)));
    return {};
  }
  const Found found = link ? *link : world_->Walk(start, path, follow, WalkedTo(call));
  TakeDiscoveries();
  return found;
}

Found LogReplay::Walk(const StraceCall& call, int dirfd_index, size_t path_index, bool follow) {
  const auto path = Text(call, path_index);
  if (!path) return {};
  return WalkText(call, dirfd_index, *path, follow);
}

bool LogReplay::MustBeThere(const StraceCall& call, Found* found, FileKind kind) {
  if (found->there()) return true;
  if (found->place() && world_->Discover(found, kind)) {
    TakeDiscoveries();
    return true;
  }
  if (found->place() && world_->Judged(found->dir)) {
    Missed(call,
           fmt::format("{} finds {}, which was not there before and was made by no call of the log",
                       call.name, PathOf(*found)));
  }
  return false;
}

void LogReplay::TakeDiscoveries() {
  const auto& all = world_->discoveries();
  for (; discoveries_taken_ < all.size(); ++discoveries_taken_) {
    const World::Discovery& discovery = all[discoveries_taken_];
    OldEntry entry;
    const auto dir = discovered_.find(discovery.dir);
    entry.dir = dir != discovered_.end() ? dir->second + 1 : static_cast<size_t>(discovery.dir);
    entry.name = discovery.name;
    entry.kind = world_->at(discovery.inode).kind;
    discovered_[discovery.inode] = learnt_.old.size();
    learnt_.old.push_back(std::move(entry));
    again_ = true;
  }
  const auto& turned = world_->turned_into_directories();
  for (; turned_taken_ < turned.size(); ++turned_taken_) {
    OldEntry* old = OldOf(turned[turned_taken_]);
    if (old == nullptr) continue;
    old->kind = FileKind::kDirectory;
    again_ = true;
  }
}

bool LogReplay::Resolved(const StraceCall& call, const Found& found) {
  if (found.place()) return true;
  if (!call.failed() && !error_)
    Missed(call, fmt::format("where the path of this {} leads cannot be followed", call.name));
  return false;
}

Found LogReplay::Opened(const StraceCall& call, const Found& found) {
  const auto printed = PrintedFd("0" + call.result_note);
  if (!printed || !printed->path.starts_with("/") || printed->deleted ||
      printed->path.starts_with("/proc/"))
    return found;
  const Found real = world_->Walk(world_->slash(), printed->path, false, true);
  TakeDiscoveries();
  const bool same_place = real.dir == found.dir && real.name == found.name;
  if (same_place || (real.there() && real.inode == found.inode) || !found.place())
    return real.place() ? real : found;
  if (!world_->Judged(real.dir) && !world_->Judged(found.dir)) return found;
  if (world_->facts(found.dir).listed) {
    Missed(call, fmt::format("{} is opened as {}, which the calls before do not explain",
                             PathOf(found), printed->path));
    return real;
  }
  // A symlink that only now is seen to be one: the file itself, or the directory in which it
  // stands.
  const size_t slash = printed->path.rfind('/');
  Found link = found;
  const bool by_directory = printed->path.substr(slash + 1) == found.name;
  const std::string real_directory = slash == 0 ? "/" : printed->path.substr(0, slash);
  if (by_directory && !world_->Judged(found.dir)) {
    world_->TurnIntoSymlink(found.dir, real_directory);
  } else if (OldEntry* directory = OldOf(found.dir); by_directory && directory != nullptr) {
    directory->kind = FileKind::kSymlink;
    directory->target = real_directory;
    again_ = true;
  } else if (MustBeThere(call, &link, FileKind::kSymlink)) {
    if (OldEntry* file = OldOf(link.inode); file != nullptr && file->target.empty()) {
      file->kind = FileKind::kSymlink;
      file->target = printed->path;
      again_ = true;
    }
  }
  return real;
}

void LogReplay::Install(const StraceCall& call, int fd, std::shared_ptr<Description> file,
                        bool close_on_exec) {
  FdTable& table = *Process(call).files;
  table.slots[fd] = {std::move(file), close_on_exec};
  table.closed.erase(fd);
}

bool LogReplay::Writable(const Description& file) const {
  return (file.flags & O_ACCMODE) != O_RDONLY && (file.flags & O_PATH) == 0;
}

bool LogReplay::JudgedFile(const Description& file) const {
  return world_->Judged(file.inode) && world_->at(file.inode).kind == FileKind::kFile;
}

std::string LogReplay::PathOf(const Found& found) const {
  return found.place() ? JoinPath(world_->PathOf(found.dir), found.name)
                       : world_->PathOf(found.inode);
}

void LogReplay::NoteOutside(const Found& found) {
  if (!found.place()) return;
  constexpr const char* kNobodys[] = {"/dev",     "/proc", "/sys",   "/tmp",
                                      "/var/tmp", "/run",  "/memfd:"};
  const std::string path = PathOf(found);
  for (const char* start : kNobodys) {
    if (path.starts_with(start)) return;
  }
  changed_outside_.insert(path);
}

}  // namespace oldornew
