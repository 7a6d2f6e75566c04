// Variants: the same command meeting other old states than the one the user happened to have. Each
// is made from the recorded plain run, which shows what the command changes and under which names
// it works (design.md, --vary-old).
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "oracle/watch.h"
#include "trace/trace.h"
#include "tree/file_tree.h"

namespace oldornew {

/// Why a run of a variant that fails, or ends otherwise than the plain one, is or is not the
/// program's fault.
enum class VariantKind : uint8_t {
  kContent,    ///< the target is absent or empty: what comes out may differ
  kLinked,     ///< the target is a symlink to the old file, or has a second name
  kElsewhere,  ///< the target's symlink leads to something with a name that is not the program's
  /// the directory cannot be changed: the command may fail, and must leave the old content
  kReadOnly,
  kNamed,  ///< the target has a long name, or is named by another path
  kUmask,  ///< another umask
  kStale,  ///< something stands where the program makes its temporary file
};

/// One old state. Paths are below root 0.
struct Variant {
  VariantKind kind = VariantKind::kContent;
  std::string id;     ///< "stale-directory:.tmp-f": for tokens, no spaces of ours
  std::string title;  ///< "with a directory at .tmp-f"
  FileTree old;
  std::vector<std::string> command;
  std::string directory;     ///< where it starts, as the program sees it; empty: as the plain run
  std::string target;        ///< the judged path
  std::string plain_target;  ///< the same in the plain run
  /// readers of the target must find what they find after the plain run
  bool same_content = false;
  std::set<std::string> own;  ///< paths that the variant added and the run may change
  std::string victim;         ///< path that nobody asked to change; empty: none
  /// no crash of the program could have left this: what it breaks is a warning
  bool hostile = false;
};

struct VariantPlan {
  std::vector<Variant> variants;
  std::vector<std::string> notes;  ///< what was left out, and why
};

/// `again` is a second plain run from the same old state: names that differ between the two are
/// random, and nobody can stand in their way. `working_directory` is where the plain run started,
/// as the program saw it.
VariantPlan MakeVariants(const Trace& plain, const Trace& again,
                         const std::vector<Subject>& subjects,
                         const std::string& working_directory);

/// Replaces `name` by `other` where it stands in `word` as a path of its own: the whole word, or
/// between characters that no plain path holds. Returns how often.
int ReplacePath(const std::string& name, const std::string& other, std::string* word);

}  // namespace oldornew
