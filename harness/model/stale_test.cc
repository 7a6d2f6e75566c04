#include "model/stale.h"

#include <gtest/gtest.h>

namespace oldornew {
namespace {

TEST(Stale, ThePatternIsRecognisedWholeAndCutAndDiffersByPlace) {
  const PageRef page = StalePage(3, 7);
  EXPECT_TRUE(ContainsStaleBytes(page));
  EXPECT_NE(page->digest(), StalePage(3, 8)->digest());
  EXPECT_NE(page->digest(), StalePage(4, 7)->digest());
  for (const size_t size : {size_t{1}, size_t{40}, size_t{511}, size_t{512}, size_t{4095}}) {
    EXPECT_TRUE(ContainsStaleBytes(MakePage(page->bytes().substr(0, size)))) << size;
  }
}

TEST(Stale, OrdinaryBytesAreNotTakenForIt) {
  EXPECT_FALSE(ContainsStaleBytes(nullptr));
  EXPECT_FALSE(ContainsStaleBytes(MakePage(std::string(4096, '\xff'))));
  EXPECT_FALSE(ContainsStaleBytes(MakePage("text")));
}

}  // namespace
}  // namespace oldornew
