#include "tree/acl.h"

#include <algorithm>

namespace oldornew {

namespace {

constexpr size_t kHeader = 4;
constexpr size_t kEntry = 8;

uint32_t Little(std::string_view bytes) {
  uint32_t out = 0;
  for (size_t i = bytes.size(); i-- > 0;) out = out << 8 | static_cast<unsigned char>(bytes[i]);
  return out;
}

}  // namespace

std::vector<AclEntry> ParseAcl(std::string_view value) {
  std::vector<AclEntry> out;
  for (size_t at = kHeader; at + kEntry <= value.size(); at += kEntry) {
    const std::string_view entry = value.substr(at, kEntry);
    out.push_back({static_cast<AclTag>(Little(entry.substr(0, 2))),
                   static_cast<uint16_t>(Little(entry.substr(2, 2))), Little(entry.substr(4, 4))});
  }

  return out;
}

std::string InheritedAcl(const std::string& default_acl, uint32_t mode) {
  if (default_acl.size() < kHeader + 4 * kEntry || (default_acl.size() - kHeader) % kEntry != 0)
    return "";  // or 3: no more
  const std::vector<AclEntry> entries = ParseAcl(default_acl);
  const bool has_mask = std::any_of(entries.begin(), entries.end(), [](const AclEntry& entry) {
    return entry.tag == AclTag::kMask;
  });
  std::string acl = default_acl;
  for (size_t i = 0; i < entries.size(); ++i) {
    const AclTag tag = entries[i].tag;
    char& permissions = acl[kHeader + i * kEntry + 2];
    if (tag == AclTag::kUserObject) permissions = static_cast<char>(mode >> 6 & 7);
    if (tag == (has_mask ? AclTag::kMask : AclTag::kGroupObject))
      permissions = static_cast<char>(mode >> 3 & 7);
    if (tag == AclTag::kOther) permissions = static_cast<char>(mode & 7);
  }

  return acl;
}

}  // namespace oldornew
