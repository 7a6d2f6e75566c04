#include "lab/litter_growth.h"

namespace oldornew {

// How many names of that pattern the run left.
size_t LitterGrowth::CountOf(const Trace& trace, const std::string& pattern) const {
  size_t count = 0;
  for (size_t root = 0; root < trace.roots.size() && root < trace.new_tree.roots().size(); ++root) {
    for (const auto& [path, inode] : trace.new_tree.Walk(root))
      count += patterns_.Of(ShowPlace(trace, {root, path})) == pattern;
  }
  return count;
}

Status LitterGrowth::Ask(const RunSpec& run, const Trace& failed, EndViolation* violation) {
  if (!violation->piles_up) return {};
  const std::string pattern = patterns_.Of(violation->path);
  auto known = grows_.find(pattern);
  if (known == grows_.end()) {
    ASSIGN_OR_RETURN(const Trace next, lab_.Run(0, run, &failed.new_tree));
    known = grows_.emplace(pattern, CountOf(next, pattern) > CountOf(failed, pattern)).first;
  }
  if (known->second) return {};

  violation->severity = Severity::kWarning;
  std::string& message = violation->message;
  if (const size_t at = message.find(kLeavesOneMore); at != std::string::npos)
    message.erase(at, sizeof(kLeavesOneMore) - 1);
  return {};
}

}  // namespace oldornew
