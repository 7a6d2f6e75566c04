#include "run/sandbox.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/check.h"
#include "base/files.h"
#include "base/text.h"
#include "interpose/unwind.h"
#include "interpose/wire.h"
#include "run/copy_tree.h"
#include "run/memory.h"
#include "run/places.h"
#include "run/view.h"
#include "run/warden.h"

namespace oldornew {
namespace {

Status MakeDirectory(const std::string& path, mode_t mode) {
  if (mkdir(path.c_str(), mode) != 0 || chmod(path.c_str(), mode) != 0) {
    return Fail("cannot make {}: {}", path, ErrnoText(errno));
  }
  return {};
}

/// What the plan wants to be there before the view is built.
Status MakePlanned(const ViewPlan& plan) {
  for (const auto& [path, mode] : plan.directories) RETURN_IF_ERROR(MakeDirectory(path, mode));
  for (const auto& [path, target] : plan.links) {
    if (symlink(target.c_str(), path.c_str()) != 0)
      return Fail("cannot make {}: {}", path, ErrnoText(errno));
  }
  return {};
}

/// True when the kernel would rename a file from one to the other.
bool ShareAMount(const std::string& a, const std::string& b) {
  struct statx first;
  struct statx second;
  if (statx(AT_FDCWD, a.c_str(), 0, STATX_BASIC_STATS | STATX_MNT_ID, &first) != 0 ||
      statx(AT_FDCWD, b.c_str(), 0, STATX_BASIC_STATS | STATX_MNT_ID, &second) != 0)
    return false;
  // Before Linux 5.8 the mount is not told, which shows in both masks.
  return first.stx_dev_major == second.stx_dev_major &&
         first.stx_dev_minor == second.stx_dev_minor &&
         ((first.stx_mask & STATX_MNT_ID) == 0 || first.stx_mnt_id == second.stx_mnt_id);
}

// Roots that share a mount for the user lie in here, and so does what leads to each from the
// meeting place.
constexpr const char* kTogether = "together";

bool IsDirectory(const std::string& path) {
  struct stat st;
  return stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode);
}

}  // namespace

/// The steps of Sandbox::Create, in order.
class SandboxBuilder {
 public:
  explicit SandboxBuilder(const SandboxSpec& spec) : spec_(spec) {
    sandbox_.plan_ = std::make_unique<ViewPlan>();
    plan_ = sandbox_.plan_.get();
  }

  Result<Sandbox> Build() {
    RETURN_IF_ERROR(ResolveDirectories());
    RETURN_IF_ERROR(MakeWorkArea());
    PlanCopies();
    if (AtMost() != Isolation::kNone) PlanView();
    if (!spec_.in_memory) RETURN_IF_ERROR(Fill());
    RETURN_IF_ERROR(StartWarden());
    NoteFileSystem();
    sandbox_.working_directory_ = WorkingDirectory();
    return std::move(sandbox_);
  }

 private:
  Status ResolveDirectories();
  Status CheckDirectory(const std::string& given, const std::string& resolved);
  Status MakeWorkArea();
  Status SetUpWorkArea();
  void PlanCopies();
  void PlanView();
  void PlanTemporaries();
  /// The last root, which lies at `below`, is led to from the meeting place.
  void Meet(const std::string& below);
  /// Makes and fills the directories that were planned. In memory that may happen again, for
  /// another view.
  Status Fill();
  void PlanHome();
  void PlanVisible();
  Status StartWarden();
  Status FallBackToNoView();
  void NoteFileSystem();
  std::string WorkingDirectory() const;
  /// Where this process finds what is to lie on `which`.
  std::string Place(MemoryMount which) const;
  ViewMount Mount(std::string target, MemoryMount which, const std::string& below) const;
  void Note(std::string sentence) { sandbox_.notes_.push_back(std::move(sentence)); }

