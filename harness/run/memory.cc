#include "run/memory.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/text.h"

namespace oldornew {
namespace {

// More inodes than any run makes. The kernel's own default is one for every two pages of memory.
constexpr uint64_t kManyInodes = uint64_t{1} << 24;

constexpr uint64_t kMemoryPage = 4096;

Status Set(int context, const char* key, const std::string& value) {
  if (fsconfig(context, FSCONFIG_SET_STRING, key, value.c_str(), 0) == 0) return {};
  return Fail("tmpfs {}={}: {}", key, value, ErrnoText(errno));
}

}  // namespace

const char* MemoryMountName(MemoryMount which) {
  switch (which) {
    case MemoryMount::kJudged:
      return "judged";
    case MemoryMount::kTemporary:
      return "temporary";
    case MemoryMount::kRecorder:
      return "recorder";
  }

  return "";
}

Result<UniqueFd> MakeMemoryMount() {
  UniqueFd context(fsopen("tmpfs", FSOPEN_CLOEXEC));
  if (!context.valid()) return Fail("no tmpfs here: {}", ErrnoText(errno));
  RETURN_IF_ERROR(Set(context.get(), "size", "50%"));
  RETURN_IF_ERROR(Set(context.get(), "nr_inodes", fmt::format("{}", kManyInodes)));
  RETURN_IF_ERROR(Set(context.get(), "mode", "0711"));

  // A large folio is given or refused as a whole, so a short write would not end at a page. Kernels
  // without large folios may not know the option.
  (void)Set(context.get(), "huge", "never");
  if (fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    return Fail("cannot make a tmpfs: {}", ErrnoText(errno));
  }

  UniqueFd mount(fsmount(context.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID));
  if (!mount.valid()) return Fail("cannot mount a tmpfs: {}", ErrnoText(errno));

  UniqueFd file(openat(mount.get(), "room", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.valid() || pwrite(file.get(), "", 1, 0) != 1) {
    return Fail("cannot write to a new tmpfs: {}", ErrnoText(errno));
  }

  return mount;
}

Status LimitMemoryMount(int root, const SpaceLimit& limit) {
  ASSIGN_OR_RETURN(const Space used, MemoryMountUsed(root));

  UniqueFd context(fspick(root, "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH));
  if (!context.valid()) return Fail("cannot resize a tmpfs: {}", ErrnoText(errno));

  std::string size = "50%";
  if (limit.free_bytes) {
    const uint64_t pages = std::min(*limit.free_bytes / kMemoryPage, uint64_t{1} << 40);
    size = fmt::format("{}", used.bytes + pages * kMemoryPage);
  }

  uint64_t inodes = kManyInodes;
  if (limit.free_inodes) inodes = used.inodes + std::min(*limit.free_inodes, kManyInodes);

  RETURN_IF_ERROR(Set(context.get(), "size", size));
  RETURN_IF_ERROR(Set(context.get(), "nr_inodes", fmt::format("{}", inodes)));
  if (fsconfig(context.get(), FSCONFIG_CMD_RECONFIGURE, nullptr, nullptr, 0) != 0) {
    return Fail("cannot resize a tmpfs: {}", ErrnoText(errno));
  }
  return {};
}

Result<Space> MemoryMountUsed(int root) {
  struct statvfs vfs;
  if (fstatvfs(root, &vfs) != 0)
    return Fail("cannot ask a tmpfs what is used: {}", ErrnoText(errno));
  return Space{(vfs.f_blocks - vfs.f_bfree) * vfs.f_frsize, vfs.f_files - vfs.f_ffree};
}

}  // namespace oldornew
