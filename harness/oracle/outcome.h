// Outcome: what a subject that is neither old nor new looks like, in one word.
#pragma once

#include <cstdint>
#include <string>

#include "oracle/versions.h"
#include "oracle/watch.h"

namespace oldornew {

enum class Outcome : uint8_t {
  kEmpty,             ///< a file of no bytes
  kZeros,             ///< all bytes zero
  kGarbage,           ///< bytes nobody wrote: what the disk blocks held before
  kTruncated,         ///< the beginning of old or new, shorter
  kTorn,              ///< parts of versions, or of versions and zeros, in one file
  kMissing,           ///< nothing there
  kDangling,          ///< a symlink that leads to nothing
  kMixed,             ///< several files, each wholly some version, but not of the same one
  kForeign,           ///< another kind of file, or content that is no part of old or new
  kOldAfterAck,       ///< an older version than the one that was acknowledged
  kRejectedByCheck,   ///< the user's --check command said no
  kUnlikeAnyVersion,  ///< the --view command printed what it prints for no version
  /// bytes of one version with the mode, owner, ACL or user attributes of another, or of none
  kMixedAttributes,
  kExposed,         ///< readable by more than old and new allow, while the program runs
  kChangedOutside,  ///< changed, though neither watched nor allowed
  // Of further runs (rerun/):
  kFails,    ///< the command fails where the recorded run succeeded
  kWedged,   ///< it fails every time from then on
  kNotDone,  ///< it reports success, and readers do not find what it should have written
  kChangedThoughFailed,  ///< it reports an error, and has changed the target
  kLinkReplaced,         ///< a symlink became a file
  kModeChanged,          ///< the mode is neither the old nor the intended one
  kInTemporary,          ///< the content lies in a temporary directory
  kLitter,               ///< files are left behind
  kHangs,                ///< it does not end
  kCrashes,              ///< it dies of a signal of its own making
  kLostAfterError,       ///< it reports success after a sync or close has failed
};

/// "empty", "old-after-ack", ...: the names of the JSON report.
const char* OutcomeName(Outcome outcome);

/// Errors (usage): an unknown name, with the known ones.
Result<Outcome> ParseOutcome(const std::string& name);

/// For sentences: "be EMPTY", "read as ZEROS", "still be OLD", ...
std::string OutcomePhrase(Outcome outcome);

struct Classified {
  Outcome outcome = Outcome::kForeign;
  std::string at;  ///< where it shows: the subject's path, or one below it
};

/// REQUIRES: the subject's key in `state` is the key of no version.
Classified Classify(const Trace& trace, const FileTree& state, const Subject& subject,
                    const VersionHistory& history);

}  // namespace oldornew
