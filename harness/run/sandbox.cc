#include "run/sandbox.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/check.h"
#include "base/files.h"
#include "base/text.h"
#include "run/copy_tree.h"
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

bool IsDirectory(const std::string& path) {
  struct stat st;
  return stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode);
}

}  // namespace

/// The steps of Sandbox::Create, in order.
class SandboxBuilder {
 public:
  explicit SandboxBuilder(const SandboxSpec& spec) : spec_(spec), plan_(std::make_unique<ViewPlan>()) {}

  Result<Sandbox> Build() {
    RETURN_IF_ERROR(ResolveDirectories());
    RETURN_IF_ERROR(MakeWorkArea());
    RETURN_IF_ERROR(CopyDirectories());
    if (AtMost() != Isolation::kNone) RETURN_IF_ERROR(PlanView());
    RETURN_IF_ERROR(StartWarden());
    NoteFileSystem();
    sandbox_.working_directory_ = WorkingDirectory();
    return std::move(sandbox_);
  }

 private:
  Status ResolveDirectories();
  Status CheckDirectory(const std::string& given, const std::string& resolved);
  Status MakeWorkArea();
  Status CopyDirectories();
  Status PlanView();
  Status PlanTemporaries();
  void PlanHome();
  void PlanVisible();
  Status StartWarden();
  Status FallBackToNoView();
  void NoteFileSystem();
  std::string WorkingDirectory() const;
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
  std::unique_ptr<ViewPlan> plan_;
  std::string caller_directory_;
  std::vector<std::string> originals_;  // judged first
};

Status SandboxBuilder::CheckDirectory(const std::string& given, const std::string& resolved) {
  if (resolved == "/") {
    return FailWith(ExitCode::kUsage,
                    "the whole file system (\"/\") cannot be judged; choose a directory with --dir");
  }
  if (!IsDirectory(resolved)) return FailWith(ExitCode::kUsage, "{} is not a directory", given);
  if (access(resolved.c_str(), R_OK | X_OK) != 0) {
    return FailWith(ExitCode::kUsage, "cannot read the directory {}: {}", given, ErrnoText(errno));
  }
  for (const std::string& other : originals_) {
    if (IsWithin(resolved, other) || IsWithin(other, resolved)) {
      return FailWith(ExitCode::kUsage, "{} and {} overlap; name only the outer one", other, resolved);
    }
  }
  for (const char* virtual_place : {"/proc", "/sys", "/dev"}) {
    if (IsWithin(resolved, virtual_place) && !IsWithin(resolved, "/dev/shm")) {
      return FailWith(ExitCode::kUsage, "{} is not on a real file system and cannot be judged", given);
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
      problem = fmt::format("the private copy may not lie inside the judged directory {}", originals_[0]);
    } else if (auto made = TempDir::Create("oldornew-", *resolved)) {
      sandbox_.work_area_ = made->Release();
      sandbox_.file_system_ = FileSystemType(sandbox_.work_area_);
      plan_->work_area = sandbox_.work_area_;
      sandbox_.scratch_path_ = sandbox_.work_area_ + "/scratch";
      // Passable for a program that gives up root, listable by nobody else.
      if (chmod(sandbox_.work_area_.c_str(), 0711) != 0) return Fail("cannot set up {}", sandbox_.work_area_);
      plan_->recorder = sandbox_.work_area_ + "/recorder";
      RETURN_IF_ERROR(MakeDirectory(plan_->recorder, 0711));
      return MakeDirectory(sandbox_.scratch_path_, 0700);
    } else {
      problem = made.error().message;
    }
  }
  return FailWith(spec_.work_parent.empty() ? ExitCode::kCannotJudge : ExitCode::kUsage,
                  "no place for the private copy: {}; choose one with --work-dir", problem);
}

