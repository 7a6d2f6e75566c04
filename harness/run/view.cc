#include "run/view.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/files.h"
#include "base/text.h"

namespace oldornew {
namespace {

/// A mount that is made but not yet attached.
struct Detached {
  std::string target;
  UniqueFd mount;
  bool is_directory = true;
};

bool SetFlags(int mount, uint64_t set, uint64_t clear, bool recursive) {
  mount_attr attributes = {};
  attributes.attr_set = set;
  attributes.attr_clr = clear;
  return mount_setattr(mount, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attributes,
                       sizeof attributes) == 0;
}

/// Gives a copy the flags that the original directory is mounted with, instead of those of the work
/// area.
void TakeFlagsFrom(const std::string& original, int mount) {
  struct statvfs vfs;
  if (statvfs(original.c_str(), &vfs) != 0) return;
  const std::pair<unsigned long, uint64_t> flags[] = {
      {ST_NOSUID, MOUNT_ATTR_NOSUID}, {ST_NODEV, MOUNT_ATTR_NODEV}, {ST_NOEXEC, MOUNT_ATTR_NOEXEC}};

  // One at a time, because in a user namespace some of them are locked and may not be cleared.
  for (const auto& [vfs_flag, attribute] : flags) {
    const bool wanted = (vfs.f_flag & vfs_flag) != 0;
    SetFlags(mount, wanted ? attribute : 0, wanted ? 0 : attribute, false);
  }
}

std::string MemoryPlace(const ViewPlan& plan, MemoryMount which) {
  return JoinPath(plan.memory_place, MemoryMountName(which));
}

Result<Detached> CloneMount(const ViewPlan& plan, const ViewMount& from) {
  Detached result;
  result.target = from.target;
  const std::string source =
      from.memory ? JoinPath(MemoryPlace(plan, *from.memory), from.source) : from.source;
  struct stat st;
  if (stat(source.c_str(), &st) != 0) return Fail("cannot see {}: {}", source, ErrnoText(errno));
  result.is_directory = S_ISDIR(st.st_mode);

  // What is visible for reading keeps the mounts below it. A copy has none.
  const int recursive = from.read_only && result.is_directory ? AT_RECURSIVE : 0;
  result.mount.Reset(
      open_tree(AT_FDCWD, source.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive));
  if (!result.mount.valid())
    return Fail("cannot clone the mount of {}: {}", source, ErrnoText(errno));

  if (from.read_only) {
    if (!SetFlags(result.mount.get(), MOUNT_ATTR_RDONLY, 0, recursive != 0)) {
      return Fail("cannot make {} read-only: {}", source, ErrnoText(errno));
    }
  } else {
    TakeFlagsFrom(from.target, result.mount.get());
  }

  return result;
}

Result<UniqueFd> MakeHomeOverlay(const ViewPlan& plan) {
  // The layers are named by descriptor. That needs no quoting, and still works when the private
  // /tmp covers them.
  UniqueFd lower(open(plan.home.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  UniqueFd upper(open(plan.home_upper.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  UniqueFd work(open(plan.home_work.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!lower.valid() || !upper.valid() || !work.valid())
    return Fail("cannot open a layer: {}", ErrnoText(errno));

  UniqueFd context(fsopen("overlay", FSOPEN_CLOEXEC));
  if (!context.valid()) return Fail("no overlay file system here: {}", ErrnoText(errno));
  const std::pair<const char*, int> layers[] = {
      {"lowerdir", lower.get()}, {"upperdir", upper.get()}, {"workdir", work.get()}};
  for (const auto& [key, fd] : layers) {
    const std::string path = fmt::format("/proc/self/fd/{}", fd);
    if (fsconfig(context.get(), FSCONFIG_SET_STRING, key, path.c_str(), 0) != 0) {
      return Fail("overlay {}: {}", key, ErrnoText(errno));
    }
  }

  // Required in a user namespace, harmless elsewhere.
  fsconfig(context.get(), FSCONFIG_SET_FLAG, "userxattr", nullptr, 0);
  if (fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    return Fail("overlay: {}", ErrnoText(errno));
  }

  UniqueFd mount(fsmount(context.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID));
  if (!mount.valid()) return Fail("overlay: {}", ErrnoText(errno));
  return mount;
}

/// Clones the mounts below $HOME read-only. The overlay hides them, so they are put on top of it.
void CloneMountsBelow(const ViewPlan& plan, std::vector<Detached>& result) {
  const std::string& home = plan.home;
  auto table = ReadFile("/proc/self/mountinfo");
  if (!table) return;
  std::vector<std::string> seen;
  for (const std::string& line : Split(*table, '\n')) {
    const std::vector<std::string> fields = Split(line, ' ');
    if (fields.size() < 5 || !fields[4].starts_with(home + "/")) continue;

    // A name with \040 escapes cannot be opened below, so its mount stays hidden.
    const std::string& target = fields[4];
    const bool inside = std::any_of(seen.begin(), seen.end(),
                                    [&](const auto& s) { return target.starts_with(s + "/"); });
    if (inside || std::find(seen.begin(), seen.end(), target) != seen.end()) continue;

    seen.push_back(target);
    if (auto clone = CloneMount(plan, {target, target, true})) result.push_back(std::move(*clone));
  }
}

/// Adds the overlay of $HOME, or a read-only $HOME where there can be no overlay.
void PlaceHome(const ViewPlan& plan, ViewOutcome& outcome, std::vector<Detached>& detached) {
  auto overlay = MakeHomeOverlay(plan);
  if (overlay) {
    outcome.home_overlay = true;
    CloneMountsBelow(plan, detached);
    detached.push_back({plan.home, std::move(*overlay), true});
    return;
  }

  outcome.home_problem = overlay.error().message;

  // Without this, $HOME would vanish where a private directory covers it.
  if (auto clone = CloneMount(plan, {plan.home, plan.home, true}))
    detached.push_back(std::move(*clone));
}

Status MakeMountPoint(const Detached& what) {
  struct stat st;
  if (lstat(what.target.c_str(), &st) == 0) return {};

  const size_t slash = what.target.rfind('/');
  if (what.is_directory) return MakeDirectories(what.target);
  if (slash > 0) RETURN_IF_ERROR(MakeDirectories(what.target.substr(0, slash)));
  UniqueFd fd(open(what.target.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.valid())
    return Fail("cannot make a mount point at {}: {}", what.target, ErrnoText(errno));
  return {};
}

Status Attach(const Detached& what) {
  RETURN_IF_ERROR(MakeMountPoint(what));
  if (move_mount(what.mount.get(), "", AT_FDCWD, what.target.c_str(), MOVE_MOUNT_F_EMPTY_PATH) !=
      0) {
    return Fail("cannot mount at {}: {}", what.target, ErrnoText(errno));
  }
  return {};
}

/// Makes the mounts in memory. They are attached because Linux before 6.15 cannot clone mounts that
/// are not.
Status AttachMemory(const ViewPlan& plan, std::vector<UniqueFd>& roots) {
  for (size_t i = 0; i < kMemoryMounts; ++i) {
    const std::string place = MemoryPlace(plan, static_cast<MemoryMount>(i));
    ASSIGN_OR_RETURN(UniqueFd mount, MakeMemoryMount());
    if (move_mount(mount.get(), "", AT_FDCWD, place.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0)
      return Fail("cannot mount at {}: {}", place, ErrnoText(errno));
    roots.push_back(std::move(mount));
  }
  return {};
}

/// After this, only the clones show what is in memory, and only the descriptors of the roots lead
/// to it.
Status DetachMemory(const ViewPlan& plan) {
  for (size_t i = 0; i < kMemoryMounts; ++i) {
    const std::string place = MemoryPlace(plan, static_cast<MemoryMount>(i));
    if (umount2(place.c_str(), MNT_DETACH) != 0)
      return Fail("cannot detach {}: {}", place, ErrnoText(errno));
  }
  return {};
}

/// Bind-mounts `path` on itself, read-only. Kernel settings belong to the machine, not to the
/// program.
void Freeze(const char* path) {
  UniqueFd clone(open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (!clone.valid() || !SetFlags(clone.get(), MOUNT_ATTR_RDONLY, 0, false)) return;
  move_mount(clone.get(), "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH);
}

Status SetUpProc(Isolation isolation, ViewOutcome& outcome) {
  if (isolation == Isolation::kFull) {
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
      return Fail("cannot mount a fresh /proc: {}", ErrnoText(errno));
    }
    outcome.last_pid.Reset(open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC));
  } else {
    // Programs adjust themselves through /proc/self (oom_score_adj, comm), which harms nobody.
    mount_attr attributes = {};
    attributes.attr_clr = MOUNT_ATTR_RDONLY;
    mount_setattr(AT_FDCWD, "/proc", 0, &attributes, sizeof attributes);
  }

  Freeze("/proc/sys");
  Freeze("/proc/sysrq-trigger");
  return {};
}

bool WriteSmall(const char* path, const std::string& text) {
  UniqueFd fd(open(path, O_WRONLY | O_CLOEXEC));
  return fd.valid() &&
         write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

}  // namespace

Result<ViewOutcome> BuildView(
    const ViewPlan& plan, const std::function<Status(const std::vector<UniqueFd>& memory)>& fill) {
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return Fail("cannot make the mounts private: {}", ErrnoText(errno));
  }

  ViewOutcome outcome;
  if (!plan.memory_place.empty()) {
    RETURN_IF_ERROR(AttachMemory(plan, outcome.memory));
    RETURN_IF_ERROR(fill(outcome.memory));
  }

  // Clone everything that will be shown while it can still be reached.
  std::vector<Detached> detached;
  for (const ViewMount& mount : plan.mounts) {
    ASSIGN_OR_RETURN(Detached clone, CloneMount(plan, mount));
    detached.push_back(std::move(clone));
  }

  ASSIGN_OR_RETURN(const Detached recorder, CloneMount(plan, plan.recorder));
  std::optional<Detached> meeting;
  if (plan.meeting) {
    ASSIGN_OR_RETURN(meeting, CloneMount(plan, *plan.meeting));
  }

  if (!plan.memory_place.empty()) RETURN_IF_ERROR(DetachMemory(plan));
  if (!plan.home.empty()) PlaceHome(plan, outcome, detached);

  mount_attr read_only = {};
  read_only.attr_set = MOUNT_ATTR_RDONLY;
  if (mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &read_only, sizeof read_only) != 0) {
    return Fail("cannot make the file systems read-only: {}", ErrnoText(errno));
  }

  // Parents before children. Of two with the same length the later one covers the earlier one, as
  // it should when a mount below $HOME is also a judged directory.
  std::stable_sort(detached.begin(), detached.end(), [](const Detached& a, const Detached& b) {
    return a.target.size() < b.target.size();
  });

  for (const Detached& what : detached) RETURN_IF_ERROR(Attach(what));

  // The recorder is attached below /proc, so /proc has to be there.
  RETURN_IF_ERROR(SetUpProc(plan.isolation, outcome));
  RETURN_IF_ERROR(Attach(recorder));
  if (meeting) RETURN_IF_ERROR(Attach(*meeting));
  return outcome;
}

Status GainMountRights() {
  const uid_t uid = geteuid();
  const gid_t gid = getegid();

  // Root has the right, unless a container took it away.
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  if (syscall(SYS_capget, &header, data) == 0 && (data[0].effective & (1u << CAP_SYS_ADMIN)) != 0)
    return {};

  if (unshare(CLONE_NEWUSER) != 0) return Fail("no user namespace: {}", ErrnoText(errno));
  if (!WriteSmall("/proc/self/setgroups", "deny") ||
      !WriteSmall("/proc/self/uid_map", fmt::format("{0} {0} 1", uid)) ||
      !WriteSmall("/proc/self/gid_map", fmt::format("{0} {0} 1", gid))) {
    return Fail("cannot map the user into a user namespace: {}", ErrnoText(errno));
  }
  return {};
}

}  // namespace oldornew
