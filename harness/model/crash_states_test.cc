#include "model/crash_states.h"

#include <gmock/gmock.h>

#include "model/history.h"
#include "model/testing/show.h"
#include "model/testing/trace_builder.h"

namespace oldornew {
namespace {

using ::testing::Contains;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

const std::string A(4096, 'A'), B(4096, 'B');

TEST(CrashStates, ReplaceWithoutFsyncIsZerosOnExt4EmptyOnXfsAndNeverBothOldAndGone) {
  const Trace trace = TraceBuilder()
                          .OldFile("f", A + A)
                          .Create("t")
                          .Write("t", 0, B + B)
                          .Rename("t", "f")
                          .Exit()
                          .Build();
  EXPECT_THAT(Seen(trace, "ext4", "f"),
              UnorderedElementsAre("A8192", "B8192", "08192", "B409604096", "04096B4096"));
  EXPECT_THAT(Seen(trace, "ext4,dioread_lock", "f"), UnorderedElementsAre("A8192", "B8192"));
  EXPECT_THAT(Seen(trace, "xfs", "f"), UnorderedElementsAre("A8192", "empty", "B4096", "B8192"));
  EXPECT_THAT(Seen(trace, "btrfs", "f"), UnorderedElementsAre("A8192", "empty", "B4096", "B8192"));
  EXPECT_THAT(Seen(trace, "btrfs,flushoncommit", "f"), UnorderedElementsAre("A8192", "B8192"));
  EXPECT_THAT(Seen(trace, "posix", "f"),
              IsSupersetOf({"A8192", "empty", "B8192", "08192", "?8192"}));
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
    EXPECT_THAT(Seen(trace, row.name.c_str(), "f"), UnorderedElementsAre("A4096", "B4096"))
        << row.name;
    EXPECT_THAT(Seen(trace, row.name.c_str(), "f", 5), UnorderedElementsAre("B4096")) << row.name;
  }
}

}  // namespace
}  // namespace oldornew
