// Short forms of crash states for tests.
#pragma once

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "base/text.h"
#include "model/crash_states.h"

namespace oldornew {

/// One path: "absent", "empty", "directory", "->target", or runs of a letter and their length
/// ("A4096B100"); '0' stands for zero bytes, '?' for the stale pattern.
inline std::string Show(const FileTree& tree, std::string_view path, size_t root = 0) {
  const auto at = tree.Lookup(path, root);
  if (!at) return "absent";
  const Inode& inode = tree.at(*at);
  if (inode.kind == FileKind::kDirectory) return "directory";
  if (inode.kind == FileKind::kSymlink) return "->" + inode.target;
  const std::string bytes = inode.content.ToString();
  if (bytes.empty()) return "empty";
  std::string out;
  for (size_t i = 0; i < bytes.size();) {
    auto letter = [&](size_t k) { return bytes[k] == 0 ? '0' : bytes[k] & 0x80 ? '?' : bytes[k]; };
    size_t j = i;
    while (j < bytes.size() && letter(j) == letter(i)) ++j;
    out += letter(i) + std::to_string(j - i);
    i = j;
  }

  return out;
}

/// What the paths show, joined by spaces, in every state reachable at or after `from_point`.
inline std::set<std::string> SeenTogether(const Trace& trace, const std::string& profile,
                                          const std::vector<std::string>& paths,
                                          uint32_t from_point = 0, Grain grain = Grain::kCall) {
  std::set<std::string> out;
  Limits limits;
  limits.grain = grain;
  const Profile* row = FindProfile(profile);
  EXPECT_NE(row, nullptr) << profile;
  const Coverage coverage =
      ForEachCrashState(trace, *row, {paths}, limits, [&](const CrashState& state) {
        std::vector<std::string> shown;
        for (const std::string& path : paths) shown.push_back(Show(state.tree, path));
        if (state.last_point >= from_point) out.insert(Join(shown, " "));
        return true;
      });
  EXPECT_TRUE(coverage.exhaustive) << profile;
  return out;
}

inline std::set<std::string> Seen(const Trace& trace, const std::string& profile,
                                  const std::string& path, uint32_t from_point = 0,
                                  Grain grain = Grain::kCall) {
  return SeenTogether(trace, profile, {path}, from_point, grain);
}

}  // namespace oldornew
