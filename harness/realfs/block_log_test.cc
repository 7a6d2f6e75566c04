#include "realfs/block_log.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

namespace oldornew {
namespace {

using ::testing::HasSubstr;
using Kind = BlockEvent::Kind;

BlockEvent Write(uint64_t offset, char letter) {
  return {Kind::kWrite, offset, std::string(4096, letter)};
}
const BlockEvent kFlush = {Kind::kFlush, 0, ""};
const BlockEvent kMark = {Kind::kMark, 0, "m"};

TEST(BlockLog, EventsComeBackAndDataIsSplitIntoUnits) {
  const std::string bytes =
      EncodeEvent(Kind::kWrite, 8192, std::string(8192, 'A')) + EncodeEvent(Kind::kFlush, 0, "") +
      EncodeEvent(Kind::kWrite, 0, std::string(8192, '\0')) + EncodeEvent(Kind::kMark, 0, "1 2");
  const auto log = DecodeBlockLog(bytes);
  ASSERT_TRUE(log.has_value());
  ASSERT_EQ(log->size(), 5u);
  EXPECT_EQ((*log)[1].offset, 12288u);
  EXPECT_EQ((*log)[1].data, std::string(4096, 'A'));
  EXPECT_EQ((*log)[2].kind, Kind::kFlush);
  EXPECT_EQ((*log)[3].data.size(), 8192u);
  EXPECT_EQ((*log)[4].data, "1 2");
}

TEST(BlockLog, ALogCutAnywhereButBetweenEventsIsAnError) {
  const std::string first = EncodeEvent(Kind::kWrite, 0, "abc");
  const std::string bytes = first + EncodeEvent(Kind::kFlush, 0, "");
  for (size_t i = 0; i <= bytes.size(); ++i) {
    const bool whole = i == 0 || i == first.size() || i == bytes.size();
    EXPECT_EQ(DecodeBlockLog(bytes.substr(0, i)).has_value(), whole) << i;
  }

  EXPECT_FALSE(DecodeBlockLog(std::string(13, '\x07')).has_value());
}

TEST(CrashImages, WhatAFlushCoveredIsInEveryLaterImageAndTheRestInAnySubset) {
  const std::vector<BlockEvent> log = {Write(0, 'A'),    Write(4096, 'B'),  kFlush,
                                       Write(8192, 'C'), Write(12288, 'D'), kMark};
  std::set<std::vector<uint32_t>> early, late;
  for (const CrashImage& image : CrashImages(log, 0, {})) {
    for (uint32_t write : image.writes) EXPECT_LT(write, image.position);
    (image.position <= 2 ? early : late).insert(image.writes);
  }

  EXPECT_EQ(early, (std::set<std::vector<uint32_t>>{{}, {0}, {1}, {0, 1}}));

  // {0, 1} alone was there before the flush; between two marks it says nothing new.
  EXPECT_EQ(late, (std::set<std::vector<uint32_t>>{{0, 1, 3}, {0, 1, 4}, {0, 1, 3, 4}}));
}

TEST(CrashImages, AreTheSameEveryTimeAndThinnedOutToTheirNumber) {
  std::vector<BlockEvent> log;
  for (int i = 0; i < 40; ++i) log.push_back(Write(static_cast<uint64_t>(i) * 4096, 'A'));
  log.push_back(kMark);
  ImageBounds bounds;
  bounds.most = 30;
  const auto one = CrashImages(log, 0, bounds), two = CrashImages(log, 0, bounds);
  ASSERT_EQ(one.size(), 30u);
  for (size_t i = 0; i < one.size(); ++i) EXPECT_EQ(one[i].writes, two[i].writes);
  bounds.most = 100000;
  bounds.seed = 2;
  EXPECT_GT(CrashImages(log, 0, bounds).size(), 60u);
}

}  // namespace
}  // namespace oldornew
