#include "tree/acl.h"

#include <gtest/gtest.h>

namespace oldornew {
namespace {

std::string Entry(uint8_t tag, uint8_t permissions, uint32_t id) {
  std::string out = {static_cast<char>(tag), 0, static_cast<char>(permissions), 0};
  for (int i = 0; i < 4; ++i) out += static_cast<char>(id >> (8 * i) & 0xff);
  return out;
}

const std::string kVersion("\2\0\0\0", 4);

TEST(Acl, EveryPrefixOfAnAclHasItsWholeEntries) {
  struct {
    AclTag tag;
    uint8_t permissions;
    uint32_t id;
  } const expected[] = {{AclTag::kUserObject, 7, UINT32_MAX},  {AclTag::kUser, 6, 65534},
                        {AclTag::kGroupObject, 5, UINT32_MAX}, {AclTag::kGroup, 4, 0x80c0ffee},
                        {AclTag::kMask, 3, UINT32_MAX},        {AclTag::kOther, 0, UINT32_MAX}};
  std::string acl = kVersion;
  for (const auto& entry : expected)
    acl += Entry(static_cast<uint8_t>(entry.tag), entry.permissions, entry.id);
  for (size_t length = 0; length <= acl.size(); ++length) {
    const std::vector<AclEntry> entries = ParseAcl(acl.substr(0, length));
    ASSERT_EQ(entries.size(), length < 4 ? 0 : (length - 4) / 8) << length;
    for (size_t i = 0; i < entries.size(); ++i) {
      EXPECT_EQ(entries[i].tag, expected[i].tag) << length;
      EXPECT_EQ(entries[i].permissions, expected[i].permissions) << length;
      EXPECT_EQ(entries[i].id, expected[i].id) << length;
    }
  }
}

TEST(Acl, AFileInheritsADefaultAclWithTheClassesOfItsMode) {
  const std::string masked = kVersion + Entry(1, 7, 0) + Entry(2, 6, 9) + Entry(4, 5, 0) +
                             Entry(16, 7, 0) + Entry(32, 7, 0);
  const std::string plain =
      kVersion + Entry(1, 7, 0) + Entry(4, 7, 0) + Entry(8, 6, 9) + Entry(32, 7, 0);
  for (uint32_t mode = 0; mode <= 0777; ++mode) {
    const auto user = static_cast<uint8_t>(mode >> 6);
    const auto group = static_cast<uint8_t>(mode >> 3 & 7);
    const auto other = static_cast<uint8_t>(mode & 7);
    EXPECT_EQ(InheritedAcl(masked, mode), kVersion + Entry(1, user, 0) + Entry(2, 6, 9) +
                                              Entry(4, 5, 0) + Entry(16, group, 0) +
                                              Entry(32, other, 0));
    EXPECT_EQ(InheritedAcl(plain, mode), kVersion + Entry(1, user, 0) + Entry(4, group, 0) +
                                             Entry(8, 6, 9) + Entry(32, other, 0));
  }

  EXPECT_EQ(InheritedAcl(kVersion + Entry(1, 7, 0) + Entry(4, 7, 0) + Entry(32, 7, 0), 0640), "");
  EXPECT_EQ(InheritedAcl(masked + "x", 0640), "") << "malformed";
}

}  // namespace
}  // namespace oldornew
