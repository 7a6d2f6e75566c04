// ioctls that change files in a way that is not recorded. Shared with the preload library: no libc,
// no libstdc++.
#pragma once

#include <linux/fs.h>
#include <sys/ioctl.h>

namespace oldornew {

/// Nonzero reason if `request` changes a file in a way that is not recorded. Numbers from
/// linux/fs.h, ext4.h, btrfs.h, f2fs.h.
inline const char* UnmodelledIoctl(unsigned request) {
  constexpr unsigned kBtrfs = 0x94;
  constexpr unsigned kF2fs = 0xf5;
  unsigned type = (request >> 8) & 0xff;
  unsigned number = request & 0xff;
  switch (request) {
    case FS_IOC_SETFLAGS:
      return "changes inode flags (FS_IOC_SETFLAGS)";
    case FS_IOC_FSSETXATTR:
      return "changes inode flags (FS_IOC_FSSETXATTR)";
    case 0xc028660f:
      return "swaps extents (EXT4_IOC_MOVE_EXT)";
    case 0x40305828:
    case 0x4030582a:
      return "allocates space by ioctl (FS_IOC_RESVSP)";
    case 0x4030582b:
      return "frees space by ioctl (FS_IOC_UNRESVSP)";
    case 0x40305839:
      return "zeroes a range by ioctl (FS_IOC_ZERO_RANGE)";
    default:
      break;
  }
  bool writes = (request & (unsigned)(_IOC_WRITE << _IOC_DIRSHIFT)) != 0;
  // Of btrfs's own numbers, 9 and 13 are FICLONE and FICLONERANGE, 54 is FIDEDUPERANGE, which
  // changes no bytes.
  if (type == kBtrfs && writes && number != 9 && number != 13 && number != 54)
    return "uses an ioctl of btrfs";
  if (type == kF2fs && number >= 1 && number <= 5) return "uses atomic writes of f2fs";
  return nullptr;
}

}  // namespace oldornew
