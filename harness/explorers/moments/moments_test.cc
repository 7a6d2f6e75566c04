#include "explorers/moments/moments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/testing/trace_builder.h"

namespace oldornew {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Exploration Explored(const Trace& trace, const Question& question = {}) {
  SearchSpace space;
  space.profiles = SelectProfiles({"ext4", "xfs"}).value();
  const JudgedTrace judged = PrepareToJudge(trace, question, {}).value();
  const Earlier earlier;
  Lab lab({}, nullptr);
  return MakeMomentsExplorer()->Explore({trace, judged, question, space, earlier, lab}).value();
}

// Replaces f, which only its owner may read, through t, made with `mode`.
Trace ReplaceSecret(uint32_t mode) {
  TraceBuilder builder;
  builder.OldFile("f", "password = old\n").OldMode("f", 0600);
  return builder.Create("t", mode)
      .Write("t", 0, "password = new\n")
      .Chmod("t", 0600)
      .Fsync("t")
      .Rename("t", "f")
      .Fsync("")
      .Exit()
      .Build();
}

TEST(Moments, AnExposureIsAnErrorUnderEveryProfileThatWasAskedFor) {
  const auto findings = Explored(ReplaceSecret(0644)).findings;
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].oracle, Oracle::kPrivate);
  EXPECT_EQ(findings[0].axis, "run");
  EXPECT_EQ(findings[0].severity, Severity::kError);
  EXPECT_THAT(findings[0].profiles, ElementsAre("ext4", "xfs"));
  EXPECT_THAT(findings[0].repair.advice, HasSubstr("mode 0600"));
}

TEST(Moments, ATemporaryThatNobodyElseCanReadIsClean) {
  EXPECT_THAT(Explored(ReplaceSecret(0600)).findings, IsEmpty());
}

TEST(Moments, WhatElseTheRunChangesIsOneFindingWhereItIsAsked) {
  const Trace trace = TraceBuilder()
                          .OldFile("f", "old")
                          .Create("t")
                          .Write("t", 0, "new")
                          .Rename("t", "f")
                          .Create("log")
                          .Create("cache")
                          .Exit()
                          .Build();
  Question question;
  question.watch.watch = {"f"};
  EXPECT_THAT(Explored(trace, question).findings, IsEmpty()) << "contained is asked by name only";
  question.expect.push_back(Oracle::kContained);
  const auto findings = Explored(trace, question).findings;
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_THAT(findings[0].subjects, SizeIs(2));
  EXPECT_EQ(findings[0].shown.outcome, Outcome::kChangedOutside);
  question.allowed = {"log", "cache"};
  EXPECT_THAT(Explored(trace, question).findings, IsEmpty());
}

}  // namespace
}  // namespace oldornew
