#include "import/names.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <tuple>

#include "base/text.h"
#include "tree/acl.h"

namespace oldornew::replay {

namespace {

// Whether a call that ended so has walked all directories on the way.
bool WalkedTo(const StraceCall& call) {
  if (!call.returned) return false;
  if (call.result >= 0) return true;
  const int64_t error = -call.result;
  return error == EEXIST || error == ENOTEMPTY || error == EISDIR || error == EXDEV ||
         error == ETXTBSY;
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

InodeIndex Names::StartOf(const StraceCall& call, int dirfd_index) {
  FsContext& place = *processes_.Of(call).place;
  if (dirfd_index < 0) return place.cwd;
  const auto printed = PrintedFd(arguments_.Argument(call, static_cast<size_t>(dirfd_index)));
  if (printed && printed->number == AT_FDCWD) {
    if (printed->path.starts_with("/") && !printed->deleted) {
      const InodeIndex real = world_.Walk(world_.slash(), printed->path, false, true).inode;
      if (real != kNoInode) place.cwd = real;
    }
    return place.cwd;
  }

  const auto file = descriptors_.File(call, static_cast<size_t>(dirfd_index));
  return file == nullptr ? kNoInode : file->inode;
}

std::optional<FoundPath> Names::WalkDescriptorLink(const StraceCall& call,
                                                   const std::string& path) {
  const std::string own = fmt::format("/proc/{}/fd/", processes_.Of(call).pid);
  for (const std::string& start : {std::string("/proc/self/fd/"), std::string("/dev/fd/"), own}) {
    if (!path.starts_with(start)) continue;
    const auto number = PrintedNumber(path.substr(start.size()));
    if (!number || *number < 0 || *number > 1'000'000) return std::nullopt;
    const auto& slots = processes_.Of(call).files->slots;
    const auto slot = slots.find(static_cast<int>(*number));
    if (slot == slots.end() || slot->second.file->inode == kNoInode) return std::nullopt;
    FoundPath found;
    found.inode = slot->second.file->inode;
    return found;
  }

  return std::nullopt;
}

FoundPath Names::WalkText(const StraceCall& call, int dirfd_index, const std::string& path,
                          bool follow) {
  const InodeIndex start = StartOf(call, dirfd_index);
  const std::optional<FoundPath> link = follow ? WalkDescriptorLink(call, path) : std::nullopt;
  if (!link && start == kNoInode && !path.starts_with("/") && !call.failed() && !path.empty()) {
    complaints_.Bad(
        call, fmt::format("the path {} is relative, and the log does not say to what: record with "
                          "strace -y, or give "
                          "the directory in which the program was started with --cwd",
                          Quote(path)));
    return {};
  }

  const FoundPath found = link ? *link : world_.Walk(start, path, follow, WalkedTo(call));
  learner_.TakeDiscoveries();
  return found;
}

FoundPath Names::Walk(const StraceCall& call, int dirfd_index, size_t path_index, bool follow) {
  const auto path = arguments_.Text(call, path_index);
  if (!path) return {};
  return WalkText(call, dirfd_index, *path, follow);
}

bool Names::MustBeThere(const StraceCall& call, FoundPath* found, FileKind kind) {
  if (found->there()) return true;
  if (found->place() && world_.Discover(found, kind)) {
    learner_.TakeDiscoveries();
    return true;
  }

  if (found->place() && world_.Judged(found->dir)) {
    complaints_.Missed(
        call,
        fmt::format("{} finds {}, which was not there before and was made by no call of the log",
                    call.name, PathOf(*found)));
  }

  return false;
}

bool Names::Resolved(const StraceCall& call, const FoundPath& found) {
  if (found.place()) return true;
  if (!call.failed() && !complaints_.failed())
    complaints_.Missed(
        call, fmt::format("where the path of this {} leads cannot be followed", call.name));
  return false;
}

FoundPath Names::Opened(const StraceCall& call, const FoundPath& found) {
  const auto printed = PrintedFd("0" + call.result_note);
  if (!printed || !printed->path.starts_with("/") || printed->deleted ||
      printed->path.starts_with("/proc/"))
    return found;
  const FoundPath real = world_.Walk(world_.slash(), printed->path, false, true);
  learner_.TakeDiscoveries();
  const bool same_place = real.dir == found.dir && real.name == found.name;
  if (same_place || (real.there() && real.inode == found.inode) || !found.place())
    return real.place() ? real : found;
  if (!world_.Judged(real.dir) && !world_.Judged(found.dir)) return found;
  if (world_.facts(found.dir).listed) {
    complaints_.Missed(call,
                       fmt::format("{} is opened as {}, which the calls before do not explain",
                                   PathOf(found), printed->path));
    return real;
  }

  FindSymlink(call, found, printed->path);

  return real;
}

/// A symlink that only now is seen to be one: the file itself, or the directory in which it stands.
void Names::FindSymlink(const StraceCall& call, const FoundPath& found,
                        const std::string& real_path) {
  const size_t slash = real_path.rfind('/');
  const bool by_directory = real_path.substr(slash + 1) == found.name;
  const std::string real_directory = slash == 0 ? "/" : real_path.substr(0, slash);
  if (by_directory && !world_.Judged(found.dir))
    return world_.TurnIntoSymlink(found.dir, real_directory);
  if (by_directory && learner_.LearnSymlink(found.dir, real_directory, false)) return;

  FoundPath link = found;
  if (MustBeThere(call, &link, FileKind::kSymlink))
    learner_.LearnSymlink(link.inode, real_path, true);
}

bool Names::Holds(InodeIndex directory, InodeIndex inside) const {
  for (int depth = 0; depth < 4096 && inside != kNoInode; ++depth) {
    if (inside == directory) return true;
    const InodeIndex parent = world_.facts(inside).parent;
    if (parent == inside) return false;
    inside = parent;
  }
  return false;
}

InodeIndex Names::CreateInode(const StraceCall& call, const FoundPath& at, FileKind kind,
                              uint32_t mode) {
  const Inode& dir = world_.at(at.dir);
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
    inode.mode = mode & 07777 & ~processes_.Of(call).place->umask;
  }

  const Inode& root = world_.at(world_.tree().roots()[0]);
  std::tie(inode.uid, inode.gid) =
      learner_.knowledge().owner.value_or(std::pair(root.uid, root.gid));
  if ((dir.mode & S_ISGID) != 0) {
    inode.gid = dir.gid;
    if (kind == FileKind::kDirectory) inode.mode |= S_ISGID;
  }

  const InodeIndex index = world_.Create(at.dir, at.name, std::move(inode));
  World::Facts& facts = world_.facts(index);
  facts.asked_mode = mode & 0777;
  facts.mode_is_asked =
      kind != FileKind::kSymlink && !by_acl && !processes_.Of(call).place->umask_set;

  return index;
}

std::string Names::PathOf(const FoundPath& found) const {
  return found.place() ? JoinPath(world_.PathOf(found.dir), found.name)
                       : world_.PathOf(found.inode);
}

void Names::NoteOutside(const FoundPath& found) {
  if (!found.place()) return;
  constexpr const char* kNobodys[] = {"/dev",     "/proc", "/sys",   "/tmp",
                                      "/var/tmp", "/run",  "/memfd:"};
  const std::string path = PathOf(found);
  for (const char* start : kNobodys) {
    if (path.starts_with(start)) return;
  }
  changed_outside_.insert(path);
}

}  // namespace oldornew::replay
