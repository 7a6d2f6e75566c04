// What checks leave on disk: reports where the user asked for them, bundles and trace in the output
// folder.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/options.h"
#include "report/report.h"

namespace oldornew {

/// --report FORMAT=PATH.
struct ReportTarget {
  std::string format;
  std::string path;
};

/// Makes the files, empty, before anything is run, so that a wrong path costs no run. Errors
/// (usage): no FORMAT=PATH, a format that is not among `formats`, a path that cannot be written.
Result<std::vector<ReportTarget>> OpenReports(const Options& options,
                                              const std::vector<std::string>& formats);

/// Writes bundles, trace and JSON report to the output folder, which is made only when there is
/// something to keep or the user named it; sets the report's paths.
/// `table`: of the rows that were explored; `watch`: what was asked to be judged.
Status WriteOutput(const Options& options, const ProfileTable& table, const WatchOptions& watch,
                   Report* report);

}  // namespace oldornew
