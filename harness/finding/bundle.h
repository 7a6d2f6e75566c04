// The .crash bundle: one finding with its trace, in one file that replays on any machine without root.
// Format: docs/trace-format.md.
#pragma once

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
  std::string outcome;
  std::string message;
  std::vector<std::string> watch;  ///< paths of the subject; several: judged together
  bool whole_directory = false;
  std::string ack = "exit";
  std::string view;
  std::string check;
  std::string profile_table;  ///< ProfileTable::Version() of the program that wrote it; empty in old bundles
  std::string row;  ///< cells of the profile that the token names, as CellsText; empty in old bundles
};

struct Bundle {
  BundleHeader header;
  Trace trace;
};

std::string EncodeBundle(const BundleHeader& header, const Trace& trace);

/// Errors (usage): what is wrong and where: bad magic, unknown version, unknown or missing field with its
/// line, damaged trace.
Result<Bundle> DecodeBundle(std::string_view bytes);

}  // namespace oldornew
