#include "cli/output.h"

#include <unistd.h>

#include <algorithm>

#include "base/files.h"
#include "base/text.h"
#include "finding/bundle.h"
#include "model/columns.h"
#include "run/copy_tree.h"
#include "trace/format.h"

namespace oldornew {

namespace {

// Our own folder is marked, so that the next check does not copy it into its sandbox; a folder the
// user had is left as it is.
Status MakeOutputFolder(const std::string& path) {
  const bool existed = access(path.c_str(), F_OK) == 0;
  RETURN_IF_ERROR(MakeDirectories(path));
  return existed ? Status{} : WriteFile(JoinPath(path, kOutputMarker), "");
}

Status WriteBundles(const Options& options, const ProfileTable& table, const WatchOptions& watch,
                    Report* report) {
  const CheckResult& result = *report->result;
  std::vector<Subject> subjects;
  if (auto chosen = ChooseSubjects(result.trace(), watch)) subjects = std::move(*chosen);
  for (const Finding& finding : result.findings) {
    const auto subject = std::find_if(subjects.begin(), subjects.end(),
                                      [&](const Subject& s) { return s.name == finding.path(); });
    BundleHeader header =
        HeaderOf(result.TraceOf(finding), finding, subject == subjects.end() ? nullptr : &*subject);
    header.ack = options.ack;
    if (options.ack_fd >= 0) header.ack_fd = std::to_string(options.ack_fd);
    header.view = options.view_command;
    header.check = options.check_command;
    header.profile_table = result.profile_table;
    if (const Profile* row = table.Find(ProfileOf(finding.shown.which)))
      header.row = CellsText(*row);

    const std::string id = HashBytes(finding.token() + header.oracle + finding.path()).Short();
    const std::string path = JoinPath(options.output, id + ".crash");
    RETURN_IF_ERROR(WriteFile(path, EncodeBundle(header, result.TraceOf(finding))));
    report->bundles.push_back(path);
  }
  return {};
}

}  // namespace

Result<std::vector<ReportTarget>> OpenReports(const Options& options,
                                              const std::vector<std::string>& formats) {
  std::vector<ReportTarget> out;
  for (const std::string& spec : options.reports) {
    const size_t equals = spec.find('=');
    if (equals == std::string::npos || equals + 1 == spec.size()) {
      return FailWith(ExitCode::kUsage, "--report {}: expected FORMAT=PATH", Quote(spec));
    }
    out.push_back({spec.substr(0, equals), spec.substr(equals + 1)});
    if (std::find(formats.begin(), formats.end(), out.back().format) == formats.end()) {
      return FailWith(ExitCode::kUsage, "--report: unknown format {} (known: {})",
                      Quote(out.back().format), Join(formats, ", "));
    }
    if (auto written = WriteFile(out.back().path, ""); !written) {
      return FailWith(ExitCode::kUsage, "--report: {}", written.error().message);
    }
  }
  return out;
}

Status WriteOutput(const Options& options, const ProfileTable& table, const WatchOptions& watch,
                   Report* report) {
  const bool findings = !report->result->findings.empty();
  if (!findings && !options.output_given) return {};
  RETURN_IF_ERROR(MakeOutputFolder(options.output));
  RETURN_IF_ERROR(WriteTrace(report->result->trace(), JoinPath(options.output, "run.trace")));
  if (findings) RETURN_IF_ERROR(WriteBundles(options, table, watch, report));
  report->report_path = JoinPath(options.output, "report.json");
  return WriteFile(report->report_path, JsonReport(*report));
}

}  // namespace oldornew
