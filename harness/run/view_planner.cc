#include "run/view_planner.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "base/files.h"
#include "base/text.h"
#include "interpose/wire.h"
#include "run/places.h"

namespace oldornew {
namespace {

// Roots that share a mount on the user's machine lie in this directory. It also holds the links
// that lead to each of them from the meeting place.
constexpr const char* kTogether = "together";

/// The meeting place has links with one digit.
constexpr size_t kMaxLinks = 10;

/// True when the kernel would rename a file from one to the other.
bool ShareAMount(const std::string& a, const std::string& b) {
  struct statx first;
  struct statx second;
  if (statx(AT_FDCWD, a.c_str(), 0, STATX_BASIC_STATS | STATX_MNT_ID, &first) != 0 ||
      statx(AT_FDCWD, b.c_str(), 0, STATX_BASIC_STATS | STATX_MNT_ID, &second) != 0)
    return false;

  // Linux before 5.8 does not report the mount. Then neither mask has the bit.
  return first.stx_dev_major == second.stx_dev_major &&
         first.stx_dev_minor == second.stx_dev_minor &&
         ((first.stx_mask & STATX_MNT_ID) == 0 || first.stx_mnt_id == second.stx_mnt_id);
}

/// `name` itself, or `name` in the directory of those that share a mount.
std::string PlacedName(bool together, const std::string& name) {
  return together ? JoinPath(kTogether, name) : name;
}

}  // namespace

ViewPlanner::ViewPlanner(const SandboxSpec& spec, const JudgedDirectories& judged,
                         SandboxLayout& layout, ViewPlan& plan)
    : spec_(spec), judged_(judged), layout_(layout), plan_(plan) {}

std::string ViewPlanner::Place(MemoryMount which) const {
  if (!spec_.in_memory) return layout_.work_area;

  // Not "self", because our children look there too.
  return fmt::format("/proc/{}/fd/{}", getpid(), layout_.memory[static_cast<size_t>(which)].get());
}

ViewMount ViewPlanner::Mount(std::string target, MemoryMount which,
                             const std::string& below) const {
  if (!spec_.in_memory) return {std::move(target), JoinPath(layout_.work_area, below)};
  return {std::move(target), below, false, which};
}

void ViewPlanner::PlanRecorder() {
  plan_.recorder = Mount(kRecorderMount, MemoryMount::kRecorder, "recorder");
  layout_.recorder_path = Place(MemoryMount::kRecorder) + "/recorder";
  plan_.directories.push_back({layout_.recorder_path, 0711});
  plan_.directories.push_back({JoinPath(Place(MemoryMount::kJudged), kTogether), 0711});
}

void ViewPlanner::PlanCopies() {
  const std::vector<std::string>& originals = judged_.originals;
  const std::string place = Place(MemoryMount::kJudged);

  for (size_t i = 0; i < originals.size(); ++i) {
    const bool together = ShareAMount(originals[i], originals[0]);
    const std::string holder = PlacedName(together, fmt::format("copy{}", i));
    // The copy keeps its name, because a program sees it where there is no view.
    const std::string below = JoinPath(holder, BaseName(originals[i]));

    plan_.directories.push_back({JoinPath(place, holder), 0711});
    plan_.directories.push_back({JoinPath(place, below), 0700});
    layout_.roots.push_back({originals[i], JoinPath(place, below), RootRole::kJudged});
    plan_.mounts.push_back(Mount(originals[i], MemoryMount::kJudged, below));
    if (together) LinkFromMeetingPlace(below);
  }
}

void ViewPlanner::PlanView() {
  PlanTemporaries();

  // With one root there is no other to rename to.
  if (plan_.links.size() > 1) {
    plan_.directories.push_back({layout_.recorder_path + "/meet", 0711});
    plan_.meeting = Mount(wire::kMeetingPlace, MemoryMount::kJudged, kTogether);
  }

  PlanVisible();
  PlanHome();
}

void ViewPlanner::PlanTemporaries() {
  const std::vector<std::string> candidates = {"/tmp", "/var/tmp", "/dev/shm",
                                               EnvironmentVariable("TMPDIR")};
  for (const std::string& candidate : candidates) {
    auto resolved = RealPath(candidate);
    if (!resolved || !IsDirectory(*resolved) || *resolved == "/" || judged_.Hold(*resolved))
      continue;

    // $TMPDIR below /tmp becomes a plain directory in the private /tmp.
    const auto covers =
        std::find_if(layout_.roots.begin(), layout_.roots.end(), [&](const SandboxRoot& root) {
          return root.role == RootRole::kTemporary && IsWithin(*resolved, root.seen_path);
        });
    if (covers != layout_.roots.end()) {
      nested_.push_back(Rebase(*resolved, covers->seen_path, covers->disk_path));
    } else {
      PlanTemporary(*resolved);
    }
  }
}

void ViewPlanner::PlanTemporary(const std::string& resolved) {
  // Files are renamed from a temporary directory into the judged one. That must work in the sandbox
  // exactly if it works for the user.
  const bool together = !spec_.tmp_on_other_device && ShareAMount(resolved, judged_.originals[0]);
  const MemoryMount where = together ? MemoryMount::kJudged : MemoryMount::kTemporary;
  const std::string name = PlacedName(together, fmt::format("tmp{}", layout_.roots.size()));
  const std::string on_disk = JoinPath(Place(where), name);

  struct stat st;
  const mode_t mode = stat(resolved.c_str(), &st) == 0 ? st.st_mode & 07777 : 01777;
  plan_.directories.push_back({on_disk, mode});
  layout_.roots.push_back({resolved, on_disk, RootRole::kTemporary});
  plan_.mounts.push_back(Mount(resolved, where, name));
  if (together) LinkFromMeetingPlace(name);
}

void ViewPlanner::LinkFromMeetingPlace(const std::string& below) {
  const size_t number = layout_.roots.size() - 1;
  if (number >= kMaxLinks) return;  // roots beyond that are on different mounts for the program

  const std::string place = JoinPath(Place(MemoryMount::kJudged), kTogether);
  const std::string target = below.substr(std::string_view(kTogether).size() + 1);
  plan_.links.emplace_back(JoinPath(place, fmt::format("{}", number)), target);
}

void ViewPlanner::PlanHome() {
  auto home = RealPath(EnvironmentVariable("HOME"));
  if (!home || *home == "/" || !IsDirectory(*home) || judged_.Hold(*home)) return;
  for (const ViewMount& mount : plan_.mounts) {
    if (mount.target == *home) return;
  }

  const std::string upper = layout_.work_area + "/home";
  const std::string work = layout_.work_area + "/home.work";
  if (!MakeDirectory(upper, 0755) || !MakeDirectory(work, 0755)) return;
  plan_.home = *home;
  plan_.home_upper = upper;
  plan_.home_work = work;

  // An overlay shows the attributes of its upper directory.
  struct stat st;
  if (stat(home->c_str(), &st) == 0) {
    chmod(upper.c_str(), st.st_mode & 07777);
    // Without root this fails when $HOME belongs to somebody else. Then the directory stays ours.
    if (chown(upper.c_str(), st.st_uid, st.st_gid) != 0) errno = 0;
  }
}

bool ViewPlanner::MustBeShown(const std::string& resolved) const {
  const auto any_mount = [&](auto matches) {
    return std::any_of(plan_.mounts.begin(), plan_.mounts.end(), matches);
  };

  const bool covered = any_mount([&](const ViewMount& mount) {
    return !mount.read_only && IsWithin(resolved, mount.target) && resolved != mount.target;
  });

  const bool known = any_mount(
      [&](const ViewMount& mount) { return mount.read_only && mount.target == resolved; });

  // A directory that holds a judged one would hide it.
  const bool holds_judged =
      std::any_of(judged_.originals.begin(), judged_.originals.end(),
                  [&](const std::string& original) { return IsWithin(original, resolved); });
  return covered && !known && !holds_judged;
}

void ViewPlanner::PlanVisible() {
  for (const std::string& path : spec_.visible) {
    auto resolved = RealPath(path);
    if (!resolved || judged_.Hold(*resolved)) continue;
    if (MustBeShown(*resolved)) plan_.mounts.push_back({*resolved, *resolved, true});
  }
}

Status MakePlanned(const ViewPlan& plan) {
  for (const auto& [path, mode] : plan.directories) RETURN_IF_ERROR(MakeDirectory(path, mode));
  for (const auto& [path, target] : plan.links) {
    if (symlink(target.c_str(), path.c_str()) != 0)
      return Fail("cannot make {}: {}", path, ErrnoText(errno));
  }
  return {};
}

}  // namespace oldornew
