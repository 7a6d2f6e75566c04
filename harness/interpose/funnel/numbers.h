// System calls newer than the headers this is built with (x86-64 table of Linux 6.17), and families
// of calls.
#pragma once

#include <sys/syscall.h>

namespace oldornew::preload {

inline constexpr long kSysQuotactlFd = 443;
inline constexpr long kSysFchmodat2 = 452;
inline constexpr long kSysSetxattrat = 463;
inline constexpr long kSysRemovexattrat = 466;
inline constexpr long kSysOpenTreeAttr = 467;
inline constexpr long kSysFileSetattr = 469;

inline bool IsXattrCall(long nr) {
  switch (nr) {
    case SYS_setxattr:
    case SYS_lsetxattr:
    case SYS_fsetxattr:
    case SYS_removexattr:
    case SYS_lremovexattr:
    case SYS_fremovexattr:
    case kSysSetxattrat:
    case kSysRemovexattrat:
      return true;
    default:
      return false;
  }
}

}  // namespace oldornew::preload
