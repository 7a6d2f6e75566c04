#include "oracle/privacy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/testing/trace_builder.h"
#include "oracle/contained.h"
#include "oracle/state_rules.h"

namespace oldornew {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kSecret = "password = correct horse battery staple\n";

Inode WithMode(uint32_t mode) {
  Inode inode;
  inode.mode = mode;
  inode.uid = 5;
  inode.gid = 50;
  return inode;
}

TEST(Permits, EveryModeGivesOwnerGroupAndOthersTheirOwnBits) {
  for (uint32_t mode = 0; mode < 01000; ++mode) {
    for (const uint32_t want : {4u, 1u}) {
      EXPECT_EQ(Permits(WithMode(mode), 5, -1, want), (mode >> 6 & want) == want) << mode;
      EXPECT_EQ(Permits(WithMode(mode), 7, 50, want), (mode >> 3 & want) == want) << mode;
      EXPECT_EQ(Permits(WithMode(mode), 7, 51, want), (mode & want) == want) << mode;
    }
  }
}

std::string Entry(uint8_t tag, uint8_t permissions, uint32_t id) {
  std::string out = {static_cast<char>(tag), 0, static_cast<char>(permissions), 0};
  for (int i = 0; i < 4; ++i) out += static_cast<char>(id >> (8 * i) & 0xff);
  return out;
}

TEST(Permits, AnAclNamesUsersAndGroupsAndItsMaskLimitsThem) {
  Inode inode = WithMode(0640);
  inode.xattrs["system.posix_acl_access"] = std::string("\2\0\0\0", 4) + Entry(1, 6, 0) +
                                            Entry(2, 6, 1001) + Entry(4, 0, 0) + Entry(8, 4, 77) +
                                            Entry(16, 4, 0) + Entry(32, 0, 0);
  EXPECT_TRUE(Permits(inode, 5, -1, 4)) << "the owner";
  EXPECT_TRUE(Permits(inode, 1001, -1, 4)) << "a named user";
  EXPECT_FALSE(Permits(inode, 1001, -1, 2)) << "the mask takes write away";
  EXPECT_FALSE(Permits(inode, 7, 50, 4)) << "the owning group has nothing";
  EXPECT_TRUE(Permits(inode, 7, 77, 4)) << "a named group";
  EXPECT_FALSE(Permits(inode, 7, 78, 4)) << "a stranger";
}

TraceBuilder OldSecret(uint32_t mode = 0600) {
  TraceBuilder builder;
  builder.OldFile("f", "password = old and worn\n").OldMode("f", mode);
  return builder;
}

TEST(Private, ATemporaryThatEverybodyCanReadExposesTheSecretItBecomes) {
  const Trace trace = OldSecret()
                          .Create("t", 0644)
                          .Write("t", 0, kSecret)
                          .Chmod("t", 0600)
                          .Rename("t", "f")
                          .Exit()
                          .Build();
  const auto found = FindExposures(trace);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].subject, "f");
  EXPECT_EQ(found[0].path, "t");
  EXPECT_EQ(found[0].who, "everyone");
  EXPECT_EQ(found[0].first_point, 2u);
  EXPECT_EQ(found[0].last_point, 2u);
}

TEST(Private, ATemporaryMadeWithTheRightModeExposesNothing) {
  for (const uint32_t mode : {0600u, 0640u, 0644u, 0666u}) {
    const Trace trace = OldSecret(mode)
                            .Create("t", 0600)
                            .Write("t", 0, kSecret)
                            .Chmod("t", mode)
                            .Rename("t", "f")
                            .Exit()
                            .Build();
    EXPECT_THAT(FindExposures(trace), IsEmpty()) << mode;
  }
}

TEST(Private, AModeThatOldOrNewHasIsAllowed) {
  for (const auto& [before, after] : {std::pair{0644u, 0600u}, {0600u, 0644u}, {0644u, 0644u}}) {
    const Trace trace = OldSecret(before)
                            .Create("t", 0644)
                            .Write("t", 0, kSecret)
                            .Chmod("t", after)
                            .Rename("t", "f")
                            .Exit()
                            .Build();
    EXPECT_THAT(FindExposures(trace), IsEmpty()) << before << after;
  }
}

TEST(Private, ANewFileIsHeldAgainstItsFinalMode) {
  const auto found = FindExposures(
      TraceBuilder().Create("f", 0644).Write("f", 0, kSecret).Chmod("f", 0600).Exit().Build());
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].subject, "f");
  EXPECT_THAT(
      FindExposures(
          TraceBuilder().Create("f", 0644).Chmod("f", 0600).Write("f", 0, kSecret).Exit().Build()),
      IsEmpty())
      << "there was nothing to read";
}

TEST(Private, ACopyInATemporaryDirectoryCounts) {
  const auto with = [](const std::string& content) {
    return OldSecret()
        .OldRoot("scratch", RootRole::kTemporary, 1)
        .Create("scratch:copy", 0644)
        .Write("scratch:copy", 0, content)
        .Create("t", 0600)
        .Write("t", 0, kSecret)
        .Rename("t", "f")
        .Unlink("scratch:copy")
        .Exit()
        .Build();
  };
  const auto found = FindExposures(with(kSecret));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].path, "/scratch/copy");
  EXPECT_EQ(found[0].subject, "f");
  EXPECT_EQ(FindExposures(with("header\n" + kSecret)).size(), 1u) << "among other things";
  EXPECT_THAT(FindExposures(with("nothing that anybody hides\n")), IsEmpty());
}

