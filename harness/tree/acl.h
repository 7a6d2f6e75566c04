// POSIX ACLs, as the extended attributes of a file hold them (acl(5); the bytes as
// include/uapi/linux/posix_acl_xattr.h lays them out: a version, then entries of tag, permissions
// and id, all little-endian).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace oldornew {

inline constexpr const char kAccessAcl[] = "system.posix_acl_access";
inline constexpr const char kDefaultAcl[] = "system.posix_acl_default";

enum class AclTag : uint16_t {
  kUserObject = 1,
  kUser = 2,
  kGroupObject = 4,
  kGroup = 8,
  kMask = 16,
  kOther = 32
};

struct AclEntry {
  AclTag tag = AclTag::kOther;
  uint16_t permissions = 0;  ///< 4 read, 2 write, 1 execute
  uint32_t id = 0;           ///< of kUser and kGroup
};

/// The entries of an attribute's value, in their order. Bytes at its end that are no whole entry
/// are left out.
std::vector<AclEntry> ParseAcl(std::string_view value);

/// The access ACL that a file created with permissions `mode` (as they are after the create) has in
/// a directory with this default ACL; empty when it says no more than the mode. Malformed: empty.
std::string InheritedAcl(const std::string& default_acl, uint32_t mode);

}  // namespace oldornew
