// One test for each rule of docs/model.md that the litmus tests do not already hold: take the rule
// away and it fails.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <linux/falloc.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "model/crash_states.h"
#include "model/history.h"
#include "model/testing/show.h"
#include "model/testing/trace_builder.h"

namespace oldornew {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

const std::string A(4096, 'A'), B(4096, 'B'), C(4096, 'C');

std::vector<std::string> RowsThatSync() {
  std::vector<std::string> out;
  for (const Profile& row : Profiles()) {
    if (!row.sync_noop) out.push_back(row.name);
  }
  return out;
}

TEST(Rules, ALostRenameBringsTheOverwrittenTargetBack) {
  const Trace trace = TraceBuilder().OldFile("f", A).OldFile("t", B).Rename("t", "f").Build();
  for (const std::string& row : RowsThatSync()) {
    EXPECT_THAT(Seen(trace, row, "f"), UnorderedElementsAre("A4096", "B4096")) << row;
  }
  EXPECT_THAT(Seen(trace, "posix", "t"), UnorderedElementsAre("absent", "B4096"));
}

TEST(Rules, ARenameToAFreshNameMayLeaveBothNamesOrNeitherOnPosixOnly) {
  const Trace trace = TraceBuilder().OldFile("a", A).Rename("a", "b").Build();
  EXPECT_THAT(SeenTogether(trace, "posix", {"a", "b"}),
              UnorderedElementsAre("A4096 absent", "absent A4096", "A4096 A4096", "absent absent"));
  for (const char* row : {"ext4", "xfs", "btrfs", "f2fs"}) {
    EXPECT_THAT(SeenTogether(trace, row, {"a", "b"}),
                UnorderedElementsAre("A4096 absent", "absent A4096"))
        << row;
  }
}

TEST(Rules, ARenamedDirectoryIsNeverInTwoPlacesNorNowhere) {
  const Trace trace = TraceBuilder()
                          .OldDir("a")
                          .OldFile("a/f", A)
                          .OldDir("p")
                          .Rename("a", "p/b")
                          .Fsync("p")
                          .Build();
  for (const std::string& row : RowsThatSync()) {
    EXPECT_THAT(SeenTogether(trace, row, {"a/f", "p/b/f"}),
                UnorderedElementsAre("A4096 absent", "absent A4096"))
        << row;
    EXPECT_THAT(SeenTogether(trace, row, {"a/f", "p/b/f"}, 2), UnorderedElementsAre("absent A4096"))
        << row;
    EXPECT_THAT(Seen(trace, row, "a/f", 2), UnorderedElementsAre("absent")) << row;
  }
}

TEST(Rules, AFailedCallChangesNothing) {
  const Trace trace = TraceBuilder()
                          .OldFile("f", A)
                          .Failing(ENOSPC)
                          .Write("f", 0, B)
                          .Failing(EXDEV)
                          .Rename("f", "g")
                          .Build();
  for (const Profile& row : Profiles()) {
    if (row.after_crash == AfterCrash::kEmpty) continue;
    EXPECT_THAT(SeenTogether(trace, row.name, {"f", "g"}), UnorderedElementsAre("A4096 absent"))
        << row.name;
  }
}

TEST(Rules, AFailedFsyncForcesNothingAndALaterOneOnlyWhatWasWrittenAgain) {
  const auto start = [] {
    return TraceBuilder().OldFile("f", A + A).Write("f", 0, B + B).Failing(EIO).Fsync("f");
  };
  const Trace again = start().Fsync("f").Build();
  const Trace rewritten = start().Write("f", 0, C).Fsync("f").Build();
  for (const std::string& row : RowsThatSync()) {
    // data travels with the metadata
    if (row == "ext4,data=journal" || row == "btrfs,flushoncommit") continue;
    EXPECT_THAT(Seen(again, row, "f", 3), IsSupersetOf({"A8192", "B8192"})) << row;
    const auto states = Seen(rewritten, row, "f", 4);
    EXPECT_THAT(states, IsSupersetOf({"C4096A4096", "C4096B4096"})) << row;
    for (const std::string& state : states) EXPECT_EQ(state.substr(0, 5), "C4096") << row;
  }
}

TEST(Rules, AFailedFsyncOfANewFileLeavesItsDataInDoubtForGood) {
  const Trace trace = TraceBuilder()
                          .Create("f")
                          .Write("f", 0, B)
                          .Failing(EIO)
                          .Fsync("f")
                          .Fsync("f")
                          .Fsync("")
                          .Build();
  EXPECT_THAT(Seen(trace, "ext4", "f", 5), IsSupersetOf({"04096", "B4096"}));
  EXPECT_THAT(Seen(trace, "xfs", "f", 5), UnorderedElementsAre("empty", "B4096"));
  EXPECT_THAT(Seen(trace, "btrfs", "f", 5), UnorderedElementsAre("empty", "B4096"));
}

TEST(Rules, AnFsyncThatFailedForAnotherReasonNeverHappened) {
  const Trace trace =
      TraceBuilder().OldFile("f", A).Write("f", 0, B).Failing(EINVAL).Fsync("f").Fsync("f").Build();
  for (const std::string& row : RowsThatSync())
    EXPECT_THAT(Seen(trace, row, "f", 3), ElementsAre("B4096")) << row;
}

TEST(Rules, ODsyncForcesItsOwnRangeOnly) {
  const Trace trace = TraceBuilder()
                          .OldFile("f", A + A)
                          .Write("f", 4096, B)
                          .Write("f", 0, C, kFlagDataSync)
                          .Build();
  for (const char* row : {"ext4", "xfs", "posix", "btrfs,nodatacow"}) {
    EXPECT_THAT(Seen(trace, row, "f", 2),
                UnorderedElementsAre("C4096A4096", "C4096B4096", "C4096B2048A2048"))
        << row;
  }
}

TEST(Rules, AnODsyncWriteUnderWayCanBeThereInPart) {
  const Trace trace =
      TraceBuilder().OldFile("f", A + A).Write("f", 0, B + B, kFlagDataSync).Build();
  EXPECT_THAT(Seen(trace, "ext4", "f"),
              IsSupersetOf({"A8192", "B4096A4096", "A4096B4096", "B8192"}));
  EXPECT_THAT(Seen(trace, "ext4", "f", 1), ElementsAre("B8192"));
}

TEST(Rules, OneSectorIsNeverTorn) {
  const Trace trace =
      TraceBuilder().OldFile("f", A).Write("f", 1024, std::string(512, 'B')).Build();
  EXPECT_THAT(Seen(trace, "posix", "f", 0, Grain::kSector),
              UnorderedElementsAre("A4096", "A1024B512A2560"));
  const Trace two = TraceBuilder().OldFile("f", A).Write("f", 1024, std::string(1024, 'B')).Build();
  EXPECT_THAT(Seen(two, "posix", "f", 0, Grain::kSector),
              UnorderedElementsAre("A4096", "A1024B1024A2048", "A1024B512A2560", "A1536B512A2048"));
}

TEST(Rules, CopyOnWriteAndJournalledPagesAreNeverTorn) {
  const Trace trace = TraceBuilder().OldFile("f", A).Write("f", 0, B).Build();
  for (const char* row : {"btrfs", "ext4,data=journal"}) {
    EXPECT_THAT(Seen(trace, row, "f", 0, Grain::kSector), UnorderedElementsAre("A4096", "B4096"))
        << row;
  }

  EXPECT_GT(Seen(trace, "xfs", "f", 0, Grain::kSector).size(), 10u);
}

TEST(Rules, CloseAfterTruncationPlacesTheDataBeforeTheNextGroupOnExt4) {
  const Trace trace = TraceBuilder()
                          .OldFile("f", A)
                          .OpenTruncate("f")
                          .Write("f", 0, B)
                          .Close("f", kFlagOpenTruncate)
                          .Create("x")
                          .Fsync("x")
                          .Build();
  EXPECT_THAT(Seen(trace, "ext4", "f", 5), UnorderedElementsAre("04096", "B4096"));
  EXPECT_THAT(Seen(trace, "ext4,dioread_lock", "f", 5), UnorderedElementsAre("B4096"));
  EXPECT_THAT(Seen(trace, "ext4,noauto_da_alloc", "f", 5),
              UnorderedElementsAre("empty", "04096", "B4096"));
  EXPECT_THAT(Seen(trace, "xfs", "f", 5), UnorderedElementsAre("empty", "B4096"));
}

TEST(Rules, OnlyARenameOverAnExistingNamePlaces) {
  const Trace trace =
      TraceBuilder().Create("t").Write("t", 0, B).Rename("t", "f").Fsync("").Build();
  EXPECT_THAT(Seen(trace, "ext4", "f", 4), Contains("empty"));
  const Trace over = TraceBuilder()
                         .OldFile("f", A)
                         .Create("t")
                         .Write("t", 0, B)
                         .Rename("t", "f")
                         .Fsync("")
                         .Build();
  EXPECT_THAT(Seen(over, "ext4", "f", 4), UnorderedElementsAre("04096", "B4096"));
}

TEST(Rules, TheNewSizeOfATruncationImpliesTheZerosButInDataWriteback) {
  const Trace open = TraceBuilder()
                         .OldFile("f", A)
                         .Truncate("f", 512)
                         .Truncate("f", 4096)
                         .Create("x")
                         .Fsync("x")
                         .Build();
  EXPECT_THAT(Seen(open, "ext4", "f", 4), UnorderedElementsAre("A51203584"));
  EXPECT_THAT(Seen(open, "ext4,data=writeback", "f", 4), IsSupersetOf({"A51203584", "A4096"}));
}

TEST(Rules, FallocatedSpaceReadsAsZerosUntilTheDataLands) {
  const Trace trace = TraceBuilder()
                          .Create("f")
                          .Allocate("f", 0, 0, 8192, 8192)
                          .Write("f", 0, B)
                          .Create("x")
                          .Fsync("x")
                          .Build();
  for (const char* row : {"ext4", "xfs", "btrfs"}) {
    const auto states = Seen(trace, row, "f", 5);
    EXPECT_THAT(states, IsSupersetOf({"B409604096", "08192"})) << row;
    if (row != std::string("btrfs")) {
      EXPECT_THAT(states, Not(Contains("empty"))) << row;
    }
  }
}

TEST(Rules, WritebackOfAContiguousRangeGoesUpwardsAndAHoleEndsTheRange) {
  const Trace apart = TraceBuilder()
                          .OldFile("f", "")
                          .Write("f", 0, A)
                          .Write("f", 20480, B)
                          .Create("x")
                          .Fsync("x")
                          .Build();
  const Trace together = TraceBuilder()
                             .OldFile("f", "")
                             .Write("f", 0, A)
                             .Write("f", 4096, B)
                             .Create("x")
                             .Fsync("x")
                             .Build();
  for (const char* row : {"xfs", "btrfs,notreelog", "ext4,dioread_lock"}) {
    EXPECT_THAT(Seen(apart, row, "f", 4),
                IsSupersetOf({"empty", "A4096", "020480B4096", "A4096016384B4096"}))
        << row;
    EXPECT_THAT(Seen(together, row, "f", 4), UnorderedElementsAre("empty", "A4096", "A4096B4096"))
        << row;
  }
}

TEST(Rules, GrowingAFileByTruncateWaitsForTheDataBelowWhereSizeFollowsData) {
  const Trace trace = TraceBuilder()
                          .OldFile("f", "")
                          .Write("f", 0, B)
                          .Truncate("f", 8192)
                          .Create("x")
                          .Fsync("x")
                          .Build();
  EXPECT_THAT(Seen(trace, "xfs", "f", 4), UnorderedElementsAre("B409604096"));
  EXPECT_THAT(Seen(trace, "ext4", "f", 4), UnorderedElementsAre("08192", "B409604096"));
}

TEST(Rules, AShorterFileShowsItsDataWhereSizeFollowsDataAndZerosOnExt4) {
  const Trace trace = TraceBuilder()
                          .OldFile("f", "")
                          .Write("f", 0, B + B)
                          .Truncate("f", 4096)
                          .Create("x")
                          .Fsync("x")
                          .Build();
  EXPECT_THAT(Seen(trace, "xfs", "f", 4), UnorderedElementsAre("B4096"));
  EXPECT_THAT(Seen(trace, "ext4", "f", 4), UnorderedElementsAre("04096", "B4096"));
}

TEST(Rules, WithoutDelayedAllocationTheCommitWaitsForNewDataButNotForTheTail) {
  const Trace fresh = TraceBuilder().Create("f").Write("f", 0, B).Fsync("").Build();
  EXPECT_THAT(Seen(fresh, "ext4,nodelalloc", "f"),
              UnorderedElementsAre("absent", "empty", "B4096"));
  const Trace tail =
      TraceBuilder().OldFile("f", "A").Append("f", "B").Create("x").Fsync("x").Build();
  EXPECT_THAT(Seen(tail, "ext4,nodelalloc", "f", 3), UnorderedElementsAre("A101", "A1B1"));
}

TEST(Rules, FdatasyncForcesNeitherARenameNorAttributesWhereItIsStrict) {
  const Trace name = TraceBuilder().OldFile("f", A).Rename("f", "g").Fdatasync("g").Build();
  EXPECT_THAT(SeenTogether(name, "ext4", {"f", "g"}, 2),
              UnorderedElementsAre("A4096 absent", "absent A4096"));
  EXPECT_THAT(SeenTogether(name, "xfs", {"f", "g"}, 2), UnorderedElementsAre("absent A4096"));
  const Trace mode =
      TraceBuilder().OldFile("f", A).Append("f", B).Chmod("f", 0600).Fdatasync("f").Build();
  auto modes = [&](const char* row) {
    std::set<uint32_t> out;
    ForEachCrashState(mode, *FindProfile(row), {{"f"}}, {}, [&](const CrashState& state) {
      if (state.last_point == 3) out.insert(state.tree.at(*state.tree.Lookup("f")).mode);
      return true;
    });
    return out;
  };

  EXPECT_THAT(modes("ext4"), UnorderedElementsAre(0600u, 0644u));
  EXPECT_THAT(modes("posix"), UnorderedElementsAre(0600u, 0644u));
  EXPECT_THAT(modes("xfs"), UnorderedElementsAre(0600u));
  EXPECT_THAT(modes("btrfs"), UnorderedElementsAre(0600u));
}

TEST(Rules, AFailedFsyncForcesNoNameEither) {
  const Trace trace = TraceBuilder().Create("f").Failing(EIO).Fsync("f").Build();
  for (const std::string& row : RowsThatSync())
    EXPECT_THAT(Seen(trace, row, "f", 2), Contains("absent")) << row;
}

TEST(Rules, ALoggedDirectoryBringsWhatWasMovedOutOfItAlong) {
  const Trace trace = TraceBuilder()
                          .OldDir("d")
                          .OldFile("d/x", A)
                          .Create("z")
                          .Create("d/new")
                          .Fsync("d")
                          .Rename("d/x", "y")
                          .Create("n")
                          .Fsync("n")
                          .Build();
  EXPECT_THAT(
      SeenTogether(trace, "btrfs", {"z", "d/x", "y"}, 6),
      UnorderedElementsAre("absent absent A4096", "empty absent A4096", "empty A4096 absent"));
}

TEST(Rules, FsyncOfADirectoryLogsNewChildrenAllTheWayDown) {
  // e/z tells where the commit was: once d itself is committed it is no new child any more.
  const Trace trace =
      TraceBuilder().OldDir("e").Create("e/z").Mkdir("d").Create("d/f").Fsync("").Build();
  EXPECT_THAT(SeenTogether(trace, "btrfs", {"e/z", "d/f"}, 4),
              UnorderedElementsAre("absent empty", "empty empty", "empty absent"));
}

TEST(Rules, ARenameOntoAnotherLinkOfTheSameFileDoesNothing) {
  const Trace trace =
      TraceBuilder().OldFile("f", A).OldLink("f", "g").Rename("f", "g").Fsync("").Build();
  for (const std::string& row : RowsThatSync()) {
    EXPECT_THAT(SeenTogether(trace, row, {"f", "g"}), ElementsAre("A4096 A4096")) << row;
  }
}

TEST(Rules, APunchedHoleIsMetadata) {
  const Trace trace =
      TraceBuilder()
          .OldFile("f", A + A + A)
          .Allocate("f", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 4096, 12288)
          .Fsync("f")
          .Build();
  for (const std::string& row : RowsThatSync()) {
    EXPECT_THAT(Seen(trace, row, "f", 2), Contains("A409604096A4096")) << row;
  }
  EXPECT_THAT(Seen(trace, "ext4", "f"), UnorderedElementsAre("A12288", "A409604096A4096"));
}

TEST(Rules, ACollapsedRangeMovesTheBytesAsAWhole) {
  const Trace trace = TraceBuilder()
                          .OldFile("f", A + B + C)
                          .Allocate("f", FALLOC_FL_COLLAPSE_RANGE, 0, 4096, 8192)
                          .Fsync("f")
                          .Build();
  EXPECT_THAT(Seen(trace, "ext4", "f"), UnorderedElementsAre("A4096B4096C4096", "B4096C4096"));
  EXPECT_THAT(Seen(trace, "ext4", "f", 2), UnorderedElementsAre("B4096C4096"));
}

TEST(Rules, StaleBytesAreZerosOrAPatternThatIsNotText) {
  const Trace trace = TraceBuilder().Create("f").Write("f", 0, B).Create("x").Fsync("x").Build();
  EXPECT_THAT(Seen(trace, "ext4,data=writeback,dioread_lock", "f"),
              IsSupersetOf({"?4096", "04096", "B4096"}));
  EXPECT_THAT(Seen(trace, "posix", "f"),
              IsSupersetOf({"?4096", "04096", "B4096", "empty", "absent"}));
  EXPECT_THAT(Seen(trace, "ext4", "f"), Not(Contains("?4096")));
}

TEST(Rules, WhatAnFsyncLogsStaysAfterTheNextCommitToo) {
  const Trace trace = TraceBuilder()
                          .Create("a")
                          .Write("a", 0, A)
                          .Fsync("a")
                          .Create("b")
                          .Write("b", 0, B)
                          .Fsync("b")
                          .Build();
  EXPECT_THAT(SeenTogether(trace, "btrfs", {"a", "b"}, 6), ElementsAre("A4096 B4096"));
}

TEST(Rules, ALoggedInodeBringsItsLaterRenameAlongButAnotherOneDoesNot) {
  // z, made first and never synced, tells where the commit was: without z, a was logged after it.
  const Trace logged = TraceBuilder()
                           .OldFile("a", A)
                           .Create("z")
                           .Write("a", 0, B)
                           .Fsync("a")
                           .Rename("a", "c")
                           .Create("x")
                           .Fsync("x")
                           .Build();
  EXPECT_THAT(
      SeenTogether(logged, "btrfs", {"z", "a", "c"}, 6),
      UnorderedElementsAre("absent absent B4096", "empty absent B4096", "empty B4096 absent"));
  const Trace never =
      TraceBuilder().OldFile("a", A).Rename("a", "c").Create("x").Fsync("x").Build();
  EXPECT_THAT(SeenTogether(never, "btrfs", {"a", "c"}, 3),
              UnorderedElementsAre("absent A4096", "A4096 absent"));
}

TEST(Rules, NothingIsForcedWhereSyncDoesNothing) {
  const Trace trace = TraceBuilder().OldFile("f", A).Write("f", 0, B).Fsync("f").SyncAll().Build();
  EXPECT_THAT(Seen(trace, "overlay,volatile", "f", 3), Contains("A4096"));
  EXPECT_THAT(Seen(trace, "tmpfs", "f", 3), ElementsAre("absent"));
}

TEST(Rules, FileSystemsHaveTheirOwnCuts) {
  TraceBuilder b;
  b.OldFile("f", A).OldRoot("other", RootRole::kJudged, 2);
  b.Create("other:g").Write("other:g", 0, B).Unlink("f").Fsync("other:g").SyncFs("other:g");
  const Trace trace = b.Build();

  // The sync of the other one says nothing about f, and what is on it does not follow f.
  std::set<std::string> seen;
  ForEachCrashState(trace, *FindProfile("ext4"), {{""}}, {}, [&](const CrashState& state) {
    if (state.last_point >= 5) seen.insert(Show(state.tree, "f") + " " + Show(state.tree, "g", 1));
    return true;
  });

  EXPECT_THAT(seen, UnorderedElementsAre("A4096 B4096", "absent B4096"));
  seen.clear();
  ForEachCrashState(trace, *FindProfile("ext4"), {{""}}, {}, [&](const CrashState& state) {
    seen.insert(Show(state.tree, "f") + " " + Show(state.tree, "g", 1));
    return true;
  });

  EXPECT_THAT(seen, Contains("absent absent"));
}

TEST(Rules, SyncForcesEveryFileSystem) {
  TraceBuilder b;
  b.OldRoot("other", RootRole::kJudged, 2).Create("f").Create("other:g").SyncAll();
  ForEachCrashState(b.Build(), *FindProfile("ext4"), {{""}}, {}, [&](const CrashState& state) {
    if (state.last_point == 3) {
      EXPECT_EQ(Show(state.tree, "f") + Show(state.tree, "g", 1), "emptyempty");
    }
    return true;
  });
}

TEST(Rules, AnOpUnderWayAtTheEndMayHaveHappenedInAnyPart) {
  const Trace trace = TraceBuilder().OldFile("f", A + A).InFlight().Write("f", 0, B + B).Build();
  EXPECT_THAT(Seen(trace, "ext4", "f", 1),
              IsSupersetOf({"A8192", "B8192", "B4096A4096", "A4096B4096"}));
  const Trace sync = TraceBuilder().OldFile("f", A).Write("f", 0, B).InFlight().Fsync("f").Build();
  EXPECT_THAT(Seen(sync, "ext4", "f", 2), IsSupersetOf({"A4096", "B4096"}));
}

TEST(Rules, OverlappingCallsAreTriedInBothOrders) {
  // A rename that overlapped the fsync can be on disk while the fsync has forced nothing yet.
  const Trace trace = TraceBuilder()
                          .OldFile("f", A)
                          .OldFile("g", A)
                          .Write("f", 0, B)
                          .Fsync("f")
                          .Rename("g", "h")
                          .Overlapping()
                          .Build();
  bool seen = false;
  const Coverage coverage =
      ForEachCrashState(trace, *FindProfile("ext4"), {{""}}, {}, [&](const CrashState& state) {
        seen = seen || (Show(state.tree, "f") == "A4096" && Show(state.tree, "h") == "A4096");
        return true;
      });
  EXPECT_EQ(coverage.orders, 2u);
  EXPECT_TRUE(coverage.exhaustive);
  EXPECT_TRUE(seen);
}

TEST(Rules, WhatTheProjectionDoesNotReachDoesNotMultiplyStates) {
  TraceBuilder b;
  b.OldFile("f", A).Create("t");
  for (uint64_t i = 0; i < 200; ++i) b.Write("t", i * 4096, B);
  const Trace unreached = b.Build();
  const Coverage one = ForEachCrashState(unreached, *FindProfile("posix"), {{"f"}}, {},
                                         [](const auto&) { return true; });
  EXPECT_TRUE(one.exhaustive);
  EXPECT_EQ(one.states_distinct, 1u);
  const Coverage both = ForEachCrashState(unreached, *FindProfile("posix"), {{""}}, {1000},
                                          [](const auto&) { return true; });
  EXPECT_FALSE(both.exhaustive);
  EXPECT_EQ(both.states_total, UINT64_MAX);
  EXPECT_EQ(both.states_visited, 1000u);
}

TEST(Rules, ABoundedSearchSeesEverySingleLossFirst) {
  constexpr int kPages = 12;
  TraceBuilder b;
  std::string bytes;
  for (int i = 0; i < kPages; ++i) bytes += A;
  b.OldFile("f", bytes);
  for (uint64_t i = 0; i < kPages; ++i) b.Write("f", i * 4096, B);
  std::set<std::string> single;
  const Coverage coverage = ForEachCrashState(
      b.Build(), *FindProfile("xfs"), {{"f"}}, {1000}, [&](const CrashState& state) {
        const std::string now = Show(state.tree, "f");
        for (int i = 0; i < kPages; ++i) {
          std::string want = i == 0 ? "" : "B" + std::to_string(4096 * i);
          want += "A4096";
          if (i < kPages - 1) want += "B" + std::to_string(4096 * (kPages - 1 - i));
          if (now == want) single.insert(want);
        }
        return true;
      });
  EXPECT_FALSE(coverage.exhaustive);
  EXPECT_EQ(single.size(), size_t{kPages});
}

TEST(Rules, PointsAreExactWhereAStateComesAndGoes) {
  const Trace trace = TraceBuilder()
                          .OldFile("f", A)
                          .Write("f", 0, B)  // 0
                          .Fsync("f")        // 1
                          .Write("f", 0, A)  // 2
                          .Fsync("f")        // 3
                          .Build();
  ForEachCrashState(trace, *FindProfile("ext4,data=journal"), {{"f"}}, {},
                    [&](const CrashState& state) {
                      using Points = std::vector<std::pair<uint32_t, uint32_t>>;
                      const bool a = Show(state.tree, "f") == "A4096";
                      EXPECT_EQ(state.points, a ? (Points{{0, 1}, {3, 4}}) : (Points{{1, 3}}));
                      return true;
                    });
}

TEST(Rules, TheExplanationNamesWhatIsLostAndWhatIsOnDisk) {
  const Trace trace = TraceBuilder()
                          .OldFile("config", A)
                          .Create("tmp")                               // 0
                          .Write("tmp", 0, B)                          // 1
                          .Write("tmp", 4096, std::string(2054, 'B'))  // 2
                          .Rename("tmp", "config")                     // 3
                          .Exit()                                      // 4
                          .Build();
  bool empty = false, old = false;
  ForEachCrashState(trace, *FindProfile("xfs"), {{"config"}}, {}, [&](const CrashState& state) {
    if (Show(state.tree, "config") == "empty") {
      empty = true;
      EXPECT_EQ(state.first_point, 4u);
      EXPECT_EQ(state.last_point, 5u);
      EXPECT_EQ(state.lost.size(), 2u);
      EXPECT_EQ(state.lost[0].op, 1u);
      EXPECT_EQ(state.lost[0].extent, Effect::Extent::kWhole);
      EXPECT_EQ(state.lost[1].op, 2u);
      EXPECT_THAT(state.named_by, ElementsAre(3));
    }
    if (Show(state.tree, "config") == "A4096") {
      old = true;
      EXPECT_TRUE(state.lost.empty());
      EXPECT_EQ(state.first_point, 0u);
      EXPECT_EQ(state.last_point, 5u);
      const Result<CrashState> late =
          RealiseChoice(trace, *FindProfile("xfs"), state.late_choice, {{"config"}});
      EXPECT_TRUE(late.has_value());
      EXPECT_EQ(late->digest, state.digest);
      EXPECT_EQ(late->lost.size(), 1u);
      EXPECT_EQ(late->lost[0].op, 3u);
    }
    return true;
  });

  EXPECT_TRUE(empty);
  EXPECT_TRUE(old);
}

TEST(Rules, AChoiceThatDoesNotFitIsAnErrorNotACrash) {
  const Trace trace =
      TraceBuilder().OldFile("f", A).Create("t").Write("t", 0, B).Rename("t", "f").Build();
  std::string good;
  ForEachCrashState(trace, *FindProfile("ext4"), {{""}}, {}, [&](const CrashState& state) {
    good = state.choice;
    return true;
  });

  ASSERT_TRUE(RealiseChoice(trace, *FindProfile("ext4"), good).has_value());
  for (size_t i = 0; i < good.size(); ++i) {
    (void)RealiseChoice(trace, *FindProfile("ext4"), good.substr(0, i));
    for (char c : {'9', ',', '.', 'x', '=', '-'}) {
      std::string bad = good;
      bad[i] = c;
      (void)RealiseChoice(trace, *FindProfile("ext4"), bad);
    }
  }

  for (const char* bad :
       {"", "call", "call.o0.p0", "call.o0.p0.s0c99", "call.o0.p99.s0c0", "call.o7.p0.s0c0",
        "nothing.p0", "call.o0.p0.s0c0.d1=7", "call.o0.p0.s99999999999c0", "call.o0.p0.s0c0f"}) {
    const Result<CrashState> state = RealiseChoice(trace, *FindProfile("ext4"), bad);
    ASSERT_FALSE(state.has_value()) << bad;
    EXPECT_EQ(state.error().exit_code, ExitCode::kUsage);
  }
}

TEST(Rules, AWriteOfSeveralPagesCanBeCutByACommitEvenInTheJournal) {
  const Trace trace = TraceBuilder().OldFile("f", A + A).Write("f", 0, B + B).Build();
  EXPECT_THAT(Seen(trace, "ext4,data=journal", "f"),
              UnorderedElementsAre("A8192", "B4096A4096", "B8192"));
}

}  // namespace
}  // namespace oldornew
