#include "run/sandbox_builder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/files.h"
#include "base/text.h"
#include "run/copy_tree.h"
#include "run/memory.h"
#include "run/places.h"
#include "run/warden.h"

namespace oldornew {
namespace {

Isolation AtMost(const SandboxSpec& spec) {
  const std::string off = EnvironmentVariable("OLDORNEW_NO_NAMESPACE");
  return off.empty() || off == "0" ? spec.at_most : Isolation::kNone;
}

/// Where a work area may lie, in the order in which they are tried.
std::vector<std::string> WorkParents(const SandboxSpec& spec) {
  if (!spec.work_parent.empty()) return {spec.work_parent};

  std::vector<std::string> parents;
  const std::string from_environment = EnvironmentVariable("TMPDIR");
  if (!from_environment.empty()) parents.push_back(from_environment);
  parents.insert(parents.end(), {"/tmp", "/var/tmp", "/dev/shm"});
  return parents;
}

/// What the copy of `original` could not keep, as sentences for the report.
std::vector<std::string> CopyNotes(const std::string& original, const CopyOutcome& outcome) {
  std::vector<std::string> notes;
  for (const std::string& path : outcome.skipped) {
    notes.push_back(
        fmt::format("{} is a socket or a device and was not copied", JoinPath(original, path)));
  }

  if (outcome.foreign_owners > 0) {
    notes.push_back(
        fmt::format("the private copy could not keep the owner or group of {} in {}: there you own "
                    "what you copied",
                    Count(outcome.foreign_owners, "file"), original));
  }

  if (outcome.lost_xattrs > 0) {
    notes.push_back(fmt::format("{} of files in {} could not be copied",
                                Count(outcome.lost_xattrs, "extended attribute"), original));
  }

  if (outcome.other_devices > 0) {
    notes.push_back(fmt::format("{} below {}: the private copy has plain directories there",
                                Count(outcome.other_devices, "mount point"), original));
  }

  return notes;
}

}  // namespace

SandboxBuilder::SandboxBuilder(const SandboxSpec& spec, JudgedDirectories judged)
    : spec_(spec),
      judged_(std::move(judged)),
      at_most_(AtMost(spec)),
      layout_(parts_.layout),
      plan_(*parts_.plan),
      planner_(spec_, judged_, layout_, plan_) {}

Result<SandboxParts> SandboxBuilder::Build() {
  RETURN_IF_ERROR(MakeWorkArea());
  planner_.PlanRecorder();
  planner_.PlanCopies();
  if (at_most_ != Isolation::kNone) planner_.PlanView();

  // On disk one copy serves every view that is tried. In memory each view has its own mounts.
  if (!spec_.in_memory) RETURN_IF_ERROR(Fill());
  RETURN_IF_ERROR(StartWarden());

  NoteFileSystem();
  layout_.working_directory = WorkingDirectory();
  return std::move(parts_);
}

Status SandboxBuilder::MakeWorkArea() {
  std::string problem;
  for (const std::string& parent : WorkParents(spec_)) {
    auto resolved = RealPath(parent);
    if (!resolved) {
      problem = resolved.error().message;
    } else if (judged_.Hold(*resolved)) {
      problem = fmt::format("the private copy cannot lie inside the judged directory {}",
                            judged_.originals[0]);
    } else if (auto made = TempDir::Create("oldornew-", *resolved)) {
      layout_.work_area = made->Release();
      return SetUpWorkArea();
    } else {
      problem = made.error().message;
    }
  }

  return FailWith(spec_.work_parent.empty() ? ExitCode::kCannotJudge : ExitCode::kUsage,
                  "no place for the private copy: {}; choose one with --work-dir", problem);
}

Status SandboxBuilder::SetUpWorkArea() {
  const std::string& area = layout_.work_area;
  layout_.file_system = FileSystemType(area);
  layout_.scratch_path = area + "/scratch";
  plan_.work_area = area;

  // A program that gives up root must still get through; nobody else may list it.
  if (chmod(area.c_str(), 0711) != 0) return Fail("cannot set up {}", area);
  RETURN_IF_ERROR(MakeDirectory(layout_.scratch_path, 0700));
  return spec_.in_memory ? MakeMemoryPlaces() : Status{};
}

Status SandboxBuilder::MakeMemoryPlaces() {
  plan_.memory_place = layout_.work_area + "/memory";
  RETURN_IF_ERROR(MakeDirectory(plan_.memory_place, 0711));

  for (size_t i = 0; i < kMemoryMounts; ++i) {
    const char* name = MemoryMountName(static_cast<MemoryMount>(i));
    RETURN_IF_ERROR(MakeDirectory(JoinPath(plan_.memory_place, name), 0711));

    // Any descriptor will do: it reserves the number that StartView puts the mount under.
    layout_.memory.emplace_back(open("/", O_PATH | O_CLOEXEC));
    if (!layout_.memory.back().valid())
      return Fail("cannot keep a descriptor: {}", ErrnoText(errno));
  }
  return {};
}

Status SandboxBuilder::Fill() {
  copy_notes_.clear();
  RETURN_IF_ERROR(MakePlanned(plan_));
  for (const std::string& path : planner_.nested()) RETURN_IF_ERROR(MakeDirectories(path));
  if (spec_.start_empty) return {};

  uint64_t bytes_left = spec_.copy_limit;
  for (size_t i = 0; i < judged_.originals.size(); ++i) RETURN_IF_ERROR(FillRoot(i, bytes_left));
  return {};
}

Status SandboxBuilder::FillRoot(size_t i, uint64_t& bytes_left) {
  const std::string& original = judged_.originals[i];
  ASSIGN_OR_RETURN(const CopyOutcome outcome,
                   CopyTree(original, layout_.roots[i].disk_path, bytes_left));
  bytes_left -= outcome.bytes;

  for (std::string& note : CopyNotes(original, outcome)) copy_notes_.push_back(std::move(note));
  return {};
}

Status SandboxBuilder::StartWarden() {
  std::string problem = "switched off by OLDORNEW_NO_NAMESPACE";
  for (Isolation isolation : {Isolation::kFull, Isolation::kMountOnly, Isolation::kNone}) {
    if (isolation < at_most_) continue;
    if (isolation == Isolation::kNone) {
      if (spec_.in_memory) break;
      Note(
          fmt::format("no mount namespace ({}): the program runs in the private copy itself and "
                      "sees the path of the copy",
                      problem));
      RETURN_IF_ERROR(FallBackToNoView());
    }

    // A view that cannot be had is a reason to try the next one; files that cannot be copied are
    // not.
    plan_.isolation = isolation;
    Status filled;
    Status started = parts_.StartView([&] { return filled = Fill(); });
    if (!filled) return filled;
    if (started) {
      NoteView(isolation, problem);
      layout_.isolation = isolation;
      return {};
    }
    problem = started.error().message;
  }

  if (spec_.in_memory) {
    return FailWith(ExitCode::kCannotJudge, "cannot make a private file system in memory here: {}",
                    problem);
  }

  return Fail("cannot start a process for the sandbox: {}", problem);
}

Status SandboxBuilder::FallBackToNoView() {
  // Without a view, commands see the work area itself.
  std::vector<SandboxRoot>& roots = layout_.roots;
  std::erase_if(roots, [](const SandboxRoot& root) { return root.role != RootRole::kJudged; });
  for (SandboxRoot& root : roots) root.seen_path = root.disk_path;
  plan_.mounts.clear();
  plan_.home.clear();

  const std::string temporary = layout_.work_area + "/tmp";
  const std::string home = layout_.work_area + "/home";
  RETURN_IF_ERROR(MakeDirectory(temporary, 01777));
  if (!IsDirectory(home)) RETURN_IF_ERROR(MakeDirectory(home, 0755));
  roots.push_back({temporary, temporary, RootRole::kTemporary});
  if (spec_.tmp_on_other_device)
    Note("without a mount namespace $TMPDIR is on the device of the private copy");

  plan_.home_upper = home;
  layout_.home_upper = home;
  layout_.environment = {"HOME=" + home, "TMPDIR=" + temporary};
  return {};
}

void SandboxBuilder::NoteView(Isolation isolation, const std::string& problem) {
  for (std::string& sentence : copy_notes_) Note(std::move(sentence));

  if (isolation == Isolation::kMountOnly && at_most_ == Isolation::kFull) {
    Note(fmt::format("no pid namespace ({}): process ids differ from run to run", problem));
  }

  if (!plan_.home.empty() && parts_.warden->view().home_overlay) {
    layout_.home_upper = plan_.home_upper;
  } else if (!plan_.home.empty()) {
    Note(fmt::format("{} is read-only in the sandbox ({})", plan_.home,
                     parts_.warden->view().home_problem));
  }

  if (isolation != Isolation::kNone && geteuid() != 0) {
    Note("files of other users appear to belong to nobody (user namespace)");
  }
}

void SandboxBuilder::NoteFileSystem() {
  if (spec_.in_memory) layout_.file_system = FileSystemType(layout_.roots[0].disk_path);

  const std::string original = FileSystemType(judged_.originals[0]);
  if (original != layout_.file_system) {
    Note(fmt::format(
        "the private copy is on {}, the original on {}: features that only one of "
        "them has behave differently{}",
        layout_.file_system, original, spec_.in_memory ? "" : " (--work-dir chooses the place)"));
  }

  // A view mounts the copy with the original's flags, which an unprivileged user cannot do.
  struct statvfs vfs;
  if (!spec_.in_memory && statvfs(layout_.work_area.c_str(), &vfs) == 0 &&
      (vfs.f_flag & ST_NOEXEC) != 0 && (layout_.isolation == Isolation::kNone || geteuid() != 0)) {
    Note(
        "programs in the private copy cannot be started, because it is on a file system that is "
        "mounted noexec; choose another place with --work-dir");
  }
}

std::string SandboxBuilder::WorkingDirectory() const {
  for (size_t i = 0; i < judged_.originals.size(); ++i) {
    if (IsWithin(judged_.caller, judged_.originals[i]))
      return Rebase(judged_.caller, judged_.originals[i], layout_.roots[i].seen_path);
  }
  return layout_.roots[0].seen_path;
}

}  // namespace oldornew