Status SandboxBuilder::CopyDirectories() {
  uint64_t left = spec_.copy_limit;
  for (size_t i = 0; i < originals_.size(); ++i) {
    const std::string holder = fmt::format("{}/copy{}", sandbox_.work_area_, i);
    RETURN_IF_ERROR(MakeDirectory(holder, 0711));
    const std::string copy = JoinPath(holder, BaseName(originals_[i]));
    RETURN_IF_ERROR(MakeDirectory(copy, 0700));
    ASSIGN_OR_RETURN(const CopyOutcome outcome, CopyTree(originals_[i], copy, left));
    left -= outcome.bytes;
    for (const std::string& path : outcome.skipped) {
      Note(fmt::format("{} is a socket or a device and is missing in the private copy",
                       JoinPath(originals_[i], path)));
    }
    if (outcome.foreign_owners > 0) {
      Note(fmt::format("{} in {} of other users or groups: in the private copy they belong to you",
                       Count(outcome.foreign_owners, "file"), originals_[i]));
    }
    if (outcome.lost_xattrs > 0) {
      Note(fmt::format("{} of files in {} could not be copied",
                       Count(outcome.lost_xattrs, "extended attribute"), originals_[i]));
    }
    if (outcome.other_devices > 0) {
      Note(fmt::format("{} below {} are plain directories in the private copy",
                       Count(outcome.other_devices, "mount point"), originals_[i]));
    }
    sandbox_.roots_.push_back({originals_[i], copy, RootRole::kJudged});
    plan_->mounts.push_back({originals_[i], copy, false});
  }
  return {};
}

Status SandboxBuilder::PlanTemporaries() {
  std::vector<std::string> candidates = {"/tmp", "/var/tmp", "/dev/shm", EnvironmentVariable("TMPDIR")};
  for (const std::string& candidate : candidates) {
    auto resolved = RealPath(candidate);
    if (!resolved || !IsDirectory(*resolved) || *resolved == "/" || InJudged(*resolved)) continue;
    const auto covers =
        std::find_if(sandbox_.roots_.begin(), sandbox_.roots_.end(), [&](const SandboxRoot& root) {
          return root.role == RootRole::kTemporary && IsWithin(*resolved, root.seen_path);
        });
    if (covers != sandbox_.roots_.end()) {  // $TMPDIR below /tmp: a plain directory there
      RETURN_IF_ERROR(MakeDirectories(Rebase(*resolved, covers->seen_path, covers->disk_path)));
      continue;
    }
    const std::string on_disk = fmt::format("{}/tmp{}", sandbox_.work_area_, sandbox_.roots_.size());
    struct stat st;
    const mode_t mode = stat(resolved->c_str(), &st) == 0 ? st.st_mode & 07777 : 01777;
    RETURN_IF_ERROR(MakeDirectory(on_disk, mode));
    sandbox_.roots_.push_back({*resolved, on_disk, RootRole::kTemporary});
    plan_->mounts.push_back({*resolved, on_disk, false});
  }
  return {};
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
    if (chown(upper.c_str(), st.st_uid, st.st_gid) != 0)
      errno = 0;  // not root: then it is ours already, or stays so
  }
}

void SandboxBuilder::PlanVisible() {
  for (const std::string& path : spec_.visible) {
    auto resolved = RealPath(path);
    if (!resolved || InJudged(*resolved)) continue;
    const bool covered = std::any_of(plan_->mounts.begin(), plan_->mounts.end(), [&](const ViewMount& mount) {
      return !mount.read_only && IsWithin(*resolved, mount.target) && *resolved != mount.target;
    });
    const bool known = std::any_of(plan_->mounts.begin(), plan_->mounts.end(), [&](const ViewMount& mount) {
      return mount.read_only && mount.target == *resolved;
    });
    // A directory that holds a judged one would hide it.
    const bool holds_judged =
        std::any_of(originals_.begin(), originals_.end(),
                    [&](const std::string& original) { return IsWithin(original, *resolved); });
    if (covered && !known && !holds_judged) plan_->mounts.push_back({*resolved, *resolved, true});
  }
}

Status SandboxBuilder::PlanView() {
  RETURN_IF_ERROR(PlanTemporaries());
  PlanVisible();
  PlanHome();
  return {};
}