  Isolation AtMost() const {
    const std::string off = EnvironmentVariable("OLDORNEW_NO_NAMESPACE");
    return off.empty() || off == "0" ? spec_.at_most : Isolation::kNone;
  }
  bool InJudged(const std::string& path) const {
    return std::any_of(originals_.begin(), originals_.end(),
                       [&](const auto& o) { return IsWithin(path, o); });
  }

  const SandboxSpec& spec_;
  Sandbox sandbox_;
  ViewPlan* plan_;  // sandbox_'s
  std::string caller_directory_;
  std::vector<std::string> originals_;  // judged first
  std::vector<std::string> nested_;     // directories within temporaries that are expected there
  std::vector<std::string> copy_notes_;
};

Status SandboxBuilder::CheckDirectory(const std::string& given, const std::string& resolved) {
  if (resolved == "/") {
    return FailWith(
        ExitCode::kUsage,
        "the whole file system (\"/\") cannot be judged; choose a directory with --dir");
  }
  if (!IsDirectory(resolved)) return FailWith(ExitCode::kUsage, "{} is not a directory", given);
  if (access(resolved.c_str(), R_OK | X_OK) != 0) {
    return FailWith(ExitCode::kUsage, "cannot read the directory {}: {}", given, ErrnoText(errno));
  }
  for (const std::string& other : originals_) {
    if (IsWithin(resolved, other) || IsWithin(other, resolved)) {
      return FailWith(ExitCode::kUsage, "{} and {} overlap; name only the outer one", other,
                      resolved);
    }
  }
  for (const char* virtual_place : {"/proc", "/sys", "/dev"}) {
    if (IsWithin(resolved, virtual_place) && !IsWithin(resolved, "/dev/shm")) {
      return FailWith(ExitCode::kUsage, "{} is not on a real file system and cannot be judged",
                      given);
    }
  }
  return {};
}

Status SandboxBuilder::ResolveDirectories() {
  ASSIGN_OR_RETURN(caller_directory_, RealPath("."));
  std::vector<std::string> given = {spec_.directory.empty() ? caller_directory_ : spec_.directory};
  given.insert(given.end(), spec_.also_directories.begin(), spec_.also_directories.end());
  for (const std::string& directory : given) {
    ASSIGN_OR_RETURN(const std::string resolved, RealPath(directory));
    RETURN_IF_ERROR(CheckDirectory(directory, resolved));
    originals_.push_back(resolved);
  }
  return {};
}

Status SandboxBuilder::MakeWorkArea() {
  std::vector<std::string> parents;
  if (!spec_.work_parent.empty()) {
    parents = {spec_.work_parent};
  } else {
    const std::string from_environment = EnvironmentVariable("TMPDIR");
    if (!from_environment.empty()) parents.push_back(from_environment);
    parents.insert(parents.end(), {"/tmp", "/var/tmp", "/dev/shm"});
  }
  std::string problem;
  for (const std::string& parent : parents) {
    auto resolved = RealPath(parent);
    if (!resolved) {
      problem = resolved.error().message;
    } else if (InJudged(*resolved)) {
      problem =
          fmt::format("the private copy may not lie inside the judged directory {}", originals_[0]);
    } else if (auto made = TempDir::Create("oldornew-", *resolved)) {
      sandbox_.work_area_ = made->Release();
      return SetUpWorkArea();
    } else {
      problem = made.error().message;
    }
  }
  return FailWith(spec_.work_parent.empty() ? ExitCode::kCannotJudge : ExitCode::kUsage,
                  "no place for the private copy: {}; choose one with --work-dir", problem);
}

