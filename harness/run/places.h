// Places: paths and file systems of the machine, as the sandbox needs them.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/files.h"
#include "base/result.h"

namespace oldornew {

/// True when `path` is `directory` or below it. Both absolute and free of symlinks.
bool IsWithin(const std::string& path, const std::string& directory);

/// "b/c" for "/a/b/c" in "/a"; "" for the directory itself. REQUIRES: IsWithin(path, directory).
std::string RelativeTo(const std::string& path, const std::string& directory);

/// The path that `path` has after directory `from` becomes `to`. REQUIRES: IsWithin(path, from).
std::string Rebase(const std::string& path, const std::string& from, const std::string& to);

/// Type of the file system that holds `path`: "ext2/ext3", "xfs", "btrfs", "tmpfs", ...; a hex
/// number when unknown.
std::string FileSystemType(const std::string& path);

/// $NAME, or "" when it is not set.
std::string EnvironmentVariable(const char* name);

/// True when `path` is a directory, or a symlink to one.
bool IsDirectory(const std::string& path);

/// Makes one directory with exactly this mode: the umask does not apply.
Status MakeDirectory(const std::string& path, mode_t mode);

/// Removes everything in `directory`, but not the directory itself.
Status ClearDirectory(const std::string& directory);

/// Every file and every empty directory below `directory`, as paths relative to it, in byte order.
std::vector<std::string> LeavesBelow(const std::string& directory);

}  // namespace oldornew
