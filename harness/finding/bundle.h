// The .crash bundle: one finding with its trace, in one file that replays on any machine without
// root. Format: docs/trace-format.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "finding/finding.h"
#include "trace/trace.h"

namespace oldornew {

inline constexpr int kBundleVersion = 1;

/// What the bundle says beside the trace. Everything is text, so that `head` shows it.
struct BundleHeader {
  std::string token;
  std::string oracle;
  std::string path;  ///< the subject's name
  std::string axis;  ///< what has to happen; empty in old bundles
  std::string outcome;
  std::string message;
  std::vector<std::string> watch;  ///< paths of the subject; several: judged together
  bool whole_directory = false;
  std::string ack = "exit";
  std::string ack_fd;  ///< number of --ack-fd; empty: not given
  std::string view;
  std::string check;
  /// ProfileTable::Version() of the program that wrote it; empty in old bundles
  std::string profile_table;
  /// cells of the profile that the token names, as CellsText; empty in old bundles
  std::string row;
  // What the check found out beside the case, so that `explain` need not search again. Absent in
  // old bundles.
  std::vector<std::string> outcomes;  ///< each "empty: xfs, btrfs"
  std::vector<std::string> repair;    ///< each "OBJECT AFTER TEXT": RepairStep
  std::vector<std::string> subjects;  ///< other paths with the same cause
  std::vector<std::string> unproven;  ///< profiles in which the repair may not be enough
  std::string cure;
  std::string evidence;
  bool repair_failed = false;
};

struct Bundle {
  BundleHeader header;
  Trace trace;
};

/// The header for a finding. `subject` gives the places that are judged; what --ack, --view and
/// --check said is for the caller to add.
BundleHeader HeaderOf(const Trace& trace, const Finding& finding, const Subject* subject);

/// The acknowledgements that the bundle was judged by. Errors (usage): a rule or number that cannot
/// be read.
Result<AckRule> AckOf(const BundleHeader& header);

/// What the bundle judges, in its one case; nullopt: it names no paths (a bare token, a finding of
/// the run itself). Errors (usage): a path that lies outside the judged directories.
Result<std::optional<Subject>> SubjectOf(const Bundle& bundle);

/// The finding that a bundle is about, as the check had it, its case realised anew. Errors (usage):
/// as of RealiseToken, or a header that fits no finding. `row`, if given, is the row to use instead
/// of the built-in one of the token's profile.
Result<Finding> FindingOf(const Bundle& bundle, const Profile* row = nullptr);

std::string EncodeBundle(const BundleHeader& header, const Trace& trace);

/// Errors (usage): what is wrong and where: bad magic, unknown version, unknown or missing field
/// with its line, damaged trace.
Result<Bundle> DecodeBundle(std::string_view bytes);

}  // namespace oldornew
