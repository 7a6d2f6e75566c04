// Finding: one thing that is wrong, with all that a person needs to understand, reproduce and
// repair it. Plain data.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "finding/axis.h"
#include "model/crash_states.h"
#include "oracle/judge.h"
#include "trace/trace.h"

namespace oldornew {

enum class Severity : uint8_t { kError, kWarning };
const char* SeverityName(Severity severity);

/// One path that a finding is about. Findings with the same cause are one finding with several of
/// these.
struct FindingSubject {
  std::string path;
  std::string at;  ///< where in it the shown case goes wrong; often the same
  std::map<Outcome, std::vector<std::string>> outcomes;  ///< of this path
  std::string token;                                     ///< a case that shows it
  std::string stable_path;                               ///< SubjectPattern of the path
};

/// One added sync of a repair: an fsync of `object` after op `after` (index into Trace::ops) has
/// returned.
struct RepairStep {
  ObjectId object = kNoObject;
  uint32_t after = 0;
  std::string text;  ///< "fsync(f.tmp) after 9 write(f.tmp, 4096 B)"
};

struct Finding {
  Oracle oracle = Oracle::kAtomic;
  Axis axis = Axis::kPower;  ///< what has to happen for it
  Severity severity = Severity::kError;
  /// reachable only in profiles that were explored but not asked for (posix): oracles.md 16
  bool pedantic = false;
  std::string path;  ///< the subject
  std::string at;    ///< where in it the shown case goes wrong; often the same
  /// Outcome -> profiles, in the table's order. Of another axis than power: the axis's name in
  /// their place.
  std::map<Outcome, std::vector<std::string>> outcomes;
  std::vector<std::string> profiles;  ///< all in which it is reachable, in the table's order
  std::string message;      ///< one sentence: what can happen, to which file, in which profiles
  std::string explanation;  ///< one sentence: why; may be empty

  // The case shown: the smallest deviation from "nothing lost", in a mainstream profile if there is
  // one.
  Outcome shown = Outcome::kForeign;
  std::string profile;
  std::string token;
  uint32_t first_point = 0;  ///< the power may be lost from this many ops on ...
  uint32_t last_point = 0;   ///< ... to this many
  std::vector<Effect> lost;
  /// For each of `lost`, when that could be computed: is the finding gone if this one alone had
  /// reached the disk?
  std::vector<bool> needed;
  std::vector<uint32_t> on_disk;  ///< ops that are on disk and give the subject its name
  /// private, contained: ops to look at, each with a remark
  std::map<uint32_t, std::string> marks;
  /// view, check: what the command printed; attrs: which attributes; private: the modes; contained:
  /// what changed.
  std::string evidence;
  /// Added syncs after which the finding is gone; empty: not looked for, or (with `repair_failed`)
  /// none found.
  std::vector<RepairStep> steps;
  std::vector<std::string> repair;  ///< their texts
  /// The same without names and places: "fsync file", "fsync directory".
  std::vector<std::string> repair_calls;
  bool repair_failed = false;
  /// profiles, explored as a hint, in which the repair is not known to be enough
  std::vector<std::string> unproven;
  std::string cure;    ///< what to do, when that is no added sync; one sentence
  std::string window;  ///< how long the moment lasts in which the power must not go, in words
  std::string source;  ///< program and place of the guilty call
  /// `path` as it is the same in every run of the program: SubjectPattern. Empty: as `path`.
  std::string stable_path;
  /// not of the recorded run but of a further one: "with an empty config.toml". Else empty
  std::string scene;
  int run = -1;  ///< index of that further run; -1: the recorded one
  /// Not of power cuts: what tells it from the others of its axis and path, the same in every run
  /// ("wedged", "write ENOSPC"). May be empty.
  std::string cause;
  std::string again;     ///< not empty: a command that makes the further run again
  std::string accepted;  ///< not empty: a baseline accepts it, for this reason (gate/baseline.h)
  /// All paths with this cause (oracles.md 15), the shown one first. The fields above are of the
  /// shown one, except that `outcomes` and `profiles` are of all.
  std::vector<FindingSubject> subjects;
};

/// finding.subjects, or, where that was not filled, the one that the finding's own fields make.
std::vector<FindingSubject> SubjectsOf(const Finding& finding);

/// Oracles whose cases are moments of the run itself and not states after a crash: private,
/// contained.
bool IsLive(Oracle oracle);
/// No power needs to be lost for it: of such an oracle, or of another axis than power.
bool IsLive(const Finding& finding);

/// The same for the same finding in every run and on every machine, 16 hex digits: of the oracle,
/// the subject (stable_path), the kinds of the calls that repair it, and, not of power cuts, axis
/// and cause. Nothing of a recording is in it, no time, number, address or token; nor the profiles,
/// so that a new row of the table gives no new finding. Of several paths the shown one counts;
/// FindingIds gives the id that each path would have by itself.
std::string FindingId(const Finding& finding);
/// In the order of SubjectsOf.
std::vector<std::string> FindingIds(const Finding& finding);

/// `path`, with what looks random in the names that the run made anew ("sedB3xK9a", "out.31415")
/// replaced by "*". Names that the old tree has are kept as they are.
std::string SubjectPattern(const Trace& trace, const std::string& path);

/// "ext4 with noauto_da_alloc, xfs" for {"ext4,noauto_da_alloc", "xfs"}. A family's options are
/// left out when its plain row is in the list; `all` (the number of rows explored) equal to the
/// list's length gives "all profiles".
std::string ShowProfiles(const std::vector<std::string>& profiles, size_t all);

/// Fills message, stable_path and subjects from the other fields.
void DescribeCase(const Trace& trace, const VersionHistory* history, int ack,
                  size_t profiles_explored, Finding* finding);

/// Fills explanation, source, cure and window, once lost, needed and repair are known.
void DescribeCause(const Trace& trace, Finding* finding);

/// Data was lost of an object that a later call, which is on disk, gave its name.
bool NameBeforeData(const Trace& trace, const Finding& finding);

}  // namespace oldornew