TEST(Private, AClosedDirectoryAboveProtectsWhatIsInIt) {
  const auto with = [](uint32_t mode) {
    return OldSecret()
        .Mkdir("d")
        .Chmod("d", mode)
        .Create("d/t", 0644)
        .Write("d/t", 0, kSecret)
        .Chmod("d/t", 0600)
        .Rename("d/t", "f")
        .Exit()
        .Build();
  };
  EXPECT_THAT(FindExposures(with(0700)), IsEmpty());
  EXPECT_EQ(FindExposures(with(0755)).size(), 1u);
}

TEST(Private, OpeningADirectoryAboveExposesWhatIsInIt) {
  TraceBuilder builder;
  builder.OldDir("d").OldMode("d", 0700).OldFile("d/f", kSecret);
  const auto found = FindExposures(builder.Chmod("d", 0755).Chmod("d", 0700).Exit().Build());
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].path, "d/f");
}

std::vector<std::string> Shown(const std::vector<Stray>& strays) {
  std::vector<std::string> out;
  for (const Stray& stray : strays) out.push_back(stray.path + ": " + stray.what);
  return out;
}

TEST(Contained, WhatIsNeitherWatchedNorAllowedIsListed) {
  const Trace trace = (TraceBuilder()
                           .OldFile("f", "old")
                           .OldFile("g", "old")
                           .OldFile("h", "same")
                           .Create("t")
                           .Write("t", 0, "new")
                           .Rename("t", "f")
                           .Write("g", 0, "new")
                           .Chmod("h", 0600)
                           .Create("log")
                           .Exit()
                           .Build());
  const auto watched = ChooseSubjects(trace, {{"f"}, {}});
  ASSERT_TRUE(watched);
  EXPECT_THAT(
      Shown(FindStrays(trace, *watched, {})),
      ElementsAre("g: its bytes", "h: it has mode 0600, before mode 0644", "log: made (file)"));
  EXPECT_THAT(Shown(FindStrays(trace, *watched, {"log", "[gh]"})), IsEmpty());
}

TEST(Litter, WhatIsMadeAndRemovedAgainCanBeLeftByAPowerCut) {
  const Trace trace = (OldSecret()
                           .Create("t1")
                           .Rename("t1", "f")
                           .Create("t2")
                           .Unlink("t2")
                           .Create("stays")
                           .Exit()
                           .Build());
  EXPECT_THAT(FindLitterAfterCrash(trace), ElementsAre("t1", "t2"));
}

Subject At(const std::string& path) { return {path, {{0, path}}, true}; }

std::optional<Violation> AttributesAfter(const Trace& trace, size_t ops) {
  const VersionHistory history = TraceVersions(trace, At("f"), {}, Value::kCombination);
  LiveTree live(trace);
  for (size_t i = 0; i < ops; ++i) live.Apply(trace.ops[i]);
  return JudgeAttributes(trace, At("f"), history, live.tree());
}

TEST(Attributes, AModeSetAfterTheRenameLeavesAWindow) {
  const Trace trace = OldSecret()
                          .Create("t", 0644)
                          .Write("t", 0, kSecret)
                          .Rename("t", "f")
                          .Chmod("f", 0600)
                          .Exit()
                          .Build();
  EXPECT_EQ(AttributesAfter(trace, 2), std::nullopt);
  const auto found = AttributesAfter(trace, 3);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->outcome, Outcome::kMixedAttributes);
  EXPECT_THAT(found->evidence, HasSubstr("it has mode 0644"));
  EXPECT_EQ(AttributesAfter(trace, 4), std::nullopt);
}

TEST(Attributes, AModeSetBeforeTheRenameLeavesNone) {
  const Trace trace = OldSecret()
                          .Create("t", 0644)
                          .Chmod("t", 0600)
                          .Write("t", 0, kSecret)
                          .Rename("t", "f")
                          .Exit()
                          .Build();
  for (size_t ops = 0; ops <= trace.ops.size(); ++ops)
    EXPECT_EQ(AttributesAfter(trace, ops), std::nullopt) << ops;
}

TEST(Attributes, AFileThatIsBuiltUnderItsOwnNameIsNotAsked) {
  const auto asked = [](TraceBuilder builder) {
    const Trace trace = builder.Exit().Build();
    return HasAttributeQuestion(trace, At("f"), TraceVersions(trace, At("f"), AckRule()).new_view);
  };
  EXPECT_FALSE(asked(TraceBuilder().Create("f", 0600).Write("f", 0, kSecret).Chmod("f", 0644)));
  EXPECT_FALSE(
      asked(OldSecret().Unlink("f").Create("f", 0600).Write("f", 0, kSecret).Chmod("f", 0644)));
  EXPECT_FALSE(asked(OldSecret().Create("t", 0600).Rename("t", "f"))) << "no attribute was set";
  EXPECT_TRUE(asked(OldSecret().Create("t", 0600).Rename("t", "f").Chmod("f", 0644)));
  EXPECT_TRUE(asked(OldSecret().Chmod("f", 0644).Write("f", 0, kSecret)));
}

TEST(Attributes, OnlyUserAttributesAndAclsAreJudged) {
  const auto with = [](const std::string& key) {
    return OldSecret().Create("t", 0600).Rename("t", "f").SetXattr("f", key, "v").Exit().Build();
  };
  EXPECT_TRUE(AttributesAfter(with("user.note"), 2));
  EXPECT_TRUE(AttributesAfter(with("system.posix_acl_access"), 2));
  EXPECT_FALSE(AttributesAfter(with("security.selinux"), 2));
  EXPECT_FALSE(AttributesAfter(with("trusted.x"), 2));
}

}  // namespace
}  // namespace oldornew