Status SandboxBuilder::SetUpWorkArea() {
  const std::string& area = sandbox_.work_area_;
  sandbox_.file_system_ = FileSystemType(area);
  plan_->work_area = area;
  sandbox_.scratch_path_ = area + "/scratch";
  // Passable for a program that gives up root, listable by nobody else.
  if (chmod(area.c_str(), 0711) != 0) return Fail("cannot set up {}", area);
  RETURN_IF_ERROR(MakeDirectory(sandbox_.scratch_path_, 0700));
  if (spec_.in_memory) {
    plan_->memory_place = area + "/memory";
    RETURN_IF_ERROR(MakeDirectory(plan_->memory_place, 0711));
    for (size_t i = 0; i < kMemoryMounts; ++i) {
      const char* name = MemoryMountName(static_cast<MemoryMount>(i));
      RETURN_IF_ERROR(MakeDirectory(JoinPath(plan_->memory_place, name), 0711));
      sandbox_.memory_.emplace_back(
          open("/", O_PATH | O_CLOEXEC));  // keeps the number for StartView
      if (!sandbox_.memory_.back().valid())
        return Fail("cannot keep a descriptor: {}", ErrnoText(errno));
    }
  }
  plan_->recorder = Mount(kRecorderMount, MemoryMount::kRecorder, "recorder");
  sandbox_.recorder_path_ = Place(MemoryMount::kRecorder) + "/recorder";
  plan_->directories.push_back({sandbox_.recorder_path_, 0711});
  plan_->directories.push_back({JoinPath(Place(MemoryMount::kJudged), kTogether), 0711});
  return {};
}

std::string SandboxBuilder::Place(MemoryMount which) const {
  if (!spec_.in_memory) return sandbox_.work_area_;
  // Not "self": our children look there too.
  return fmt::format("/proc/{}/fd/{}", getpid(),
                     sandbox_.memory_[static_cast<size_t>(which)].get());
}

ViewMount SandboxBuilder::Mount(std::string target, MemoryMount which,
                                const std::string& below) const {
  if (!spec_.in_memory) return {std::move(target), JoinPath(sandbox_.work_area_, below)};
  return {std::move(target), below, false, which};
}

void SandboxBuilder::PlanCopies() {
  for (size_t i = 0; i < originals_.size(); ++i) {
    const bool together = ShareAMount(originals_[i], originals_[0]);
    const std::string holder = fmt::format("{}copy{}", together ? JoinPath(kTogether, "") : "", i);
    const std::string below = JoinPath(holder, BaseName(originals_[i]));
    const std::string place = Place(MemoryMount::kJudged);
    plan_->directories.push_back({JoinPath(place, holder), 0711});
    plan_->directories.push_back({JoinPath(place, below), 0700});
    sandbox_.roots_.push_back({originals_[i], JoinPath(place, below), RootRole::kJudged});
    plan_->mounts.push_back(Mount(originals_[i], MemoryMount::kJudged, below));
    if (together) Meet(below);
  }
}

Status SandboxBuilder::Fill() {
  copy_notes_.clear();
  const auto note = [&](std::string sentence) { copy_notes_.push_back(std::move(sentence)); };
  RETURN_IF_ERROR(MakePlanned(*plan_));
  for (const std::string& path : nested_) RETURN_IF_ERROR(MakeDirectories(path));
  if (spec_.start_empty) return {};
  uint64_t left = spec_.copy_limit;
  for (size_t i = 0; i < originals_.size(); ++i) {
    ASSIGN_OR_RETURN(const CopyOutcome outcome,
                     CopyTree(originals_[i], sandbox_.roots_[i].disk_path, left));
    left -= outcome.bytes;
    for (const std::string& path : outcome.skipped) {
      note(fmt::format("{} is a socket or a device and is missing in the private copy",
                       JoinPath(originals_[i], path)));
    }
    if (outcome.foreign_owners > 0) {
      note(fmt::format("{} in {} of other users or groups: in the private copy they belong to you",
                       Count(outcome.foreign_owners, "file"), originals_[i]));
    }
    if (outcome.lost_xattrs > 0) {
      note(fmt::format("{} of files in {} could not be copied",
                       Count(outcome.lost_xattrs, "extended attribute"), originals_[i]));
    }
    if (outcome.other_devices > 0) {
      note(fmt::format("{} below {} are plain directories in the private copy",
                       Count(outcome.other_devices, "mount point"), originals_[i]));
    }
  }
  return {};
}

