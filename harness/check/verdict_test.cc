#include "check/verdict.h"

#include <gtest/gtest.h>

#include "finding/builder.h"
#include "model/testing/trace_builder.h"

namespace oldornew {
namespace {

// A run with what was found in it.
struct Judged {
  Trace trace = TraceBuilder().OldFile("f", "old").Create("t").Rename("t", "f").Exit().Build();
  std::vector<std::string> unsupported;
  std::vector<Finding> findings;
  std::vector<std::string> bounds;
  Coverage coverage;

  void Find(Severity severity, bool pedantic = false) {
    findings.push_back(FindingBuilder(trace, "power", Oracle::kAtomic, Outcome::kEmpty)
                           .Severe(severity)
                           .At("f")
                           .Case(CaseOf(trace, Moment{1}))
                           .Message("f can be EMPTY")
                           .Build());
    findings.back().pedantic = pedantic;
  }

  Judgement Under(const VerdictRules& rules = {}) const {
    return Judge({&trace, &unsupported, &findings, coverage, &bounds}, rules);
  }
};

TEST(Verdict, ObstaclesComeBeforeEverythingElse) {
  Judged judged;
  judged.Find(Severity::kError);
  judged.trace.exit_status = 3;
  EXPECT_EQ(judged.Under().verdict, Verdict::kBaselineFailed);
  judged.trace.obstacles = {{Obstacle::Kind::kIncomplete, "a hole"}};
  EXPECT_EQ(judged.Under().verdict, Verdict::kIncompleteRecording);
  judged.trace.obstacles.push_back({Obstacle::Kind::kRefused, "would write /etc"});
  EXPECT_EQ(judged.Under().verdict, Verdict::kUnsupported);
  EXPECT_EQ(judged.Under().exit_code, ExitCode::kCannotJudge);
}

TEST(Verdict, WhatIsNotSupportedIsNoPass) {
  Judged judged;
  judged.unsupported = {"a.db is an SQLite database"};
  EXPECT_EQ(judged.Under().verdict, Verdict::kUnsupported);
  EXPECT_EQ(judged.Under().exit_code, ExitCode::kCannotJudge);
}

TEST(Verdict, WarningsFailOnlyWhenStrict) {
  Judged judged;
  judged.Find(Severity::kWarning);
  EXPECT_EQ(judged.Under().exit_code, ExitCode::kClean);
  VerdictRules strict;
  strict.strict = true;
  EXPECT_EQ(judged.Under(strict).exit_code, ExitCode::kFindings);
}

TEST(Verdict, AFindingOnlyInPosixOrAcceptedDoesNotFail) {
  Judged judged;
  judged.Find(Severity::kError, /*pedantic=*/true);
  judged.Find(Severity::kError);
  EXPECT_EQ(judged.Under().exit_code, ExitCode::kFindings);
  judged.findings.back().accepted = "known";
  EXPECT_EQ(judged.Under().exit_code, ExitCode::kClean);
}

TEST(Verdict, ABoundThatIsReachedIsNoPassUnlessAccepted) {
  VerdictRules accept;
  accept.accept_bounded = true;
  Judged states;
  states.coverage.exhaustive = false;
  Judged runs;
  runs.bounds = {"10 of 20 faults were tried"};
  for (const Judged& judged : {states, runs}) {
    EXPECT_EQ(judged.Under().verdict, Verdict::kBounded);
    EXPECT_EQ(judged.Under().exit_code, ExitCode::kBounded);
    EXPECT_FALSE(judged.Under().reasons.empty());
    EXPECT_EQ(judged.Under(accept).exit_code, ExitCode::kClean);
  }
}

}  // namespace
}  // namespace oldornew
