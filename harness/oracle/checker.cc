#include "oracle/checker.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace oldornew {

FileTree WithoutVolatile(const FileTree& tree, const std::vector<std::string>& globs) {
  FileTree out = tree;
  for (const auto& [path, index] : tree.Walk()) {
    auto& entries = out.at(index).entries;
    std::erase_if(entries, [&, &dir = path](const auto& entry) {
      const std::string child = JoinPath(dir, entry.first);
      return std::any_of(globs.begin(), globs.end(),
                         [&](const std::string& glob) { return GlobMatches(glob, child); });
    });
  }
  return out;
}

std::string ShowAnswer(const CheckerAnswer& answer) {
  return answer.exit_status == 0 ? answer.output
                                 : fmt::format("(exit {}) {}", answer.exit_status, answer.output);
}

}  // namespace oldornew