void SandboxBuilder::PlanTemporaries() {
  std::vector<std::string> candidates = {"/tmp", "/var/tmp", "/dev/shm",
                                         EnvironmentVariable("TMPDIR")};
  for (const std::string& candidate : candidates) {
    auto resolved = RealPath(candidate);
    if (!resolved || !IsDirectory(*resolved) || *resolved == "/" || InJudged(*resolved)) continue;
    const auto covers =
        std::find_if(sandbox_.roots_.begin(), sandbox_.roots_.end(), [&](const SandboxRoot& root) {
          return root.role == RootRole::kTemporary && IsWithin(*resolved, root.seen_path);
        });
    if (covers != sandbox_.roots_.end()) {  // $TMPDIR below /tmp: a plain directory there
      nested_.push_back(Rebase(*resolved, covers->seen_path, covers->disk_path));
      continue;
    }
    const bool together = !spec_.tmp_on_other_device && ShareAMount(*resolved, originals_[0]);
    const std::string name =
        fmt::format("{}tmp{}", together ? JoinPath(kTogether, "") : "", sandbox_.roots_.size());
    const MemoryMount where = together ? MemoryMount::kJudged : MemoryMount::kTemporary;
    const std::string on_disk = JoinPath(Place(where), name);
    struct stat st;
    const mode_t mode = stat(resolved->c_str(), &st) == 0 ? st.st_mode & 07777 : 01777;
    plan_->directories.push_back({on_disk, mode});
    sandbox_.roots_.push_back({*resolved, on_disk, RootRole::kTemporary});
    plan_->mounts.push_back(Mount(*resolved, where, name));
    if (together) Meet(name);
  }
}

void SandboxBuilder::PlanHome() {
  auto home = RealPath(EnvironmentVariable("HOME"));
  if (!home || *home == "/" || !IsDirectory(*home) || InJudged(*home)) return;
  for (const ViewMount& mount : plan_->mounts) {
    if (mount.target == *home) return;
  }
  const std::string upper = sandbox_.work_area_ + "/home";
  const std::string work = sandbox_.work_area_ + "/home.work";
  if (!MakeDirectory(upper, 0755) || !MakeDirectory(work, 0755)) return;
  plan_->home = *home;
  plan_->home_upper = upper;
  plan_->home_work = work;
  struct stat st;  // the merged directory shows the upper one's attributes
  if (stat(home->c_str(), &st) == 0) {
    chmod(upper.c_str(), st.st_mode & 07777);
    // not root: then it is ours already, or stays so
    if (chown(upper.c_str(), st.st_uid, st.st_gid) != 0) errno = 0;
  }
}

void SandboxBuilder::PlanVisible() {
  for (const std::string& path : spec_.visible) {
    auto resolved = RealPath(path);
    if (!resolved || InJudged(*resolved)) continue;
    const bool covered =
        std::any_of(plan_->mounts.begin(), plan_->mounts.end(), [&](const ViewMount& mount) {
          return !mount.read_only && IsWithin(*resolved, mount.target) && *resolved != mount.target;
        });
    const bool known = std::any_of(
        plan_->mounts.begin(), plan_->mounts.end(),
        [&](const ViewMount& mount) { return mount.read_only && mount.target == *resolved; });
    // A directory that holds a judged one would hide it.
    const bool holds_judged =
        std::any_of(originals_.begin(), originals_.end(),
                    [&](const std::string& original) { return IsWithin(original, *resolved); });
    if (covered && !known && !holds_judged) plan_->mounts.push_back({*resolved, *resolved, true});
  }
}

void SandboxBuilder::Meet(const std::string& below) {
  const size_t number = sandbox_.roots_.size() - 1;
  if (number > 9) return;  // what is further apart stays so
  const std::string place = JoinPath(Place(MemoryMount::kJudged), kTogether);
  const std::string target = below.substr(std::string_view(kTogether).size() + 1);
  plan_->links.emplace_back(JoinPath(place, fmt::format("{}", number)), target);
}

