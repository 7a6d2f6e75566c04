// End state: how a further run ended, compared with the plain one.
#pragma once

#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "oracle/watch.h"
#include "trace/trace.h"
#include "tree/file_tree.h"

namespace oldornew {

/// What a reader who opens `path` (below root 0) finds, links followed.
struct ReaderView {
  enum class Kind : uint8_t { kNothing, kDangling, kThere };
  Kind kind = Kind::kNothing;
  FileKind file = FileKind::kFile;  ///< kThere: of what the path leads to
  Digest key;                       ///< kThere: kind, bytes and, for directories, all that is in it
  uint32_t mode = 0;                ///< kThere
  bool through_link = false;        ///< the path itself is a symlink
  bool operator==(const ReaderView& other) const { return kind == other.kind && key == other.key; }
};

ReaderView ViewOf(const Trace& trace, const FileTree& tree, const std::string& path);

/// What a run found or left at the places of a subject.
struct EndValue {
  Digest key;       ///< KeyOf
  ReaderView view;  ///< of a subject with one place below root 0; else kNothing
};

EndValue EndValueOf(const Trace& trace, const FileTree& tree, const Subject& subject);

/// Readers do not see where a symlink leads, only what they find there: its target may have a
/// random name.
bool Same(const EndValue& a, const EndValue& b);

/// Paths below root 0 at which `trace` left other bytes, another kind or another target than it
/// found; of what appeared or vanished as a whole only the top.
std::set<std::string> ChangedPaths(const Trace& trace);

/// The run was ended by its time limit.
bool Hung(const Trace& trace, std::chrono::nanoseconds time_limit);

/// "line one" of what the run wrote to standard error, else to standard output; quoted, shortened.
/// "nothing" when it said nothing.
std::string FirstWords(const Trace& trace);

}  // namespace oldornew
