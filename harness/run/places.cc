#include "run/places.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/files.h"
#include "base/text.h"

namespace oldornew {
namespace {

Result<std::vector<std::string>> NamesIn(const std::string& directory) {
  DIR* dir = opendir(directory.c_str());
  if (dir == nullptr) return Fail("cannot list {}: {}", directory, ErrnoText(errno));

  std::vector<std::string> names;
  while (const dirent* entry = readdir(dir)) {
    if (std::strcmp(entry->d_name, ".") != 0 && std::strcmp(entry->d_name, "..") != 0)
      names.emplace_back(entry->d_name);
  }

  closedir(dir);
  std::sort(names.begin(), names.end());
  return names;
}

void CollectLeaves(const std::string& top, const std::string& path,
                   std::vector<std::string>& result) {
  auto names = NamesIn(JoinPath(top, path));
  if (!names) return;
  if (names->empty() && !path.empty()) result.push_back(path);

  for (const std::string& name : *names) {
    const std::string child = JoinPath(path, name);
    struct stat st;
    if (lstat(JoinPath(top, child).c_str(), &st) != 0) continue;
    if (S_ISDIR(st.st_mode)) {
      CollectLeaves(top, child, result);
    } else {
      result.push_back(child);
    }
  }
}

}  // namespace

bool IsWithin(const std::string& path, const std::string& directory) {
  if (directory == "/") return path.starts_with("/");
  return path.starts_with(directory) &&
         (path.size() == directory.size() || path[directory.size()] == '/');
}

std::string RelativeTo(const std::string& path, const std::string& directory) {
  if (path.size() == directory.size()) return "";
  return path.substr(directory == "/" ? 1 : directory.size() + 1);
}

std::string Rebase(const std::string& path, const std::string& from, const std::string& to) {
  const std::string rest = RelativeTo(path, from);
  return rest.empty() ? to : JoinPath(to, rest);
}

std::string FileSystemType(const std::string& path) {
  struct statfs fs;
  if (statfs(path.c_str(), &fs) != 0) return "unknown";

  // The numbers are from statfs(2), the names are those that stat -f prints.
  switch (static_cast<uint32_t>(fs.f_type)) {
    case 0xEF53:
      return "ext2/ext3";
    case 0x58465342:
      return "xfs";
    case 0x9123683E:
      return "btrfs";
    case 0x01021994:
      return "tmpfs";
    case 0x794C7630:
      return "overlayfs";
    case 0xF2F52010:
      return "f2fs";
    case 0x2FC12FC1:
      return "zfs";
    case 0xCA451A4E:
      return "bcachefs";
    case 0x6969:
      return "nfs";
    case 0xFF534D42:
      return "cifs";
    case 0xFE534D42:
      return "smb2";
    case 0x65735546:
      return "fuseblk";
    case 0x01021997:
      return "v9fs";
    case 0x4D44:
      return "msdos";
    case 0x2011BAB0:
      return "exfat";
    case 0x858458F6:
      return "ramfs";
    case 0xF15F:
      return "ecryptfs";
    case 0x3153464A:
      return "jfs";
    case 0x52654973:
      return "reiserfs";
    default:
      return fmt::format("{:#x}", static_cast<uint32_t>(fs.f_type));
  }
}

std::string EnvironmentVariable(const char* name) {
  const char* value = getenv(name);
  return value == nullptr ? "" : value;
}

bool IsDirectory(const std::string& path) {
  struct stat st;
  return stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode);
}

Status MakeDirectory(const std::string& path, mode_t mode) {
  if (mkdir(path.c_str(), mode) != 0 || chmod(path.c_str(), mode) != 0) {
    return Fail("cannot make {}: {}", path, ErrnoText(errno));
  }
  return {};
}

Status ClearDirectory(const std::string& directory) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesIn(directory));
  for (const std::string& name : names) RETURN_IF_ERROR(RemoveTree(JoinPath(directory, name)));
  return {};
}

std::vector<std::string> LeavesBelow(const std::string& directory) {
  std::vector<std::string> result;
  CollectLeaves(directory, "", result);
  std::sort(result.begin(), result.end());
  return result;
}

}  // namespace oldornew