void SandboxBuilder::PlanView() {
  PlanTemporaries();
  if (plan_->links.size() > 1) {
    plan_->directories.push_back({sandbox_.recorder_path_ + "/meet", 0711});
    plan_->meeting = Mount(wire::kMeetingPlace, MemoryMount::kJudged, kTogether);
  }
  PlanVisible();
  PlanHome();
}

Status SandboxBuilder::StartWarden() {
  std::string problem = "switched off by OLDORNEW_NO_NAMESPACE";
  for (Isolation isolation : {Isolation::kFull, Isolation::kMountOnly, Isolation::kNone}) {
    if (isolation < AtMost()) continue;
    if (isolation == Isolation::kNone && spec_.in_memory) break;
    if (isolation == Isolation::kNone) {
      Note(fmt::format(
          "no mount namespace ({}): the program runs in the copy where it lies, and sees that path",
          problem));
      RETURN_IF_ERROR(FallBackToNoView());
    }
    plan_->isolation = isolation;
    Status filled;
    Status started = sandbox_.StartView([&] { return filled = Fill(); });
    if (!filled) return filled;
    if (!started) {
      problem = started.error().message;
      continue;
    }
    for (std::string& sentence : copy_notes_) Note(std::move(sentence));
    if (isolation == Isolation::kMountOnly && AtMost() == Isolation::kFull) {
      Note(fmt::format("no pid namespace ({}): process numbers are those of the machine", problem));
    }
    sandbox_.isolation_ = isolation;
    if (!plan_->home.empty() && sandbox_.warden_->view().home_overlay) {
      sandbox_.home_upper_ = plan_->home_upper;
    } else if (!plan_->home.empty()) {
      Note(fmt::format("{} is read-only in the sandbox ({})", plan_->home,
                       sandbox_.warden_->view().home_problem));
    }
    if (isolation != Isolation::kNone && geteuid() != 0) {
      Note("files of other users look like those of nobody (user namespace)");
    }
    return {};
  }
  if (spec_.in_memory) {
    return FailWith(ExitCode::kCannotJudge,
                    "no private file system in memory is to be had here: {}", problem);
  }
  return Fail("cannot start a process for the sandbox: {}", problem);
}

Status SandboxBuilder::FallBackToNoView() {
  // What was planned for a view is not to be had: commands see the work area itself.
  std::vector<SandboxRoot>& roots = sandbox_.roots_;
  std::erase_if(roots, [](const SandboxRoot& root) { return root.role != RootRole::kJudged; });
  for (SandboxRoot& root : roots) root.seen_path = root.disk_path;
  plan_->mounts.clear();
  plan_->home.clear();
  const std::string temporary = sandbox_.work_area_ + "/tmp";
  const std::string home = sandbox_.work_area_ + "/home";
  RETURN_IF_ERROR(MakeDirectory(temporary, 01777));
  if (!IsDirectory(home)) RETURN_IF_ERROR(MakeDirectory(home, 0755));
  roots.push_back({temporary, temporary, RootRole::kTemporary});
  if (spec_.tmp_on_other_device)
    Note("without a mount namespace $TMPDIR is on the device of the private copy");
  plan_->home_upper = home;
  sandbox_.home_upper_ = home;
  sandbox_.environment_ = {"HOME=" + home, "TMPDIR=" + temporary};
  return {};
}

void SandboxBuilder::NoteFileSystem() {
  if (spec_.in_memory) sandbox_.file_system_ = FileSystemType(sandbox_.judged_path());
  const std::string original = FileSystemType(originals_[0]);
  if (original != sandbox_.file_system_) {
    Note(fmt::format(
        "the private copy lies on {}, the original on {}: what only one of them supports behaves "
        "differently"
        "{}",
        sandbox_.file_system_, original, spec_.in_memory ? "" : " (--work-dir chooses the place)"));
  }
  struct statvfs vfs;
  if (!spec_.in_memory && statvfs(sandbox_.work_area_.c_str(), &vfs) == 0 &&
      (vfs.f_flag & ST_NOEXEC) != 0 &&
      (sandbox_.isolation_ == Isolation::kNone || geteuid() != 0)) {
    Note(
        "programs in the private copy cannot be executed (noexec); choose another place with "
        "--work-dir");
  }
}