Status SandboxBuilder::StartWarden() {
  std::string problem = "switched off by OLDORNEW_NO_NAMESPACE";
  for (Isolation isolation : {Isolation::kFull, Isolation::kMountOnly, Isolation::kNone}) {
    if (isolation < AtMost()) continue;
    if (isolation == Isolation::kNone) {
      Note(fmt::format(
          "no mount namespace ({}): the program runs in the copy where it lies, and sees that path",
          problem));
      RETURN_IF_ERROR(FallBackToNoView());
    }
    plan_->isolation = isolation;
    auto warden = Warden::Start(*plan_);
    if (!warden) {
      problem = warden.error().message;
      continue;
    }
    if (isolation == Isolation::kMountOnly && AtMost() == Isolation::kFull) {
      Note(fmt::format("no pid namespace ({}): process numbers are those of the machine", problem));
    }
    sandbox_.isolation_ = isolation;
    sandbox_.warden_ = std::move(*warden);
    if (!plan_->home.empty() && sandbox_.warden_->view().home_overlay) {
      sandbox_.home_upper_ = plan_->home_upper;
    } else if (!plan_->home.empty()) {
      Note(fmt::format("{} is read-only in the sandbox ({})", plan_->home,
                       sandbox_.warden_->view().home_problem));
    }
    if (isolation != Isolation::kNone && geteuid() != 0) {
      Note("files of other users look like those of nobody (user namespace)");
    }
    sandbox_.plan_ = std::move(plan_);
    return {};
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
  plan_->home_upper = home;
  sandbox_.home_upper_ = home;
  sandbox_.environment_ = {"HOME=" + home, "TMPDIR=" + temporary};
  return {};
}

void SandboxBuilder::NoteFileSystem() {
  const std::string original = FileSystemType(originals_[0]);
  if (original != sandbox_.file_system_) {
    Note(fmt::format(
        "the private copy lies on {}, the original on {}: what only one of them supports behaves differently "
        "(--work-dir chooses the place)",
        sandbox_.file_system_, original));
  }
  struct statvfs vfs;
  if (statvfs(sandbox_.work_area_.c_str(), &vfs) == 0 && (vfs.f_flag & ST_NOEXEC) != 0 &&
      (sandbox_.isolation_ == Isolation::kNone || geteuid() != 0)) {
    Note("programs in the private copy cannot be executed (noexec); choose another place with --work-dir");
  }
}

std::string SandboxBuilder::WorkingDirectory() const {
  for (size_t i = 0; i < originals_.size(); ++i) {
    if (!IsWithin(caller_directory_, originals_[i])) continue;
    return Rebase(caller_directory_, originals_[i], sandbox_.roots_[i].seen_path);
  }
  return sandbox_.roots_[0].seen_path;
}

Sandbox::Sandbox() = default;
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
  std::swap(plan_, other.plan_);
  std::swap(warden_, other.warden_);
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

std::string Sandbox::recorder_path() const { return plan_->recorder; }

std::string Sandbox::seen_recorder_path() const {
  return isolation_ == Isolation::kNone ? plan_->recorder : kRecorderMount;
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
                       return mount.target != root.seen_path && IsWithin(mount.target, root.seen_path);
                     }) ||
         (!plan_->home.empty() && IsWithin(plan_->home, root.seen_path));
}

bool Sandbox::IsBare(const SandboxRoot& root) const {
  for (const std::string& leaf : LeavesBelow(root.disk_path)) {
    const std::string seen = JoinPath(root.seen_path, leaf);
    const bool is_mount_point =
        seen == plan_->home || std::any_of(plan_->mounts.begin(), plan_->mounts.end(),
                                           [&](const ViewMount& mount) { return mount.target == seen; });
    if (!is_mount_point) return false;
  }
  return true;
}

Status Sandbox::Present(const FileTree& tree) {
  // Removing a mount point from outside would detach what is mounted there, so a private directory that has
  // some and needs cleaning, as well as a used overlay, costs a new view.
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
  for (size_t i = 0; i < roots_.size(); ++i) {
    if (leave_alone[i]) continue;
    RETURN_IF_ERROR(ClearDirectory(roots_[i].disk_path));
    if (i < tree.roots().size()) RETURN_IF_ERROR(WriteTo(tree, roots_[i].disk_path, i));
  }
  if (!home_upper_.empty() && (new_view || isolation_ == Isolation::kNone))
    RETURN_IF_ERROR(ClearDirectory(home_upper_));
  if (!new_view) return {};
  if (!plan_->home_work.empty()) RETURN_IF_ERROR(ClearDirectory(plan_->home_work));
  ASSIGN_OR_RETURN(warden_, Warden::Start(*plan_));
  return {};
}

}  // namespace oldornew
