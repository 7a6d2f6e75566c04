#include "run/find_program.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

namespace oldornew {

std::vector<std::string> ProgramCandidates(const std::string& program, const std::string& path) {
  if (program.empty()) return {};
  if (program.find('/') != std::string::npos) return {program};

  std::vector<std::string> result;
  for (const std::string& dir : Split(path, ':'))
    result.push_back((dir.empty() ? "." : dir) + "/" + program);
  return result;
}

bool IsExecutableFile(const std::string& path) {
  struct stat st;
  return stat(path.c_str(), &st) == 0 && S_ISREG(st.st_mode) && access(path.c_str(), X_OK) == 0;
}

std::optional<std::string> FindProgram(const std::string& program, const std::string& path,
                                       const std::string& directory) {
  for (const std::string& candidate : ProgramCandidates(program, path)) {
    const std::string full =
        candidate.starts_with("/") ? candidate : JoinPath(directory, candidate);
    if (IsExecutableFile(full)) return full;
  }
  return std::nullopt;
}

}  // namespace oldornew