std::string SandboxBuilder::WorkingDirectory() const {
  for (size_t i = 0; i < originals_.size(); ++i) {
    if (!IsWithin(caller_directory_, originals_[i])) continue;
    return Rebase(caller_directory_, originals_[i], sandbox_.roots_[i].seen_path);
  }
  return sandbox_.roots_[0].seen_path;
}

Sandbox::Sandbox() : unwinder_(std::make_unique<Unwinder>()) {}
Sandbox::Sandbox(Sandbox&& other) noexcept { *this = std::move(other); }

Sandbox& Sandbox::operator=(Sandbox&& other) noexcept {
  std::swap(work_area_, other.work_area_);
  std::swap(scratch_path_, other.scratch_path_);
  std::swap(roots_, other.roots_);
  std::swap(working_directory_, other.working_directory_);
  std::swap(isolation_, other.isolation_);
  std::swap(file_system_, other.file_system_);
  std::swap(notes_, other.notes_);
  std::swap(environment_, other.environment_);
  std::swap(home_upper_, other.home_upper_);
  std::swap(keep_, other.keep_);
  std::swap(limited_, other.limited_);
  std::swap(memory_, other.memory_);
  std::swap(recorder_path_, other.recorder_path_);
  std::swap(plan_, other.plan_);
  std::swap(warden_, other.warden_);
  std::swap(unwinder_, other.unwinder_);
  return *this;
}

Sandbox::~Sandbox() {
  if (warden_) warden_->Stop(!keep_);
  // Again, in case the keeper could not, or none was started.
  if (!work_area_.empty() && !keep_) (void)RemoveTree(work_area_);
}

Result<Sandbox> Sandbox::Create(const SandboxSpec& spec) { return SandboxBuilder(spec).Build(); }

std::vector<std::string> Sandbox::HomeChanges() const {
  return home_upper_.empty() ? std::vector<std::string>{} : LeavesBelow(home_upper_);
}

std::string Sandbox::seen_recorder_path() const {
  return isolation_ == Isolation::kNone ? recorder_path_ : kRecorderMount;
}

Status Sandbox::StartView(const std::function<Status()>& fill) {
  const auto take = [&](const std::vector<UniqueFd>& mounts) -> Status {
    CHECK(mounts.size() == memory_.size());
    for (size_t i = 0; i < mounts.size(); ++i) {
      if (dup3(mounts[i].get(), memory_[i].get(), O_CLOEXEC) < 0)
        return Fail("cannot keep a descriptor: {}", ErrnoText(errno));
    }
    return fill();
  };
  ASSIGN_OR_RETURN(warden_, Warden::Start(*plan_, take));
  return {};
}

std::string Sandbox::OnDisk(const std::string& seen_path) const {
  // The innermost root that holds it: a judged directory may lie below a private temporary one.
  const SandboxRoot* best = nullptr;
  for (const SandboxRoot& root : roots_) {
    if (!IsWithin(seen_path, root.seen_path)) continue;
    if (best == nullptr || root.seen_path.size() > best->seen_path.size()) best = &root;
  }
  if (best == nullptr) return seen_path;
  return Rebase(seen_path, best->seen_path, best->disk_path);
}

std::string Sandbox::Keep() {
  keep_ = true;
  return work_area_;
}

bool Sandbox::HoldsMountPoints(const SandboxRoot& root) const {
  return std::any_of(plan_->mounts.begin(), plan_->mounts.end(),
                     [&](const ViewMount& mount) {
                       return mount.target != root.seen_path &&
                              IsWithin(mount.target, root.seen_path);
                     }) ||
         (!plan_->home.empty() && IsWithin(plan_->home, root.seen_path));
}

