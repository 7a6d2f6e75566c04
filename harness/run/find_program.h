// Which file a command's first word means.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace oldornew {

/// Every file that `program` may mean, in the order in which a shell tries them. `path` is $PATH.
/// Relative results are relative to the current directory.
std::vector<std::string> ProgramCandidates(const std::string& program, const std::string& path);

/// True when `path` is a regular file that this process may execute.
bool IsExecutableFile(const std::string& path);

/// The file that runs when `program` is started with `path` ($PATH) in `directory`; nullopt: there
/// is none.
std::optional<std::string> FindProgram(const std::string& program, const std::string& path,
                                       const std::string& directory);

}  // namespace oldornew
