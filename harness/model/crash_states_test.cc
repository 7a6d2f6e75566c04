#include "model/crash_states.h"

#include <gmock/gmock.h>

#include <map>
#include <set>

#include "model/history.h"
#include "model/testing/trace_builder.h"

namespace oldornew {
namespace {

using ::testing::Contains;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

const Profile& Row(const char* name) {
  const Profile* row = FindProfile(name);
  EXPECT_NE(row, nullptr) << name;
  return *row;
}

// A short form of one file: "absent", "empty", runs of a letter with their length, '0' for zeros, '?' for the
// pattern.
std::string Show(const FileTree& tree, std::string_view path) {
  const auto at = tree.Lookup(path);
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

std::set<std::string> Seen(const Trace& trace, const char* profile, const std::string& path,
                           uint32_t from_point = 0, Grain grain = Grain::kCall) {
  std::set<std::string> out;
  Limits limits;
  limits.grain = grain;
  const Coverage coverage =
      ForEachCrashState(trace, Row(profile), {{path}}, limits, [&](const CrashState& state) {
        if (state.last_point >= from_point) out.insert(Show(state.tree, path));
        return true;
      });
  EXPECT_TRUE(coverage.exhaustive);
  return out;
}

const std::string A(4096, 'A'), B(4096, 'B');

TEST(CrashStates, ReplaceWithoutFsyncIsZerosOnExt4EmptyOnXfsAndNeverBothOldAndGone) {
  const Trace trace =
      TraceBuilder().OldFile("f", A + A).Create("t").Write("t", 0, B + B).Rename("t", "f").Exit().Build();
  EXPECT_THAT(Seen(trace, "ext4", "f"),
              UnorderedElementsAre("A8192", "B8192", "08192", "B409604096", "04096B4096"));
  EXPECT_THAT(Seen(trace, "ext4,dioread_lock", "f"), UnorderedElementsAre("A8192", "B8192"));
  EXPECT_THAT(Seen(trace, "xfs", "f"), UnorderedElementsAre("A8192", "empty", "B4096", "B8192"));
  EXPECT_THAT(Seen(trace, "btrfs", "f"), UnorderedElementsAre("A8192", "empty", "B4096", "B8192"));
  EXPECT_THAT(Seen(trace, "btrfs,flushoncommit", "f"), UnorderedElementsAre("A8192", "B8192"));
  EXPECT_THAT(Seen(trace, "posix", "f"), IsSupersetOf({"A8192", "empty", "B8192", "08192", "?8192"}));
  EXPECT_THAT(Seen(trace, "posix", "f"), Not(Contains("absent")));
}

TEST(CrashStates, ReplaceWithFsyncIsOldOrNewInEveryRowThatSyncs) {
  const Trace trace = TraceBuilder()
                          .OldFile("f", A)
                          .Create("t")
                          .Write("t", 0, B)
                          .Fsync("t")
                          .Rename("t", "f")
                          .Fsync("")
                          .Exit()
                          .Build();
  for (const Profile& row : Profiles()) {
    if (row.sync_noop) continue;
    EXPECT_THAT(Seen(trace, row.name.c_str(), "f"), UnorderedElementsAre("A4096", "B4096")) << row.name;
    EXPECT_THAT(Seen(trace, row.name.c_str(), "f", 5), UnorderedElementsAre("B4096")) << row.name;
  }
}

}  // namespace
}  // namespace oldornew