bool Sandbox::IsBare(const SandboxRoot& root) const {
  for (const std::string& leaf : LeavesBelow(root.disk_path)) {
    const std::string seen = JoinPath(root.seen_path, leaf);
    const bool is_mount_point =
        seen == plan_->home ||
        std::any_of(plan_->mounts.begin(), plan_->mounts.end(),
                    [&](const ViewMount& mount) { return mount.target == seen; });
    if (!is_mount_point) return false;
  }
  return true;
}

Status Sandbox::Present(const FileTree& tree) {
  // Removing a mount point from outside would detach what is mounted there, so a private directory
  // that has some and needs cleaning, as well as a used overlay, costs a new view.
  const auto is_wanted_bare = [&](size_t i) {
    if (i >= tree.roots().size()) return true;
    for (const auto& [path, inode] : tree.Walk(i)) {
      if (path.empty()) continue;
      const std::string seen = JoinPath(roots_[i].seen_path, path);
      const auto leads_to = [&](const std::string& target) { return IsWithin(target, seen); };
      if (!leads_to(plan_->home) &&
          std::none_of(plan_->mounts.begin(), plan_->mounts.end(),
                       [&](const ViewMount& mount) { return leads_to(mount.target); })) {
        return false;
      }
    }
    return true;
  };
  std::vector<bool> leave_alone(roots_.size(), false);
  bool new_view = isolation_ != Isolation::kNone && !HomeChanges().empty();
  for (size_t i = 0; i < roots_.size(); ++i) {
    if (!HoldsMountPoints(roots_[i])) continue;
    leave_alone[i] = IsBare(roots_[i]) && is_wanted_bare(i);
    new_view = new_view || !leave_alone[i];
  }
  if (new_view) warden_->Kill();
  if (limited_ && !new_view) {
    for (RootRole where : {RootRole::kJudged, RootRole::kTemporary})
      RETURN_IF_ERROR(LimitSpace(where, SpaceLimit()));
  }
  limited_ = false;
  const bool fresh = new_view && in_memory();  // its mounts go with the view
  if (!fresh) RETURN_IF_ERROR(WriteRoots(tree, leave_alone));
  if (!home_upper_.empty() && (new_view || isolation_ == Isolation::kNone))
    RETURN_IF_ERROR(ClearDirectory(home_upper_));
  if (!new_view) return {};
  if (!plan_->home_work.empty()) RETURN_IF_ERROR(ClearDirectory(plan_->home_work));
  return StartView([&]() -> Status {
    RETURN_IF_ERROR(MakePlanned(*plan_));
    return WriteRoots(tree, std::vector<bool>(roots_.size(), false));
  });
}

Status Sandbox::WriteRoots(const FileTree& tree, const std::vector<bool>& leave_alone) {
  for (size_t i = 0; i < roots_.size(); ++i) {
    if (leave_alone[i]) continue;
    RETURN_IF_ERROR(ClearDirectory(roots_[i].disk_path));
    if (i < tree.roots().size()) RETURN_IF_ERROR(WriteTo(tree, roots_[i].disk_path, i));
  }
  return {};
}

namespace {

MemoryMount MountOf(RootRole role) {
  return role == RootRole::kJudged ? MemoryMount::kJudged : MemoryMount::kTemporary;
}

}  // namespace

Status Sandbox::LimitSpace(RootRole where, const SpaceLimit& limit) {
  if (!in_memory())
    return Fail("the room of a sandbox that does not lie in memory cannot be limited");
  limited_ = true;
  return warden_->LimitMemory(MountOf(where), limit);
}

Result<Space> Sandbox::SpaceUsed(RootRole where) const {
  if (!in_memory()) return Fail("the room in a sandbox that does not lie in memory is not known");
  return MemoryMountUsed(memory_[static_cast<size_t>(MountOf(where))].get());
}

}  // namespace oldornew
