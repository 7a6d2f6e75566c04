#include "cli/bundle_input.h"

#include <unistd.h>

#include <cstdio>

#include "base/files.h"
#include "base/text.h"
#include "cases/case.h"
#include "cli/session.h"
#include "model/columns.h"
#include "trace/format.h"

namespace oldornew {

std::string TracePathOf(const Options& options) {
  return options.trace_path.empty() ? "oldornew.out/run.trace" : options.trace_path;
}

Result<Bundle> LoadBundle(const Options& options) {
  if (access(options.input.c_str(), F_OK) == 0) {
    ASSIGN_OR_RETURN(const std::string bytes, ReadFile(options.input));
    auto bundle = DecodeBundle(bytes);
    if (!bundle) return FailWith(ExitCode::kUsage, "{}: {}", options.input, bundle.error().message);
    return bundle;
  }
  if (options.input.find('/') == std::string::npos || options.input.ends_with(".crash")) {
    return FailWith(ExitCode::kUsage, "{}: no such file", options.input);
  }
  Bundle bundle;
  bundle.header.token = options.input;
  ASSIGN_OR_RETURN(bundle.trace, ReadTrace(TracePathOf(options)));
  return bundle;
}

namespace {

// What the bundle's row says and the one of today does not: "NEWDATA zero, now ordered".
std::string Differences(const Profile& then, const Profile& now) {
  std::vector<std::string> words;
  for (size_t i = 0; i < Columns().size(); ++i) {
    const std::string was = CellText(then, i);
    const std::string is = CellText(now, i);
    if (was != is) words.push_back(fmt::format("{} {}, now {}", Columns()[i].name, was, is));
  }
  return Join(words, "; ");
}

}  // namespace

Result<std::optional<Profile>> RowOf(const Options& options, const Bundle& bundle) {
  ASSIGN_OR_RETURN(const Case which, ParseToken(bundle.header.token));
  const PowerCut* cut = which.As<PowerCut>();
  if (cut == nullptr) return std::nullopt;
  ASSIGN_OR_RETURN(const ProfileTable table, LoadProfiles(options));
  const std::string& name = cut->profile;
  const Profile* now = table.Find(name);
  if (bundle.header.row.empty()) {
    if (now != nullptr) return *now;
    return FailWith(ExitCode::kUsage,
                    "no profile is called {} (--profiles-file gives rows of your own)", name);
  }
  auto then = ParseCells(bundle.header.row);
  if (!then)
    return FailWith(ExitCode::kUsage, "the bundle's row {}: {}", name, then.error().message);
  then->name = name;
  std::string complaint;
  if (now == nullptr) {
    complaint = fmt::format("this table has no row {}", name);
  } else if (CellsDigest(*then) != CellsDigest(*now)) {
    complaint = fmt::format("its row {} differs: {}", name, Differences(*then, *now));
  } else if (bundle.header.profile_table != table.Version()) {
    complaint = fmt::format("its row {} is the same", name);
  }
  if (!complaint.empty()) {
    std::fputs(
        fmt::format("oldornew: the bundle was written with profile table {}, this is {}; {}\n",
                    bundle.header.profile_table, table.Version(), complaint)
            .c_str(),
        stderr);
  }
  return *then;
}

}  // namespace oldornew
