#include "run/judged_directories.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/files.h"
#include "run/places.h"

namespace oldornew {
namespace {

/// `given` is what the user wrote, for messages; `others` were accepted before.
Status CheckDirectory(const std::string& given, const std::string& resolved,
                      const std::vector<std::string>& others) {
  if (resolved == "/") {
    return FailWith(
        ExitCode::kUsage,
        "the whole file system (\"/\") cannot be judged; choose a directory with --dir");
  }

  if (!IsDirectory(resolved)) return FailWith(ExitCode::kUsage, "{} is not a directory", given);
  if (access(resolved.c_str(), R_OK | X_OK) != 0) {
    return FailWith(ExitCode::kUsage, "cannot read the directory {}: {}", given, ErrnoText(errno));
  }

  for (const std::string& other : others) {
    if (IsWithin(resolved, other) || IsWithin(other, resolved)) {
      return FailWith(ExitCode::kUsage, "{} and {} overlap; name only the outer one", other,
                      resolved);
    }
  }

  // File systems of the kernel cannot be copied. /dev/shm is an ordinary tmpfs.
  for (const char* virtual_place : {"/proc", "/sys", "/dev"}) {
    if (IsWithin(resolved, virtual_place) && !IsWithin(resolved, "/dev/shm")) {
      return FailWith(ExitCode::kUsage, "{} is not on a real file system and cannot be judged",
                      given);
    }
  }
  return {};
}

}  // namespace

bool JudgedDirectories::Hold(const std::string& path) const {
  return std::any_of(originals.begin(), originals.end(),
                     [&](const std::string& original) { return IsWithin(path, original); });
}

Result<JudgedDirectories> ResolveJudged(const SandboxSpec& spec) {
  JudgedDirectories judged;
  ASSIGN_OR_RETURN(judged.caller, RealPath("."));

  std::vector<std::string> given = {spec.directory.empty() ? judged.caller : spec.directory};
  given.insert(given.end(), spec.also_directories.begin(), spec.also_directories.end());

  for (const std::string& directory : given) {
    Result<std::string> resolved = RealPath(directory);
    if (!resolved) return tl::unexpected(resolved.error());
    RETURN_IF_ERROR(CheckDirectory(directory, *resolved, judged.originals));
    judged.originals.push_back(*std::move(resolved));
  }

  return judged;
}

}  // namespace oldornew
