// What is judged: the watched paths, and what an observer finds there.
//
// By default (oracles.md 5) every path is watched whose existence, kind, bytes or symlink target
// differs between the old and the new tree, and every path that was written though it came out the
// same. Each is one subject, judged for itself; --together makes one subject of several; a
// directory given to --watch is one value.
//
// A symlink is looked through: its value is its target text and the tree it leads to inside the
// judged directories. What a flipped symlink leads to (or a new one, if that is a new directory) is
// judged through the symlink and not by its own name, since that is the name readers use: files of
// a directory that is filled first and published by flipping the link may be incomplete until the
// flip.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/crash_states.h"
#include "trace/trace.h"
#include "tree/file_tree.h"

namespace oldornew {

/// A place in one of the trace's roots.
struct Place {
  size_t root = 0;
  std::string path;  ///< below the root; "" is the root itself
  bool operator==(const Place&) const = default;
};

/// One thing that is wholly old or wholly new.
struct Subject {
  std::string name;           ///< for people: the path, or "a + b" for several together
  std::vector<Place> places;  ///< one, or several that are judged as one value
  /// a directory is judged with all that is in it (--watch); else by its kind only
  bool whole_directory = false;
};

struct WatchOptions {
  std::vector<std::string> watch;                  ///< --watch; empty: the default rule
  std::vector<std::vector<std::string>> together;  ///< --together, one list each
};

/// Errors (usage): a --watch path that lies outside the judged directories or exists neither before
/// nor after.
Result<std::vector<Subject>> ChooseSubjects(const Trace& trace, const WatchOptions& options);

/// True when `inner` lies below `outer`, at any depth; no place lies below itself.
bool Inside(const Place& inner, const Place& outer);

/// Path as given on the command line -> place. Absolute paths must lie in a judged root; relative
/// ones are below root 0.
Result<Place> FindPlace(const Trace& trace, const std::string& path);

/// The inode at a place, and where a symlink there leads (kNoInode when it dangles or leads
/// outside).
struct Sight {
  InodeIndex inode = kNoInode;  ///< kNoInode: nothing is there
  InodeIndex leads_to = kNoInode;
};
Sight Look(const Trace& trace, const FileTree& tree, const Place& place);

/// Where a symlink that the run made or changed at `place` leads, when that is a private temporary
/// directory: what is there is not judged, and where /tmp is a tmpfs it does not outlive a reboot.
/// Empty: it does not.
std::string LeadsToTemporary(const Trace& trace, const Place& place);

/// Key of what an observer finds: kind, bytes, symlink target (and what it leads to); for
/// directories of a subject with `whole_directory`, the whole tree. Nothing there has a key of its
/// own. With Value::kCombination the attributes of oracle `attrs` are part of it (oracles.md 6).
enum class Value : uint8_t { kContent, kCombination };
Digest KeyOf(const Trace& trace, const FileTree& tree, const Subject& subject,
             Value value = Value::kContent);

/// The attributes that are judged (oracles.md 6), for people and to compare: "mode 0644", with
/// owner and group when they are not root's, "user.*" attributes and the ACL.
std::string ShowAttributes(const Inode& inode);

/// What the model must carry for this subject: its places and whatever its symlinks lead to at any
/// time of the run.
Projection ProjectionOf(const Trace& trace, const Subject& subject);

/// `place` as people read it: relative for root 0, absolute for others.
std::string ShowPlace(const Trace& trace, const Place& place);

}  // namespace oldornew
