#include "explorers/faults/fault_case.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <set>

#include "explorers/faults/space_use.h"
#include "oracle/file_call_test_support.h"

namespace oldornew {
namespace {

using testing::Call;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;
using testing::Open;
using testing::With;

constexpr uint32_t kNewFile = O_WRONLY | O_CREAT | O_TRUNC;

Trace Writer() {
  Trace trace = TraceBuilder()
                    .OldFile("f", "old")
                    .Create("f.tmp")
                    .Write("f.tmp", 0, "new content")
                    .Fsync("f.tmp")
                    .Rename("f.tmp", "f")
                    .Exit()
                    .Build();
  return With(std::move(trace),
              {Open("f.tmp", kNewFile), Call("write", "f.tmp", 11), Call("fsync", "f.tmp"),
               Call("close", "f.tmp"), Call("rename", "f.tmp", 0, "f")});
}

std::vector<std::string> Titles(const Trace& survey, const CaseOptions& options = {}) {
  std::vector<std::string> out;
  for (const FaultCase& fault :
       MakeFaultCases(survey, PathPatterns(survey, survey), options).cases) {
    out.push_back(fault.call < 0
                      ? fault.fault
                      : fmt::format("{}: {}",
                                    survey.file_calls[static_cast<size_t>(fault.call)].call,
                                    fault.fault));
  }
  return out;
}

TEST(FaultTable, EveryKindOfCallHasOneDefaultErrorOfAClassAtMost) {
  std::set<std::tuple<CallKind, FaultClass>> seen;
  std::set<std::tuple<CallKind, int>> rows;
  for (const FaultRow& row : FaultTable()) {
    EXPECT_TRUE(rows.insert({row.kind, row.error}).second)
        << ErrnoName(row.error) << " twice, " << row.source;
    EXPECT_NE(std::string(row.source), "");
    if (row.by_default) {
      EXPECT_TRUE(seen.insert({row.kind, row.what}).second)
          << ErrnoName(row.error) << " " << row.source;
    }
  }
}

TEST(FaultTable, KnowsWhatAnOpenIsForByItsFlags) {
  EXPECT_EQ(KindOfCall(Open("f", O_RDONLY)), CallKind::kOpen);
  EXPECT_EQ(KindOfCall(Open("f", O_RDONLY | O_DIRECTORY)), CallKind::kOpen);
  EXPECT_EQ(KindOfCall(Open("f", O_RDWR)), CallKind::kOpenToChange);
  EXPECT_EQ(KindOfCall(Open("f", O_RDWR | O_CREAT | O_EXCL)), CallKind::kCreate);
  EXPECT_EQ(KindOfCall(Open(".", O_WRONLY | O_TMPFILE)), CallKind::kCreate);
}

TEST(FaultCases, EachCallMeetsOneErrorOfEachClassOnce) {
  const auto titles = Titles(Writer());
  EXPECT_THAT(titles,
              IsSupersetOf({"openat: ENOSPC", "openat: EACCES", "openat: EROFS", "openat: EMFILE",
                            "write: ENOSPC", "write: EIO", "write: a short count",
                            "write: a short count and then ENOSPC", "fsync: EIO", "close: EIO",
                            "rename: ENOSPC", "rename: EXDEV", "rename: EACCES", "rename: EROFS"}));
  EXPECT_THAT(titles, IsSupersetOf({"rename: EIO, though done", "fsync: EIO, though done",
                                    "write: EIO from then on", "write: EROFS from then on",
                                    "rename: EIO from then on", "openat: EMFILE from then on"}));
  EXPECT_THAT(titles, Not(Contains("close: EIO, though done")))
      << "a close that fails has always closed";
  EXPECT_THAT(titles, Not(Contains("openat: EIO, though done"))) << "only with --faults all";
  EXPECT_THAT(titles, Not(Contains("write: EDQUOT"))) << "only with --faults all";
  CaseOptions all;
  all.all_errors = true;
  EXPECT_THAT(Titles(Writer(), all), IsSupersetOf({"write: EDQUOT", "write: EINTR", "close: ENOSPC",
                                                   "close: EDQUOT", "fsync: ESTALE"}));
}

TEST(FaultCases, ACloseThatFailsHasClosed) {
  const Trace survey = Writer();
  for (const FaultCase& fault : MakeFaultCases(survey, PathPatterns(survey, survey), {}).cases) {
    if (fault.call == 3) EXPECT_TRUE(fault.plan[0].after);
  }
}

TEST(FaultCases, WhatTheMachineShowsInTemporaryDirectoriesDoesNotFail) {
  const auto cases = [](const std::string& call, const std::string& path, bool own) {
    TraceBuilder builder;
    builder.OldFile("f", "old").OldRoot("scratch", RootRole::kTemporary, 77);
    if (own) builder.Create("scratch:own");
    Trace plain = builder.Exit().Build();
    if (own) plain.ops[0].path = path;
    const Trace survey = With(std::move(plain), {Call(call, path)});
    return MakeFaultCases(survey, PathPatterns(survey, survey), {}).cases.size();
  };
  EXPECT_GT(cases("newfstatat", "f", false), 0u);
  EXPECT_EQ(cases("newfstatat", "/scratch/program", false), 0u);
  EXPECT_GT(cases("newfstatat", "/scratch/own", true), 0u);
  EXPECT_GT(cases("unlink", "/scratch/any", false), 0u);
}

TEST(FaultCases, ClosesOfWhatWasOnlyReadDoNotFail) {
  FileCall close = Call("close", "f");
  const auto cases = [&] {
    const Trace survey = With(TraceBuilder().OldFile("f", "old").Exit().Build(), {close});
    return MakeFaultCases(survey, PathPatterns(survey, survey), {}).cases.size();
  };
  EXPECT_GT(cases(), 0u);
  close.open_flags = O_RDONLY | O_CLOEXEC;
  EXPECT_EQ(cases(), 0u);
}

TEST(FaultCases, EveryPlanHitsTheCallItIsMadeFor) {
  Trace survey = Writer();
  survey.file_calls.insert(survey.file_calls.begin() + 2, Call("write", "f.tmp", 30));
  survey.file_calls.insert(survey.file_calls.begin() + 2, Call("write", "other", 30));
  survey = With(Trace(survey), {});
  for (size_t i = 0; i < survey.file_calls.size(); ++i) {
    survey.file_calls[i].begin = 10 + 2 * i;
    survey.file_calls[i].end = 11 + 2 * i;
  }
  for (const FaultCase& fault : MakeFaultCases(survey, PathPatterns(survey, survey), {}).cases) {
    if (fault.call < 0) continue;
    const Injection& injection = fault.plan[0];
    uint32_t matched = 0;
    for (int i = 0; i < std::ssize(survey.file_calls); ++i) {
      const FileCall& call = survey.file_calls[static_cast<size_t>(i)];
      const bool fits =
          std::binary_search(injection.calls.begin(), injection.calls.end(), call.syscall) &&
          (injection.path.empty() || PathPatterns::Matches(injection.path, call.path) ||
           PathPatterns::Matches(injection.path, call.path2));
      matched += fits;
      const bool hit = fits && matched >= injection.first && matched <= injection.last;
      if (i <= fault.call) EXPECT_EQ(hit, i == fault.call) << fault.fault << " at call " << i;
    }
  }
}

TEST(FaultCases, RandomNamesAreMatchedByTheirPattern) {
  const auto run = [](const std::string& name) {
    return With(TraceBuilder().OldFile("f", "old").Create(name).Rename(name, "f").Exit().Build(),
                {Open(name, kNewFile), Call("rename", name, 0, "f")});
  };
  const Trace survey = run("f.1717");
  const Trace plain = run("f.1818");
  const PathPatterns patterns(plain, survey);
  EXPECT_EQ(patterns.Of("f.1717"), "f.*");
  EXPECT_EQ(patterns.Of("f.1900"), "f.*") << "of a third run";
  EXPECT_EQ(patterns.Of("f"), "f");
  EXPECT_FALSE(patterns.IsFixed("f.1717"));
  for (const FaultCase& fault : MakeFaultCases(survey, patterns, {}).cases) {
    for (const Injection& injection : fault.plan)
      EXPECT_THAT(injection.path, ::testing::AnyOf("f.*", ""));
  }
}

TEST(FaultCases, FilesWithoutANameAreMatchedWhateverTheirNumber) {
  const Trace trace =
      TraceBuilder().OldFile("f", "old").OldFile("#7", "a file of the user").Exit().Build();
  const PathPatterns patterns(trace, trace);
  EXPECT_EQ(patterns.Of("#79"), "#*");
  EXPECT_EQ(patterns.Of("d/#79"), "d/#*");
  EXPECT_NE(patterns.Of("#7"), "#*") << "that is its name";
  EXPECT_NE(patterns.Of("#notes"), "#*");
}

TEST(FaultCases, RandomNamesThatLookLikeWordsAreLearnedFromTwoRuns) {
  const auto run = [](const std::string& name) {
    return TraceBuilder().OldFile("f", "old").Create(name).Rename(name, "f").Exit().Build();
  };
  struct Names {
    std::string one, other, third, glob;
  };
  for (const Names& names : {Names{"tmpzvmmkwvo", "tmp3xgl8v7i", "tmpabcdefgh", "tm*"},
                             Names{"zvmmkwvo", "qwertyui", "abcdefgh", "????????"}}) {
    const Trace plain = run(names.one);
    const Trace again = run(names.other);
    const PathPatterns patterns(plain, again);
    EXPECT_EQ(patterns.Of(names.one), names.glob);
    EXPECT_EQ(patterns.Of(names.third), names.glob) << "of a third run";
    EXPECT_FALSE(patterns.IsFixed(names.third));
    EXPECT_TRUE(patterns.IsFixed("f"));
  }
}

TEST(FaultCases, WhatADeadOrReadOnlyDiskRefusesIsWrittenAsClasses) {
  const Trace survey = With(TraceBuilder().OldFile("f", "old").Write("f", 0, "new").Exit().Build(),
                            {Call("write", "f", 3)});
  std::set<std::string> from_then_on;
  for (const FaultCase& fault : MakeFaultCases(survey, PathPatterns(survey, survey), {}).cases) {
    if (fault.way == FaultWay::kFromThenOn) from_then_on.insert(PlanTexts(fault).back());
  }
  EXPECT_THAT(from_then_on, ::testing::ElementsAre("%change:error=EROFS", "%disk:error=EIO"));
}

TEST(FaultCases, OfALongLoopTheFirstTheLastAndSomeBetweenAreHit) {
  std::vector<FileCall> calls;
  for (int i = 0; i < 300; ++i) calls.push_back(Call("write", "f", 10));
  const Trace survey = With(TraceBuilder().OldFile("f", "old").Exit().Build(), calls);
  const FaultCases cases = MakeFaultCases(survey, PathPatterns(survey, survey), {});
  EXPECT_EQ(cases.calls, 7u);
  EXPECT_EQ(cases.left_out, 293u);
  std::set<int> hit;
  for (const FaultCase& fault : cases.cases) hit.insert(fault.call);
  EXPECT_THAT(hit, IsSupersetOf({0, 1, 150, 298, 299}));
}

TEST(FaultCases, OfALoopOverManyFilesSomeAreHit) {
  std::vector<FileCall> calls;
  for (int i = 0; i < 100; ++i) {
    calls.push_back(Open("f" + std::to_string(i), kNewFile));
    calls.push_back(Call("write", "f" + std::to_string(i), 10));
  }
  const Trace survey = With(TraceBuilder().Exit().Build(), calls);
  const FaultCases cases = MakeFaultCases(survey, PathPatterns(survey, survey), {});
  EXPECT_EQ(cases.calls, 18u);
  EXPECT_EQ(cases.left_out, 182u);
  std::set<int> hit;
  for (const FaultCase& fault : cases.cases) hit.insert(fault.call);
  EXPECT_THAT(hit, IsSupersetOf({0, 1, 2, 3, 198, 199}));
}

TEST(FaultCases, WhatFailsAnywayIsLeftAloneByDefault) {
  const Trace survey = With(TraceBuilder().Exit().Build(), {Call("unlink", "f.tmp", -ENOENT)});
  EXPECT_THAT(Titles(survey), IsEmpty());
  CaseOptions all;
  all.all_errors = true;
  EXPECT_THAT(Titles(survey, all), Not(IsEmpty()));
}

TEST(FaultCases, AtDepthTwoOnlyLaterCallsFailAndTheFirstFaultStays) {
  Trace survey = Writer();
  CaseOptions deeper;
  deeper.after_ticket = survey.file_calls[2].begin;
  deeper.first = {Injection{.calls = {1}, .error = EIO}};
  deeper.full_disks = false;
  const FaultCases cases = MakeFaultCases(survey, PathPatterns(survey, survey), deeper);
  EXPECT_FALSE(cases.cases.empty());
  for (const FaultCase& fault : cases.cases) {
    EXPECT_GT(fault.call, 2);
    ASSERT_EQ(fault.plan.size(), 2u);
    EXPECT_EQ(fault.plan[0].error, EIO);
  }
}

TEST(FaultCases, TheTextsOfAPlanAreThatPlan) {
  const Trace survey = Writer();
  for (const FaultCase& fault : MakeFaultCases(survey, PathPatterns(survey, survey), {}).cases) {
    const auto again = ParseFaultCase(PlanTexts(fault));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->plan, fault.plan);
    EXPECT_EQ(again->space.has_value(), fault.space.has_value());
    if (fault.space) EXPECT_EQ(again->space->free_bytes, fault.space->free_bytes);
  }
  EXPECT_FALSE(ParseFaultCase({"disk:free=lots"}));
}

TEST(FullDisks, HaveRoomForNoneForSomeAndForAllButTheLastPageOfEachWrite) {
  const std::string pages(8 * 4096, 'x');
  const Trace trace =
      TraceBuilder().OldFile("f", "old").Create("t").Write("t", 0, pages).Rename("t", "f").Build();
  std::vector<uint64_t> free;
  std::vector<uint64_t> inodes;
  for (const SpaceLimit& limit : FullDisks(trace)) {
    if (limit.free_bytes) free.push_back(*limit.free_bytes / 4096);
    if (limit.free_inodes) inodes.push_back(*limit.free_inodes);
  }
  EXPECT_THAT(free, ElementsAre(0, 4, 7));
  EXPECT_THAT(inodes, ElementsAre(0)) << "the temporary file needs one";
  const auto use = SpaceUseOf(trace);
  EXPECT_EQ(use.back().pages, 8u) << "the old file's page is free again";
}

}  // namespace
}  // namespace oldornew
