// profiles: the table of file systems, with the source of each row.
#include <cstdio>

#include "cli/commands.h"
#include "model/profile.h"

namespace oldornew {

Result<ExitCode> RunProfiles(const Options&) {
  for (const Profile& profile : Profiles()) {
    std::fputs(fmt::format("{}{}\n    {}\n", DescribeProfile(profile),
                           profile.mainstream ? "  [mainstream]" : "", profile.source)
                   .c_str(),
               stdout);
  }
  return ExitCode::kClean;
}

}  // namespace oldornew
