// Oracle `private` (oracles.md 13): at no moment of the run, in no temporary, is a content readable
// by more people than the old and the new file allow.
//
// Who can read is computed as path_resolution(7) and acl(5) say: search permission on every
// directory from the judged root down, then read permission on the file, from the mode bits or the
// ACL. What lies above the root is the same for all that is in it and not recorded: it counts as
// open. The owner who runs the program and root can read anyway and are never counted.
//
// Whose content it is: a file that the run leaves, or found, under a name may be read by whom the
// old or the new file of that name allows. A file that has no name at the end is a temporary: if it
// holds content of such files, or a good part of it, it may be read by whom those allow; what else
// a temporary holds is nobody's secret.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "oracle/watch.h"
#include "trace/trace.h"

namespace oldornew {

/// One file that could be read by more than was allowed.
struct Exposure {
  std::string subject;       ///< the path whose content it is
  std::string path;          ///< where it could be read; the same when it was not a temporary
  std::string who;           ///< "everyone", "group 100", "user 1001"
  uint32_t first_point = 0;  ///< op counts between which it could: after the op first_point - 1 ...
  uint32_t last_point = 0;   ///< ... to before the op last_point has returned
  int32_t created_by = -1;   ///< index of the op that made the file; -1: it was there before
  /// index of the op after which it could be read: it gave the rights, name or content
  uint32_t opened_by = 0;
  uint32_t mode = 0;          ///< that it had then
  uint32_t allowed_mode = 0;  ///< the mode of the widest file of the subject's
};

/// At most one for each file, in order of time.
std::vector<Exposure> FindExposures(const Trace& trace);

/// For tests and messages: may somebody who is user `uid` (and a member of group `gid`, if that is
/// not negative) do `want` (4 read, 1 search) with the inode, by its mode and ACL?
bool Permits(const Inode& inode, int64_t uid, int64_t gid, uint32_t want);

}  // namespace oldornew
